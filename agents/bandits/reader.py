"""Reading observations of bandits: last choice, its reward, and what else the channels tell.

Channels are known by their names (``env.unwrapped.task_info["obs_names"]``):

=========================  =======================================================================
Channel                    Meaning
=========================  =======================================================================
``prev_action_k``          1 where arm k was the last choice; all 0 before the first
``prev_reward``            what it brought
``outcome_k``              what arm k brought or would have brought
``outcome``                the last outcome of a quantity that is to be predicted
``forced_k``               1 where arm k will be played whatever is chosen
``magnitude_k``            what arm k pays now, if it pays
``begins``                 1 on the first trial with new arms
``left``                   share of the choices that are left
``NAME_k``, ``start``      which state it is, 1 for one of them; a trial begins with ``start``
=========================  =======================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from ..channels import channel_names, find_channels
from ..errors import AgentError
from .choice import NO_CHOICE

Array = np.ndarray

#: Channels that a learner of bandits needs no more than its own past.
_OF_NO_USE = frozenset({"go", "long", "gain", "loss", "time"})
_FLAGS = ("begins", "left", "start")
_GROUPS = ("prev_action", "outcome", "forced", "magnitude")


class Seen(NamedTuple):
    """What observations of n columns tell; None where no channel tells it.

    Attributes:
        choice: (n,) last choice, -1 for none.
        reward: (n,) what it brought.
        place: (n,) state, from 0.
        starts: (n,) bool, a trial begins.
        forced: (n,) arm that will be played whatever is chosen, -1 for none.
        begins: (n,) bool, arms are new.
        left: (n,) share of the choices that are left.
        magnitude: (n, K) what arms pay now, if they pay.
        outcomes: (n, K) what all arms brought, or would have brought, last.
    """

    choice: Array
    reward: Array
    place: Array
    starts: Array
    forced: Array | None
    begins: Array | None
    left: Array | None
    magnitude: Array | None
    outcomes: Array | None


class Reader:
    """Finds the channels once, reads them at every step.

    Args:
        agent: whose name mistakes are told in.
        observations, actions: spaces of the environment.
        task_info: what the environment tells of itself, {} if nothing.
        choice_channels: names or numbers of the channels of the last choice, separated by commas;
            None: by their names.
        reward_channel: the same for the last reward.
        state_channels: the same for states; "" for none.

    Attributes:
        arms: choices of a trial, K.
        places: states, 1 where there are none.
        reward_bounds: (low, high) of the reward's channel.

    Raises:
        AgentError: something is missing, or there are channels whose meaning is not known.
    """

    def __init__(
        self,
        agent: str,
        observations: gym.Space,
        actions: gym.Space,
        task_info: Mapping[str, Any],
        choice_channels: str | None = None,
        reward_channel: str | None = None,
        state_channels: str | None = None,
    ):
        self._agent = agent
        self._names = channel_names(agent, observations, task_info)
        if not isinstance(actions, gym.spaces.Discrete):
            raise AgentError(
                f"{agent} chooses among arms, and the environment's actions are {actions}: choose "
                "an environment with Discrete actions."
            )
        self.arms = int(actions.n)
        groups = {name: self._group(name) for name in _GROUPS}
        self._choice = (
            groups["prev_action"] if choice_channels is None else self._find(choice_channels)
        )
        if len(self._choice) != self.arms:
            raise AgentError(
                f"{agent} needs to see its last choice, in {self.arms} channels prev_action_0 to "
                f"prev_action_{self.arms - 1}, and found {len(self._choice)}: make the environment "
                "with prev_action=True, or name the channels in choice_channels."
            )
        reward = [i for i, name in enumerate(self._names) if name == "prev_reward"]
        if reward_channel is not None:
            reward = self._find(reward_channel)
        if len(reward) != 1:
            raise AgentError(
                f"{agent} needs to see its last reward, in one channel prev_reward, and found "
                f"{len(reward)}: make the environment with prev_reward=True, or name the channel "
                "in reward_channel."
            )
        self._reward = reward[0]
        self._states = self._state_channels(state_channels)
        self.places = max(len(self._states), 1)
        self._flags = {name: self._names.index(name) for name in _FLAGS if name in self._names}
        if "start" in self._flags and self._flags["start"] not in self._states:
            del self._flags["start"]
        self._outcomes, self._forced, self._magnitude = (
            groups[name] if len(groups[name]) == self.arms else None
            for name in ("outcome", "forced", "magnitude")
        )
        bounds = np.asarray(observations.low).ravel(), np.asarray(observations.high).ravel()  # pyright: ignore[reportAttributeAccessIssue]
        self.reward_bounds = tuple(float(bound[self._reward]) for bound in bounds)

    @property
    def has_outcomes(self) -> bool:
        """Whether the outcomes of all arms are shown."""
        return self._outcomes is not None

    @property
    def has_trials(self) -> bool:
        """Whether trials have several choices, and begin where ``start`` is shown."""
        return "start" in self._flags

    def _group(self, name: str) -> list[int]:
        """Channels ``name_0``, ``name_1``, ... in this order, as far as they go."""
        found = []
        while f"{name}_{len(found)}" in self._names:
            found.append(self._names.index(f"{name}_{len(found)}"))
        return found

    def _find(self, given: str) -> list[int]:
        return find_channels(self._agent, self._names, given)

    def _state_channels(self, given: str | None) -> list[int]:
        if given is not None:
            return self._find(given)
        known = {*self._choice, self._reward}
        left = [name for i, name in enumerate(self._names) if i not in known]
        left = [name for name in left if name not in {*_OF_NO_USE, *_FLAGS}]
        groups = [re.fullmatch(r"(.+)_\d+", name) for name in left]
        strange = [name for name, match in zip(left, groups, strict=True) if match is None]
        strange = [name for name in strange if not name.isdigit()]  # those have no names
        states = [name for name, match in zip(left, groups, strict=True) if match]
        states = [name for name in states if name.rsplit("_", 1)[0] not in _GROUPS]
        if strange:
            raise AgentError(
                f"{self._agent} does not know what the channels {', '.join(strange)} mean: choose "
                "another agent, or name those that tell states in state_channels ('' for none)."
            )
        if not states:
            return []
        start = ["start"] if "start" in self._names else []
        return [self._names.index(name) for name in start + states]

    def read(self, obs: Array) -> Seen:
        """What observations (n, D) tell."""
        n = len(obs)
        flags = {name: obs[:, i] for name, i in self._flags.items()}
        begins, left, start = (flags.get(name) for name in _FLAGS)
        return Seen(
            choice=_one_hot(obs[:, self._choice]),
            reward=obs[:, self._reward].astype(np.float64),
            place=obs[:, self._states].argmax(axis=1) if self._states else np.zeros(n, int),
            starts=np.ones(n, bool) if start is None else start > 0.5,
            forced=None if self._forced is None else _one_hot(obs[:, self._forced]),
            begins=None if begins is None else begins > 0.5,
            left=None if left is None else left.astype(np.float64),
            magnitude=self._values(obs, self._magnitude),
            outcomes=self._values(obs, self._outcomes),
        )

    @staticmethod
    def _values(obs: Array, channels: list[int] | None) -> Array | None:
        return None if channels is None else obs[:, channels].astype(np.float64)


def _one_hot(shown: Array) -> Array:
    """(n,) which of (n, K) is on, -1 for none."""
    on = shown > 0.5
    return np.where(on.any(axis=1), on.argmax(axis=1), NO_CHOICE)
