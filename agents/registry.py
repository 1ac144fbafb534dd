"""Agents by name: what the command line offers and what a checkpoint names."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .base import Agent
from .checkpoint import read_checkpoint
from .errors import AgentError, CheckpointError


@dataclass(frozen=True)
class AgentSpec:
    """A named configuration of an agent class.

    Attributes:
        path: ``module:Class``, imported when needed; ``.module:Class`` inside this package.
        options: keyword arguments that make this configuration; users may add others.
        extra: the extra that brings what it imports, None for the core.
        kind: "network", a recurrent network of ours with a learning rule; "settling", one that
            comes to rest at each step (:mod:`.contrastive`, :mod:`.attractors`); "clock", a clock
            with a readout (:mod:`.timing`); "bandit", a trial-level learner (:mod:`.bandits`);
            "baseline", another library's.
        ideal: it is given what others have to learn: the upper end of a comparison.
    """

    name: str
    summary: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    extra: str | None = None
    kind: str = "network"
    ideal: bool = False

    def load(self) -> type[Agent]:
        module, name = self.path.split(":")
        return getattr(importlib.import_module(module, __package__), name)


def _bandit(name: str, summary: str, path: str, ideal: bool = False) -> AgentSpec:
    return AgentSpec(name, summary, f".bandits.{path}", kind="bandit", ideal=ideal)


def _clock(name: str, summary: str, agent: str, ideal: bool = False) -> AgentSpec:
    return AgentSpec(name, summary, f".timing:{agent}", kind="clock", ideal=ideal)


AGENTS: dict[str, AgentSpec] = {
    spec.name: spec
    for spec in (
        AgentSpec("eprop", "reward-based e-prop, LIF and ALIF neurons", ".eprop:EProp"),
        AgentSpec(
            "eprop-rate",
            "reward-based e-prop, leaky rate units",
            ".eprop:EProp",
            {"network": "rate"},
        ),
        AgentSpec(
            "rflo",
            "the same learner with random feedback (RFLO), leaky rate units",
            ".eprop:EProp",
            {"network": "rate", "feedback": "random"},
        ),
        AgentSpec(
            "eprop-atari",
            "reward-based e-prop behind spiking convolutions, for Atari games",
            ".atari:AtariEProp",
            extra="atari",
        ),
        AgentSpec(
            "bptt",
            "the same learner with the exact gradient (reference), leaky rate units",
            ".eprop:EProp",
            {"network": "rate", "gradient": "exact"},
        ),
        AgentSpec(
            "reservoir",
            "the same learner with a fixed recurrent network: only the readout learns (control)",
            ".eprop:EProp",
            {"network": "rate", "gradient": "none"},
        ),
        AgentSpec(
            "node-perturbation",
            "reward-modulated node perturbation, leaky rate units, antithetic pairs",
            ".perturbation.node:NodePerturbation",
        ),
        AgentSpec(
            "activity-perturbation",
            "node perturbation that correlates with the measured change of activity",
            ".perturbation.node:NodePerturbation",
            {"eligibility": "change", "baseline": "clean"},
        ),
        AgentSpec(
            "weight-perturbation",
            "reward-modulated weight perturbation, leaky rate units, antithetic pairs",
            ".perturbation.weight:WeightPerturbation",
        ),
        AgentSpec(
            "hybrid-perturbation",
            "weights perturbed, learning as in node perturbation",
            ".perturbation.weight:HybridPerturbation",
        ),
        AgentSpec(
            "miconi",
            "reward-modulated Hebbian rule with a supralinear trace, rare kicks",
            ".perturbation.miconi:Miconi",
        ),
        AgentSpec(
            "loop-circuit",
            "commands of a motor network chosen by striatal units, in Murray's loop",
            ".loop:LoopCircuit",
        ),
        AgentSpec(
            "hopfield",
            "logic: clauses as synapses, truth values that settle in their energy; learns nothing",
            ".attractors.agent:Hopfield",
            kind="settling",
        ),
        AgentSpec(
            "contrastive",
            "a symmetric network that settles, free and drawn to its action; no memory but traces",
            ".contrastive:Contrastive",
            kind="settling",
        ),
        AgentSpec(
            "ppo",
            "Stable-Baselines3 PPO, memoryless baseline",
            ".baselines:PPO",
            extra="baselines",
            kind="baseline",
        ),
        AgentSpec(
            "recurrent-ppo",
            "sb3-contrib RecurrentPPO (LSTM), recurrent baseline",
            ".baselines:RecurrentPPO",
            extra="baselines",
            kind="baseline",
        ),
        _clock(
            "stable-timing",
            "timing: a spiking network that organised itself, and a readout that learns",
            "StableTiming",
        ),
        _clock(
            "oracle-clock",
            "timing: the exact time since the cue, and a readout that learns",
            "OracleClockAgent",
            ideal=True,
        ),
        _clock(
            "noisy-clock",
            "timing: the same with errors in proportion to time (scalar property)",
            "NoisyClockAgent",
        ),
        _clock(
            "leaky-clock",
            "timing: a bank of leaky integrators of the cue, and a readout that learns",
            "LeakyClockAgent",
        ),
        _clock(
            "echo-state",
            "timing: a fixed random network that the cue starts, and a readout that learns",
            "EchoStateAgent",
        ),
        _bandit(
            "rescorla-wagner",
            "bandits: a fixed share of each prediction error is learned",
            "learners:RescorlaWagnerLearner",
        ),
        _bandit(
            "pearce-hall",
            "bandits: a learning rate that follows the size of prediction errors",
            "learners:PearceHallLearner",
        ),
        _bandit(
            "kalman",
            "bandits: Kalman filter, exact where drift and noise are the environment's (presets)",
            "learners:KalmanLearner",
        ),
        _bandit(
            "vkf",
            "bandits: Kalman filter that estimates volatility (Piray & Daw 2020)",
            "learners:VolatileKalmanLearner",
        ),
        _bandit(
            "binary-vkf",
            "bandits: the same for arms that pay or do not",
            "learners:BinaryVolatileKalmanLearner",
        ),
        _bandit(
            "hgf",
            "bandits: hierarchical Gaussian filter, arms that pay or do not (Mathys et al. 2011)",
            "learners:BinaryHGFLearner",
        ),
        _bandit(
            "continuous-hgf",
            "bandits: the same for graded outcomes (Mathys et al. 2014)",
            "learners:ContinuousHGFLearner",
        ),
        _bandit(
            "behrens",
            "bandits: Bayes on a grid of probability and volatility (Behrens et al. 2007)",
            "learners:BehrensLearner",
        ),
        _bandit(
            "reversal-observer",
            "bandits: arms that change roles, exact where odds and hazard are given (presets)",
            "learners:ReversalObserverLearner",
        ),
        _bandit(
            "change-point",
            "bandits: change points of probabilities (Adams & MacKay 2007)",
            "learners:ChangePointLearner",
        ),
        _bandit(
            "gaussian-change-point",
            "bandits: the same of means of Gaussian outcomes",
            "learners:GaussianChangePointLearner",
        ),
        _bandit(
            "joint-particle",
            "bandits: volatility and stochasticity inferred together (Piray & Daw 2021)",
            "learners:JointParticleLearner",
        ),
        _bandit(
            "win-stay-lose-shift",
            "bandits: repeats what won last, leaves what lost; no belief",
            "learners:WinStayLoseShiftLearner",
        ),
        _bandit(
            "two-step-hybrid",
            "two-step task: SARSA(lambda) and planning, weighted (Daw et al. 2011)",
            "two_step:TwoStepLearner",
        ),
        _bandit(
            "observer",
            "the ideal observer that the environment itself offers",
            "observer:Observer",
            ideal=True,
        ),
    )
}


def register_agent(spec: AgentSpec) -> AgentSpec:
    """Make an agent known by its name, to scripts, the command line and checkpoints.

    Where the module that does so is not imported anyway, ``module:name`` names the agent.

    Raises:
        AgentError: the name is another agent's, or has a colon.
    """
    if AGENTS.get(spec.name, spec) != spec or ":" in spec.name:
        raise AgentError(f"Agent {spec.name!r}: the name is taken or has a colon; choose another.")
    AGENTS[spec.name] = spec
    return spec


def agent_spec(name: str) -> AgentSpec:
    """The spec of ``name``; ``module:name`` imports a module first that registers it.

    Raises:
        AgentError: an unknown name, with the nearest one, or a module that cannot be imported.
    """
    module, _, plain = name.rpartition(":")
    if module:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise AgentError(
                f"Agent {name!r}: cannot import {module} ({error}); it must lie on Python's path "
                "(PYTHONPATH=. for this folder)."
            ) from error
    if plain not in AGENTS:
        near = difflib.get_close_matches(plain, AGENTS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(AGENTS)}."
        raise AgentError(f"Agent {name!r} is unknown: {hint}")
    return AGENTS[plain]


def make_agent(name: str, env: Any, **kwargs: Any) -> Agent:
    """Build the named agent on an environment; ``kwargs`` go over the configuration's options."""
    spec = agent_spec(name)
    return spec.load()(env, **(spec.options | kwargs))


def option_types(name: str) -> dict[str, tuple[Any, Any]]:
    """Option name -> (type, default) of the named configuration."""
    spec = agent_spec(name)
    types = spec.load().option_types()
    return {key: (kind, spec.options.get(key, default)) for key, (kind, default) in types.items()}


def load_agent(path: str | Path, env: Any = None) -> Agent:
    """Load whichever agent a checkpoint holds."""
    name = read_checkpoint(path).get("agent")
    for spec in AGENTS.values():
        if spec.name == name:
            return spec.load().load(path, env)
    raise CheckpointError(
        f"{path} holds an agent {name!r}, which is not known here: import the module that "
        "registers it, or use the version that wrote it."
    )
