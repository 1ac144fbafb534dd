"""A greedy episode of a recurrent agent, network step by network step, and what it would teach.

What is measured belongs to the rule of e-prop (Bellec et al. 2020,
doi:10.1038/s41467-020-17236-y), whose gradient is the sum over time of learning signal times
eligibility, ``dE/dw_ji = sum_t L_j[t] ebar_ji[t]``. Agents that learn otherwise are shown what the
rule would see.

========  ==============================================================  ==============
symbol    meaning                                                         shape
========  ==============================================================  ==============
T, K, S   environment steps, network steps of each, S = T K
v, A      membrane potential, threshold ``v_th + beta a``; unit v_th      (S, N)
ebar_ji   eligibility, filtered as the readout filters spikes             (S,) a synapse
d, A_t    TD error and advantage, in units of the agent's return scale    (T,)
L_j       learning signal ``sum_k B_jk dE_t/dy_k`` of the transition t    (T, N)
========  ==============================================================  ==============

E_t is the agent's loss of one transition (:mod:`caudate.agents.actor_critic`). The greedy action of
a Gaussian policy is its mean, where the score is 0: the critic's share of L is what remains.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym
import numpy as np

from ..agents.actor_critic import ActorCritic
from ..agents.advantages import discounted_sums, td_errors
from ..agents.networks import RateNetwork, SpikingNetwork
from ..agents.rounds import NO_CONDITION
from ..agents.tape import Tape

_FOLLOWED = 4  # neurons whose traces are drawn, where nobody chooses
_FROM_UNITS, _FROM_INPUTS = 2, 1  # synapses of each of them


@dataclass
class Trial:
    """What happened outside and inside; arrays as in the module's table, lists while it runs."""

    substeps: int
    tape: Tape  # of the network, a row a network step
    observations: list[np.ndarray] = field(default_factory=list)  # (D,)
    actions: list[np.ndarray] = field(default_factory=list)  # as the environment takes them
    outputs: list[np.ndarray] = field(default_factory=list)  # (K + 1,), one more than actions
    rewards: list[float] = field(default_factory=list)
    features: list[np.ndarray] = field(default_factory=list)  # (N,), each network step
    states: list[tuple[np.ndarray, ...]] = field(default_factory=list)  # parts (N,), likewise
    cut: bool = False  # by a limit, not ended by the task
    trials: int = 0  # that ended in the episode
    facts: dict[str, Any] = field(default_factory=dict)  # of its last step

    def __len__(self) -> int:
        return len(self.rewards)

    def state(self, part: int) -> np.ndarray:
        """A part of the network's state over network steps, (S, N)."""
        return np.array([state[part] for state in self.states])


@dataclass(frozen=True)
class Teaching:
    """What the trial would teach; ``td_error`` is None where no critic judges."""

    values: np.ndarray  # (T,)
    td_error: np.ndarray | None  # (T,)
    advantage: np.ndarray  # (T,)
    signal: np.ndarray  # (T, N)


@dataclass(frozen=True)
class Synapse:
    """A column of the eligibility traces: inputs first, then units."""

    post: int
    column: int


def play_trial(agent: ActorCritic, env: gym.Env, seed: int, max_steps: int) -> Trial:
    """Play one greedy episode with ``agent.predict``, its network run a network step at a time."""
    network = single_steps(agent.network)
    trial = Trial(agent.network.substeps, network.tape(1))
    observation, _ = env.reset(seed=seed)
    state, over = agent.fresh_state(1, np.random.default_rng(seed)), False
    while not over:
        _run(agent, network, trial, state, observation)
        action, after = agent.predict(observation, state, deterministic=True)
        assert after is not None
        observation, reward, terminated, truncated, trial.facts = env.step(action)
        trial.actions.append(action)
        trial.rewards.append(float(reward))
        trial.trials += bool(trial.facts.get("trial_end"))
        trial.cut = not terminated and (truncated or len(trial) == max_steps)
        over = terminated or trial.cut
        state = after
    x, state, _ = agent.remember(_input(agent, observation), state)
    features, _ = agent.network.step(agent.parameters, state, x)
    trial.outputs.append(agent.outputs(features)[0])  # the value that a cut episode goes on from
    return trial


def single_steps(network: RateNetwork | SpikingNetwork) -> RateNetwork | SpikingNetwork:
    """The same network, one network step an environment step: time constants are in network steps.

    K steps of it with one observation are a step of the original.
    """
    return replace(network, substeps=1) if isinstance(network, SpikingNetwork) else network


def _run(
    agent: ActorCritic,
    network: RateNetwork | SpikingNetwork,
    trial: Trial,
    state: tuple[np.ndarray, ...],
    observation: np.ndarray,
) -> None:
    """One environment step into the trial, as network steps."""
    seen = _input(agent, observation)
    x, state, _ = agent.remember(seen, state)
    for _ in range(trial.substeps):
        features, state = network.step(agent.parameters, state, x, trial.tape)
        trial.features.append(features[0].copy())
        trial.states.append(tuple(part[0].copy() for part in state))
    trial.observations.append(seen[0])
    trial.outputs.append(agent.outputs(features)[0])


def _input(agent: ActorCritic, observation: Any) -> np.ndarray:
    return np.asarray(observation).reshape(1, -1).astype(agent.dtype)


# -- what the trial would teach --------------------------------------------------------------


def teaching(agent: ActorCritic, trial: Trial) -> Teaching:
    """Reward as the agent's modulator sees it, and the learning signal of each transition."""
    o = agent.options
    outputs, rewards = np.array(trial.outputs), np.array(trial.rewards)[:, None]
    alive, td_error = np.ones(rewards.shape, bool), None
    if o.modulator == "critic":
        values = outputs[:, -1:].astype(float)
        cut = np.array([trial.cut])
        td_error = td_errors(rewards / agent.return_scale, values, alive, cut, o.gamma)
        advantage = discounted_sums(td_error, o.gamma * o.gae_lambda)
        td_error, value_error = td_error[:, 0], -advantage
    else:
        advantage = np.full(rewards.shape, _worth(agent, trial))
        value_error = np.zeros_like(advantage)
    policy, free = outputs[:-1, :-1], agent.parameters["log_std"]
    score, _ = agent.head.score(policy, agent.head.mode(policy), free)
    _, entropy_score, _ = agent.head.entropy(policy, free)
    by_policy = advantage * score + o.entropy_coef * entropy_score
    signal = np.hstack([by_policy, o.value_coef * value_error]) @ agent.feedback_weights()
    return Teaching(outputs[:-1, -1], td_error, advantage[:, 0], signal)


def _worth(agent: ActorCritic, trial: Trial) -> float:
    """Return minus the agent's baseline, for modulators that judge the whole episode."""
    returns = np.array([sum(trial.rewards)])
    if agent.options.modulator != "return":
        condition = np.array([int(trial.facts.get("condition", NO_CONDITION))])
        returns = returns - copy.deepcopy(agent.baseline)(returns, condition)  # it would learn
    return float(returns[0] / agent.return_scale)


# -- eligibility -----------------------------------------------------------------------------


def peak_eligibility(agent: ActorCritic, tape: Tape) -> np.ndarray:
    """Largest |ebar| of each synapse, (N, D + N); weights of 0 are no synapses."""
    network = agent.network
    peak = np.zeros((network.n_units, network.n_inputs + network.n_units))
    for eligibility in _eligibilities(network, tape):
        np.maximum(peak, np.abs(eligibility[:, :-1]), out=peak)
    return peak * (np.hstack([agent.parameters["W_in"], agent.parameters["W_rec"]]) != 0)


def choose_units(network: RateNetwork | SpikingNetwork, tape: Tape, peak: np.ndarray) -> list[int]:
    """Four with the largest eligibility; of spiking ones those that spike, two of each kind."""
    largest = peak.max(1)
    if isinstance(network, RateNetwork):
        return sorted(np.argsort(-largest)[:_FOLLOWED].tolist())
    largest += (tape["z"].sum((0, 1, 2)) > 0) * largest.max()  # ahead of all silent ones
    kinds = [kind for kind in (adaptive(network), ~adaptive(network)) if kind.any()]
    chosen = []
    for kind in kinds:
        order = np.argsort(-np.where(kind, largest, -1))[: min(_FOLLOWED // len(kinds), kind.sum())]
        chosen += sorted(order.tolist())
    return chosen


def choose_synapses(peak: np.ndarray, units: Sequence[int]) -> list[Synapse]:
    """For each unit the synapses whose filtered eligibility gets largest, from ``peak``."""
    d = peak.shape[1] - len(peak)
    chosen = []
    for post in units:
        from_inputs = np.argsort(-peak[post, :d])[:_FROM_INPUTS]
        from_units = d + np.argsort(-peak[post, d:])[:_FROM_UNITS]
        columns = [int(i) for i in (*from_inputs, *from_units) if peak[post, i] > 0]
        chosen += [Synapse(post, i) for i in columns]
    return chosen


def adaptive(network: SpikingNetwork) -> np.ndarray:
    """Which neurons are ALIF, (N,)."""
    return network.constants.beta > 0


def eligibility_traces(
    network: RateNetwork | SpikingNetwork, tape: Tape, synapses: Sequence[Synapse]
) -> np.ndarray:
    """ebar of each synapse over the network steps of ``tape``, (synapses, S)."""
    rows = [s.post for s in synapses], [s.column for s in synapses]
    return np.array([eligibility[rows] for eligibility in _eligibilities(network, tape)]).T


def _eligibilities(network: RateNetwork | SpikingNetwork, tape: Tape) -> Iterator[np.ndarray]:
    """ebar (N, D + N + 1) after each network step; overwritten by the next."""
    traces = single_steps(network).online_traces(1)
    for length in range(1, tape.length + 1):
        tape.length = length  # traces take in the last row
        traces.step(tape)
        yield traces.eligibility[0]
