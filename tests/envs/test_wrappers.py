"""Wrappers: noise, trial history, scheduled trial types, several tasks in one."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import caudate.envs
from caudate.envs import ScriptedTask, TaskError, make_task
from caudate.envs.wrappers import (
    Blocks,
    ConditionSchedule,
    Independent,
    Markov,
    MultiTask,
    ObservationNoise,
    TrialHistory,
    VectorConditionSchedule,
    VectorObservationNoise,
    VectorTrialHistory,
    schedule_conditions,
)

from .conftest import TASK_IDS, same

MATCH, BANDIT = "caudate/DelayedMatch-v0", "caudate/ReversalBandit-v0"
SCRIPTED = [one for one in TASK_IDS if isinstance(make_task(one), ScriptedTask)]
MODES = ["next_step", "same_step", "disabled"]
PAIR = [MATCH, "caudate/IntervalReproduction-v0"]


def wrapped() -> dict[str, Any]:
    """One environment of every wrapper."""
    return {
        "noise": ObservationNoise(gym.make(MATCH), 0.3),
        "noise on CartPole": ObservationNoise(gym.make("CartPole-v1"), [0.1, 0.2, 0.0, 0.3]),
        "history": TrialHistory(gym.make(BANDIT)),
        "conditions": ConditionSchedule(gym.make(MATCH), Markov(repeat=0.8)),
        "multi": gym.make("caudate/MultiTask-v0", tasks=PAIR),
        "multi with others": gym.make("caudate/MultiTask-v0", tasks=[MATCH, "CartPole-v1"]),
        "all": TrialHistory(
            ObservationNoise(MultiTask([MATCH, BANDIT], schedule="blocked", block_length=2), 0.1)
        ),
    }


@pytest.mark.parametrize("name", wrapped())
def test_gymnasium_check_env(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # CartPole's bounds are infinite, which is Gymnasium's own; and the checker wants the base.
        for text in (".*infinity.*", ".*different from the unwrapped.*", ".*having a spec.*"):
            warnings.filterwarnings("ignore", text)
        check_env(wrapped()[name], skip_render_check=True)


@pytest.mark.parametrize("name", wrapped())
def test_stable_baselines3_check_env(name: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(wrapped()[name])


@pytest.mark.parametrize("name", wrapped())
def test_a_seed_repeats_everything(name: str) -> None:
    first, second = wrapped()[name], wrapped()[name]
    actions = np.random.default_rng(0).integers(first.action_space.n, size=150)
    records = []
    for env in (first, second):
        record = [env.reset(seed=4)]
        for action in actions:
            record.append(env.step(int(action)))
            assert record[-1][0] in env.observation_space
            if record[-1][2] or record[-1][3]:
                record.append(env.reset())
        records.append(record)
    assert same(*records)


@pytest.mark.parametrize(
    "env",
    [
        ObservationNoise(gym.make(MATCH), 0.3),
        TrialHistory(gym.make(MATCH), facts=["choice"]),
        ConditionSchedule(gym.make(MATCH), Markov(repeat=0.9), by="is_match"),
    ],
    ids=lambda env: type(env).__name__,
)
def test_spec_makes_the_same_wrapped_env(env: gym.Env) -> None:
    assert env.spec is not None
    again: Any = gym.make(env.spec)
    assert type(again) is type(env)
    for one in (env, again):
        one.reset(seed=3)
    for _ in range(60):
        here, there = env.step(1), again.step(1)
        assert same(here, there)
        if here[2]:
            assert same(env.reset(), again.reset())


# -------------------------------------------------------------------- noise


def test_noise_has_the_asked_size_and_leaves_the_rest_alone() -> None:
    sigma = np.array([0.0, 0.5, 2.0])
    noisy: Any = VectorObservationNoise(gym.make_vec(MATCH, num_envs=64), sigma)
    plain = gym.make_vec(MATCH, num_envs=64)
    both = [env.reset(seed=0)[0] for env in (noisy, plain)]
    differences = [both[0] - both[1]]
    for _ in range(200):
        mine, theirs = (env.step(np.ones(64, dtype=np.int64)) for env in (noisy, plain))
        assert same(mine[1:4], theirs[1:4])
        assert mine[0].dtype == np.float32
        assert mine[0] in noisy.observation_space
        differences.append(mine[0] - theirs[0])
    noise = np.array(differences)
    assert noise[..., 0].any() == 0
    count = noise[..., 1].size
    assert noise[..., 1].std() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2 * count))
    assert noise[..., 2].std() == pytest.approx(2.0, abs=4 * 2.0 / np.sqrt(2 * count))
    assert abs(noise[..., 1].mean()) < 4 * 0.5 / np.sqrt(count)
    # Neither from column to column nor from step to step.
    for a, b in ((noise[:, :-1, 1], noise[:, 1:, 1]), (noise[:-1, :, 1], noise[1:, :, 1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(count)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [1, 3])
def test_noise_of_a_column_is_that_of_the_single_env(mode: str, n: int) -> None:
    batch: Any = VectorObservationNoise(
        gym.make_vec(MATCH, num_envs=n, autoreset_mode=mode), sigma=0.4
    )
    singles = [ObservationNoise(gym.make(MATCH), sigma=0.4) for _ in range(n)]
    begun = [env.reset(seed=5 + i)[0] for i, env in enumerate(singles)]
    assert same(batch.reset(seed=5)[0], np.array(begun))
    over = np.zeros(n, dtype=bool)
    held = np.array(begun)
    for _ in range(1500):  # more than is drawn ahead
        obs, _, terminated, _, info = batch.step(np.zeros(n, dtype=np.int64))
        for i, env in enumerate(singles):
            if over[i] and mode == "disabled":
                expected = held[i]
            elif over[i] and mode == "next_step":
                expected = env.reset()[0]
            else:
                expected, _, ended, _, _ = env.step(0)
                assert ended == terminated[i]
                if ended and mode == "same_step":
                    assert same(info["final_obs"][i], expected)
                    expected = env.reset()[0]
            assert same(obs[i], expected)
        over, held = terminated & (mode != "same_step"), obs
        if mode == "disabled" and over.all():
            mask = np.arange(n) % 2 == 0
            obs, _ = batch.reset(options={"reset_mask": mask})
            for i, env in enumerate(singles):
                assert same(obs[i], env.reset()[0] if mask[i] else held[i])
            over, held = ~mask, obs


def test_noise_refuses_what_it_cannot_do() -> None:
    for sigma in (-1.0, "much", [0.1, 0.2], float("nan")):
        with pytest.raises(TaskError, match="sigma="):
            ObservationNoise(gym.make(MATCH), sigma)  # type: ignore[arg-type]
    with pytest.raises(TaskError, match="float type"):
        ObservationNoise(gym.make("FrozenLake-v1"), 0.1)


# -------------------------------------------------------------------- history


def test_history_of_a_session() -> None:
    env = TrialHistory(gym.make(BANDIT))
    env.reset(seed=0)
    before: dict[str, Any] = {}
    for number, action in enumerate(np.random.default_rng(1).integers(2, size=200)):
        _, reward, _, truncated, info = env.step(int(action))
        assert info["trial_reward"] == reward
        assert info["prev_choice"] == before.get("choice", -1)
        assert info["prev_correct"] == before.get("correct", -1)
        assert same(info["prev_reward"], before.get("trial_reward", 0.0))
        assert info["trials_before"] == number
        assert info["run_length"] == number + 1  # the bandit has one condition
        before = info
    assert truncated
    env.reset()
    assert env.step(0)[4]["prev_choice"] == before["choice"], "goes on over episodes"
    env.reset(seed=0)
    assert env.step(0)[4]["prev_choice"] == -1, "begins anew with a seed"


def test_nothing_happens_after_the_end() -> None:
    env = TrialHistory(gym.make(MATCH).unwrapped)
    noisy = ObservationNoise(gym.make(MATCH).unwrapped, sigma=0.5)
    beside = ObservationNoise(gym.make(MATCH).unwrapped, sigma=0.5)
    for one in (env, noisy, beside):
        one.reset(seed=0)
    over = False
    while not over:
        over = env.step(0)[2]
    for _ in range(3):
        assert "trials_before" not in env.step(0)[4]
    env.reset()
    over = False
    while not over:
        _, _, over, _, info = env.step(0)
    assert info["trials_before"] == 1
    for one in (noisy, beside):
        over = False
        while not over:
            last, _, over, _, _ = one.step(0)
    for _ in range(3):
        assert same(noisy.step(0)[0], last)
    assert same(noisy.reset()[0], beside.reset()[0])


def test_what_a_task_tells_stays_as_it_is() -> None:
    env = TrialHistory(gym.make("caudate/TwoStep-v0"))
    plain = gym.make("caudate/TwoStep-v0")
    batch = VectorTrialHistory(gym.make_vec("caudate/TwoStep-v0", num_envs=1))
    for one in (env, plain, batch):
        one.reset(seed=0)
    for step in range(30):
        action = step % 2
        mine, theirs = env.step(action)[4], plain.step(action)[4]
        told = batch.step(np.array([action]))[4]
        if "prev_reward" in theirs:
            assert mine["prev_reward"] == theirs["prev_reward"] == told["prev_reward"][0]
    with pytest.raises(TaskError, match="told as prev_reward"):
        TrialHistory(gym.make(BANDIT), facts=["reward"])
    with pytest.raises(TaskError, match="is not a list of names"):
        TrialHistory(gym.make(BANDIT), facts=5)  # type: ignore[arg-type]


def test_run_length_counts_repeats() -> None:
    env = TrialHistory(gym.make(MATCH))
    env.reset(seed=2)
    conditions, runs, rewards = [], [], []
    for _ in range(200):
        total, over = 0.0, False
        while not over:
            _, reward, over, _, info = env.step(1)
            total += reward
        conditions.append(info["condition"])
        runs.append(info["run_length"])
        rewards.append((info["trial_reward"], total))
        env.reset()
    expected, run = [], 0
    for i, condition in enumerate(conditions):
        run = run + 1 if i and condition == conditions[i - 1] else 1
        expected.append(run)
    assert runs == expected
    assert max(runs) > 2
    assert all(told == summed for told, summed in rewards)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trials", [1, 3])
def test_history_of_a_column_is_that_of_the_single_env(mode: str, trials: int) -> None:
    batch: Any = VectorTrialHistory(
        gym.make_vec(MATCH, num_envs=3, autoreset_mode=mode, trials_per_episode=trials)
    )
    actions = np.random.default_rng(0).integers(3, size=(400, 3))
    batch.reset(seed=9)
    told: list[list[dict[str, Any]]] = [[], [], []]
    for row in actions:
        _, _, terminated, truncated, info = batch.step(np.full(3, row[0]))
        for part in (info, info.get("final_info", {})):
            for i in range(3):
                if "_trial_end" in part and part["_trial_end"][i]:
                    told[i].append({k: part[k][i].item() for k in part if k[0] != "_"
                                    and k not in ("final_info", "final_obs")})  # fmt: skip
        over = terminated | truncated
        if mode == "disabled" and over.any():
            batch.reset(options={"reset_mask": over})
    for i in range(3):
        env = TrialHistory(gym.make(MATCH, trials_per_episode=trials))
        env.reset(seed=9 + i)
        mine: list[dict[str, Any]] = []
        over = False
        for row in actions:
            if over and mode == "next_step":
                env.reset()
                over = False
                continue
            _, _, terminated, truncated, info = env.step(int(row[0]))
            over = terminated or truncated
            if "trial_end" in info:
                mine.append(info)
            if over and mode != "next_step":
                env.reset()
        assert len(mine) > 15
        assert same([dict(sorted(one.items())) for one in told[i]],
                    [dict(sorted(one.items())) for one in mine])  # fmt: skip


def test_history_forgets_only_columns_that_were_seeded() -> None:
    batch: Any = VectorTrialHistory(gym.make_vec(BANDIT, num_envs=2, autoreset_mode="disabled"))
    batch.reset(seed=[0, 1])
    batch.step(np.array([1, 1]))
    batch.reset(seed=[5, None])
    info = batch.step(np.array([0, 0]))[4]
    assert info["prev_choice"].tolist() == [-1, 1]


def test_history_of_environments_without_trials() -> None:
    env = TrialHistory(gym.make("CartPole-v1"))
    env.reset(seed=0)
    rewards = []
    for _ in range(3):
        over = False
        while not over:
            _, _, over, _, info = env.step(0)
        rewards.append((info["prev_reward"], info["trial_reward"], info["prev_choice"]))
        env.reset()
    assert [one[0] for one in rewards] == [0.0, *(one[1] for one in rewards[:-1])]
    assert all(one[2] == -1 for one in rewards)


def test_history_refuses_facts_that_are_no_whole_numbers() -> None:
    with pytest.raises(TaskError, match="facts="):
        TrialHistory(gym.make(MATCH), facts="choice")
    env = TrialHistory(gym.make(BANDIT), facts=["regret"])
    env.reset(seed=0)
    with pytest.raises(TaskError, match="'regret' is not a whole number"):
        env.step(0)


# -------------------------------------------------------------------- trial types in order


def types_of(task: Any, n: int, by: str = "is_match", seed: int = 0) -> np.ndarray:
    return task.sample_trials(n, seed).facts[by]


def test_repeating_and_alternating() -> None:
    base, n = make_task(MATCH), 4000
    for repeat in (0.8, 0.2, 1.0, 0.0):
        types = types_of(schedule_conditions(base, Markov(repeat=repeat), by="is_match"), n)
        share = (types[1:] == types[:-1]).mean()
        assert share == pytest.approx(repeat, abs=4 * np.sqrt(repeat * (1 - repeat) / n))
    plain = types_of(base, n)
    assert (plain[1:] == plain[:-1]).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(n))


def test_transitions_are_those_asked_for() -> None:
    matrix = np.array(
        [[0.1, 0.6, 0.3, 0.0], [0.5, 0.0, 0.25, 0.25], [0, 0, 0, 1.0], [0.4, 0.6, 0, 0]]
    )
    task = schedule_conditions(make_task(MATCH), Markov(transitions=matrix.tolist()))
    types = types_of(task, 8000, "condition")
    for before in range(4):
        follows = types[1:][types[:-1] == before]
        shares = np.bincount(follows, minlength=4) / len(follows)
        error = 4 * np.sqrt(matrix[before] * (1 - matrix[before]) / len(follows))
        assert (np.abs(shares - matrix[before]) <= error).all()
    # First trials come in the stationary shares.
    firsts = np.array([types_of(task, 1, "condition", seed)[0] for seed in range(600)])
    stationary = np.linalg.matrix_power(matrix, 200)[0]
    error = 4 * np.sqrt(stationary * (1 - stationary) / 600)
    assert (np.abs(np.bincount(firsts, minlength=4) / 600 - stationary) <= error).all()


def test_trials_of_a_type_are_the_tasks_own() -> None:
    """Within a type everything else is distributed as without the schedule."""
    base = make_task(MATCH)
    scheduled = schedule_conditions(base, Markov(repeat=0.9), by="is_match")
    n = 6000
    facts, own = scheduled.sample_trials(n, 0).facts, base.sample_trials(n, 1).facts
    for kind in (0, 1):
        for fact, value in (("sample", 0), ("delay_ms", 500.0), ("delay_ms", 800.0)):
            shares = [(part[fact][part["is_match"] == kind] == value).mean()
                      for part in (facts, own)]  # fmt: skip
            assert shares[0] == pytest.approx(shares[1], abs=4 * np.sqrt(0.5 / (n / 2)))
    samples = facts["sample"]
    assert abs(np.corrcoef(samples[1:], samples[:-1])[0, 1]) < 4 / np.sqrt(n)


def test_the_trial_before_is_the_one_that_was_shown() -> None:
    task = make_task("caudate/DelayedComparison-v0", trials_per_episode=6)
    for schedule in (Independent(), Markov(repeat=0.8)):
        facts = schedule_conditions(task, schedule).sample_trials(18, 0).facts
        first = facts["trial"] % 6 == 0
        for name in ("f1", "f2"):
            before = np.concatenate([[np.nan], facts[name][:-1]])
            assert same(facts[f"prev_{name}"], np.where(first, np.nan, before))


def test_blocks_of_shares() -> None:
    rules = [Independent([0.9, 0.1]), Independent([0.1, 0.9])]
    task = schedule_conditions(make_task(MATCH), Blocks(rules, length=50), by="is_match")
    facts = task.sample_trials(4000, 3).facts
    assert same(facts["schedule_block"], np.arange(4000) // 50 % 2)
    for block, share in ((0, 0.1), (1, 0.9)):
        found = facts["is_match"][facts["schedule_block"] == block].mean()
        assert found == pytest.approx(share, abs=4 * np.sqrt(0.09 / 2000))


def test_blocks_of_random_length_and_order() -> None:
    rules = [Markov(repeat=0.9), Markov(repeat=0.1), Independent()]
    blocks = Blocks(rules, length=(5, 15), order="random")
    task = schedule_conditions(make_task(MATCH), blocks, by="is_match")
    kinds = task.sample_trials(9000, 0).facts["schedule_block"]
    edges = np.flatnonzero(np.diff(kinds)) + 1
    lengths = np.diff(edges)
    assert set(lengths.tolist()) == set(range(5, 16)), "the next block is always of another kind"
    assert lengths.mean() == pytest.approx(10, abs=4 * np.sqrt(10 / len(lengths)))
    follows = kinds[edges]
    assert set(zip(kinds[edges - 1].tolist(), follows.tolist(), strict=True)) == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }


def test_values_may_be_chosen_and_ordered() -> None:
    base = make_task(MATCH)
    task = schedule_conditions(base, Independent([1, 3]), by="condition", values=[3, 0])
    types = types_of(task, 4000, "condition")
    assert set(types.tolist()) == {0, 3}
    assert (types == 0).mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.1875 / 4000))


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_scheduled_columns_equal_single_envs(sigma: float) -> None:
    """Trial n depends on (column seed, n) alone: not on the batch, actions, resets or the face."""
    schedule = Blocks([Markov(repeat=0.9), Markov(repeat=0.1)], length=(3, 6), order="random")
    base = make_task(MATCH, sigma=sigma)
    batch: Any = VectorConditionSchedule(
        gym.make_vec(MATCH, num_envs=3, sigma=sigma), schedule, by="is_match"
    )
    single: Any = ConditionSchedule(gym.make(MATCH, sigma=sigma), schedule, by="is_match")
    begun, _ = batch.reset(seed=20)
    assert same(single.reset(seed=21)[0], begun[1])
    over, told = False, []
    for step in range(1200):
        action = step % 3
        obs, reward, terminated, _, info = batch.step(np.array([0, action, 2]))
        mine: Any = (single.reset()[0], 0.0, False) if over else single.step(action)
        over = bool(mine[2])
        assert same(mine[0], obs[1])
        assert (mine[1], over) == (reward[1], terminated[1])
        if over:
            told.append(mine[4])
            assert mine[4]["is_match"] == info["is_match"][1]
    facts = schedule_conditions(base, schedule, by="is_match").sample_trials(len(told), 21).facts
    assert len(told) > 50
    for name in ("is_match", "schedule_block", "delay_ms", "trial"):
        assert [one[name] for one in told] == facts[name].tolist()


@pytest.mark.parametrize("task_id", SCRIPTED)
def test_every_scripted_task_takes_a_schedule(task_id: str) -> None:
    task = make_task(task_id)
    scheduled = schedule_conditions(task, Independent())
    batch, single = scheduled.vector(2), schedule_conditions(task, Independent()).env()
    assert same(batch.reset(seed=3)[0][1], single.reset(seed=4)[0])
    batch.action_space.seed(0)
    over = False
    for _ in range(120):
        actions = batch.action_space.sample()
        obs, reward, terminated, truncated, _ = batch.step(actions)
        mine: Any = (single.reset()[0], 0.0, False, False) if over else single.step(actions[1])
        over = mine[2] or mine[3]
        assert same(mine[0], obs[1])
        assert mine[1:4] == (reward[1], terminated[1], truncated[1])


def test_a_schedule_goes_on_from_a_state() -> None:
    env: Any = ConditionSchedule(gym.make(MATCH), Markov(repeat=0.7), by="is_match")
    twin: Any = ConditionSchedule(gym.make(MATCH), Markov(repeat=0.7), by="is_match")
    env.reset(seed=1)
    for _ in range(40):
        while not env.step(1)[2]:
            pass
        env.reset()
    twin.unwrapped.set_state(env.unwrapped.get_state())
    for _ in range(200):
        here, there = env.step(2), twin.step(2)
        assert same(here, there)
        if here[2]:
            assert same(env.reset(), twin.reset())
    other: Any = ConditionSchedule(gym.make(MATCH), Markov(repeat=0.6), by="is_match")
    with pytest.raises(TaskError, match="not this"):
        other.unwrapped.set_state(env.unwrapped.get_state())


def test_scheduled_tasks_have_all_faces() -> None:
    task = schedule_conditions(make_task(MATCH), Markov(repeat=0.8), by="is_match")
    assert task.oracle().predict(task.vector(2).reset(seed=0)[0])[0].tolist() == [0, 0]
    assert task.parameters["schedule"]["repeat"] == 0.8
    again = pickle.loads(pickle.dumps(task))
    assert same(types_of(again, 50), types_of(task, 50))
    with pytest.raises(TaskError, match="own trial statistics"):
        _ = task.yardsticks
    assert make_task(MATCH).yardsticks.optimum == 1.0


@pytest.mark.parametrize(
    ("schedule", "options", "message"),
    [
        (Markov(repeat=1.2), {}, r"repeat=1\.2"),
        (Markov(), {}, "either repeat or transitions"),
        (Markov(transitions=[[0.5, 0.4], [0, 1]]), {"by": "is_match"}, "sum to 1"),
        (Markov(transitions=[[1.0]]), {"by": "is_match"}, "2 by 2"),
        (Independent([0, 0]), {"by": "is_match"}, "all 0"),
        (Independent([1, 2, 3]), {"by": "is_match"}, "weights"),
        (Blocks([], length=3), {}, "at least one"),
        (Blocks([Independent()], length=0), {}, "length=0"),
        (Blocks([Independent()], length=(5, 2)), {}, "length=2"),
        (Blocks([Independent()], length=2, order="any"), {}, "order='any'"),
        ("markov", {}, "is not a schedule"),
        (Independent(), {"by": "is_mach"}, "did you mean 'is_match'"),
        (Independent(), {"by": "correct"}, "choose one of"),
        (Independent(), {"by": "is_match", "values": [0, 7]}, "choose from 0, 1"),
        (Independent(), {"by": "is_match", "values": []}, "choose from 0, 1"),
        (Independent(), {"by": "is_match", "values": 5}, "choose from 0, 1"),
        (Independent(), {"by": "is_match", "values": [[1]]}, "choose from 0, 1"),
        (Blocks(5, 10), {}, "must be a list of Independent and Markov"),  # type: ignore[arg-type]
    ],
)
def test_wrong_schedules_are_told_in_a_sentence(
    schedule: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskError, match=message):
        ConditionSchedule(gym.make(MATCH), schedule, **options)


def test_a_schedule_needs_a_task_that_is_drawn_ahead() -> None:
    with pytest.raises(TaskError, match="ReversalBandit"):
        ConditionSchedule(gym.make(BANDIT), Independent())
    with pytest.raises(TaskError, match="inside other wrappers"):
        ConditionSchedule(gym.make("CartPole-v1"), Independent())
    with pytest.raises(TaskError, match="native batch alone"):
        VectorConditionSchedule(SyncVectorEnv([lambda: gym.make(MATCH)]), Independent())
    task = schedule_conditions(make_task(MATCH), Independent())
    with pytest.raises(TaskError, match="already"):
        schedule_conditions(task, Independent())


# -------------------------------------------------------------------- several tasks


def tasks_played(env: MultiTask, episodes: int, seed: int = 0) -> list[int]:
    played = [env.reset(seed=seed)[1]["task"]]
    return played + [env.reset()[1]["task"] for _ in range(episodes - 1)]


def test_orders_of_tasks() -> None:
    three = [MATCH, BANDIT, "caudate/DelayedMatch-Bench-v0"]
    assert tasks_played(MultiTask(three, schedule="sequential"), 7) == [0, 1, 2, 0, 1, 2, 0]
    env = MultiTask(three, schedule="sequential", block_length=2)
    assert tasks_played(env, 7) == [0, 0, 1, 1, 2, 2, 0]
    played = np.array(tasks_played(MultiTask(three, schedule="blocked", block_length=4), 1200))
    blocks = played.reshape(100, 3, 4)
    assert (blocks == blocks[:, :, :1]).all()
    assert (np.sort(blocks[:, :, 0], axis=1) == np.arange(3)).all()
    assert len({tuple(one) for one in blocks[:, :, 0].tolist()}) == 6
    env = MultiTask(three, weights=[1, 0, 3])
    played = np.array(tasks_played(env, 1000))
    assert set(played.tolist()) == {0, 2}
    assert (played == 2).mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.1875 / 1000))
    assert played.tolist() == tasks_played(env, 1000), "a function of the seed"
    assert played.tolist() != tasks_played(env, 1000, seed=1)


def test_each_task_plays_as_it_does_alone() -> None:
    env = MultiTask([MATCH, BANDIT], schedule="sequential")
    assert env.observation_space.shape == (4 + 2,)
    assert env.action_space == spaces.Discrete(3)
    alone: list[Any] = [gym.make(MATCH), gym.make(BANDIT)]
    obs, info = env.reset(seed=3)
    seeds = list(np.random.default_rng(0).integers(3, size=1000))
    started = [False, False]
    for _ in range(4):
        task = info["task"]
        own = alone[task]
        if started[task]:
            mine, _ = own.reset()
        else:
            column = np.random.SeedSequence([3, task]).generate_state(1, np.uint64)[0]
            mine, _ = own.reset(seed=int(column >> np.uint64(1)))
            started[task] = True
        over = False
        while not over:
            size = len(mine)
            assert same(obs[:size], mine)
            assert not obs[size:4].any()
            assert obs[4:].tolist() == [float(task == 0), float(task == 1)]
            action = int(seeds.pop()) if seeds else 0
            obs, reward, terminated, truncated, info = env.step(action)
            expected = own.step(action if action < own.action_space.n else 0)
            mine = expected[0]
            assert (reward, terminated, truncated) == expected[1:4]
            for key in expected[4]:
                told = "task_condition" if key == "condition" else key
                assert same(info[told], expected[4][key])
            over = terminated or truncated
        assert info["task"] == task
        obs, info = env.reset()


def test_tasks_do_not_share_their_luck() -> None:
    """Two copies of one task see different trials."""
    env = MultiTask([MATCH, MATCH], schedule="sequential", names=["a", "b"])
    seen: list[list[int]] = [[], []]
    env.reset(seed=0)
    for _ in range(200):
        over = False
        while not over:
            _, _, over, _, info = env.step(0)
        seen[info["task"]].append(info["task_condition"])
        env.reset()
    assert seen[0] != seen[1]


def test_what_a_multi_task_tells() -> None:
    env: Any = gym.make("caudate/MultiTask-v0", tasks=[MATCH, (MATCH, {"n_stim": 4}), BANDIT])
    info = env.unwrapped.task_info
    assert info["n_conditions"] == 4 + 8 + 1
    assert info["dt_ms"] == 100.0
    assert info["parameters"]["names"] == [MATCH, f"{MATCH}#2", BANDIT]
    assert info["obs_names"][:2] == ["fixation|go", "stim_0|prev_action_0"]
    assert info["obs_names"][-3:] == ["rule_0", "rule_1", "rule_2"]
    _, begun = env.reset(seed=0, options={"task": BANDIT})
    assert (begun["task"], env.unwrapped.task_name) == (2, BANDIT)
    told = env.step(1)[4]
    assert (told["condition"], told["task_condition"]) == (12, 0)
    mixed = MultiTask([MATCH, "CartPole-v1"], rule_cue=False)
    assert mixed.observation_space.shape == (4,)
    assert "dt_ms" not in mixed.task_info
    assert mixed.obs_names[0] == "fixation|obs_0"


def test_a_multi_task_in_a_batch_and_in_pictures() -> None:
    batch = gym.make_vec(
        "caudate/MultiTask-v0", num_envs=4, vectorization_mode="sync", tasks=[MATCH, BANDIT]
    )
    obs, info = batch.reset(seed=0)
    assert obs.shape == (4, 6)
    assert obs[:, 4:].argmax(axis=1).tolist() == info["task"].tolist()
    assert batch.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    env = MultiTask([MATCH], render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().ndim == 3


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ([], {}, "at least one"),
        (MATCH, {}, "is not a list"),
        ([3], {}, "is no task"),
        ([MATCH], {"schedule": "randm"}, "did you mean 'random'"),
        ([MATCH], {"block_length": 3}, "no meaning"),
        ([MATCH], {"schedule": "blocked", "block_length": 0}, "block_length=0"),
        ([MATCH], {"schedule": "blocked", "weights": [1]}, "random"),
        ([MATCH, BANDIT], {"weights": [1]}, "2 numbers"),
        ([MATCH, BANDIT], {"weights": [np.inf, 1]}, "2 numbers"),
        ([MATCH, BANDIT], {"weights": ["a", "b"]}, "2 numbers"),
        ([MATCH, BANDIT], {"weights": [0, 0]}, "all 0"),
        ([MATCH, BANDIT], {"weights": [-1, 2]}, "2 numbers"),
        ([MATCH, BANDIT], {"names": ["a", "a"]}, "different names"),
        (["FrozenLake-v1"], {}, "not a Box"),
        (["Pendulum-v1"], {}, "not Discrete"),
    ],
)
def test_wrong_multi_tasks_are_told_in_a_sentence(
    tasks: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskError, match=message):
        MultiTask(tasks, **options)


def test_wrong_use_of_a_multi_task() -> None:
    env = MultiTask([MATCH, BANDIT])
    with pytest.raises(TaskError, match="before reset"):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(TaskError, match="action=3"):
        env.step(3)
    with pytest.raises(TaskError, match="did you mean"):
        env.reset(options={"task": "caudate/DelayedMatch-v"})
    shared = gym.make(MATCH)
    with pytest.raises(TaskError, match="twice"):
        MultiTask([shared, shared])
    with pytest.raises(TaskError, match="another MultiTask plays"):
        gym.make_vec("caudate/MultiTask-v0", num_envs=2, vectorization_mode="sync", tasks=[shared])
    first = MultiTask([shared])
    with pytest.raises(TaskError, match="another MultiTask plays"):
        MultiTask([shared])
    first.close()
    second = MultiTask([shared])
    del second  # as good as closed
    MultiTask([shared])


def test_importing_the_library_registers_the_multi_task() -> None:
    assert "caudate/MultiTask-v0" in gym.registry
    assert "caudate/MultiTask-v0" not in caudate.envs.task_ids()
