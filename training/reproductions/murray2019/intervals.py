"""Interval matching: two pulses in, a third one out, as long after the second as that after the
first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from ....agents import EProp, Targets
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .periodic import BPTT, RFLO, motor_options

Array = np.ndarray

TRIALS, QUICK_TRIALS = 5000, 300
BATCH, UNITS, WIDTH = 10, 100, 15.0
SEEDS, QUICK_SEEDS = 5, 1
FIRST, SHORTEST, TAIL = 50, 50, 100
HELD_OUT = 20  # multiples of it are never trained, and are what is tested
POOL = 1000  # trials drawn ahead
#: Learning rates are for the sum over a batch, as published.
CASES: dict[str, dict[str, Any]] = {
    "RFLO, up to 15 tau": {"longest": 150, "rate": 1e-3 * BATCH, **RFLO},
    "RFLO, up to 20 tau": {"longest": 200, "rate": 1e-3 * BATCH, **RFLO},
    "BPTT, up to 20 tau": {"longest": 200, "rate": 3e-3 * BATCH, **BPTT},
}


def trials(delays: Array, longest: int) -> Targets:
    """One trial for each delay (steps)."""
    t = np.arange(1, FIRST + 2 * longest + TAIL + 1)[:, None]

    def pulse(centre: Array) -> Array:
        return np.exp(-0.5 * ((t - centre) / WIDTH) ** 2)

    second = FIRST + delays
    shown = pulse(np.full_like(delays, FIRST)) + pulse(second)
    free = spaces.Box(-np.inf, np.inf, (1,))
    return Targets(shown[..., None], pulse(second + delays)[..., None], free)


def _delays(longest: int, held_out: bool) -> Array:
    every = np.arange(SHORTEST, longest + 1)
    return every[(every % HELD_OUT == 0) == held_out]


def measure(quick: bool) -> dict[str, Any]:
    """Times of the largest output after learning, on delays that were held out."""
    found = {}
    for case, settings in CASES.items():
        own = dict(settings)
        longest, rate = own.pop("longest"), own.pop("rate")
        tested = _delays(longest, held_out=True)
        peaks = []
        for seed in range(QUICK_SEEDS if quick else SEEDS):
            rng = np.random.default_rng([seed, 11])
            pool = trials(rng.choice(_delays(longest, held_out=False), POOL), longest)
            options = motor_options(UNITS, learning_rate=rate, **own)
            agent = EProp(pool, seed=seed, n_envs=BATCH, **options)
            for _ in range((QUICK_TRIALS if quick else TRIALS) // BATCH):
                agent.update()
            peaks.append(_produced(agent, tested, longest))
        found[case] = {"delays": tested.tolist(), "produced": peaks}
    return found


def _produced(agent: EProp, delays: Array, longest: int) -> list[int]:
    """Time from the second pulse to the largest output behind it (steps)."""
    shown = trials(delays, longest).observations
    network = agent.network
    features, _ = network.run(
        agent.parameters,
        network.initial_state(len(delays)),
        shown.astype(agent.dtype),
        network.tape(len(delays)),
    )
    output = agent.outputs(features)[..., 0]
    return [int(output[FIRST + delay :, i].argmax()) + 1 for i, delay in enumerate(delays.tolist())]


def _errors(found: dict[str, Any]) -> Array:
    """Absolute errors (seeds, delays)."""
    return np.abs(np.array(found["produced"]) - np.array(found["delays"]))


def _slope(found: dict[str, Any]) -> float:
    """Median over seeds of the slope of produced over asked intervals."""
    return float(np.median([np.polyfit(found["delays"], run, 1)[0] for run in found["produced"]]))


def claims(result: dict[str, Any]) -> list[Claim]:
    """Good up to 15 time constants, worse beyond, BPTT better there."""
    error = {case: float(np.median(_errors(found))) for case, found in result.items()}
    short, long, exact = result
    slope = _slope(result[short])
    return [
        Claim(
            f"Interval matching by {short}: delays never trained, {len(result[short]['produced'])} "
            "networks",
            "median error < 15 steps, slope 0.9 to 1.1",
            f"{error[short]:.0f} steps, slope {slope:.2f}",
            error[short] < 15 and 0.9 <= slope <= 1.1,
        ),
        Claim(
            "Longer intervals are harder: median error relative to 15 tau",
            "RFLO up to 20 tau worse than up to 15 tau; BPTT better than RFLO there",
            f"{error[short]:.0f}, {error[long]:.0f} and, by BPTT, {error[exact]:.0f} steps",
            error[long] > error[short] and error[exact] < error[long],
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Produced against asked intervals."""
    figure, axes = new_figure(len(result), share_y=True)
    for i, (axis, (case, found)) in enumerate(zip(axes, result.items(), strict=True)):
        for run in found["produced"]:
            axis.plot(found["delays"], run, "o", color=COLORS[i], ms=3, alpha=0.6)
        axis.plot(found["delays"], found["delays"], **AXIS)
        axis.set_title(case, fontsize=9)
        axis.set_xlabel("interval asked for (steps)")
    axes[0].set_ylabel("interval produced (steps)")
    return [save(figure, folder / "intervals.png")]


EXPERIMENT = Experiment(
    "intervals",
    "Interval matching",
    measure,
    claims,
    draw,
    {"trials": TRIALS, "batch": BATCH, "seeds": SEEDS, "cases": CASES},
)
