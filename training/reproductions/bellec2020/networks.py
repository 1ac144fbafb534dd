"""The networks of the paper as options of the agent, in steps of 1 ms, and how they learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....agents import EProp, Targets

Array = np.ndarray


def options(
    *,
    n_inputs: int,
    tau_membrane: float,
    tau_adaptation: float,
    threshold: float,
    beta: float,
    readout: float,
) -> dict[str, Any]:
    """Network with weights N(0, 1) / sqrt(inputs) and N(0, 1) / sqrt(units), leaky readout.

    ``beta`` is the rise of the threshold by a spike, ``readout`` the spread of its weights times
    the root of the number of units. One network step is one step of the task.
    """
    drive = 1 - np.exp(-1 / tau_membrane)
    rise = 1 - np.exp(-1 / tau_adaptation)
    return {
        "n_neurons": 100,
        "substeps": 1,
        "tau_membrane": (tau_membrane, tau_membrane),
        "tau_adaptation": (tau_adaptation, tau_adaptation),
        "tau_readout": tau_membrane,
        "mean_features": True,
        "threshold": threshold,
        "input_gain": float(1 / (np.sqrt(n_inputs) * threshold * drive)),
        "recurrent_gain": 1 / threshold,
        "adaptation_strength": float(beta / (threshold * rise)),
        "readout_gain": readout,
        "biases": False,
        "max_grad_norm": 0.0,
    }


def wrong(agent: EProp) -> Array:
    """Which decisions (T, B) of the last round were wrong; False where none was due.

    A decision is the larger mean output over the steps of one answer.
    """
    assert agent.targets is not None
    pool, trials = agent.targets.pool, agent.targets.trials
    outputs = agent.record["outputs"][..., :-1]
    steps = len(outputs)
    mask, target = pool.mask[:steps, trials], pool.targets[:steps, trials]
    starts = mask & ~np.concatenate([np.zeros_like(mask[:1]), mask[:-1]])
    found = np.zeros(mask.shape, bool)
    for t, b in zip(*np.nonzero(starts), strict=True):
        rest = mask[t:, b]
        length = len(rest) if rest.all() else int(rest.argmin())
        found[t, b] = outputs[t : t + length, b].mean(0).argmax() != target[t, b]
    return found


def decisions(agent: EProp) -> int:
    """How many answers the last round asked for."""
    assert agent.targets is not None
    mask = agent.targets.pool.mask[:, agent.targets.trials]
    return int((mask[1:] & ~mask[:-1]).sum() + mask[0].sum())


def shown(agent: EProp, column: int) -> dict[str, Any]:
    """Spikes and inputs as (times, numbers), outputs every 5 ms, of a trial of the last round."""
    spikes, inputs = (
        np.nonzero(a) for a in (agent.tape["z"][:, 0, column], agent.tape["x"][:, column])
    )
    return {
        "spikes": [part.tolist() for part in spikes],
        "inputs": [part.tolist() for part in inputs],
        "outputs": agent.record["outputs"][::5, column, :-1].tolist(),
    }


def learn(
    agent: EProp,
    stream: Callable[[], Targets],
    iterations: int,
    goal: float,
    window: int = 8,
) -> dict[str, Any]:
    """Learn from fresh trials until the share of wrong answers over ``window`` rounds is low.

    Returns the error of each round and the iteration at which the goal was reached, or None.
    """
    errors: list[float] = []
    for iteration in range(1, iterations + 1):
        agent.teach(stream())
        agent.update()
        errors.append(float(wrong(agent).sum() / decisions(agent)))
        if len(errors) >= window and np.mean(errors[-window:]) < goal:
            return {"errors": errors, "reached": iteration}
    return {"errors": errors, "reached": None}
