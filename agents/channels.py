"""Channels of observations by their names, or by their numbers where they have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from .errors import AgentError


def channel_names(
    agent: str, observations: gym.Space, task_info: Mapping[str, Any]
) -> tuple[str, ...]:
    """Names of the channels (D,); their numbers where the environment does not name them.

    Raises:
        AgentError: observations are no vectors.
    """
    if not isinstance(observations, gym.spaces.Box):
        raise AgentError(
            f"{agent} reads vectors of channels, and observations are {observations}: choose an "
            "environment with Box observations."
        )
    size = int(np.prod(observations.shape))
    names = task_info.get("obs_names", ())
    return tuple(names) if len(names) == size else tuple(str(i) for i in range(size))


def find_channels(agent: str, names: Sequence[str], given: str) -> list[int]:
    """Numbers of channels that are given by names or numbers, with commas between.

    Raises:
        AgentError: there is no such channel.
    """
    found = []
    for one in (part.strip() for part in given.split(",") if part.strip()):
        if one in names:
            found.append(names.index(one))
        elif one.isdigit() and int(one) < len(names):
            found.append(int(one))
        else:
            raise AgentError(
                f"{agent}: there is no channel {one!r}: choose among {', '.join(names)}."
            )
    return found
