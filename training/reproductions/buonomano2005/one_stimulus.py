"""One stimulus: a silent circuit becomes a sparse code for time, in the same order every trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.stable_timing import SETTINGS
from ....agents.stable_timing.measures import Growth, growth
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .circuits import SEEDS, TESTS, TRIALS, answers, codes, developed, numbers, texts

_CLAIMS = {  # of each setting: least span (ms), least ratio of jitters, least correlation
    "precise": (35.0, 1.4, 0.15),
    "long": (70.0, 1.7, 0.35),
}


def _measure(name: str, quick: bool) -> dict[str, Any]:
    seeds = SEEDS[:2] if quick else SEEDS
    before = codes(developed(name, seeds, 0))
    circuit = developed(name, seeds, TRIALS[name])
    after = codes(circuit)
    grown = [growth(one.latency, one.jitter) for one in after]
    n_e = circuit.settings.n_e
    first = answers(circuit)[0][1]
    latency = np.nanmean(first, 0)
    order = np.argsort(latency)
    place = np.empty(n_e, int)
    place[order] = np.arange(n_e)
    return {
        "seeds": list(seeds),
        "active_before": [float(np.isfinite(one.latency).mean()) for one in before],
        "half_recruited": [int((row > 0.5).argmax()) for row in circuit.history],
        "history": numbers(circuit.history),
        **{
            key: [getattr(one, key) for one in after]
            for key in ("reliable", "once", "busiest", "order", "shuffled", "span")
        },
        "growth": [list(one) for one in grown],
        "jitter_latency": [numbers([one.latency, one.jitter], 2) for one in after],
        "raster": numbers(first[:20, order], 1),  # of the first seed, neurons by latency
        "weights": {  # the same, every synapse: places of its neurons in the order, weight
            "from": place[circuit.sources_ee[0]].tolist(),
            "to": place.tolist(),
            "weight": numbers(circuit.weights_ee[0], 4),
        },
    }


def _claims(name: str, result: dict[str, Any]) -> list[Claim]:
    span, ratio, correlation = _CLAIMS[name]
    grown = [Growth(*one) for one in result["growth"]]
    spans = [high - low for low, high in result["span"]]
    ratios = [one.ratio for one in grown]
    r = [one.correlation for one in grown]
    found = [
        Claim(
            f"{name}: starts silent (share of neurons that fire, stimulated ones apart)",
            "below 0.02, every seed",
            texts(result["active_before"]),
            max(result["active_before"]) < 0.02,
        ),
        Claim(
            f"{name}: after {TRIALS[name]} trials neurons fire in at least 80 % of trials",
            "0.95 of them, every seed",
            texts(result["reliable"]),
            min(result["reliable"]) >= 0.95,
        ),
        Claim(
            f"{name}: exactly one spike (trials x neurons)",
            "0.95, every seed",
            texts(result["once"], ".3f"),
            min(result["once"]) >= 0.95,
        ),
        Claim(
            f"{name}: latencies from the 5th to the 95th percentile",
            f"{span:g} ms or more, every seed",
            texts(spans, ".0f") + " ms",
            min(spans) >= span,
        ),
        Claim(
            f"{name}: jitter of the latest over that of the earliest quarter of neurons",
            f"{ratio:g} or more, median over seeds",
            f"{np.median(ratios):.2f} ({texts(ratios)})",
            bool(np.median(ratios) >= ratio),
        ),
        Claim(
            f"{name}: correlation of jitter with latency",
            f"above {correlation:g}, median over seeds",
            f"{np.median(r):.2f} ({texts(r)})",
            bool(np.median(r) > correlation),
        ),
    ]
    if name == "precise":
        found += [
            Claim(
                "precise: busiest 5 ms hold of all latencies",
                "0.30 or less, every seed",
                texts(result["busiest"]),
                max(result["busiest"]) <= 0.30,
            ),
            Claim(
                "precise: order of latencies correlates between trials",
                "0.7 or more, every seed",
                texts(result["order"]),
                min(result["order"]) >= 0.7,
            ),
            Claim(
                "precise: ... with neurons shuffled",
                "within 0.1 of 0, every seed",
                texts(result["shuffled"], ".3f"),
                max(map(abs, result["shuffled"])) < 0.1,
            ),
        ]
    return found


def _draw(name: str, result: dict[str, Any], folder: Path) -> list[Path]:
    figure, (raster, jitter, weights) = new_figure(3, width=10.2)
    for row in result["raster"]:
        times = np.array(row, float)
        raster.plot(times, np.arange(len(times)), ".", ms=1.2, color=COLORS[0], alpha=0.5)
    raster.set(xlabel="first spike (ms), 20 trials", ylabel="neuron, by latency")
    for i, (latency, sd) in enumerate(result["jitter_latency"]):
        seed = result["seeds"][i]
        color = COLORS[i % len(COLORS)]
        jitter.plot(
            np.array(latency, float), np.array(sd, float), ".", ms=1.5, alpha=0.4, color=color
        )
        x, y = _binned(np.array(latency, float), np.array(sd, float))
        jitter.plot(x, y, color=color, lw=1.5, label=f"seed {seed}")
    jitter.set(xlabel="latency (ms)", ylabel="jitter: SD (ms)")
    jitter.set_ylim(0, None)
    jitter.legend(frameon=False, fontsize=7, loc="upper left")
    before = np.array(result["weights"]["from"])
    after = np.broadcast_to(np.array(result["weights"]["to"])[:, None], before.shape)
    w = np.array(result["weights"]["weight"])
    strong = w > 0.5 * w.max()
    weights.plot(before[strong], after[strong], ".", ms=1, color=COLORS[0], alpha=0.6)
    weights.axline((0, 0), slope=1, color="0.6", lw=0.8)
    weights.set(xlabel="from, by latency", ylabel="strong weights to, by latency")
    return [save(figure, folder / f"{name}.png")]


def _binned(latency: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median jitter of eighths of the neurons."""
    order = np.argsort(latency)
    parts = np.array_split(order, 8)
    return (
        np.array([latency[part].mean() for part in parts]),
        np.array([np.median(sd[part]) for part in parts]),
    )


def _experiment(name: str, title: str) -> Experiment:
    return Experiment(
        name,
        title,
        measure=lambda quick: _measure(name, quick),
        claims=lambda result: _claims(name, result),
        draw=lambda result, folder: _draw(name, result, folder),
        settings={"settings": str(SETTINGS[name]), "trials": TRIALS[name], "tests": TESTS},
    )


PRECISE_CODE = _experiment("precise", "A sparse code for time")
LONG_CODE = _experiment("long", "A longer and less precise one")
