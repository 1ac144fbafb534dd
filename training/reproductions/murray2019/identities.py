"""Equal by derivation, equal in double precision: RFLO's executions, locality, BPTT."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from ....agents import EProp, Targets
from ....agents.rtrl import rtrl_gradient
from ...reproduction import Claim, Experiment
from .periodic import motor_options

UNITS, INPUTS, STEPS, BATCH = 7, 5, 50, 3
TOLERANCE = 1e-10


def _agent(**own: Any) -> EProp:
    rng = np.random.default_rng(0)
    targets = Targets(
        rng.standard_normal((STEPS, BATCH, INPUTS)),
        rng.standard_normal((STEPS, BATCH, 3)),
        spaces.Box(-np.inf, np.inf, (3,)),
    )
    options = motor_options(UNITS, learning_rate=0.1, dtype="float64", **own)
    return EProp(targets, seed=1, n_envs=BATCH, **options)


def _change(agent: EProp) -> dict[str, np.ndarray]:
    before = {name: w.copy() for name, w in agent.parameters.items()}
    agent.update()
    return {name: agent.parameters[name] - before[name] for name in ("W_in", "W_rec", "W_out")}


def _distance(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    names = a.keys() & b.keys() - {"bias"}
    return max(float(np.abs(a[k] - b[k]).max() / np.abs(b[k]).max()) for k in names)


def measure(quick: bool) -> dict[str, Any]:
    """Relative differences of pairs of computations of one thing."""
    del quick  # it takes a second
    found = {}
    for feedback in ("random", "symmetric"):
        pair = [_change(_agent(feedback=feedback, execution=e)) for e in ("batched", "online")]
        found[f"online and batched RFLO, {feedback} feedback"] = _distance(*pair)
    agent = _agent()
    agent.play()
    output_adjoint, *_ = agent._output_adjoint(*agent._modulate())
    adjoint = output_adjoint @ agent.parameters["W_out"]
    for local, title in (
        (True, "local rule with symmetric feedback and the gradient without paths between units"),
        (False, "BPTT and real-time recurrent learning"),
    ):
        ours = agent.network.backward(agent.parameters, agent.tape, adjoint, exact=not local)
        oracle = rtrl_gradient(agent.network, agent.parameters, agent.tape, adjoint, local=local)
        found[title] = _distance(ours, oracle)
    return found


def claims(result: dict[str, Any]) -> list[Claim]:
    """Each pair agrees."""
    return [
        Claim(
            f"Relative difference: {title}", f"< {TOLERANCE:g}", f"{value:.1e}", value < TOLERANCE
        )
        for title, value in result.items()
    ]


EXPERIMENT = Experiment(
    "identities", "Identities, in double precision", measure, claims, None, {"steps": STEPS}
)
