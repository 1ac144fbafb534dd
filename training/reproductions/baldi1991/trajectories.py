"""Trajectories by two constructions of this library's: a circle and an eight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import NullFormatter

from ....agents.contrastive import ActionNet, ContrastiveNet, learn_cycle
from ...pictures import COLORS, FAINT, new_figure, save
from ...reproduction import Claim, Experiment

Array = np.ndarray

PHASES, RADIUS, SEEDS = 40, 0.7, 4
QUASI_STATIC = {"hidden": 32, "input": 2.0, "sweeps": 500, "rate": 0.02, "momentum": 0.9}
ACTION = {"units": 20, "sweeps": 800, "rate": 0.003, "beta": 1e-3, "clip": 2.0}
ALONE = 400  # steps that a network of the second kind runs on
BLOCK = 10  # sweeps of a point in the picture
LIMITS = {"circle": 0.03, "eight": 0.08}


def targets() -> dict[str, Array]:
    """(PHASES, 2) each."""
    phase = _phase()
    circle = np.stack([np.cos(phase + 1), np.sin(phase + 1)], 1)
    eight = np.stack([np.sin(phase), np.sin(2 * phase)], 1)
    return {"circle": RADIUS * circle, "eight": RADIUS * eight}


def _phase() -> Array:
    return 2 * np.pi * np.arange(PHASES) / PHASES


def measure(quick: bool) -> dict[str, Any]:
    """Errors by sweep and what is drawn, by construction and target."""
    share = 0.1 if quick else 1.0
    return {
        name: {"quasi-static": _quasi_static(goal, share), "action": _action(goal, share)}
        for name, goal in targets().items()
    }


def _quasi_static(goal: Array, share: float) -> dict[str, Any]:
    clock = QUASI_STATIC["input"] * np.stack([np.cos(_phase()), np.sin(_phase())], 1)
    net = ContrastiveNet.create((2, int(QUASI_STATIC["hidden"]), 2), range(SEEDS))
    errors = learn_cycle(
        net,
        clock,
        goal,
        sweeps=round(share * QUASI_STATIC["sweeps"]),
        rate=QUASI_STATIC["rate"],
        momentum=QUASI_STATIC["momentum"],
    )
    return {"errors": errors.tolist(), "drawn": net.relax(clock).v[..., -2:].tolist()}


def _action(goal: Array, share: float) -> dict[str, Any]:
    net = ActionNet.create(int(ACTION["units"]), range(SEEDS))
    errors = net.learn(
        goal,
        sweeps=round(share * ACTION["sweeps"]),
        rate=ACTION["rate"],
        beta=ACTION["beta"],
        clip=ACTION["clip"],
    )
    drawn = net.run(PHASES + ALONE)[:, 1:, :2]
    radius = np.linalg.norm(drawn[:, PHASES:], axis=2)
    return {
        "errors": errors.tolist(),
        "drawn": drawn.tolist(),
        "radius": radius.mean(1).tolist(),
        "spread": radius.std(1).tolist(),
    }


def claims(result: dict[str, Any]) -> list[Claim]:
    """Both draw both; the circle goes on alone."""
    rows = []
    for name, limit in LIMITS.items():
        errors = np.array(result[name]["quasi-static"]["errors"])
        first = "Quasi-static contrast (this library's), batch over the cycle: " if not rows else ""
        rows.append(_errors(f"{first}{name}, RMSE of each network after", errors, limit))
    for name in LIMITS:
        errors = np.array(result[name]["action"]["errors"])
        first = "Action contrast (this library's): " if name == "circle" else ""
        rows.append(_errors(f"{first}{name}, RMSE of each network after", errors, 0.08))
    circle = result["circle"]["action"]
    radius = np.array(circle["radius"])
    low, high = RADIUS - 0.06, RADIUS + 0.06
    rows.append(
        Claim(
            f"... run on alone for {ALONE} steps the circle is a limit cycle: mean radius (sd)",
            f"{RADIUS} +- .06",
            ", ".join(f"{r:.3f} ({s:.3f})" for r, s in zip(radius, circle["spread"], strict=True)),
            bool(((radius > low) & (radius < high)).all()),
        )
    )
    return rows


def _errors(text: str, errors: Array, limit: float) -> Claim:
    last = errors[:, -1]
    return Claim(
        f"{text} {errors.shape[1]} sweeps",
        f"< {limit:g}",
        ", ".join(f"{one:.3f}" for one in last),
        bool((last < limit).all()),
    )


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Errors by sweep, and what the first network of each kind draws."""
    figure, axes = new_figure(3, rows=2, width=8.2, height=5.6)
    kinds = ("quasi-static", "action")
    for row, name in enumerate(LIMITS):
        errors, *pictures = axes[3 * row : 3 * row + 3]
        for color, kind in zip(COLORS, kinds, strict=False):
            course = np.array(result[name][kind]["errors"])
            blocks = np.median(course.reshape(len(course), -1, BLOCK), axis=2)
            sweeps = BLOCK * (np.arange(blocks.shape[1]) + 0.5)
            for seed, one in enumerate(blocks):
                errors.plot(sweeps, one, color=color, lw=0.9, label=None if seed else kind)
        errors.set_yscale("log")
        errors.set_ylim(0.003, 1.2)
        errors.yaxis.set_major_formatter("{x:g}")
        errors.yaxis.set_minor_formatter(NullFormatter())
        errors.set_ylabel(f"{name}: RMSE (median of {BLOCK} sweeps)", fontsize=9)
        errors.set_xlabel("sweep")
        if row == 0:
            errors.legend(frameon=False, fontsize=8)
        for axis, color, kind in zip(pictures, COLORS, kinds, strict=False):
            goal = targets()[name]
            closed = np.concatenate([goal, goal[:1]])
            axis.plot(*closed.T, color=FAINT, lw=1.0, ls="--", zorder=0)
            drawn = np.array(result[name][kind]["drawn"][0])
            if kind == "action":
                axis.plot(*drawn[PHASES:].T, color=color, lw=0.5, alpha=0.5)
                axis.plot(*drawn[:PHASES].T, color=color, lw=1.8)
                axis.set_title("action: a cycle, then alone (thin)", fontsize=9)
            else:
                axis.plot(*np.concatenate([drawn, drawn[:1]]).T, color=color, lw=1.8)
                axis.set_title("quasi-static", fontsize=9)
            axis.set_aspect("equal")
            axis.set_xlim(-1.05, 1.05)
            axis.set_ylim(-1.05, 1.05)
    return [save(figure, folder / "trajectories.png")]


EXPERIMENT = Experiment(
    "trajectories",
    "Trajectories: the appendix names two extensions, these two are this library's",
    measure,
    claims,
    draw,
    {"quasi-static": QUASI_STATIC, "action": ACTION, "seeds": SEEDS, "alone": ALONE},
)
