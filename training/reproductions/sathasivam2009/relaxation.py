"""Coming to rest in the energies of programs: ties, and the rate of relaxation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.attractors import (
    all_states,
    clause_network,
    drawn,
    is_satisfied,
    offset,
    relax,
    relax_at_rate,
)
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .clauses import EXAMPLE, programs

SIZES = ((8, 8), (8, 16), (12, 16), (12, 30))  # atoms, clauses
JUDGED = (12, 16)
PROGRAMS, STARTS, SWEEPS = 10, 40, 200
DT, TEMPERATURE, STEPS = 0.1, 0.2, 3000
SHOWN = 20  # sweeps of the courses
RATES = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0)
SAFE, TOO_LARGE = 5.0, 20.0  # R: R dt of .5 and of 2
TOLERANCE = 1e-3
TIES = ("keep", "random")


def measure(quick: bool) -> dict[str, Any]:
    """Shares of global minima by tie rule and size; steps by rate."""
    n = 3 if quick else PROGRAMS
    return {
        "ties": {
            f"{atoms}, {clauses}": {ties: _ends(n, atoms, clauses, ties) for ties in TIES}
            for atoms, clauses in SIZES
        },
        "courses": {
            f"{atoms}, {clauses}": {ties: _course(n, atoms, clauses, ties) for ties in TIES}
            for atoms, clauses in SIZES[2:]
        },
        "rates": {name: _rates(name, n) for name in ("example", "programs")},
    }


def _ends(n: int, atoms: int, clauses: int, ties: str) -> dict[str, float]:
    """Share z of runs that end at the lowest H, Hamming distance to models, sweeps to arrive."""
    found = programs(n, atoms, clauses)
    rng = np.random.default_rng(3)
    shape = (n, STARTS, atoms)
    states = rng.choice([-1.0, 1.0], shape)
    luck = drawn(rng, shape) if ties == "random" else None
    net, lowest = clause_network(found), -offset(found)
    done = relax(net, states, sweeps=SWEEPS, ties=ties, luck=luck, until=lowest)
    reached = done.energies[-1] <= lowest[:, None] + TOLERANCE
    return {
        "z": float(reached.mean()),
        "hamming": _distance(found, done.states),
        "sweeps": float(done.arrival.mean()),
    }


def _distance(found: np.ndarray, states: np.ndarray) -> float:
    """Mean share of atoms in which states differ from the nearest model."""
    every = all_states(found.shape[2])
    shares = []
    for program, ends in zip(found, states, strict=True):
        models = every[is_satisfied(program[None], every[None])[0]]
        shares.append((ends[:, None] != models[None]).mean(2).min(1).mean())
    return float(np.mean(shares))


def _course(n: int, atoms: int, clauses: int, ties: str) -> list[float]:
    """Mean number of violated clauses, sweep by sweep."""
    found = programs(n, atoms, clauses)
    rng = np.random.default_rng(5)
    shape = (n, STARTS, atoms)
    luck = drawn(rng, shape) if ties == "random" else None
    begin = rng.choice([-1.0, 1.0], shape)
    done = relax(clause_network(found), begin, sweeps=SHOWN, ties=ties, luck=luck)
    means = (done.energies + offset(found)[:, None]).mean((1, 2)).tolist()
    return means + means[-1:] * (SHOWN + 1 - len(means))


def _rates(name: str, n: int) -> dict[str, dict[str, float]]:
    """Median steps to rest, share settled, share at the lowest H, by R."""
    found = EXAMPLE.matrix[None] if name == "example" else programs(n, *JUDGED)
    net, lowest = clause_network(found), -offset(found)
    h = np.random.default_rng(4).uniform(-1, 1, (len(found), STARTS, found.shape[2]))
    table = {}
    for rate in RATES:
        done = relax_at_rate(
            net, h, rate=rate, dt=DT, temperature=TEMPERATURE, steps=STEPS, tolerance=1e-4
        )
        reached = net.energy(done.states) <= lowest[:, None] + TOLERANCE
        table[f"{rate:g}"] = {
            "steps": float(done.steps.mean()),
            "settled": float(done.settled.mean()),
            "z": float(reached.mean()),
        }
    return table


def claims(result: dict[str, Any]) -> list[Claim]:
    """Ties decide, and the rate is the unit of time until it is too large."""
    atoms, clauses = JUDGED
    keep, random = (result["ties"][f"{atoms}, {clauses}"][ties] for ties in TIES)
    rows = [
        Claim(
            f"Share of runs that end at the lowest energy, {atoms} atoms, {clauses} clauses, ties "
            "broken at random (the literature's 1 for Horn clauses)",
            ">= .97",
            f"{random['z']:.3f}, Hamming distance {random['hamming']:.3f}",
            random["z"] >= 0.97,
        ),
        Claim(
            "... ties kept",
            "<= .85",
            f"{keep['z']:.3f}, Hamming distance {keep['hamming']:.3f}",
            keep["z"] <= 0.85,
        ),
    ]
    rates = result["rates"]["example"]
    product = [float(r) * rates[r]["steps"] for r in rates if float(r) <= SAFE]
    middle = float(np.mean(product))
    off = max(abs(one / middle - 1) for one in product)
    rows.append(
        Claim(
            f"R sets the unit of time: R times steps to rest, R dt up to {SAFE * DT:g}, example",
            "the same within 15 %",
            f"{', '.join(f'{one:.0f}' for one in product)}: within {100 * off:.0f} %",
            off <= 0.15,
        )
    )
    for name, told in rates_told(result).items():
        rows.append(
            Claim(
                f"... R dt = {TOO_LARGE * DT:g} does not come to rest: share of signs at the "
                f"lowest energy after {STEPS:,} steps, {name}",
                "< .1",
                f"{told:.3f}",
                told < 0.1,
            )
        )
    return rows


def rates_told(result: dict[str, Any]) -> dict[str, float]:
    """Share at the lowest energy with too large a rate."""
    names = {"example": "example", "programs": f"{JUDGED[0]} atoms, {JUDGED[1]} clauses"}
    return {text: result["rates"][key][f"{TOO_LARGE:g}"]["z"] for key, text in names.items()}


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Courses of the energy; global minima by size and tie rule; steps by rate."""
    figure, (course, ends, rate) = new_figure(3, width=9.6, height=3.0)
    for style, (size, found) in zip(("-", "--"), result["courses"].items(), strict=True):
        for color, ties in zip(COLORS, TIES, strict=False):
            label = f"{size}; ties: {ties}"
            course.plot(found[ties], style, color=color, lw=1.4, label=label)
    course.axhline(0, **AXIS)
    course.set_xlabel("sweep")
    course.set_ylabel("violated clauses, mean")
    course.legend(frameon=False, fontsize=8, title="atoms, clauses", title_fontsize=8)
    for i, (color, ties) in enumerate(zip(COLORS, TIES, strict=False)):
        height = [one[ties]["z"] for one in result["ties"].values()]
        x = np.arange(len(height)) + 0.38 * (i - 0.5)
        ends.bar(x, height, 0.36, color=color, label=f"ties: {ties}")
    ends.set_xticks(range(len(result["ties"])), list(result["ties"]), fontsize=8)
    ends.set_xlabel("atoms, clauses")
    ends.set_ylabel("runs at the lowest energy")
    ends.set_ylim(0, 1.2)
    ends.set_yticks(np.linspace(0, 1, 6))
    ends.legend(frameon=False, fontsize=8, loc="upper right", ncol=2)
    names = ("example", f"{JUDGED[0]} atoms, {JUDGED[1]} clauses")
    for color, name, table in zip(COLORS[2:], names, result["rates"].values(), strict=False):
        good = [(float(r) * DT, one["steps"]) for r, one in table.items() if one["settled"] > 0.9]
        rate.plot(*zip(*good, strict=True), "o-", color=color, ms=4, lw=1.4, label=name)
    rate.axvline(1.0, **AXIS)
    rate.set_xscale("log")
    rate.set_yscale("log")
    rate.set_xlabel("R dt (where 9 of 10 runs settle)")
    rate.set_ylabel("steps to rest")
    rate.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "relaxation.png")]


EXPERIMENT = Experiment(
    "relaxation",
    "Relaxation: how ties are broken, and how fast activations move",
    measure,
    claims,
    draw,
    {"sizes": SIZES, "programs": PROGRAMS, "starts": STARTS, "sweeps": SWEEPS, "rates": RATES},
)
