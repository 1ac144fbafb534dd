"""Sensors as wrappers keep the contract of environments."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env

from ....envs import senses
from ...reproduction import Claim, Experiment

SIGHT, SOUND = "caudate/VisualDelayedMatch-v0", "caudate/ToneSequence-v0"
_SIZE = {"size": 16}
WRAPPERS: dict[str, tuple[str, dict[str, Any], Any, Any, dict[str, Any]]] = {
    "retina": (
        *(SIGHT, _SIZE, senses.RetinaObservation, senses.VectorRetinaObservation),
        {"mode": "both"},
    ),
    "log-polar": (SIGHT, _SIZE, senses.LogPolarObservation, senses.VectorLogPolarObservation, {}),
    "C1": (SIGHT, _SIZE, senses.C1Observation, senses.VectorC1Observation, {}),
    "cochlea": (SOUND, {}, senses.CochleaObservation, senses.VectorCochleaObservation, {}),
}
STEPS, COLUMNS = 25, 3


def measure(quick: bool) -> dict[str, Any]:
    """Which of the checks each wrapper passes."""
    del quick
    return {name: _checked(*parts) for name, parts in WRAPPERS.items()}


def _checked(
    task: str, parameters: dict[str, Any], one: Any, many: Any, options: dict[str, Any]
) -> dict[str, bool]:
    def single() -> Any:
        return one(gym.make(task, **parameters), **options)

    def batch() -> Any:
        return many(gym.make_vec(task, num_envs=COLUMNS, **parameters), **options)

    return {
        "check_env": _passes_checker(single()),
        "bounds": all(obs in single().observation_space for obs in _episode(single(), 1)),
        "seeds": np.array_equal(_episode(single(), 1), _episode(single(), 1)),
        "reset": _forgets(single()),
        "columns": _columns_agree(single, batch()),
    }


def _passes_checker(env: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_env(env, skip_render_check=True)
        except Exception:
            return False
    return True


def _episode(env: Any, seed: int) -> np.ndarray:
    """Observations of an episode in which action 0 is taken at every step."""
    seen = [env.reset(seed=seed)[0]]
    over = False
    while not over:
        obs, _, terminated, truncated, _ = env.step(0)
        seen.append(obs)
        over = terminated or truncated
    return np.stack(seen)


def _forgets(env: Any) -> bool:
    """Whether an episode is the same after another one as it is at first."""
    first = _episode(env, 2)
    _episode(env, 3)
    return np.array_equal(first, _episode(env, 2))


def _columns_agree(single: Callable[[], Any], batch: Any) -> bool:
    """Whether columns of the native batch are single environments, over the ends of episodes."""
    begin = batch.reset(seed=5)[0]
    seen = [batch.step(np.zeros(COLUMNS, dtype=np.int64))[0] for _ in range(STEPS)]
    for column in range(COLUMNS):
        env = single()
        obs, over = env.reset(seed=5 + column)[0], False
        if not np.array_equal(obs, begin[column]):
            return False
        for row in seen:
            if over:
                (obs, _), over = env.reset(), False
            else:
                obs, _, terminated, truncated, _ = env.step(0)
                over = terminated or truncated
            if not np.array_equal(obs, row[column]):
                return False
    return True


def claims(result: dict[str, Any]) -> list[Claim]:
    """One row per check."""
    texts = {
        "check_env": "Gymnasium's env_checker passes",
        "bounds": "Observations stay within their space",
        "seeds": "Two environments with one seed show the same",
        "reset": "A reset clears what the sensor remembers",
        "columns": "Columns of the native batch equal single environments bit for bit",
    }
    rows = []
    for check, text in texts.items():
        passed = [name for name, found in result.items() if found[check]]
        measured = ", ".join(passed) or "none"
        rows.append(Claim(text, ", ".join(result), measured, len(passed) == len(result)))
    return rows


CONTRACT = Experiment(
    "contract",
    "Wrappers: retina, log-polar fovea, C1, cochlea",
    measure,
    claims,
    settings={"tasks": [SIGHT, SOUND], "columns": COLUMNS, "steps": STEPS},
)
