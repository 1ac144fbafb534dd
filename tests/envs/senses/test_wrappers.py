"""Sensors around environments: spaces, columns, autoreset, state, Stable-Baselines3."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from caudate.envs import TaskError, make_task
from caudate.envs.senses import (
    C1Observation,
    CochleaObservation,
    HMAXObservation,
    LogPolarObservation,
    RetinaObservation,
    VectorC1Observation,
    VectorCochleaObservation,
    VectorHMAXObservation,
    VectorLogPolarObservation,
    VectorRetinaObservation,
)

from ..conftest import same
from .worlds import Show, pictures, sounds

pytest.importorskip("skimage")
pytest.importorskip("torch")

MATCH, TONES, BANDIT = "VisualDelayedMatch", "ToneSequence", "ImageBandit"
TEMPLATES = [np.random.default_rng(0).random((3, 4, 2, 2))]
#: Name -> task, its parameters, wrapper of one, wrapper of many, arguments.
CASES: dict[str, tuple[str, dict[str, Any], Any, Any, dict[str, Any]]] = {
    "retina": (MATCH, {"size": 16}, RetinaObservation, VectorRetinaObservation, {"mode": "both"}),
    "log-polar": (
        *(MATCH, {"size": 16}, LogPolarObservation, VectorLogPolarObservation),
        {"n_angle": 6, "n_radius": 5},
    ),
    "c1": (MATCH, {"size": 16}, C1Observation, VectorC1Observation, {"bands": [1]}),
    "hmax": (
        *(MATCH, {"size": 16}, HMAXObservation, VectorHMAXObservation),
        {"templates": TEMPLATES},
    ),
    "cochlea": (TONES, {"fs": 4000}, CochleaObservation, VectorCochleaObservation, {}),
    "retina, bandit": (
        *(BANDIT, {"trials_per_episode": 7}, RetinaObservation, VectorRetinaObservation),
        {"mode": "transient"},
    ),
}
MODES = ["next_step", "same_step", "disabled"]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    return CASES[request.param]


def one(case: Any) -> Any:
    name, parameters, wrap, _, options = case
    return wrap(gym.make(f"caudate/{name}-v0", **parameters), **options)


def many(case: Any, n: int = 3, mode: str = "next_step", limit: int | None = None) -> Any:
    name, parameters, _, wrap, options = case
    batch: Any = gym.make_vec(
        f"caudate/{name}-v0",
        num_envs=n,
        autoreset_mode=mode,
        max_episode_steps=limit,
        **parameters,
    )
    return wrap(batch, **options)


def actions(batch: Any, steps: int) -> np.ndarray:
    space = batch.single_action_space
    return np.random.default_rng(1).integers(space.n, size=(steps, batch.num_envs))


def test_gymnasium_check_env(case: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in (".*different from the unwrapped.*", ".*having a spec.*"):
            warnings.filterwarnings("ignore", text)
        check_env(one(case))


@pytest.mark.parametrize(
    "env",
    [
        RetinaObservation(pictures(), mode="both", dt=20.0),
        RetinaObservation(pictures(20, 20, 1), tau_adaptation=None, tau_sustained=0.0),
        LogPolarObservation(pictures()),
        LogPolarObservation(RetinaObservation(pictures()).env, n_angle=8, n_radius=3),
        C1Observation(pictures()),
        HMAXObservation(pictures(), TEMPLATES),
        CochleaObservation(sounds(), fs=8000),
    ],
    ids=lambda env: type(env).__name__,
)
def test_environments_of_others(env: Any) -> None:
    """Pictures and chunks of other environments; bytes are brought to [0, 1]."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in (".*different from the unwrapped.*", ".*having a spec.*"):
            warnings.filterwarnings("ignore", text)
        check_env(env)
    assert env.observation_space.is_bounded()
    assert env.observation_space.shape == env.sensor.output_shape
    assert len(env.obs_names) == np.prod(env.sensor.output_shape)
    first = env.reset(seed=4)[0]
    steps = [env.step(0)[0] for _ in range(2)]
    assert all(obs in env.observation_space and obs.dtype == np.float32 for obs in steps)
    assert same(env.reset(seed=4)[0], first)
    assert same([env.step(0)[0] for _ in range(2)], steps)


def test_other_channels_stay(case: Any) -> None:
    env = one(case)
    plain = env.env
    obs, inner = env.reset(seed=0)[0], plain.reset(seed=0)[0]
    size = int(np.prod(env.sensor.output_shape))
    assert obs.shape == env.observation_space.shape
    assert same(obs[size:], inner[len(inner) - len(obs) + size :])
    assert len(env.obs_names) == len(obs)
    assert env.unwrapped.obs_names[-1] == env.obs_names[-1]


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("limit", [None, 4])
def test_columns_equal_single_environments(
    case: Any, mode: AutoresetMode, limit: int | None
) -> None:
    """The native batch equals Gymnasium's own loop over wrapped environments, in all modes."""
    ours = many(case, 3, mode.name, limit)

    def single() -> Any:
        name, parameters, wrap, _, options = case
        inner: Any = gym.make(f"caudate/{name}-v0", max_episode_steps=limit or -1, **parameters)
        return wrap(inner, **options)

    theirs: Any = SyncVectorEnv([single] * 3, autoreset_mode=mode)
    assert same(ours.reset(seed=11)[0], theirs.reset(seed=11)[0])
    for row in actions(ours, 45):
        mine, other = ours.step(row), theirs.step(row)
        assert mine[0] in ours.observation_space
        assert same(mine[0], other[0])
        assert same(mine[1:4], other[1:4])
        if "final_obs" in mine[4]:
            assert same(mine[4]["final_obs"], other[4]["final_obs"])
        over = mine[2] | mine[3]
        if mode is AutoresetMode.DISABLED and over.any():
            options = {"reset_mask": over}
            assert same(ours.reset(options=options)[0], theirs.reset(options=options)[0])


def test_resets_clear_the_sensor_of_their_columns_alone(case: Any) -> None:
    batch, twin = many(case, 3, "disabled"), many(case, 3, "disabled")
    begin = batch.reset(seed=5)[0]
    twin.reset(seed=5)
    for row in actions(batch, 3):
        before = batch.step(row)[0]
        twin.step(row)
    mask = np.array([False, True, False])
    obs, _ = batch.reset(seed=[None, 6, None], options={"reset_mask": mask})
    assert same(obs[1], begin[1])
    assert same(obs[[0, 2]], before[[0, 2]])
    row = actions(batch, 4)[-1]
    assert same(batch.step(row)[0][[0, 2]], twin.step(row)[0][[0, 2]])


def test_finished_columns_hold(case: Any) -> None:
    batch = many(case, 2, "disabled")
    batch.reset(seed=0)
    while not (over := np.logical_or(*(step := batch.step(actions(batch, 1)[0]))[2:4])).any():
        pass
    later = batch.step(actions(batch, 1)[0])
    assert same(later[0][over], step[0][over])


@pytest.mark.parametrize("mode", MODES)
def test_state_is_exact(case: Any, mode: str) -> None:
    batch, other = many(case, 3, mode), many(case, 3, mode)
    batch.reset(seed=[3, 1, 3])
    rows = actions(batch, 24)
    for start in (0, 4, 9):
        for row in rows[:start]:
            batch.step(row)
        state = batch.get_state()
        text = json.dumps(state, default=lambda array: array.tolist())
        expected = [batch.step(row) for row in rows]
        other.set_state(json.loads(text))
        assert same([other.step(row) for row in rows], expected)
        batch.set_state(state)
        assert same([batch.step(row) for row in rows], expected)


def test_state_of_single_environment(case: Any) -> None:
    env, other = one(case), one(case)
    env.reset(seed=2)
    for _ in range(3):
        env.step(0)
    state = copy.deepcopy(env.get_state())
    expected = [env.step(0)[:4] for _ in range(5)]
    other.reset()
    other.set_state(state)
    assert same([other.step(0)[:4] for _ in range(5)], expected)
    twin = pickle.loads(pickle.dumps(other.get_state()))
    env.set_state(twin)
    assert same(env.step(0)[0], other.step(0)[0])


def test_bad_states_are_refused() -> None:
    batch = many(CASES["retina"])
    batch.reset(seed=0)
    state = batch.get_state()
    for bad in ({}, None, {**state, "over": [True]}, {**state, "sensor": {"mean": np.zeros(3)}}):
        with pytest.raises(TaskError, match="state"):
            batch.set_state(bad)
    other = many(CASES["retina"], 2)
    with pytest.raises(TaskError, match="2 columns"):
        other.set_state(state)


def test_stable_baselines3(case: Any) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    vec, twin = many(case).to_sb3(), many(case, mode="same_step")
    vec.seed(5)
    assert same(vec.reset(), twin.reset(seed=5)[0])
    for row in actions(twin, 40):
        obs, _, done, infos = vec.step(row)
        theirs = twin.step(row)
        assert same(obs, theirs[0])
        for column in done.nonzero()[0]:
            assert same(infos[column]["terminal_observation"], theirs[4]["final_obs"][column])
    assert vec.get_attr("task_info")[0]["id"] == f"caudate/{case[0]}-v0"
    model = sb3.PPO("MlpPolicy", many(case).to_sb3(), n_steps=8, batch_size=8, device="cpu")
    model.learn(24)


def test_environments_without_a_native_batch_have_no_to_sb3() -> None:
    vec = VectorRetinaObservation(SyncVectorEnv([pictures] * 2))
    vec.reset(seed=0)
    assert vec.step(np.zeros(2, dtype=int))[0].shape == (2, 2, 20, 20)
    with pytest.raises(TaskError, match="no native batch"):
        vec.to_sb3()


def test_specs_make_the_same_wrapper(case: Any) -> None:
    env = one(case)
    again = gym.make(env.spec)
    assert same(again.reset(seed=3)[0], env.reset(seed=3)[0])


def test_the_ear_of_the_task_hears_what_the_wrapper_does() -> None:
    """Tones are looked up as if silence came before; what still rings is below .005."""
    task = make_task("caudate/ToneSequence-Cochlea-v0")
    plain = gym.make("caudate/ToneSequence-v0")
    channels = len(task.sounds.frequencies()) * 2  # type: ignore[attr-defined]
    env, looked_up = CochleaObservation(plain, n_channels=channels), task.env()
    assert np.allclose(env.reset(seed=1)[0], looked_up.reset(seed=1)[0], atol=5e-3)
    for _ in range(12):
        assert np.allclose(env.step(0)[0], looked_up.step(0)[0], atol=5e-3)


def test_the_eye_of_the_task_sees_what_the_wrapper_does() -> None:
    env = C1Observation(gym.make("caudate/VisualDelayedMatch-v0"))
    looked_up = make_task("caudate/VisualDelayedMatch-C1-v0").env()
    assert np.allclose(env.reset(seed=1)[0], looked_up.reset(seed=1)[0], atol=1e-6)
    for _ in range(6):
        assert np.allclose(env.step(0)[0], looked_up.step(0)[0], atol=1e-6)


def test_bad_environments() -> None:
    for env, wrap, words in [
        (gym.make("caudate/DelayedMatch-v0"), RetinaObservation, "no pictures"),
        (gym.make("caudate/DelayedMatch-v0"), lambda e: CochleaObservation(e, fs=8000), "no sound"),
        (pictures(), lambda e: CochleaObservation(e, fs=8000), "no chunks"),
        (sounds(), CochleaObservation, "fs=None"),
        (gym.make("CartPole-v1"), RetinaObservation, "finite bounds"),
        (pictures(9, 9), C1Observation, "smaller than band"),
        (Show(spaces.Box(0, 1, (3, 4, 5))), RetinaObservation, "no pictures"),
    ]:
        with pytest.raises(TaskError, match=words) as error:
            wrap(env)
        assert "\n" not in str(error.value)
