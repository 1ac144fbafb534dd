"""What every task must do, tried on every registered id."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import caudate.envs
from caudate.envs import TaskError

from .conftest import batched, play, same, single

STEPS = 450
MODES = ["next_step", "same_step", "disabled"]


def actions_for(env: Any, steps: int, seed: int = 0) -> np.ndarray:
    """Random actions (steps, B, ...)."""
    space, generator = env.single_action_space, np.random.default_rng(seed)
    shape = (steps, env.num_envs, *space.shape)
    if isinstance(space, spaces.Discrete):
        return generator.integers(space.n, size=shape)
    if isinstance(space, spaces.MultiBinary):
        return generator.integers(2, size=shape, dtype=np.int8)
    return generator.uniform(space.low, space.high, size=shape).astype(np.float32)


def action_number(space: Any, number: int) -> Any:
    """An action that depends on a number: 0 is to withhold where there is such an action."""
    if isinstance(space, spaces.Discrete):
        return number % int(space.n)
    if isinstance(space, spaces.MultiBinary):
        return (np.arange(space.shape[0]) < number % 3).astype(np.int8)
    return np.full(space.shape, (0.0, 0.7, -0.4)[number % 3], dtype=np.float32)


def is_variant(task_id: str) -> bool:
    """Whether an id is that of a preset, a task with other parameters."""
    return task_id.removesuffix("-v0").count("-") > 0


def plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def scalars(info: dict[str, Any], column: int) -> dict[str, Any]:
    return {
        key: value[column]
        for key, value in info.items()
        if key[0] != "_" and info[f"_{key}"][column]
    }


# -------------------------------------------------------------------- other people's checkers


def test_gymnasium_check_env(task_id: str) -> None:
    env = single(task_id, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_stable_baselines3_check_env(task_id: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(gym.make(task_id, render_mode="rgb_array"))


def test_spec_is_json_and_makes_the_same_env(task_id: str) -> None:
    spec = single(task_id).spec
    assert spec is not None
    again: Any = gym.make(EnvSpec.from_json(spec.to_json()))
    assert again.unwrapped.task.parameters == single(task_id).task.parameters


def test_module_prefix_needs_no_import(task_id: str) -> None:
    assert single(f"caudate.envs:{task_id}").task_info["id"] == task_id


def test_make_vec_gives_the_native_batch(task_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = batched(task_id, num_envs=3)
    assert type(batch) is caudate.envs.TaskVectorEnv
    assert batch.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP is batch.autoreset_mode
    obs, _ = batch.reset(seed=0)
    assert obs in batch.observation_space
    assert obs.dtype == np.float32


def test_task_info(task_id: str) -> None:
    info = single(task_id).task_info
    assert json.loads(json.dumps(info)) == info
    assert set(info) == {"id", "family", "dt_ms", "obs_names", "n_conditions", "parameters"}
    batch = batched(task_id, num_envs=2)
    assert batch.unwrapped.task_info == info
    assert len(info["obs_names"]) == batch.single_observation_space.shape[0]


# -------------------------------------------------------------------- seeds and columns


@pytest.mark.parametrize("n", [1, 3, 64])
@pytest.mark.parametrize("past", [{}, {"prev_action": True, "prev_reward": True, "time": True}])
def test_column_equals_single_env(task_id: str, n: int, past: dict[str, bool]) -> None:
    if n != 3 and is_variant(task_id):
        return  # other parameters of a task that is tried with all sizes
    batch = batched(task_id, num_envs=n, **past)
    actions = actions_for(batch, STEPS if n < 64 else 220)
    begin, _ = batch.reset(seed=7)
    record = [batch.step(row) for row in actions]
    for column in {0, n // 2, n - 1}:
        env = single(task_id, **past)
        assert same(env.reset(seed=7 + column)[0], begin[column])
        over = False
        for row, (obs, reward, terminated, truncated, info) in zip(actions, record, strict=True):
            # The native batch autoresets in the next step: reward 0, no flags, the action ignored.
            mine = (env.reset()[0], 0.0, False, False, {}) if over else env.step(row[column])
            over = mine[2] or mine[3]
            assert same(mine[0], obs[column])
            assert mine[1] == reward[column]
            assert (mine[2], mine[3]) == (terminated[column], truncated[column])
            theirs = scalars(info, column)
            assert mine[4].keys() == theirs.keys()
            assert all(same(mine[4][key], theirs[key].item()) for key in theirs)
            assert all(isinstance(value, (bool, int, float)) for value in mine[4].values())


def test_seeds_decide_everything(task_id: str) -> None:
    batch, twin = batched(task_id, num_envs=4), batched(task_id, num_envs=4)
    actions = actions_for(batch, 60)
    assert same(batch.reset(seed=[5, 9, 5, 2**62]), twin.reset(seed=np.array([5, 9, 5, 2**62])))
    actions[:, 2] = actions[:, 0]
    for row in actions:
        result = batch.step(row)
        assert same(result, twin.step(row))
        assert same(result[0][0], result[0][2])


def test_trials_do_not_depend_on_actions(task_id: str) -> None:
    """Trial n of a column is the same whatever was done before it."""
    task = caudate.envs.make_task(task_id)
    if task.reactive:
        return  # its luck is seen through its own rules alone: columns with one seed agree, above
    drawn = {"best_arm", "p_best", "condition"}
    if isinstance(task, caudate.envs.ScriptedTask):
        drawn = set(task.drawn_facts)
    tables = []
    for seed in (0, 1):
        batch = task.vector(1, autoreset_mode="next_step")
        facts = play(batch, task.random_policy(seed), 40, seed=3)
        order = np.argsort(facts["trial"])[:40]
        assert np.array_equal(facts["trial"][order], np.arange(40))
        tables.append({key: facts[key][order] for key in drawn & facts.keys()})
    assert tables[0]
    assert same(*tables)


def test_reset_goes_on_to_the_next_episode(task_id: str) -> None:
    env = single(task_id)
    env.reset(seed=1)
    first = [env.reset()[0] for _ in range(5)]
    env.reset(seed=1)
    assert same(first, [env.reset()[0] for _ in range(5)])


# -------------------------------------------------------------------- autoreset


def test_modes_agree_with_gymnasium(task_id: str) -> None:
    """Our batch equals Gymnasium's own loop over our single envs, in all three modes."""
    compare_with_gymnasium(task_id, {}, 230)


def compare_with_gymnasium(task_id: str, kwargs: dict[str, Any], steps: int) -> None:
    for mode in AutoresetMode:
        for limit in (None, 9):
            ours = batched(task_id, 3, autoreset_mode=mode, max_episode_steps=limit, **kwargs)
            options = {**kwargs, "max_episode_steps": limit or -1}
            theirs = SyncVectorEnv(
                [lambda options=options: gym.make(task_id, **options)] * 3,
                autoreset_mode=mode,
            )
            _compare(ours, theirs, mode, steps if limit is None else 40)


def _compare(ours: Any, theirs: Any, mode: AutoresetMode, steps: int) -> None:
    assert same(ours.reset(seed=11)[0], theirs.reset(seed=11)[0])
    for row in actions_for(ours, steps):
        mine, gym_s = ours.step(row), theirs.step(row)
        for a, b in zip(mine[:4], gym_s[:4], strict=True):
            assert same(a, b)
        assert alike(mine[4], gym_s[4])
        over = mine[2] | mine[3]
        if mode is AutoresetMode.DISABLED and over.any():
            a = ours.reset(options={"reset_mask": over})
            b = theirs.reset(options={"reset_mask": over})
            assert same(a[0], b[0])


def alike(a: Any, b: Any) -> bool:
    """Equal infos: Gymnasium gathers them column by column, so that types may differ."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) and a.dtype == object:
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_make_vec_gives_the_same_rollouts_in_every_mode(task_id: str) -> None:
    native = batched(task_id, num_envs=2)
    others = [
        gym.make_vec(task_id, num_envs=2, vectorization_mode=mode) for mode in ("sync", "async")
    ]
    begin = native.reset(seed=3)[0]
    assert all(same(other.reset(seed=3)[0], begin) for other in others)
    for row in actions_for(native, 50, seed=5):
        mine = native.step(row)
        for other in others:
            theirs = other.step(row)
            assert all(same(a, b) for a, b in zip(mine[:4], theirs[:4], strict=True))
            assert alike(mine[4], theirs[4])
    for other in others:
        other.close()


def test_modes_agree_with_each_other(task_id: str) -> None:
    """The same episodes come out of each mode: next-step rows between them are all that differs."""
    episodes = {mode: _episodes(task_id, mode) for mode in MODES}
    assert same(episodes["next_step"], episodes["same_step"])
    assert same(episodes["next_step"], episodes["disabled"])


def _episodes(task_id: str, mode: str, count: int = 3) -> list[list[list[Any]]]:
    """Rewards and observations of the first episodes of two columns; action = step number."""
    batch = batched(task_id, num_envs=2, autoreset_mode=mode)
    obs, _ = batch.reset(seed=4)
    done: list[list[list[Any]]] = [[], []]
    steps = np.zeros(2, dtype=int)
    now: list[list[Any]] = [[obs[0].tolist()], [obs[1].tolist()]]
    fresh = np.zeros(2, dtype=bool)
    while min(len(one) for one in done) < count:
        space = batch.single_action_space
        actions = np.array([action_number(space, step // 3 + 1) for step in steps])
        obs, reward, terminated, truncated, info = batch.step(actions)
        over = terminated | truncated
        for column in range(2):
            if fresh[column]:
                now[column], steps[column], fresh[column] = [obs[column].tolist()], 0, False
                continue
            last = obs[column]
            if mode == "same_step" and over[column]:
                last = info["final_obs"][column]
            now[column] += [float(reward[column]), last.tolist()]
            steps[column] += 1
            if over[column]:
                done[column].append(now[column])
                now[column], steps[column] = [obs[column].tolist()], 0
                fresh[column] = mode == "next_step"
        if mode == "disabled" and over.any():
            obs, _ = batch.reset(options={"reset_mask": over})
            for column in over.nonzero()[0]:
                now[column], steps[column] = [obs[column].tolist()], 0
    return [one[:count] for one in done]


def test_disabled_holds_finished_columns(task_id: str) -> None:
    batch = batched(task_id, num_envs=5, autoreset_mode="disabled")
    batch.reset(seed=0)
    over = np.zeros(5, dtype=bool)
    before: Any = None
    longest = max(STEPS, getattr(batch.task, "max_steps", 0))
    for row in np.concatenate([actions_for(batch, longest), actions_for(batch, 20)]):
        result = batch.step(row)
        if before is not None:
            assert same(result[0][over], before[0][over])
            assert (result[1][over] == 0).all()
            assert same(result[2][over], before[2][over])
            assert same(result[3][over], before[3][over])
            assert not result[4].get("_trial_end", over & False)[over].any()
        over, before = result[2] | result[3], result
    assert over.all()


# -------------------------------------------------------------------- memory and state


def arrays_in(value: Any) -> list[np.ndarray]:
    if isinstance(value, dict):
        return [array for one in value.values() for array in arrays_in(one)]
    if isinstance(value, (list, tuple)):
        return [array for one in value for array in arrays_in(one)]
    if isinstance(value, np.ndarray):
        inner = arrays_in(list(value)) if value.dtype == object else []
        return [value, *inner]
    return []


@pytest.mark.parametrize("mode", MODES)
def test_no_memory_is_shared(task_id: str, mode: str) -> None:
    batch = batched(task_id, num_envs=3, autoreset_mode=mode)
    twin = batched(task_id, num_envs=3, autoreset_mode=mode)
    seen = arrays_in(batch.reset(seed=0))
    twin.reset(seed=0)
    for row in actions_for(batch, 30):
        result = batch.step(row)
        assert same(result, twin.step(row)), "what a caller wrote came back"
        new = arrays_in(result)
        for i, array in enumerate(new):
            assert not any(np.shares_memory(array, other) for other in seen + new[:i])
        seen = [array for array in seen + new if array.dtype != object][-120:]
        for array in new:
            if array.dtype != object:
                array[...] = 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("past", [{}, {"prev_action": True, "prev_reward": True, "time": True}])
def test_state_is_exact(task_id: str, mode: str, past: dict[str, bool]) -> None:
    """A batch put back, or another one set, goes on bit for bit from any step."""
    if past and is_variant(task_id):
        return
    options: dict[str, Any] = {"autoreset_mode": mode, **past}
    batch, other = (batched(task_id, num_envs=3, **options) for _ in range(2))
    batch.reset(seed=[3, 1, 3])
    actions = actions_for(batch, 70)
    for start in (0, 4, 9, 13, 30):
        for row in actions[:start]:
            batch.step(row)
        state = batch.unwrapped.get_state()
        text = json.dumps(state, default=lambda array: array.tolist())
        expected = [batch.step(row) for row in actions]
        other.unwrapped.set_state(json.loads(text))
        assert same([other.step(row) for row in actions], expected)
        batch.unwrapped.set_state(state)
        assert same([batch.step(row) for row in actions], expected)
        assert same(batch.reset(), other.reset())


def test_state_of_single_env(task_id: str) -> None:
    env, other, undisturbed = (single(task_id) for _ in range(3))
    for one in (env, undisturbed):
        one.reset(seed=2)
        one.step(action_number(env.action_space, 0))
    other.set_state(env.get_state())
    longest = getattr(env.task, "max_steps", 40)
    for step in range(max(40, longest if longest < 300 else 0)):
        action = action_number(env.action_space, step % 7 == 3)
        expected = undisturbed.step(action)
        assert same(env.step(action), expected)
        assert same(other.step(action), expected)
        if expected[2] or expected[3]:
            expected = undisturbed.reset()
            assert same(env.reset(), expected)
            assert same(other.reset(), expected)


# -------------------------------------------------------------------- yardsticks


@pytest.mark.parametrize("kind", ["optimum", "random"])
def test_policies_reach_their_yardstick(task_id: str, kind: str) -> None:
    task = caudate.envs.make_task(task_id)
    sessions = task.trials_per_episode > 1
    batch = task.vector(256, autoreset_mode="next_step")
    policy = task.oracle() if kind == "optimum" else task.random_policy(1)
    long = getattr(task, "max_steps", 0) > 150
    trials = 256 * task.trials_per_episode if sessions else (768 if long else 4000)
    facts = play(batch, policy, trials, seed=1000)
    score = task.score(facts)
    assert ((score >= 0) & (score <= 1)).all()
    if sessions:  # scores within a session hang together
        whole = facts["trial"] < task.trials_per_episode
        score = np.bincount(facts["column"][whole], score[whole]) / task.trials_per_episode
    error = max(score.std(), 0.02) / np.sqrt(len(score))
    assert abs(score.mean() - getattr(task.yardsticks, kind)) < 4 * error + 1e-9


def test_yardsticks_are_in_order(task_id: str) -> None:
    task = caudate.envs.make_task(task_id)
    yardsticks = task.yardsticks
    # Only where the subject sees its own past is it left open what one observation allows.
    assert yardsticks.memoryless is not None or task.prev_action or task.prev_reward
    assert 0 <= yardsticks.random <= yardsticks.chance <= yardsticks.optimum <= 1 + 1e-12
    if yardsticks.memoryless is not None:
        assert yardsticks.random <= yardsticks.memoryless <= yardsticks.optimum
    if yardsticks.oracle_full is not None:
        assert yardsticks.optimum <= yardsticks.oracle_full


def test_oracle_uses_only_its_own_memory(task_id: str) -> None:
    """Columns do not influence one another, and episode_start clears the memory."""
    task = caudate.envs.make_task(task_id)
    batch = task.vector(4, autoreset_mode="disabled")
    oracle = task.oracle()
    obs, _ = batch.reset(seed=0)
    together, state, alone, single = None, None, None, None
    for _ in range(15):
        together, state = oracle.predict(obs, state)
        alone, single = oracle.predict(obs[2], single)
        assert same(together[2], alone)
        obs = batch.step(together)[0]
    assert state is not None
    fresh, _ = oracle.predict(obs, None)
    cleared, _ = oracle.predict(obs, state, np.ones(4, dtype=bool))
    assert same(fresh, cleared)
    if state:
        with pytest.raises(TaskError, match="columns"):
            oracle.predict(obs[:2], state)


def test_targets_played_as_actions_are_optimal(task_id: str) -> None:
    task = caudate.envs.make_task(task_id)
    if not task.supervised:
        with pytest.raises(TaskError, match="no supervised targets"):
            task.sample_trials(2, seed=0)
        with pytest.raises(TaskError, match="targets"):
            single(task_id, targets=True)
        return
    batch = batched(task_id, num_envs=64, targets=True, autoreset_mode="disabled")
    _, info = batch.reset(seed=0)
    total, over = np.zeros(64), np.zeros(64, dtype=bool)
    scores: list[np.ndarray] = []
    while not over.all():
        _, reward, terminated, truncated, info = batch.step(info["target"])
        total += reward
        over = terminated | truncated
        if "_trial_end" in info:
            scores.append(task.score(info)[info["_trial_end"]])
    # The teacher knows what noise hides from observers.
    assert np.concatenate(scores).mean() >= task.yardsticks.optimum - 1e-9
    if task.optimal_return is not None:
        assert total.mean() == pytest.approx(task.optimal_return)


def test_sample_trials_are_those_of_the_env(task_id: str) -> None:
    task = caudate.envs.make_task(task_id)
    if not task.supervised:
        return
    samples = task.sample_trials(6, seed=21)
    assert samples.obs.dtype == np.float32
    assert samples.obs.shape[:2] == samples.target.shape[:2] == samples.mask.shape
    assert samples.target.shape[2:] == task.action_space.shape
    env = single(task_id, targets=True)
    for trial in range(6):
        obs, info = env.reset(seed=21) if trial == 0 else env.reset()
        for step in range(samples.lengths[trial]):
            own = len(task.channels) + task.time
            assert same(obs[:own], samples.obs[step, trial, :own])
            assert same(info["target"], plain(samples.target[step, trial]))
            assert samples.mask[step, trial]
            # Withholding all along, so that no answer ends a trial early.
            obs, _, terminated, truncated, info = env.step(action_number(env.action_space, 0))
        assert terminated or truncated
        assert info["trial"] == trial
        for name, values in samples.facts.items():
            assert same(info[name], plain(values[trial]))


def test_samples_show_what_the_teacher_did(task_id: str) -> None:
    task = caudate.envs.make_task(task_id)
    if not task.supervised:
        return
    task = caudate.envs.make_task(task_id, prev_action=True)
    samples = task.sample_trials(3, seed=4)
    env = task.env()
    for trial in range(3):
        obs, _ = env.reset(seed=4) if trial == 0 else env.reset()
        over = False
        for step in range(samples.lengths[trial]):
            if over:
                break  # the teacher's answer has ended the trial
            assert same(obs, samples.obs[step, trial])
            obs, _, over, _, _ = env.step(samples.target[step, trial])


# -------------------------------------------------------------------- faces


@pytest.mark.parametrize("limit", [None, 7])
def test_stable_baselines3_batch(task_id: str, limit: int | None) -> None:
    pytest.importorskip("stable_baselines3")
    vec = batched(task_id, num_envs=3, max_episode_steps=limit).to_sb3()
    twin = batched(task_id, num_envs=3, autoreset_mode="same_step", max_episode_steps=limit)
    assert vec.seed(5) == [5, 6, 7]
    assert same(vec.reset(), twin.reset(seed=5)[0])
    for row in actions_for(twin, STEPS if limit is None else 40):
        obs, reward, done, infos = vec.step(row)
        theirs = twin.step(row)
        assert same(obs, theirs[0])
        assert reward.dtype == np.float32
        assert same(done, theirs[2] | theirs[3])
        for column, info in enumerate(infos):
            if done[column]:
                assert same(info["terminal_observation"], theirs[4]["final_obs"][column])
                cut = theirs[3][column] and not theirs[2][column]
                assert info["TimeLimit.truncated"] == cut
            elif not info.get("trial_end"):
                assert info == {}
    assert vec.get_attr("task_info")[0]["id"] == task_id
    assert vec.env_method("get_state", indices=[0])[0]["task"] == task_id


def test_stable_baselines3_trains_and_evaluates(task_id: str) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecMonitor

    vec = VecMonitor(batched(task_id, num_envs=4).to_sb3())
    model = sb3.PPO("MlpPolicy", vec, n_steps=16, batch_size=32, n_epochs=1, device="cpu")
    model.learn(128)
    mean, _ = evaluate_policy(model, vec, n_eval_episodes=4)
    assert np.isfinite(mean)


def test_pictures(task_id: str) -> None:
    env = single(task_id, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    for _ in range(12):
        env.step(action_number(env.action_space, 0))
    later = env.render()
    assert first.dtype == later.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert first.std() > 5
    assert not same(first, later)
    batch = batched(task_id, num_envs=1, render_mode="rgb_array")
    batch.reset(seed=0)
    for _ in range(12):
        batch.step(np.array([action_number(env.action_space, 0)]))
    pictures = batch.render()
    assert isinstance(pictures, tuple)
    assert [picture.dtype for picture in pictures] == [np.uint8]
    assert batched(task_id, num_envs=2).render() is None


def test_import_is_light() -> None:
    code = (
        "import sys, caudate.envs; "
        "heavy = {'torch', 'matplotlib', 'wandb', 'stable_baselines3', 'scipy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -------------------------------------------------------------------- bad input


def test_bad_parameters(task_id: str) -> None:
    for kwargs, words in [
        ({"no_such": 1}, "unexpected keyword argument 'no_such'"),
        ({"trial_per_episode": 1}, "did you mean 'trials_per_episode'"),
        ({"dt": 0}, "dt=0"),
        ({"dt": float("nan")}, "dt=nan"),
        ({"dt": "fast"}, "dt='fast'"),
        ({"trials_per_episode": 1.5}, "trials_per_episode=1.5"),
        ({"prev_action": "yes"}, "prev_action='yes'"),
        ({"rewards": {"corect": 1}}, "unknown key 'corect'"),
        ({"rewards": 3}, "rewards=3"),
    ]:
        with pytest.raises(TaskError, match=words) as error:
            single(task_id, **kwargs)
        assert "\n" not in str(error.value)
        with pytest.raises(TaskError, match=words):
            batched(task_id, num_envs=2, **kwargs)
    with pytest.raises(TaskError, match="autoreset_mode"):
        batched(task_id, num_envs=2, autoreset_mode="later")
    with pytest.raises(TaskError, match="num_envs"):
        batched(task_id, num_envs=0)


def test_bad_actions(task_id: str) -> None:
    env, batch = single(task_id), batched(task_id, num_envs=2)
    fine = action_number(env.action_space, 1)
    with pytest.raises(TaskError, match="reset"):
        env.step(fine)
    with pytest.raises(TaskError, match="reset"):
        batch.step(np.array([fine, fine]))
    env.reset(seed=0)
    batch.reset(seed=0)
    if isinstance(env.action_space, spaces.Discrete):
        n = int(env.action_space.n)
        bad_ones = [n, -1, 0.5, float("nan"), "x", None, [0, 1]]
        bad_rows = [[0, n], [0, -1], [0.0, 1.0], [0, float("nan")], [0], [[0, 0]], None, [0, [1]]]
        good_rows = [[0, n - 1], np.array([0, n - 1], dtype=np.uint8)]
    else:
        bad_ones = [0, "x", None, np.full(9, fine.flat[0]), [None] * len(fine)]
        bad_ones += [np.full(len(fine), np.nan)]
        bad_rows = [fine, None, [fine], [[fine, fine]], [fine, [fine]], "x"]
        good_rows = [[fine.tolist(), fine.tolist()], np.array([fine, fine])]
    for bad in bad_ones:
        with pytest.raises(TaskError, match="action"):
            env.step(bad)
    for bad in bad_rows:
        with pytest.raises(TaskError, match="action"):
            batch.step(bad)
    for good in good_rows:
        batch.step(good)


def test_actions_beyond_a_box_are_brought_back(task_id: str) -> None:
    env, twin = single(task_id), single(task_id)
    if not isinstance(env.action_space, spaces.Box):
        return
    env.reset(seed=0)
    twin.reset(seed=0)
    shape = env.action_space.shape
    for _ in range(12):
        mine = env.step(np.full(shape, 1e6))
        assert same(mine, twin.step(np.full(shape, env.action_space.high, dtype=np.float32)))


def test_bad_seeds_and_options(task_id: str) -> None:
    env, batch = single(task_id), batched(task_id, num_envs=2)
    for bad in (-1, 2**63, 1.5, "x"):
        with pytest.raises(TaskError, match="seed"):
            env.reset(seed=bad)
        with pytest.raises(TaskError, match="seed"):
            batch.reset(seed=bad)
    for bad in ([1], [1, -1], [1, "x"]):
        with pytest.raises(TaskError, match="seed"):
            batch.reset(seed=bad)
    for mask in ([True, False], np.zeros(2, dtype=bool), np.ones(3, dtype=bool), np.ones(2)):
        with pytest.raises(TaskError, match="reset_mask"):
            batch.reset(options={"reset_mask": mask})
    with pytest.raises(TaskError, match="get_state"):
        env.get_state()
    env.reset(seed=0)
    for bad in (None, {}, {**env.get_state(), "task": "other"}):
        with pytest.raises(TaskError, match="state"):
            env.set_state(bad)


def test_infos_are_ordinary_dictionaries_for_other_code() -> None:
    """Facts that have not been read yet are there for code that looks past Python's methods."""
    env = single("caudate/ReversalBandit-v0")
    env.reset(seed=0)
    expected = dict(env.step(0)[4])
    assert expected["trial_end"]

    def unread() -> dict[str, Any]:
        env.reset(seed=0)
        return env.step(0)[4]

    assert json.loads(json.dumps(unread())) == expected
    assert {**unread()} == dict(unread()) == unread().copy() == expected
    assert pickle.loads(pickle.dumps(unread())) == copy.deepcopy(unread()) == expected
    assert list(unread()) == list(expected)
    assert bool(unread())
