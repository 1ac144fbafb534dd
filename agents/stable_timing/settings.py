"""Constants of self-organising timing circuits, and three sets of them that are known to work."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ..errors import AgentError
from ..kernels.timing_numpy import Constants


@dataclass(frozen=True, kw_only=True)
class TimingSettings:
    """A circuit of excitatory (E) and inhibitory (I) neurons and its rule; times in ms.

    Conductances are in units of the leak, potentials in mV. In-degrees are fixed. Weights from E to
    E begin as Normal(m, SD 2 m), values that are not positive drawn again from Uniform(0, 2 m).

    Attributes:
        n_e, n_i: neurons.
        indegree_ee, indegree_ei, indegree_ie: inputs of a neuron, E to E, E to I, I to E.
        tau_e, tau_i: membrane.
        threshold_e, threshold_i: mV.
        refractory_e, refractory_i: the potential is held at rest after a spike.
        ahp_e, ahp_i, tau_ahp_e, tau_ahp_i: after-hyperpolarisation.
        tau_ampa, tau_nmda, tau_gaba: synaptic conductances.
        nmda_e, nmda_i: slow excitation, as a share of the fast one.
        delay_e, delay_i: of spikes that E and I neurons send.
        weight_mean, weight_max: from E to E: m, and the bound.
        weight_ei, weight_ei_max: from E to I: all, or the mean and bound of plastic ones.
        weight_ie: from I to E, all.
        sigma: noise of the potential, mV / sqrt(ms).
        stimulated_e, stimulated_i: neurons that a stimulus makes fire.
        stimulus, jitter: when it does, mean and SD.
        dt: step.
        trial, silence: longest trial, and time without an E spike that ends one.
        weight_rate, activity_rate: a_W and a_A of the rule.
        goal_e, goal_i: spikes a trial that the rule works towards.
    """

    n_e: int = 400
    n_i: int = 100
    indegree_ee: int = 12
    indegree_ei: int = 80
    indegree_ie: int = 20
    tau_e: float = 20.0
    tau_i: float = 10.0
    threshold_e: float = -45.0
    threshold_i: float = -45.0
    refractory_e: float = 2.0
    refractory_i: float = 3.0
    ahp_e: float = 5.0
    ahp_i: float = 1.0
    tau_ahp_e: float = 120.0
    tau_ahp_i: float = 5.0
    tau_ampa: float = 3.0
    tau_nmda: float = 60.0
    tau_gaba: float = 6.0
    nmda_e: float = 1.0
    nmda_i: float = 0.0
    delay_e: float = 2.0
    delay_i: float = 1.0
    weight_mean: float = 0.02
    weight_max: float = 0.22
    weight_ei: float = 0.1
    weight_ei_max: float | None = None
    weight_ie: float = 0.03
    sigma: float = 0.15
    stimulated_e: int = 24
    stimulated_i: int = 0
    stimulus: float = 10.0
    jitter: float = 0.5
    dt: float = 1.0
    trial: float = 400.0
    silence: float = 120.0
    weight_rate: float = 0.015
    activity_rate: float = 0.2
    goal_e: float = 1.0
    goal_i: float = 2.0

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name.startswith("tau_") or name in _POSITIVE:
                if not 0 < value < np.inf:
                    raise AgentError(f"{name}={value!r} must be above 0 and finite.")
            elif name in _NOT_NEGATIVE and not 0 <= value < np.inf:
                raise AgentError(f"{name}={value!r} must be 0 or more and finite.")
        if not 0 < self.activity_rate <= 1:
            raise AgentError(f"activity_rate={self.activity_rate!r} must be above 0, at most 1.")
        for name, n in (("stimulated_e", self.n_e), ("stimulated_i", self.n_i)):
            if not 0 <= getattr(self, name) <= n:
                raise AgentError(f"{name}={getattr(self, name)!r} must be from 0 to {n}.")
        for name, n in (
            ("indegree_ee", self.n_e - 1),
            ("indegree_ei", self.n_e),
            ("indegree_ie", self.n_i),
        ):
            if not 1 <= getattr(self, name) <= n:
                raise AgentError(f"{name}={getattr(self, name)!r} must be from 1 to {n}.")
        if min(self.delay_e, self.delay_i) < self.dt:
            raise AgentError(
                f"delay_e={self.delay_e!r} and delay_i={self.delay_i!r} must be a step, "
                f"dt={self.dt!r}, or more."
            )

    @property
    def n(self) -> int:
        return self.n_e + self.n_i

    def scaled(self, factor: float) -> TimingSettings:
        """The same dynamics, ``factor`` times as slow: every time times it, and what is a rate.

        Spikes fall on the same steps, which are longer.
        """
        if not factor > 0:
            raise AgentError(f"time_scale={factor!r} must be above 0.")
        changed = {name: factor * getattr(self, name) for name in _TIMES}
        return replace(self, sigma=self.sigma / np.sqrt(factor), **changed)

    def constants(self) -> Constants:
        """In steps, for the kernels."""
        dt = self.dt
        return Constants(
            n_e=self.n_e,
            n_i=self.n_i,
            steps=self._steps(self.trial),
            silence=self._steps(self.silence),
            rate=(dt / self.tau_e, dt / self.tau_i),
            threshold=(self.threshold_e, self.threshold_i),
            refractory=(self._steps(self.refractory_e), self._steps(self.refractory_i)),
            ahp=(self.ahp_e, self.ahp_i),
            ahp_decay=(float(np.exp(-dt / self.tau_ahp_e)), float(np.exp(-dt / self.tau_ahp_i))),
            nmda=(self.nmda_e, self.nmda_i),
            ampa_decay=float(np.exp(-dt / self.tau_ampa)),
            nmda_decay=float(np.exp(-dt / self.tau_nmda)),
            gaba_decay=float(np.exp(-dt / self.tau_gaba)),
            delay=(self._steps(self.delay_e), self._steps(self.delay_i)),
            noise=self.sigma * float(np.sqrt(dt)),
        )

    def _steps(self, time: float) -> int:
        return round(time / self.dt)


_POSITIVE = (
    "n_e",
    "n_i",
    "dt",
    "trial",
    "silence",
    "weight_mean",
    "weight_max",
    "goal_e",
    "goal_i",
)
_NOT_NEGATIVE = (
    *("refractory_e", "refractory_i", "ahp_e", "ahp_i", "nmda_e", "nmda_i", "weight_ei"),
    *("weight_ie", "sigma", "stimulus", "jitter", "weight_rate"),
)
_TIMES = tuple(
    field.name
    for field in fields(TimingSettings)
    if field.name.startswith(("tau_", "delay_", "refractory_"))
    or field.name in ("dt", "stimulus", "jitter", "trial", "silence")
)

#: Most reproducible: a sequence of about 50 ms with a jitter of 3 to 6 ms.
PRECISE = TimingSettings()
#: Longer and less precise; jitter grows with the delay.
LONG = TimingSettings(
    indegree_ee=16, weight_max=0.16, weight_ei=0.2, weight_ie=0.1, stimulated_e=32
)
#: Neurons may fire several times, so that plain scaling can run away.
BURSTING = TimingSettings(
    indegree_ee=48,
    tau_e=30.0,
    threshold_e=-40.0,
    tau_ampa=5.0,
    nmda_e=0.1,
    nmda_i=0.1,
    tau_gaba=10.0,
    refractory_i=1.0,
    ahp_e=2.0,
    tau_ahp_e=20.0,
    weight_mean=0.08,
    weight_max=1.2,
    weight_ei=0.05,
    weight_ei_max=0.6,
    weight_ie=0.1,
    sigma=0.5,
    stimulated_i=12,
    weight_rate=0.01,
    trial=250.0,
)
SETTINGS = {"precise": PRECISE, "long": LONG, "bursting": BURSTING}
