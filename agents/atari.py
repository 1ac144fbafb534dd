"""Reward-based e-prop from pixels: spiking convolutions in front of a recurrent spiking network.

Network, time constants and learning rates are those of Bellec et al. (2020),
doi:10.1038/s41467-020-17236-y, for Atari games. Episodes are cut after a number of steps that grows
while the agent learns, so that it meets the start of the game first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import Metrics
from .eprop import EProp, EPropOptions
from .errors import AgentError
from .networks.visual import VisualNetwork
from .optimizers import Parameters
from .options import check_ranges, choice
from .rounds import Rounds
from .vision import Regularisers, SpikingVision

_RANGES = {
    "count": ("episode_cap", "cap_growth_steps"),
    "not negative": ("cap_jitter", "vision_task_share", "vision_voltage_coef"),
}


@dataclass
class AtariOptions(EPropOptions):
    """Hyper-parameters of :class:`AtariEProp`. Time constants are in environment steps."""

    n_neurons: int = 400
    adaptive_fraction: float = 0.4
    tau_membrane: tuple[float, float] = (3.0, 3.0)  # 15 network steps
    tau_adaptation: tuple[float, float] = (14.0, 14.0)  # 70 network steps
    tau_readout: float = 0.4  # 2 network steps
    mean_features: bool = True
    adaptation_strength: float = 7.05  # beta = 0.1
    refractory: int = 5
    input_gain: float = 0.3  # input weights of variance 1 / (number of inputs)
    rate_coef: float = 100.0
    target_rate: float = 0.02
    learning_rate: float = 1e-3
    adam_epsilon: float = 1.0  # far above most gradients
    max_grad_norm: float = 0.0  # clipped, a rate that is far off would hide the task
    update: str = "rollout"  # bounds the memory that a long episode takes
    rollout_steps: int = 100
    gae_lambda: float = 1.0
    value_coef: float = 1.0
    entropy_coef: float = 0.0025
    vision_task_share: float = 1e-8  # factor on the task's gradient of the convolutions
    vision_voltage_coef: float = 0.5
    episode_cap: int = 200  # an episode's steps at first; afterwards (cube root + 1)^3 ...
    cap_growth_steps: int = 17_500_000  # ... every so many transitions
    cap_jitter: int = 25  # caps are drawn within this distance


class AtariEProp(EProp):
    """E-prop for environments whose observations are single grey frames of bytes.

    ``ALE/`` ids are played as :mod:`.atari_env` says. Only the local rule in its batched execution
    exists for the convolutions; ``gradient="exact"`` is exact in the recurrent network alone.

    Attributes:
        played_timesteps: in all; ``num_timesteps`` begins anew with each :meth:`learn`.
    """

    name = "eprop-atari"
    options_class = AtariOptions
    options: AtariOptions
    network: VisualNetwork

    def __init__(self, env: Any, *, n_envs: int | None = None, **kwargs: Any):
        if n_envs is None and isinstance(env, str):
            n_envs = 32
        super().__init__(env, n_envs=n_envs, **kwargs)
        self.played_timesteps = 0
        o = self.options
        check_ranges(self.name, o, _RANGES)
        choice(self.name, "execution", o.execution, ("batched",))

    def _make_memory(self) -> None:
        choice(self.name, "memory", self.options.memory, ("none",))  # it would hold raw pixels

    def _build_network(self, rng: np.random.Generator) -> VisualNetwork:
        o = self.options
        choice(self.name, "network", o.network, ("alif", "lif"))
        choice(self.name, "input_units", o.input_units, ("raw",))
        k = o.substeps
        front = SpikingVision.create(
            self._frame_shape(),
            self.dtype,
            substeps=k,
            tau_readout=k * o.tau_readout,
            readout_gain=None if o.mean_features else 1.0,
        )
        recurrent = self._spiking_network(rng, front.n_spikes, substeps=1)
        regularisers = Regularisers(voltage_coef=o.vision_voltage_coef)
        return VisualNetwork.behind(front, recurrent, o.vision_task_share, regularisers)

    def _frame_shape(self) -> tuple[int, int]:
        space = self.observation_space
        shape = space.shape or ()
        if space.dtype != np.uint8 or len(shape) < 2 or self.n_inputs != shape[-2] * shape[-1]:
            raise AgentError(
                f"{self.name} cannot read {space}: it serves single grey frames of bytes (H, W), "
                "like those of ALE/Pong-v5."
            )
        return shape[-2], shape[-1]

    def _initial_parameters(self, rng: np.random.Generator) -> Parameters:
        parameters = super()._initial_parameters(rng)
        recurrent, n = parameters["W_out"], self.network.vision.n_pooled
        pooled = self.options.readout_gain / np.sqrt(n) * rng.standard_normal((len(recurrent), n))
        pooled[-1] = 0  # the critic starts at 0
        parameters["W_out"] = np.concatenate([recurrent, pooled.astype(self.dtype)], axis=1)
        return parameters

    @property
    def return_scale(self) -> float:
        return 1.0  # rewards of all games have one unit, being clipped

    # -- rounds ------------------------------------------------------------------------------

    @property
    def episode_cap(self) -> int:
        """Steps after which episodes are cut now, but for the jitter."""
        o = self.options
        grown = self.played_timesteps // o.cap_growth_steps
        return round((o.episode_cap ** (1 / 3) + grown) ** 3)

    def update(self) -> Metrics:
        before = self.num_timesteps
        metrics = super().update()
        self.played_timesteps += self.num_timesteps - before
        return metrics

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {"played_timesteps": self.played_timesteps}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.played_timesteps = int(state["played_timesteps"])

    def _draw_seeds(self) -> np.ndarray:
        jitter = self.options.cap_jitter
        drawn = self.rng.integers(-jitter, jitter + 1, size=self.n_envs)
        assert isinstance(self.rounds, Rounds)
        self.rounds.caps = np.maximum(self.episode_cap + drawn, 1)
        return super()._draw_seeds()
