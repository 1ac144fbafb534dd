"""Syllables put in order by a loop through the striatum, beside networks that learn it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from ....agents import EProp, LoopCircuit, Targets
from ....envs import SyllableSequence, make_task
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .periodic import BPTT, RFLO, motor_options

Array = np.ndarray

TASK = "caudate/SyllableSequence-v0"
MOTOR_SEEDS, STRIATAL_SEEDS = 2, 10
EPISODES = 2500  # of eight choices
WHOLE_TRIALS, WHOLE_SEEDS = 20_000, 1
QUICK = {"motor_seeds": 1, "striatal_seeds": 2, "motor_trials": 500, "episodes": 200, "whole": 100}
MOTOR_TRIALS = 40_000  # syllables, in 10,000 chains of four
UNITS = 100
#: Of plain gradient steps on the whole sequence; the largest that did not diverge.
WHOLE_RATES = {"RFLO": 3e-3, "BPTT": 1e-2}


def measure(quick: bool) -> dict[str, Any]:
    """Greedy sequences of trained loops, what they move, and what whole networks move."""
    motor_seeds = QUICK["motor_seeds"] if quick else MOTOR_SEEDS
    right: list[float] = []
    errors: list[float] = []
    found: dict[str, Any] = {}
    target = _target()
    for motor_seed in range(motor_seeds):
        motor = None
        for seed in range(QUICK["striatal_seeds"] if quick else STRIATAL_SEEDS):
            agent = _loop(motor_seed, 1000 * motor_seed + seed, motor, quick)
            motor = agent.motor.get_state()
            moved, share = _play(agent)
            right.append(share)
            errors.append(float(((moved - target) ** 2).mean()))
            found.setdefault("loop", moved[::4].tolist())
    found |= {"right": right, "loop errors": errors, "target": target[::4].tolist()}
    for name, own in (("RFLO", RFLO), ("BPTT", BPTT)):
        runs = [_whole(own, WHOLE_RATES[name], seed, target, quick) for seed in range(WHOLE_SEEDS)]
        found[f"{name} errors"] = [error for error, _ in runs]
        found[name] = runs[0][1]
    return found


def _loop(motor_seed: int, seed: int, motor: dict[str, Any] | None, quick: bool) -> LoopCircuit:
    """A loop that has learned; the motor network is trained once for all its striatal seeds."""
    trials = QUICK["motor_trials"] if quick else MOTOR_TRIALS
    agent = LoopCircuit(TASK, seed=motor_seed, n_envs=1, motor_trials=trials)
    if motor is None:
        while agent.num_motor_trials < trials:
            agent.update()
        motor = agent.motor.get_state()
    learner = LoopCircuit(TASK, seed=seed, n_envs=1, motor_trials=0)
    learner.motor.set_state(motor)
    for _ in range(QUICK["episodes"] if quick else EPISODES):
        learner.update()
    return learner


def _play(agent: LoopCircuit) -> tuple[Array, float]:
    """Velocities (T, 2) of one greedy pass, and the share of right transitions.

    A choice is what is carried out in the next step: the first movement is the second syllable
    observed.
    """
    seen = agent.rounds.reset([0])
    state = agent.motor.network.initial_state(1)
    moved = []
    while True:
        movement, striatal, state = agent.carry_out(seen, state)
        moved.append(movement[:, 0])
        if not agent.rounds.alive.any():
            break
        seen, _ = agent.rounds.step(agent.head.to_env(striatal.argmax(-1)))
    return np.concatenate(moved[1:]), float(agent.rounds.returns[0])


def _target() -> Array:
    """Velocities (T, 2) of the whole sequence, in the actions' units."""
    syllables, sequence = make_task("caudate/Syllables-v0"), make_task(TASK)
    assert isinstance(sequence, SyllableSequence)
    trials = syllables.sample_trials(256, 0)
    order = sequence.sequence
    names = list(syllables.obs_names)
    shown = trials.obs[0].argmax(-1)
    picked = [int(np.flatnonzero(shown == names.index(name))[0]) for name in order]
    return np.concatenate([trials.target[:, i] for i in picked])


def _whole(
    own: dict[str, Any], rate: float, seed: int, target: Array, quick: bool
) -> tuple[float, list[Any]]:
    """One network for the whole movement, with a tonic input."""
    targets = Targets(
        np.ones((len(target), 1, 1)), target[:, None], spaces.Box(-1, 1, (2,), np.float32)
    )
    agent = EProp(targets, seed=seed, n_envs=1, **motor_options(UNITS, learning_rate=rate, **own))
    for _ in range(QUICK["whole"] if quick else WHOLE_TRIALS):
        agent.update()
    moved = agent.record["outputs"][:, 0, :2].astype(float)
    return float(((moved - target) ** 2).mean()), moved[::4].tolist()


def claims(result: dict[str, Any]) -> list[Claim]:
    """The loop puts the syllables in order and beats whole networks."""
    complete = float(np.mean(np.array(result["right"]) > 0.999))
    loop = float(np.median(result["loop errors"]))
    whole = {name: result[f"{name} errors"] for name in ("RFLO", "BPTT")}
    each = {name: ", ".join(f"{error:.1e}" for error in errors) for name, errors in whole.items()}
    best = {name: min(errors) for name, errors in whole.items()}
    return [
        Claim(
            f"Sequence of eight syllables by the loop: greedy runs with all transitions right, of "
            f"{len(result['right'])}",
            "> 95 %",
            f"{complete:.0%}",
            complete > 0.95,
        ),
        Claim(
            f"Squared error of the movement against one network for all 1,600 steps, RFLO, "
            f"{WHOLE_TRIALS:,} trials",
            "at least 5 times the loop's",
            f"{each['RFLO']} and {loop:.1e} (median of the loops): {best['RFLO'] / loop:.1f} times",
            best["RFLO"] > 5 * loop,
        ),
        Claim(
            f"... and BPTT, {WHOLE_TRIALS:,} trials",
            "above the loop's",
            f"{each['BPTT']}: {best['BPTT'] / loop:.1f} times",
            best["BPTT"] > loop,
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Where the cursor goes."""
    names = {
        "loop": "loop, RFLO syllables",
        "RFLO": "one network, RFLO",
        "BPTT": "one network, BPTT",
    }
    figure, axes = new_figure(3, share_y=True, height=2.9)
    target = np.cumsum(np.array(result["target"]), 0)
    scale = np.abs(target).max()
    for i, (axis, (key, title)) in enumerate(zip(axes, names.items(), strict=True)):
        path = np.cumsum(np.array(result[key]), 0) / scale
        axis.plot(*(target / scale).T, color="#222222", lw=4, alpha=0.2)
        axis.plot(*path.T, color=COLORS[i], lw=1.4)
        axis.plot(0, 0, "o", color="#222222", ms=4)
        axis.axhline(0, **AXIS)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("x (reaches)")
        axis.set_aspect("equal")
    axes[0].set_ylabel("y (reaches)")
    return [save(figure, folder / "sequence.png")]


EXPERIMENT = Experiment(
    "sequence",
    "A sequence of syllables by the loop circuit",
    measure,
    claims,
    draw,
    {
        "motor seeds": MOTOR_SEEDS,
        "striatal seeds": STRIATAL_SEEDS,
        "episodes": EPISODES,
        "motor trials": MOTOR_TRIALS,
        "whole": [WHOLE_TRIALS, WHOLE_SEEDS, WHOLE_RATES],
    },
)
