"""sb3-contrib's LSTM policy, spared its loop over time."""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy

Pair = tuple[torch.Tensor, torch.Tensor]


class WholeSequenceLstmPolicy(RecurrentActorCriticPolicy):
    """The library's policy; whole sequences go through the LSTM in one call.

    sb3-contrib runs a sequence step by step, in Python, wherever an episode starts in it. The
    sequences that its buffer cuts for the update start with their episode or go on with one, so
    that nothing begins in their middle: to reset the state before the first step is the same, up to
    rounding, and the library's own path without a loop does the rest.
    """

    @staticmethod
    def _process_sequence(
        features: torch.Tensor,
        lstm_states: Pair,
        episode_starts: torch.Tensor,
        lstm: torch.nn.LSTM,
    ) -> tuple[torch.Tensor, Pair]:
        n = lstm_states[0].shape[1]
        starts = episode_starts.reshape(n, -1)
        if not starts[:, 1:].any():
            kept = (1.0 - starts[:, 0]).view(1, n, 1)
            lstm_states = kept * lstm_states[0], kept * lstm_states[1]
            episode_starts = torch.zeros_like(episode_starts)
        # The library's annotation has a tensor in the place of the pair.
        result: Any = RecurrentActorCriticPolicy._process_sequence(
            features, lstm_states, episode_starts, lstm
        )
        return result
