"""The forward execution of e-prop: eligibility traces meet TD errors while the episode runs.

Per synapse, with ebar the network's filtered eligibility and L the learning signal of an action
(Bellec et al. 2020, doi:10.1038/s41467-020-17236-y, eqs 30-37)::

    F[t] = gamma lambda F[t-1] + L[t] ebar[t]
    g   += d[t] F[t]                  d[t] is known one step later

Modulators that judge the whole episode (return, average, condition) multiply the plain sum of
``L[t] ebar[t]`` at its end. The entropy bonus and the firing-rate term need no reward.
"""

from __future__ import annotations

import numpy as np

from .kernels import trace_kernels
from .networks import RateNetwork, SpikingNetwork
from .networks.spiking import SpikingTraces
from .optimizers import Parameters


class OnlineGradient:
    """Accumulates one round's gradient of the network's weights; memory O(B N (N + D))."""

    def __init__(self, network: RateNetwork | SpikingNetwork, n_envs: int):
        self.network = network
        self.traces = network.online_traces(n_envs)
        shape = (n_envs, network.n_units, network.n_inputs + network.n_units + 1)
        self.credit = np.zeros(shape, network.dtype)  # F, or the plain sum of L ebar
        self.spikes = np.zeros(shape[1:], network.dtype)  # sum of unfiltered eligibilities
        self.total = np.zeros(shape[1:], network.dtype)
        kernel = network.kernel if isinstance(network, SpikingNetwork) else "numpy"
        _, self._assign_credit, self._collect = trace_kernels(kernel)

    def act(self, score_signal: np.ndarray, direct_signal: np.ndarray, decay: float) -> None:
        """Credit the actions of this step.

        ``score_signal`` (B, N) waits for reward in a trace that decays by ``decay``;
        ``direct_signal`` (B, N) does not wait. Both are 0 for columns that have finished.
        """
        self._assign_credit(
            decay, score_signal, direct_signal, self.traces.eligibility, self.credit, self.total
        )

    def count_spikes(self, alive: np.ndarray) -> None:
        """Take this step into the firing-rate term of columns that still run, (B,)."""
        assert isinstance(self.traces, SpikingTraces)
        self._collect(alive, self.traces.raw_sum, self.spikes)

    def reward(self, modulator: np.ndarray) -> None:
        """Turn credit into weight change: ``modulator`` (B,), a TD error or an episode's worth."""
        self._collect(modulator, self.credit, self.total)

    def gradient(self, n_transitions: int, rate_signal: np.ndarray | None) -> Parameters:
        """Mean over transitions; ``rate_signal`` (N,) multiplies the spikes' eligibilities."""
        total = self.total
        if rate_signal is not None:
            total = total + rate_signal[:, None] * self.spikes
        total = total / n_transitions
        d = self.network.n_inputs
        recurrent = total[:, d:-1].copy()
        if isinstance(self.network, SpikingNetwork):
            np.fill_diagonal(recurrent, 0)  # no self-connections
        return {"W_in": total[:, :d].copy(), "W_rec": recurrent, "bias": total[:, -1].copy()}
