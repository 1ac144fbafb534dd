"""Playing one trial with actions at given steps."""

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
