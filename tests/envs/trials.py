"""Playing single trials with given actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def act_at(
    env: Any, actions: Mapping[int, int], seed: int = 0
) -> tuple[list[float], dict[str, Any], np.ndarray]:
    """Rewards, final facts and observations (T, d) of a trial; other steps withhold."""
    obs, _ = env.reset(seed=seed)
    rewards: list[float] = []
    shown = []
    while True:
        shown.append(obs)
        obs, reward, terminated, truncated, info = env.step(actions.get(len(rewards), 0))
        rewards.append(reward)
        if terminated or truncated or "trial_end" in info:
            return rewards, info, np.array(shown)


def press_at(env: Any, *steps: int, seed: int = 0) -> tuple[list[float], dict[str, Any]]:
    """Rewards and final facts when pressing (action 1) at these steps of the trial."""
    return act_at(env, dict.fromkeys(steps, 1), seed)[:2]


def run(env: Any, actions: list[int], seed: int = 0) -> tuple[list[float], dict[str, Any]]:
    """Rewards and final facts; withholds when the actions have run out."""
    env.reset(seed=seed)
    rewards: list[float] = []
    while True:
        action = actions[len(rewards)] if len(rewards) < len(actions) else 0
        _, reward, terminated, _, info = env.step(action)
        rewards.append(reward)
        if terminated:
            return rewards, info


def run_through(
    env: Any, actions: Any, seed: int = 0
) -> tuple[np.ndarray, list[float], dict[str, Any]]:
    """Observations that were answered, rewards and final facts of a trial
    that takes as many steps as there are actions."""
    obs, _ = env.reset(seed=seed)
    seen, rewards = [], []
    for place, action in enumerate(actions):
        seen.append(obs)
        obs, reward, over, cut, info = env.step(action)
        rewards.append(reward)
        assert over == (place == len(actions) - 1)
        assert not cut
        assert over or info == {}
    return np.array(seen), rewards, info
