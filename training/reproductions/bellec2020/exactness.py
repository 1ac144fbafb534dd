"""Equal by derivation, equal in double precision: executions, factorisation, rewards."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from ....agents import EProp, Targets
from ....agents.networks import SpikingNetwork
from ....agents.rtrl import rtrl_gradient
from ...reproduction import Claim, Experiment

Array = np.ndarray

UNITS, INPUTS, STEPS, BATCH = 7, 5, 50, 3
SETTINGS: dict[str, Any] = {
    "n_neurons": UNITS,
    "substeps": 1,
    "tau_membrane": (8.0, 25.0),
    "tau_adaptation": (30.0, 200.0),
    "tau_readout": 10.0,
    "adaptive_fraction": 0.6,
    "refractory": 3,
    "input_gain": 12.0,
    "recurrent_gain": 1.5,
    "adaptation_strength": 10.0,
    "target_rate": 0.05,
    "rate_coef": 0.7,
    "optimizer": "sgd",
    "max_grad_norm": 0.0,
    "dtype": "float64",
}
TOLERANCE = 1e-10


def _targets(seed: int = 0) -> Targets:
    rng = np.random.default_rng(seed)
    spikes = rng.random((STEPS, BATCH, INPUTS)) < 0.2
    course = rng.standard_normal((STEPS, BATCH, 3))
    return Targets(spikes, course, spaces.Box(-np.inf, np.inf, (3,)))


def _agent(network: str, **own: Any) -> EProp:
    return EProp(_targets(), seed=1, n_envs=BATCH, network=network, **(SETTINGS | own))


def _distance(a: dict[str, Array], b: dict[str, Array]) -> float:
    """Largest difference over the largest size, of all weights that both know."""
    sizes = {name: float(np.abs(b[name]).max()) for name in ("W_in", "W_rec")}
    if min(sizes.values()) == 0:  # nothing to compare
        return float("inf")
    return max(float(np.abs(a[name] - b[name]).max()) / size for name, size in sizes.items())


def measure(quick: bool) -> dict[str, Any]:
    """Relative differences of pairs of computations of one thing."""
    del quick  # it takes a second
    found: dict[str, float] = {}
    for network in ("lif", "alif"):
        for feedback in ("symmetric", "random"):
            learned = [
                _weight_change(_agent(network, feedback=feedback, execution=execution))
                for execution in ("batched", "online")
            ]
            found[f"online and batched, {network.upper()}, {feedback} feedback"] = _distance(
                *learned
            )
        agent = _agent(network, rate_coef=0.0)
        agent.play()
        output_adjoint, *_ = agent._output_adjoint(*agent._modulate())
        feature_adjoint = output_adjoint @ agent.parameters["W_out"]
        for local, title in ((True, "e-prop and forward accumulation without paths between"),
                             (False, "BPTT and real-time recurrent learning")):  # fmt: skip
            ours = agent.network.backward(
                agent.parameters, agent.tape, feature_adjoint, exact=not local
            )
            oracle = rtrl_gradient(
                agent.network, agent.parameters, agent.tape, feature_adjoint, local=local
            )
            found[f"{title} ({network.upper()})"] = _distance(ours, oracle)
        found[f"total derivatives times eligibility traces and BPTT ({network.upper()})"] = (
            _factorised(agent, feature_adjoint)
        )
    for gamma, decay in ((0.99, 1.0), (0.9, 0.6)):
        learned = [
            _weight_change(_on_reward(execution, gamma, decay))
            for execution in ("batched", "online")
        ]
        title = f"reward, traces forward and advantages backward, gamma {gamma}, lambda {decay}"
        found[title] = _distance(*learned)
    return found


def _weight_change(agent: EProp) -> dict[str, Array]:
    before = {name: w.copy() for name, w in agent.parameters.items()}
    agent.update()
    return {name: w - before[name] for name, w in agent.parameters.items()}


def _on_reward(execution: str, gamma: float, decay: float) -> EProp:
    return EProp(
        "caudate/DelayedMatch-v0",
        seed=2,
        n_envs=BATCH,
        network="alif",
        execution=execution,
        gamma=gamma,
        gae_lambda=decay,
        **(SETTINGS | {"substeps": 2, "input_gain": 3.0}),
    )


def _factorised(agent: EProp, feature_adjoint: Array) -> float:
    """Bellec's factorisation: dE/dW = sum_t (dE/dz[t]) e[t] with the total dE/dz and local e."""
    network, tape = agent.network, agent.tape
    assert isinstance(network, SpikingNetwork)
    c = network.constants
    z, psi = tape["z"][:, 0], tape["psi"][:, 0]
    w = agent.parameters["W_rec"] - c.threshold * np.eye(UNITS)
    lam = mu = nu = np.zeros((BATCH, UNITS))
    total = np.empty(z.shape)  # of a spike, its own neuron's adaptation excluded
    for t in range(STEPS - 1, -1, -1):
        lam = network.feature_gain * feature_adjoint[t] + c.kappa * lam
        total[t] = lam + nu @ w
        delta = psi[t] * (total[t] + mu)
        mu = c.rho * mu - c.beta * delta
        nu = delta + c.alpha * nu
    traces = network.online_traces(BATCH)
    sum_of_products = np.zeros((UNITS, INPUTS + UNITS + 1))
    whole = tape.length
    for t in range(STEPS):
        tape.length = t + 1
        traces.step(tape)
        sum_of_products += np.einsum("bj,bji->ji", total[t], traces.raw_sum)
    tape.length = whole
    exact = network.backward(agent.parameters, tape, feature_adjoint, exact=True)
    recurrent = sum_of_products[:, INPUTS:-1]
    np.fill_diagonal(recurrent, 0)
    return _distance({"W_in": sum_of_products[:, :INPUTS], "W_rec": recurrent}, exact)


def claims(result: dict[str, Any]) -> list[Claim]:
    """Each pair agrees."""
    return [
        Claim(
            f"Relative difference: {title}",
            f"< {TOLERANCE:g}",
            f"{value:.1e}",
            0 <= value < TOLERANCE,
        )
        for title, value in result.items()
    ]


EXPERIMENT = Experiment(
    "exactness",
    "Identities, in double precision",
    measure,
    claims,
    None,
    {"network": SETTINGS, "steps": STEPS},
)
