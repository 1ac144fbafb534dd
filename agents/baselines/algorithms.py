"""The two algorithms by name."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from ..base import State
from ..errors import AgentError
from .on_policy import Baseline, PPOOptions, missing_extra


@dataclass
class RecurrentPPOOptions(PPOOptions):
    """Hyper-parameters of RecurrentPPO."""

    n_lstm: int = 64  # units of the LSTM, of policy and value each


class PPO(Baseline):
    """Stable-Baselines3 PPO: no memory beyond what the observation holds.

    Schulman et al. (2017), arXiv:1707.06347; Raffin et al. (2021), JMLR 22(268).
    """

    name = "ppo"
    options_class = PPOOptions

    def _algorithm(self) -> type:
        try:
            from stable_baselines3 import PPO as Algorithm  # noqa: N811
        except ImportError as error:
            raise missing_extra(self.name, "stable-baselines3") from error
        return Algorithm

    def _policy(self) -> str:
        return "MlpPolicy"


class RecurrentPPO(Baseline):
    """sb3-contrib RecurrentPPO: PPO with an LSTM for the policy and one for the value.

    What it computes is the library's, up to rounding; where episodes are short it is faster,
    because whole sequences go through the LSTM in one call.
    """

    name = "recurrent-ppo"
    options_class = RecurrentPPOOptions
    options: RecurrentPPOOptions

    def _algorithm(self) -> type:
        try:
            from sb3_contrib import RecurrentPPO as Algorithm
        except ImportError as error:
            raise missing_extra(self.name, "sb3-contrib") from error
        return Algorithm

    def _policy(self) -> type:
        from .lstm_policy import WholeSequenceLstmPolicy

        return WholeSequenceLstmPolicy

    def _policy_kwargs(self) -> dict[str, Any]:
        return super()._policy_kwargs() | {"lstm_hidden_size": self.options.n_lstm}

    def _build_model(self, algorithm: type, n_steps: int) -> Any:
        model = super()._build_model(algorithm, n_steps)
        if isinstance(self.action_space, gym.spaces.MultiBinary):
            # The buffer keeps switches as int8, whose likelihood torch cannot compute.
            space: Any = copy(self.action_space)
            space.dtype = np.dtype(np.float32)
            model.rollout_buffer.action_space = space
            model.rollout_buffer.reset()
        return model

    def predict(
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State | None]:
        observation = np.asarray(observation)
        n = self._batch_size(observation)
        if state is not None:
            self._check_state(state, n)
            # Stable-Baselines3 keeps the LSTM's layers on the first axis.
            state = tuple(np.ascontiguousarray(part.swapaxes(0, 1)) for part in state)
        if episode_start is None:
            episode_start = np.full(n, state is None)
        start = np.asarray(episode_start, bool).ravel()
        if len(start) != n:
            raise AgentError(
                f"predict got {n} observations with {len(start)} episode_start: pass one each."
            )
        actions, after = self._predict(observation, state, start, deterministic)
        return actions, tuple(part.swapaxes(0, 1) for part in after)

    def _check_state(self, state: State, n: int) -> None:
        layout = (1, self.options.n_lstm)
        if len(state) != 2 or any(np.shape(part)[1:] != layout for part in state):
            raise AgentError(
                f"{self.name}: the state is two arrays of shape (n, 1, {self.options.n_lstm}), as "
                "predict returns them: pass such a pair, or None to start afresh."
            )
        self._check_state_size(state, n)

    def _get_play(self) -> dict[str, Any]:
        lstm = self.model._last_lstm_states
        return super()._get_play() | {"lstm": [[h.numpy().copy() for h in pair] for pair in lstm]}

    def _set_play(self, play: dict[str, Any]) -> None:
        import torch

        super()._set_play(play)
        kind = type(self.model._last_lstm_states)
        pairs = (tuple(torch.from_numpy(h.copy()) for h in pair) for pair in play["lstm"])
        self.model._last_lstm_states = kind(*pairs)
