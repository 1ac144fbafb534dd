"""One network that is taught in every other half of a rhythm and stores no state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.contrastive import ContrastiveNet, oscillate
from ....agents.contrastive.oscillation import WAVES
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .patterns import NEAR, parity

HALVES = (0.6, 1.5, 3.0, 6.0, 12.0, 24.0)  # half periods, in time constants of a unit
RATE, BETA = 0.1, 1.0
SEEDS, SWEEPS = 10, 200
SLOW, FAST = 24.0, 3.0
KEPT = "square, state kept"


def measure(quick: bool) -> dict[str, Any]:
    """Sweeps to the solution of XOR (0: none) by wave, half period and network."""
    seeds, halves = (3, (1.5, 24.0)) if quick else (SEEDS, HALVES)
    found = {wave: {f"{half:g}": _sweeps(wave, half, seeds) for half in halves} for wave in WAVES}
    return found | {KEPT: {f"{SLOW:g}": _sweeps("square", SLOW, seeds, kept=True)}}


def _sweeps(wave: str, half: float, seeds: int, kept: bool = False) -> list[int]:
    x, target = parity(2)
    net = ContrastiveNet.create((2, 4, 1), range(seeds))
    solved = np.zeros(seeds, int)
    u = np.zeros((seeds, 1, 5)) if kept else None
    for sweep in range(1, SWEEPS + 1):
        last = oscillate(net, x, target, rate=RATE, beta=BETA, half_period=half, wave=wave, u=u)
        u = last if kept else None
        missed = np.abs(net.relax(x).v[..., -1:] - target).max((1, 2))
        solved[(solved == 0) & (missed < NEAR)] = sweep
        if solved.all():
            break
    return solved.tolist()


def claims(result: dict[str, Any]) -> list[Claim]:
    """A slow rhythm teaches, a fast one does not."""
    rows = []
    for wave in WAVES:
        found = result[wave]
        slow = found[f"{SLOW:g}"]
        fast = [one for half, sweeps in found.items() if float(half) <= FAST for one in sweeps]
        first = "Abstract: phases may alternate, with no state stored; " if not rows else "... "
        rows += [
            Claim(
                f"{first}{wave} wave (equations this library's), half period {SLOW:g} tau: XOR "
                f"solved within {SWEEPS} sweeps",
                "by 80 % of networks",
                f"{sum(s > 0 for s in slow)} of {len(slow)} (most {max(slow)} sweeps)",
                float(np.mean(np.array(slow) > 0)) >= 0.8,
            ),
            Claim(
                f"... {wave} wave, half periods up to {FAST:g} tau: too fast to settle",
                "none",
                f"{sum(s > 0 for s in fast)} of {len(fast)}",
                not any(fast),
            ),
        ]
    kept, rested = result[KEPT][f"{SLOW:g}"], result["square"][f"{SLOW:g}"]
    rows.append(
        Claim(
            "... square wave, no return to rest between patterns: what was taught last stays",
            "fewer than with it",
            f"{sum(s > 0 for s in kept)} of {len(kept)}",
            sum(s > 0 for s in kept) < sum(s > 0 for s in rested),
        )
    )
    return rows


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Share of networks that solve XOR against the half period."""
    figure, (axis,) = new_figure(1, width=4.6, height=3.0)
    halves: list[float] = []
    for color, wave in zip(COLORS, WAVES, strict=False):
        found = result[wave]
        halves = [float(half) for half in found]
        share = [float(np.mean(np.array(sweeps) > 0)) for sweeps in found.values()]
        axis.plot(halves, share, "o-", color=color, lw=1.6, ms=4, label=f"{wave} wave")
    axis.set_xscale("log")
    axis.minorticks_off()
    axis.set_xticks(halves, [f"{half:g}" for half in halves])
    axis.set_ylim(-0.04, 1.04)
    axis.set_xlabel("half period (time constants of a unit)")
    axis.set_ylabel("networks that solve XOR")
    axis.legend(frameon=False, fontsize=8, loc="upper left")
    return [save(figure, folder / "oscillation.png")]


EXPERIMENT = Experiment(
    "oscillation",
    "A rhythm in place of stored states",
    measure,
    claims,
    draw,
    {"halves": HALVES, "rate": RATE, "beta": BETA, "seeds": SEEDS, "sweeps": SWEEPS},
)
