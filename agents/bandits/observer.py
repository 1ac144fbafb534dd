"""The environment's own ideal observer as an agent, for the upper end of comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import State
from ..errors import AgentError
from ..rounds import inner_env
from .agent import TrialAgent, TrialOptions
from .player import Notes, Player

Array = np.ndarray


class OraclePlayer(Player):
    """Plays a policy that an environment offers.

    Args:
        oracle: with ``predict(obs, state, episode_start, deterministic)`` -> (actions, state), and
            ``begin(n)``, its state at the start of an episode.
    """

    def __init__(self, oracle: Any):
        self._oracle = oracle

    def begin(self, n: int, seed: int = 0) -> State:
        return tuple(self._oracle.begin(n))

    def act(
        self,
        obs: Array,
        state: State,
        rng: np.random.Generator | None = None,
        notes: Notes | None = None,
    ) -> tuple[Array, State]:
        actions, state = self._oracle.predict(obs, state, None, True)
        return actions, tuple(state)


class Observer(TrialAgent):
    """Plays what the environment's task knows to be the best: ``env.unwrapped.task.oracle()``.

    It knows the task's rules and parameters, and is no learner: what others are compared with.
    Works on every environment that offers an oracle, a policy with ``begin`` and ``predict``.
    """

    name = "observer"
    options_class = TrialOptions

    def _make_player(self) -> Player:
        task: Any = getattr(inner_env(self.rounds.env), "task", None)
        if not callable(getattr(task, "oracle", None)):
            raise AgentError(
                f"{self.name} plays the oracle that an environment's task offers "
                "(env.unwrapped.task.oracle()), and this one has none: choose an agent that learns."
            )
        return OraclePlayer(task.oracle())

    def to_env(self, choices: Array) -> Array:
        return choices
