"""Patterns as attractors: capacity, recall, relaxation, and a delay bridged under noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.attractors import AttractorMemory, HopfieldNetwork, relax, store, write
from ....agents.attractors.learning import INCREMENTAL
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment

N = 100
SEEDS, RECALL_SEEDS, MOST = 30, 20, 45
RECALL = ((10, 10), (15, 10), (20, 10), (20, 20))  # patterns, flipped units
LOADS, FLIPS = (5, 10), 20  # of the relaxation
DELAY, NOISE, HELD = 50, 0.05, (1, 5, 10, 20)  # steps, flips a step, patterns
TWO = ("hebb", "storkey")


def random_patterns(seed: int, k: int, p: int) -> np.ndarray:
    """(k, p, N) of -1 and 1."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], (k, p, N))


def measure(quick: bool) -> dict[str, Any]:
    """What each rule stores, recalls and keeps."""
    seeds, few = (3, 4) if quick else (SEEDS, RECALL_SEEDS)
    first = random_patterns(0, 1, 1)
    return {
        "first": float(np.abs(store(first, "storkey") - store(first, "hebb")).max()),
        "four": {rule: store(np.array([[[1, 1, 1, 1], [1, -1, 1, -1]]]), rule)[0].tolist()
                 for rule in TWO},
        "stable": {rule: _stable(rule, seeds) for rule in INCREMENTAL},
        "recall": {rule: [_recall(rule, few, *one) for one in RECALL] for rule in TWO},
        "rest": {rule: [_rest(rule, few, load) for load in LOADS] for rule in TWO},
        "delay": {rule: [_delay(rule, few, m, 1) for m in HELD] for rule in TWO},
        "without": _delay("storkey", few, HELD[1], 0),
    }  # fmt: skip


def _stable(rule: str, seeds: int) -> dict[str, Any]:
    """Share of stored patterns that are fixed points, by number; the most that all were."""
    patterns = random_patterns(1, seeds, MOST)
    weights = np.zeros((seeds, N, N))
    shares = []
    for m in range(1, MOST + 1):
        weights = write(weights, patterns[:, m - 1], rule)
        stored = patterns[:, :m]
        shares.append((stored * (stored @ weights) >= 0).all(2).mean(1))
    all_stable = np.array(shares) == 1
    most = np.where(all_stable.all(0), MOST, all_stable.argmin(0))
    return {"shares": np.mean(shares, axis=1).tolist(), "most": most.tolist()}


def _flipped(patterns: np.ndarray, count: int, seed: int) -> np.ndarray:
    order = np.random.default_rng(seed).random(patterns.shape).argsort(-1).argsort(-1)
    return np.where(order < count, -patterns, patterns)


def _recall(rule: str, seeds: int, load: int, flips: int) -> float:
    """Share of patterns that come back exactly."""
    patterns = random_patterns(load, seeds, load)
    net = HopfieldNetwork.of(store(patterns, rule))
    ends = relax(net, _flipped(patterns, flips, load)).states
    return float((ends == patterns).all(2).mean())


def _rest(rule: str, seeds: int, load: int) -> float:
    """Mean sweeps to rest from flipped patterns, the one without change included."""
    patterns = random_patterns(100 + load, seeds, load)
    net = HopfieldNetwork.of(store(patterns, rule))
    return float(relax(net, _flipped(patterns, FLIPS, load)).sweeps.mean())


def _delay(rule: str, seeds: int, load: int, sweeps: int) -> list[float]:
    """Mean overlap with the cue, step by step through a noisy delay."""
    patterns = random_patterns(200 + load, seeds, load)
    memory = AttractorMemory(seeds, N, rule=rule, seed=load)
    for pattern in np.moveaxis(patterns, 1, 0):
        memory.write(pattern)
    cue, overlaps = patterns[:, 0], [1.0]
    for step in range(DELAY):
        memory.step(cue if step == 0 else None, NOISE, sweeps)
        overlaps.append(float(memory.read()[1][:, 0].mean()))
    return overlaps


def claims(result: dict[str, Any]) -> list[Claim]:
    """Storkey's rule against Hebb's, and a delay with and without relaxation."""
    four = np.zeros((4, 4))
    four[[0, 1, 2, 3], [2, 3, 0, 1]] = 1
    exact = bool((np.array(result["four"]["storkey"]) == 0.75 * four).all())
    exact &= bool((np.array(result["four"]["hebb"]) == 0.5 * four).all())
    most = {rule: np.array(one["most"]) for rule, one in result["stable"].items()}
    hebb, storkey = most["hebb"].mean(), most["storkey"].mean()
    return [
        Claim(
            f"Storkey's weights = Hebb's after the first pattern, N = {N}: difference",
            "at most 1e-12",
            f"{result['first']:.2g}",
            result["first"] <= 1e-12,
        ),
        Claim(
            "++++, then +-+-: w13 = w24 are 3/4 (Storkey), 1/2 (Hebb), all others 0",
            "exactly",
            "so" if exact else "others",
            exact,
        ),
        Claim(
            f"Capacity (abstract: the new rule's is higher): most patterns that are all fixed "
            f"points, N = {N}, Hebb (N / 2 ln N = 10.9)",
            "10.7 +- 2",
            _spread(most["hebb"]),
            abs(hebb - 10.7) <= 2,
        ),
        Claim(
            "... Storkey (N / sqrt(2 ln N) = 33.0)",
            "31 +- 4, more than twice Hebb's",
            _spread(most["storkey"]),
            abs(storkey - 31) <= 4 and storkey > 2 * hebb,
        ),
        Claim(
            "... Storkey's extended rule",
            "38 +- 4",
            _spread(most["storkey-extended"]),
            abs(most["storkey-extended"].mean() - 38) <= 4,
        ),
        Claim(
            f"Recall of {RECALL[1][0]} patterns from {RECALL[1][1]} flipped units, exact",
            "Storkey >= .95, Hebb <= .85",
            f"{result['recall']['storkey'][1]:.3f}, {result['recall']['hebb'][1]:.3f}",
            result["recall"]["storkey"][1] >= 0.95 and result["recall"]["hebb"][1] <= 0.85,
        ),
        Claim(
            f"Energy relaxation (abstract: faster than with Hebb's rule): sweeps to rest from "
            f"{FLIPS} flipped units near Hebb's capacity, {LOADS[1]} patterns",
            "fewer with Storkey's",
            f"{result['rest']['storkey'][1]:.2f}, Hebb {result['rest']['hebb'][1]:.2f}",
            result["rest"]["storkey"][1] < result["rest"]["hebb"][1],
        ),
        Claim(
            f"... far from it, {LOADS[0]} patterns",
            "the same within .1",
            f"{result['rest']['storkey'][0]:.2f}, Hebb {result['rest']['hebb'][0]:.2f}",
            abs(result["rest"]["storkey"][0] - result["rest"]["hebb"][0]) <= 0.1,
        ),
        Claim(
            f"Overlap after {DELAY} steps of {100 * NOISE:g} % flips, {HELD[1]} patterns held, a "
            "sweep a step (Storkey)",
            ">= .98",
            f"{result['delay']['storkey'][1][-1]:.3f}",
            result["delay"]["storkey"][1][-1] >= 0.98,
        ),
        Claim(
            f"... without relaxation (theory: {(1 - 2 * NOISE) ** DELAY:.3f})",
            "below .15 in absolute value",
            f"{result['without'][-1]:.3f}",
            abs(result["without"][-1]) < 0.15,
        ),
    ]


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.1f} +- {values.std(ddof=1):.1f} ({values.min()}-{values.max()})"


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Stable shares by number of patterns; recall; overlap through a delay."""
    figure, (capacity, recall, delay) = new_figure(3, width=9.6, height=3.0)
    for color, (rule, one) in zip(COLORS, result["stable"].items(), strict=False):
        capacity.plot(range(1, MOST + 1), one["shares"], color=color, lw=1.6, label=rule)
    for color, limit in zip(
        COLORS, (N / (2 * np.log(N)), N / np.sqrt(2 * np.log(N))), strict=False
    ):
        capacity.axvline(limit, **{**AXIS, "color": color})
    capacity.set_xlabel("patterns stored (dashed: theory)")
    capacity.set_ylabel("share that are fixed points")
    capacity.legend(fontsize=8, loc="center right", edgecolor="none", framealpha=0.9)
    for i, (color, rule) in enumerate(zip(COLORS, TWO, strict=False)):
        x = np.arange(len(RECALL)) + 0.38 * (i - 0.5)
        recall.bar(x, np.array(result["recall"][rule]) + 0.005, 0.36, color=color, label=rule)
    recall.set_xticks(range(len(RECALL)), [f"{m}, {f}" for m, f in RECALL], fontsize=8)
    recall.set_xlabel("patterns, flipped units")
    recall.set_ylabel("recalled exactly")
    for color, rule in zip(COLORS, TWO, strict=False):
        for style, m in (("-", 2), ("--", 3)):
            delay.plot(result["delay"][rule][m], style, color=color, lw=1.4,
                       label=f"{rule}, {HELD[m]} patterns")  # fmt: skip
    delay.plot(result["without"], color=COLORS[6], lw=1.4, label="no relaxation")
    delay.set_xlabel(f"step ({100 * NOISE:g} % flips each)")
    delay.set_ylabel("overlap with the cue")
    delay.legend(frameon=False, fontsize=7, loc="center right", bbox_to_anchor=(1.0, 0.72))
    return [save(figure, folder / "patterns.png")]


EXPERIMENT = Experiment(
    "patterns",
    "Hebb's and Storkey's rule: capacity, recall, relaxation, memory through a delay",
    measure,
    claims,
    draw,
    {"seeds": SEEDS, "recall_seeds": RECALL_SEEDS, "recall": RECALL, "most": MOST, "held": HELD},
)
