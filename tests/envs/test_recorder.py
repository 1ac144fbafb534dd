"""The trial recorder around every face, its files, and playing in one call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import caudate.envs
from caudate.envs import TaskError, TrialRecorder, collect_trials, read_trials, write_trials

from .conftest import same

MATCH, BANDIT = "caudate/DelayedMatch-v0", "caudate/ReversalBandit-v0"
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "one trial an episode": (MATCH, {"abort": True}, 3),
    "sessions": (BANDIT, {"trials_per_episode": 4}, 2),
}
COLUMNS, TRIALS, SEED = 3, 10, 5
FACES = [
    *("single", "native next_step", "native same_step", "native disabled"),
    *("sync next_step", "sync same_step", "sb3 native", "sb3 dummy"),
]


def action(column: int, step: int, n: int) -> int:
    """What a column does at a step of its episode: a mixture that is the same for every face."""
    return (column * 7 + step * step) % n


def by_hand(task_id: str, kwargs: dict[str, Any], n: int) -> list[dict[str, Any]]:
    """The rows that are expected, from single environments and nothing else."""
    rows = []
    for column in range(COLUMNS):
        env = gym.make(task_id, **kwargs).unwrapped
        env.reset(seed=SEED + column)
        episode, step, steps, earned, total, mine = 0, 0, 0, 0.0, 0.0, []
        while len(mine) < TRIALS:
            _, reward, terminated, truncated, info = env.step(action(column, step, n))
            step, steps = step + 1, steps + 1
            earned, total = earned + float(reward), total + float(reward)
            if info.get("trial_end"):
                own = {"column": column, "episode": episode, "trial_steps": steps}
                mine.append({**info, **own, "trial_return": earned, "episode_return": np.nan})
                steps, earned = 0, 0.0
            if terminated or truncated:
                for row in mine:
                    if row["episode"] == episode:
                        row["episode_return"] = total
                env.reset()
                episode, step, total = episode + 1, 0, 0.0
        rows += [row for row in mine if not np.isnan(row["episode_return"])]
    return rows


def record(face: str, task_id: str, kwargs: dict[str, Any], n: int) -> dict[str, np.ndarray]:
    """The table of a face after enough steps."""
    recorder = TrialRecorder()
    if face == "single":
        parts = []
        for column in range(COLUMNS):
            recorder = TrialRecorder()
            env = recorder.wrap(gym.make(task_id, **kwargs))
            env.reset(seed=SEED + column)
            step = 0
            while len(recorder) < TRIALS + 4:
                _, _, terminated, truncated, _ = env.step(action(column, step, n))
                step += 1
                if terminated or truncated:
                    env.step(0)  # held by the environment: counts for nothing
                    env.reset()
                    step = 0
            parts.append({**recorder.table(), "column": np.full(len(recorder), column)})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kind, mode = face.split()
    if kind == "sb3":
        vec = pytest.importorskip("stable_baselines3.common.vec_env")
        if mode == "native":
            made = gym.make_vec(task_id, num_envs=COLUMNS, **kwargs).unwrapped.to_sb3()  # type: ignore[attr-defined]
        else:
            made = vec.DummyVecEnv([lambda: gym.make(task_id, **kwargs)] * COLUMNS)
        env = recorder.wrap(made)
        assert isinstance(env, vec.VecEnv)
        env.seed(SEED)
        env.reset()
    elif kind == "native":
        made = gym.make_vec(task_id, num_envs=COLUMNS, autoreset_mode=mode, **kwargs)
        env = recorder.wrap(made)
        env.reset(seed=SEED)
    else:
        made = [lambda: gym.make(task_id, **kwargs)] * COLUMNS
        env = recorder.wrap(SyncVectorEnv(made, autoreset_mode=AutoresetMode[mode.upper()]))
        env.reset(seed=SEED)
    step, over = np.zeros(COLUMNS, dtype=int), np.zeros(COLUMNS, dtype=bool)
    while recorder.fewest() < TRIALS + 4:
        actions = np.array([action(i, int(step[i]), n) for i in range(COLUMNS)])
        result = env.step(actions)
        ended = result[2] if kind == "sb3" else result[2] | result[3]
        step += 1
        if mode == "disabled":
            # Ended columns are held for a while: that counts for nothing.
            if ended.all():
                env.reset(options={"reset_mask": ended})
                step[ended] = 0
        elif "next" in mode:
            step[over] = 0
            over = ended
        else:
            step[ended] = 0
    return recorder.table()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("case", CASES)
def test_every_face_gives_the_same_table(face: str, case: str) -> None:
    task_id, kwargs, n = CASES[case]
    if face == "native disabled" and case == "one trial an episode":
        kwargs = {**kwargs, "delay": 500.0, "abort": False}
    rows = by_hand(task_id, kwargs, n)
    table = record(face, task_id, kwargs, n)
    places = {
        key: i
        for i, key in enumerate(zip(table["column"].tolist(), table["trial"].tolist(), strict=True))
    }
    assert len(places) == len(table["trial"])
    assert set(table) == set(rows[0]) - {"trial_end"}
    for row in rows:
        i = places[row["column"], row["trial"]]
        for name, values in table.items():
            assert same(values[i].item(), row[name]) or values[i] == pytest.approx(row[name]), name
            kind = "i" if isinstance(row[name], int) else "f"
            assert values.dtype.kind == kind, name


def test_rows_stand_by_column_and_time() -> None:
    table = record("native next_step", *CASES["sessions"])
    assert list(table)[:6] == [
        *("column", "episode", "trial", "trial_steps", "trial_return", "episode_return"),
    ]
    order = np.lexsort((table["trial"], table["column"]))
    assert (order == np.arange(len(order))).all()
    assert (table["episode"] == table["trial"] // 4).all()
    whole = ~np.isnan(table["episode_return"])
    for column in range(COLUMNS):
        mine = whole & (table["column"] == column)
        sums = table["trial_return"][mine].reshape(-1, 4).sum(axis=1)
        assert table["episode_return"][mine][::4] == pytest.approx(sums)


def test_a_trial_that_a_reset_breaks_off_is_left_out() -> None:
    recorder = TrialRecorder()
    env = recorder.wrap(gym.make(MATCH))
    for _ in range(3):
        env.reset(seed=0)
        env.step(0)
        env.step(0)
    assert len(recorder) == 0
    env.reset(seed=0)
    done = False
    while not done:
        _, _, done, _, _ = env.step(0)
    table = recorder.table()
    assert table["episode"].tolist() == [3]
    assert table["trial_steps"] * 100 == table["delay_ms"] + 500


def test_a_masked_reset_breaks_off_only_its_columns() -> None:
    recorder = TrialRecorder()
    env = recorder.wrap(gym.make_vec(MATCH, num_envs=3, autoreset_mode="disabled", delay=500.0))
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.zeros(3, dtype=int))
    env.reset(options={"reset_mask": np.array([False, True, False])})
    for _ in range(6):
        env.step(np.zeros(3, dtype=int))
    table = recorder.table()
    assert table["column"].tolist() == [0, 2]
    assert table["trial_steps"].tolist() == [10, 10]
    for _ in range(4):
        env.step(np.zeros(3, dtype=int))
    table = recorder.table()
    assert table["column"].tolist() == [0, 1, 2]
    assert table["episode"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_a_time_limit_that_breaks_off_trials_leaves_none(mode: str) -> None:
    recorder = TrialRecorder()
    options: dict[str, Any] = {"autoreset_mode": mode, "max_episode_steps": 3}
    env = recorder.wrap(gym.make_vec(MATCH, num_envs=2, **options))
    env.reset(seed=0)
    for _ in range(20):
        env.step(np.zeros(2, dtype=int))
    assert len(recorder) == 0
    assert set(recorder.table()) == {
        *("column", "episode", "trial", "trial_steps", "trial_return", "episode_return"),
    }


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_environments_without_trials_have_a_row_an_episode(mode: AutoresetMode) -> None:
    recorder = TrialRecorder()
    made = SyncVectorEnv([lambda: gym.make("CartPole-v1")] * 2, autoreset_mode=mode)
    env = recorder.wrap(made)
    env.reset(seed=0)
    for _ in range(60):
        env.step(np.ones(2, dtype=int))
    table = recorder.table()
    assert len(table["trial"]) > 8
    assert (table["trial"] == table["episode"]).all()
    # CartPole pays 1 a step, so a row of a reset would show as a step without pay.
    assert (table["trial_steps"] == table["episode_return"]).all()
    assert (table["trial_return"] == table["episode_return"]).all()


def test_by_episode_can_be_said() -> None:
    recorder = TrialRecorder(by_episode=False)
    env = recorder.wrap(gym.make("CartPole-v1"))
    env.reset(seed=0)
    for _ in range(30):
        _, _, terminated, _, _ = env.step(1)
        if terminated:
            env.reset()
    assert len(recorder) == 0


def test_facts_that_only_some_trials_have() -> None:
    recorder = TrialRecorder()
    tasks = [MATCH, "caudate/IntervalReproduction-v0"]
    env = recorder.wrap(gym.make("caudate/MultiTask-v0", tasks=tasks, schedule="sequential"))
    env.reset(seed=0)
    for _ in range(200):
        _, _, terminated, _, _ = env.step(0)
        if terminated:
            env.reset()
    table = recorder.table()
    match = table["task"] == 0
    assert 0 < match.sum() < len(match)
    assert table["task"].dtype.kind == "i"
    assert np.isnan(table["delay_ms"][~match]).all()
    assert not np.isnan(table["delay_ms"][match]).any()
    assert np.isnan(table["sample"][~match]).all()
    assert np.isnan(table["t_sample_ms"][match]).all()


def test_only_the_facts_asked_for() -> None:
    recorder = TrialRecorder(facts=["choice"])
    env = recorder.wrap(gym.make(BANDIT))
    env.reset(seed=0)
    env.step(1)
    assert set(recorder.table()) == {
        *("column", "episode", "trial", "trial_steps", "trial_return", "episode_return", "choice")
    }


def test_clearing_forgets_finished_trials_alone() -> None:
    recorder = TrialRecorder()
    env = recorder.wrap(gym.make(BANDIT))
    env.reset(seed=0)
    env.step(1)
    recorder.clear()
    assert len(recorder) == 0
    env.step(1)
    assert recorder.table()["trial"].tolist() == [1]


class Odd(gym.Env[Any, Any]):
    """Tells things of every kind."""

    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.n = getattr(self, "n", -1) + 1
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action: Any) -> Any:
        told = {"word": "yes, no" if self.n % 2 else 'a "b"', "flag": self.n % 2 == 0}
        other = {"nested": {"a": 1}, "array": np.ones(2), "ragged": [[1], [1, 2]], "none": None}
        return np.zeros(1, dtype=np.float32), 0.1, True, False, {**told, **other}


@pytest.mark.parametrize("vector", [False, True])
def test_numbers_truth_values_and_strings_are_facts(vector: bool, tmp_path: Path) -> None:
    recorder = TrialRecorder()
    made: Any = Odd()
    if vector:
        made = SyncVectorEnv([Odd], autoreset_mode=AutoresetMode.SAME_STEP)
    env = recorder.wrap(made)
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.zeros(1, dtype=int) if vector else 0)
        if not vector:
            env.reset()
    table = recorder.table()
    assert set(table) - {"word", "flag"} == set(TrialRecorder().table())
    assert table["word"].tolist() == ['a "b"', "yes, no", 'a "b"']
    assert table["flag"].dtype == np.int64
    assert table["flag"].tolist() == [1, 0, 1]
    assert same(read_trials(recorder.to_csv(tmp_path / "odd.csv")), table)


# -------------------------------------------------------------------- files


def test_a_file_gives_the_table_back(tmp_path: Path) -> None:
    table = collect_trials("caudate/IntervalReproduction-v0", n_trials=50, num_envs=5)
    path = write_trials(table, tmp_path / "deep" / "trials.csv")
    assert same(read_trials(path), table)
    assert list(read_trials(str(path))) == list(table)
    assert path.read_text().count("\n") == 51
    assert os.listdir(path.parent) == ["trials.csv"]


def test_an_empty_table_has_its_names(tmp_path: Path) -> None:
    path = TrialRecorder().to_csv(tmp_path / "none.csv")
    assert {name: len(values) for name, values in read_trials(path).items()} == dict.fromkeys(
        TrialRecorder().table(), 0
    )


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_trials({"a": [1, 2]}, tmp_path / "t.csv")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TaskError, match="No space left on device"):
        write_trials({"a": [3]}, path)
    assert read_trials(path)["a"].tolist() == [1, 2]
    assert os.listdir(tmp_path) == ["t.csv"]


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1\n")
    (tmp_path / "empty.csv").write_text("")
    for name in ("x.csv", "empty.csv", "missing.csv"):
        with pytest.raises(TaskError, match=name):
            read_trials(tmp_path / name)
    with pytest.raises(TaskError, match="different lengths"):
        write_trials({"a": [1], "b": [1, 2]}, tmp_path / "y.csv")


# -------------------------------------------------------------------- misuse


def test_misuse_is_told() -> None:
    recorder = TrialRecorder()
    recorder.wrap(gym.make(MATCH))
    with pytest.raises(TaskError, match="already"):
        recorder.wrap(gym.make(MATCH))
    with pytest.raises(TaskError, match="no environment"):
        TrialRecorder().wrap("caudate/DelayedMatch-v0")
    with pytest.raises(TaskError, match="list of names"):
        TrialRecorder(facts="choice")


# -------------------------------------------------------------------- playing in one call


class Random:
    """Actions that are drawn from an own generator."""

    def __init__(self, n: int) -> None:
        self.n, self.random = n, np.random.default_rng(0)

    def predict(self, obs: Any, state: Any, start: Any, deterministic: bool) -> Any:
        return self.random.integers(self.n, size=len(obs)), state


def test_collected_trials_are_the_first_of_each_column() -> None:
    # Aborted trials are short: a plain stop after n trials would have too many of them.
    table = collect_trials(MATCH, Random(3), n_trials=103, num_envs=10, seed=4, abort=True)
    assert len(table["trial"]) == 103
    counts = np.bincount(table["column"])
    assert counts.tolist() == [11] * 3 + [10] * 7
    assert all(
        (table["trial"][table["column"] == i] == np.arange(counts[i])).all() for i in range(10)
    )
    assert table["fixation_break"].any()


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_the_oracle_reaches_the_optimum_on_every_face(mode: str) -> None:
    batch = gym.make_vec(MATCH, num_envs=4, autoreset_mode=mode, sigma=0.0)
    for env in (MATCH, caudate.envs.make_task(MATCH), gym.make(MATCH), batch):
        table = collect_trials(env, n_trials=20)
        assert table["correct"].tolist() == [1] * 20


def test_memory_is_cleared_where_episodes_begin() -> None:
    for mode in ("next_step", "same_step"):
        env = gym.make_vec(BANDIT, num_envs=3, autoreset_mode=mode, trials_per_episode=7)
        whole = collect_trials(env, n_trials=63, seed=1)
        # The observer begins each session knowing nothing, so its choices are those of a fresh one.
        one = gym.make_vec(BANDIT, num_envs=3, autoreset_mode="next_step", trials_per_episode=7)
        first = collect_trials(one, n_trials=21, seed=1)
        opening = whole["episode"] == 0
        assert same(whole["choice"][opening], first["choice"])
        assert (whole["choice"][whole["trial"] % 7 == 0] == 0).all()


def test_other_environments_and_misuse() -> None:
    table = collect_trials("CartPole-v1", Random(2), n_trials=6, num_envs=2)
    assert table["column"].tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(TaskError, match="oracle"):
        collect_trials("CartPole-v1", n_trials=2)
    with pytest.raises(TaskError, match="does not reset itself"):
        collect_trials(gym.make_vec(MATCH, num_envs=2, autoreset_mode="disabled"))
    with pytest.raises(TaskError, match="parameters belong to an id"):
        collect_trials(gym.make(MATCH), n_trials=2, delay=500.0)
    with pytest.raises(TaskError, match="no id, task"):
        collect_trials(3)  # type: ignore[arg-type]
