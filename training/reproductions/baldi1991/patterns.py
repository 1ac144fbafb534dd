"""Fixed points by supervision: XOR and parity, and what the contrast does on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ....agents.contrastive import ContrastiveNet, Teacher
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment

Array = np.ndarray

GOAL = 0.9  # targets are +- this, never +- 1, which takes infinite input
NEAR = 0.3  # solved where all outputs are nearer to their targets
#: name -> (sizes, bits, teacher, beta, eta, networks, sweeps).
CASES: dict[str, tuple[tuple[int, int, int], int, str, float, float, int, int]] = {
    "XOR, hard": ((2, 4, 1), 2, "hard", 1.0, 0.1, 20, 60),
    "XOR, spring": ((2, 4, 1), 2, "spring", 1.0, 0.1, 20, 60),
    "XOR, current": ((2, 4, 1), 2, "current", 2.0, 0.1, 20, 60),
    "XOR, two-sided": ((2, 4, 1), 2, "two-sided", 0.1, 0.1, 20, 150),
    "XOR, 2 hidden units": ((2, 2, 1), 2, "hard", 1.0, 0.1, 20, 150),
    "parity of 3": ((3, 6, 1), 3, "hard", 1.0, 0.1, 20, 60),
    "parity of 4": ((4, 8, 1), 4, "hard", 1.0, 0.1, 10, 300),
    "XOR, sign turned": ((2, 4, 1), 2, "hard", 1.0, -0.1, 20, 100),
}
#: Learning in small steps of the mean over patterns, where the norm is free and where it is held.
SLOW = {"rates": (0.08, 0.016), "way": 12.0, "held": 0.8, "networks": 20}
FLIP = 0.5  # a jump: an activity that moves by more in one update


def parity(bits: int) -> tuple[Array, Array]:
    """All patterns of +- 1 (2^bits, bits), and GOAL times their products (2^bits, 1)."""
    numbers = np.arange(2**bits)[:, None]
    x = 2.0 * (numbers >> np.arange(bits) & 1) - 1
    return x, GOAL * x.prod(1, keepdims=True)


def learn(case: str, networks: int | None = None) -> dict[str, Any]:
    """Pattern after pattern: sweeps to the solution (0: none), errors, contrasts and norms.

    ``contrast`` and ``norm`` are (sweeps, P, S), before each update.
    """
    sizes, bits, kind, beta, eta, seeds, sweeps = CASES[case]
    x, target = parity(bits)
    net = ContrastiveNet.create(sizes, range(networks or seeds))
    solved = np.zeros(len(net.weights), int)
    errors, contrast, norm = [], [], []
    for sweep in range(1, sweeps + 1):
        for pattern, wanted in zip(x[:, None], target[:, None], strict=True):
            teacher = Teacher(kind, wanted, beta)
            taught, free, minus = net.phases(pattern, teacher)
            contrast.append(net.contrast(taught, free, teacher)[:, 0])
            norm.append(net.inner_norm())
            net.update(taught, minus, eta / teacher.divisor)
        missed = np.abs(net.relax(x).v[..., -1:] - target).max((1, 2))
        errors.append(missed)
        solved[(solved == 0) & (missed < NEAR)] = sweep
    shape = (sweeps, len(x), len(solved))
    return {
        "solved": solved,
        "errors": np.array(errors),
        "contrast": np.array(contrast).reshape(shape),
        "norm": np.array(norm).reshape(shape),
    }


def slow(rate: float, held: float | None, networks: int) -> dict[str, Any]:
    """Batch learning of XOR: largest moves of settled activities in one update, contrasts."""
    x, target = parity(2)
    net = ContrastiveNet.create((2, 4, 1), range(networks), steps=150, dt=0.5)
    teacher = Teacher("hard", target)
    if held is not None:
        net.limit(held)
    before, moves, contrast = None, [], []
    for _ in range(round(SLOW["way"] / rate)):
        taught, free, minus = net.phases(x, teacher)
        if before is not None:
            moves.append(np.abs(free.v - before).max(-1))
        contrast.append(net.contrast(taught, free, teacher))
        before = free.v
        net.update(taught, minus, rate / len(x))
        if held is not None:
            net.limit(held)
    missed = np.abs(net.relax(x).v[..., -1:] - target).max((1, 2))
    return {
        "moves": np.array(moves),
        "contrast": np.array(contrast),
        "solved": int((missed < NEAR).sum()),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Sweeps to the solution, curves, and jumps."""
    networks = 4 if quick else None
    found = {case: learn(case, networks) for case in CASES}
    low = [
        one["norm"][one["contrast"] < -1e-9].min(initial=np.inf)
        for case, one in found.items()
        if "current" not in case  # its F may be below 0, and C with it
    ]
    hard = found["XOR, hard"]["contrast"]
    jumps = {
        f"{rate:g}, {'held' if held else 'free'}": slow(rate, held, networks or SLOW["networks"])
        for rate in SLOW["rates"]
        for held in (None, SLOW["held"])
    }
    shown = jumps[f"{SLOW['rates'][1]:g}, free"]
    held = jumps[f"{SLOW['rates'][1]:g}, held"]
    seed = int(np.abs(np.diff(shown["contrast"][20:], axis=0)).max((0, 2)).argmax())
    return {
        "solved": {case: one["solved"].tolist() for case, one in found.items()},
        "errors": {case: one["errors"].mean(1).tolist() for case, one in found.items()},
        "negative": [int((hard < -1e-9).sum()), hard.size],
        "lowest_norm": float(min(low)),
        "falls": [float(hard[0].mean()), float(hard[-1].mean())],
        "largest": {name: float(one["moves"].max()) for name, one in jumps.items()},
        "slowly": [shown["solved"], held["solved"], shown["contrast"].shape[1]],
        "course": {
            "free": shown["contrast"][:, seed].tolist(),
            "held": held["contrast"][:, seed].tolist(),
        },
    }


def claims(result: dict[str, Any]) -> list[Claim]:
    """XOR by every teacher, parity, and what the landscape lets one expect."""

    def solved(text: str, case: str, share: float, within: int) -> Claim:
        sweeps = np.array(result["solved"][case])
        known = sweeps[sweeps > 0]
        middle = f"; median {np.median(known):g} sweeps, most {known.max()}" if len(known) else ""
        return Claim(
            text,
            f"{share:.0%} of networks within {within} sweeps",
            f"{len(known)} of {len(sweeps)}{middle}",
            bool(np.mean((sweeps > 0) & (sweeps <= within)) >= share),
        )

    largest = result["largest"]
    fast, small = (f"{rate:g}" for rate in SLOW["rates"])
    ratio = SLOW["rates"][0] / SLOW["rates"][1]
    shrinks = largest[f"{fast}, held"] / largest[f"{small}, held"]
    count, of = result["negative"]
    turned = result["solved"]["XOR, sign turned"]
    before, after = result["falls"]
    freely, bound, networks = result["slowly"]
    return [
        solved("XOR, 2-4-1, outputs clamped", "XOR, hard", 0.9, 60),
        solved("Abstract: many teachers serve; a spring", "XOR, spring", 0.9, 60),
        solved("... an additive current", "XOR, current", 0.9, 60),
        solved("... a weak spring, two-sided", "XOR, two-sided", 0.9, 150),
        solved("XOR, 2-2-1", "XOR, 2 hidden units", 0.8, 150),
        solved("Parity of 3, 3-6-1", "parity of 3", 0.8, 60),
        solved("Parity of 4, 4-8-1", "parity of 4", 0.8, 300),
        Claim("Control, XOR with the sign of the update turned: networks that solve it", "none",
              f"{sum(s > 0 for s in turned)} of {len(turned)}", not any(turned)),
        Claim("XOR, hard: mean contrast in the first and in the last sweep", "falls to a tenth",
              f"{before:.3f}, {after:.4f}", after < before / 10),
        Claim(f"Where gain times the norm of the inner synapses is below 1, C is not negative: "
              f"lowest norm with C < 0 ({count} of {of} phases of XOR, hard)", "above 1",
              f"{result['lowest_norm']:.3f}", result["lowest_norm"] > 1),
        Claim("Curves jump where a phase changes its basin (this library's reading of the "
              f"abstract's landscape): largest move of an activity in one update at eta {fast} "
              f"and {small}", "above .5 at both",
              f"{largest[f'{fast}, free']:.2f}, {largest[f'{small}, free']:.2f}",
              min(largest[f"{fast}, free"], largest[f"{small}, free"]) > FLIP),
        Claim(f"... with the norm held at {SLOW['held']} there is one basin, and moves shrink "
              "with eta", f"by {ratio:g} (within a third), below .5",
              f"by {shrinks:.2f}, to {largest[f'{small}, held']:.3f}",
              abs(shrinks / ratio - 1) < 1 / 3 and largest[f"{small}, held"] < FLIP),
        Claim(f"... and XOR, with targets of {GOAL}, is not learned: networks that solve it with "
              "the norm free and held", "most; none", f"{freely}; {bound} of {networks}",
              freely > networks / 2 and not bound),
    ]  # fmt: skip


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Errors by sweep, and the contrast of each pattern, with and without jumps."""
    figure, (errors, free, held) = new_figure(3, width=9.6, height=3.2)
    shown = ("XOR, hard", "XOR, spring", "XOR, current", "XOR, two-sided", "parity of 4")
    for color, case in zip(COLORS, shown, strict=False):
        course = result["errors"][case]
        errors.plot(np.arange(1, len(course) + 1), course, color=color, lw=1.4, label=case)
    errors.axhline(NEAR, **AXIS)
    errors.set_xscale("log")
    errors.xaxis.set_major_formatter("{x:g}")
    errors.set_xlabel("sweep")
    errors.set_ylabel("largest error of a pattern (mean)")
    errors.set_ylim(top=2.6)
    errors.legend(frameon=False, fontsize=7, loc="upper right", ncols=2)
    course, rate = result["course"], SLOW["rates"][1]
    _contrasts(free, np.array(course["free"]), "norm free: jumps")
    _contrasts(held, np.array(course["held"]), f"norm held at {SLOW['held']}")
    for axis in (free, held):
        axis.set_xlabel(f"update (eta {rate:g}); a line a pattern")
    free.set_ylabel("contrast (XOR)")
    return [save(figure, folder / "learning-curves.png")]


def _contrasts(axis: Axes, course: Array, title: str) -> None:
    for shade, one in zip(("#222222", "#666666", "#999999", "#bbbbbb"), course.T, strict=False):
        axis.plot(one, color=shade, lw=1.1)
    axis.axhline(0, **AXIS)
    axis.set_title(title, fontsize=9)


EXPERIMENT = Experiment(
    "patterns",
    "Fixed points by supervision: XOR, parity, and the contrast on the way",
    measure,
    claims,
    draw,
    {"cases": CASES, "slow": SLOW},
)
