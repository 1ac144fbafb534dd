"""Programs as energies: the worked example, and what holds for every program."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ....agents.attractors import (
    HopfieldNetwork,
    Program,
    all_events,
    all_states,
    clause_network,
    drawn,
    events_network,
    forward_chain,
    least_model_network,
    offset,
    relax,
    sampled_events,
    violated,
)
from ....agents.attractors.network import distinct
from ....envs.core.random import Draws
from ....envs.other.horn import draw_programs
from ...pictures import COLORS, FAINT, new_figure, save
from ...reproduction import Claim, Experiment

Array = np.ndarray

EXAMPLE = Program.parse("A <- B & C; D <- B; C <-")
#: Synapses of the example by the names of their atoms; all others are 0.
TABLE = {
    "ABC": "1/16", "AB": "1/8", "AC": "1/8", "BC": "-1/8", "BD": "1/4",
    "A": "1/8", "B": "-3/8", "C": "3/8", "D": "1/4",
}  # fmt: skip
PROGRAMS, EVENTS = 100, 20_000


def programs(n: int, atoms: int, clauses: int, goals: int = 0, facts: int = 1) -> Array:
    """Random programs (n, M, N) with bodies of 1 or 2 atoms that can be satisfied."""
    draws = Draws(np.arange(n), np.zeros(n, int))
    return draw_programs(draws, atoms, clauses, facts, goals, 2)


def measure(quick: bool) -> dict[str, Any]:
    """Largest differences between what is computed in two ways, and counts."""
    events = EVENTS // 10 if quick else EVENTS
    matrix = EXAMPLE.matrix[None]
    net, states = clause_network(matrix), all_states(4)[None]
    costs = (net.energy(states) + offset(matrix))[0]
    return {
        "table": _table_is_exact(net),
        "costs": [int(one) for one in np.bincount(np.rint(costs).astype(int), minlength=3)],
        "states": costs.tolist(),
        "ends": relax(net, states).energies[-1, 0].tolist(),
        "cost": _cost_error(),
        "minimum": _minimum_error(),
        "hebb": _hebb_error(),
        "sampled": _sampled_error(events),
        "rise": _largest_rise(),
        "field": _field_error(),
        "least": _least_models(),
    }


def _table_is_exact(net: HopfieldNetwork) -> bool:
    """Whether every synapse of the example is the table's fraction (halves of halves are exact)."""
    wanted = [np.zeros((4,) * order) for order in (1, 2, 3)]
    for names, value in TABLE.items():
        units = [EXAMPLE.atoms.index(name) for name in names]
        inside = np.isin(np.indices((4,) * len(units)), units).all(0) & distinct(4, len(units))
        wanted[len(units) - 1][inside] = float(Fraction(value))
    return all((w == one[0]).all() for w, one in zip(wanted, net.synapses, strict=True))


def _cost_error() -> float:
    """Largest |H + const - violated clauses| over all states of random programs of 3 to 8 atoms."""
    worst = 0.0
    for atoms in range(3, 9):
        drawn_ones = programs(20, atoms, 2 * atoms, goals=1)
        states = np.broadcast_to(all_states(atoms), (20, 2**atoms, atoms))
        cost = clause_network(drawn_ones).energy(states) + offset(drawn_ones)[:, None]
        worst = max(worst, float(np.abs(cost - violated(drawn_ones, states).sum(2)).max()))
    return worst


def _minimum_error() -> float:
    """Largest |H_min + sum 2^-k| of programs that can be satisfied."""
    found = programs(PROGRAMS, 8, 14, goals=2)
    states = np.broadcast_to(all_states(8), (PROGRAMS, 256, 8))
    lowest = clause_network(found).energy(states).min(1)
    return float(np.abs(lowest + offset(found)).max())


def _hebb_error() -> float:
    """Largest difference between Hebb over all events and Wan Abdullah's synapses."""
    found = programs(PROGRAMS, 6, 10, goals=2)
    both = clause_network(found), events_network(found, all_events(found))
    return _largest_difference(*both)


def _sampled_error(events: int) -> float:
    matrix = EXAMPLE.matrix[None]
    seen, weights = sampled_events(matrix, events, np.random.default_rng(0))
    learned = events_network(matrix, seen, 3, weights)
    return _largest_difference(learned, clause_network(matrix))


def _largest_difference(one: HopfieldNetwork, other: HopfieldNetwork) -> float:
    pairs = zip(one.synapses, other.synapses, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def random_network(rng: np.random.Generator, k: int, n: int) -> HopfieldNetwork:
    """Symmetric synapses of orders 1 to 3, normal."""
    pairs, triples = rng.standard_normal((k, n, n)), rng.standard_normal((k, n, n, n))
    pairs = (pairs + pairs.transpose(0, 2, 1)) * distinct(n, 2)
    turned = [(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)]
    triples = np.sum([triples.transpose(0, *axes) for axes in turned], axis=0) * distinct(n, 3)
    return HopfieldNetwork((rng.standard_normal((k, n)), pairs, triples))


def _largest_rise() -> float:
    """Largest rise of H when a single unit is updated, with both rules for ties."""
    rng = np.random.default_rng(1)
    net, worst = random_network(rng, 20, 10), -np.inf
    for ties in ("keep", "random"):
        luck = drawn(rng, (20, 10, 10)) if ties == "random" else None
        states = rng.choice([-1.0, 1.0], (20, 10, 10))
        for unit in range(10):  # a sweep of the others undone shows each update alone
            after = relax(net, states, sweeps=1, ties=ties, luck=luck).states
            one = states.copy()
            one[..., : unit + 1] = after[..., : unit + 1]
            before = states.copy()
            before[..., :unit] = after[..., :unit]
            worst = max(worst, float((net.energy(one) - net.energy(before)).max()))
    return worst


def _field_error() -> float:
    """Largest |H(S with unit i turned over) - H(S) - 2 S_i h_i|."""
    rng = np.random.default_rng(2)
    net, states = random_network(rng, 10, 9), rng.choice([-1.0, 1.0], (10, 20, 9))
    field, energy, worst = net.field(states), net.energy(states), 0.0
    for unit in range(9):
        turned = states.copy()
        turned[..., unit] *= -1
        change = net.energy(turned) - energy
        error = change - 2 * states[..., unit] * field[..., unit]
        worst = max(worst, float(np.abs(error).max()))
    return worst


def _least_models() -> int:
    """Programs whose least model alone is of lowest cost, where true atoms cost 1 / (N + 1)."""
    found = programs(PROGRAMS, 8, 12)
    states = np.broadcast_to(all_states(8), (PROGRAMS, 256, 8))
    energy = least_model_network(clause_network(found)).energy(states)
    lowest = energy.argmin(1)
    alone = (energy < energy.min(1)[:, None] + 1e-9).sum(1) == 1
    least = 2.0 * forward_chain(found) - 1
    return int((alone & (states[0, lowest] == least).all(1)).sum())


def claims(result: dict[str, Any]) -> list[Claim]:
    """The identities."""

    def tiny(text: str, key: str, limit: float = 1e-12) -> Claim:
        return Claim(text, f"at most {limit:g}", f"{result[key]:.2g}", result[key] <= limit)

    ends = sum(one < 0.01 - 7 / 8 for one in result["ends"])
    return [
        Claim(
            f"Synapses of the program {EXAMPLE}",
            "the table's fractions, exactly",
            "equal" if result["table"] else "different",
            result["table"],
        ),
        Claim(
            "... its 16 states with 0, 1 and 2 violated clauses",
            "5, 8, 3",
            ", ".join(map(str, result["costs"])),
            result["costs"] == [5, 8, 3],
        ),
        Claim(
            "... sweeps A, B, C, D with ties kept: starts that end in a model",
            "15 of 16",
            f"{ends} of 16",
            ends == 15,
        ),
        tiny("H + const = violated clauses, all states, 120 programs of 3 to 8 atoms", "cost"),
        tiny("Lowest H = -sum 2^-k of programs that can be satisfied: error", "minimum"),
        tiny("Hebb over all events of each clause = Wan Abdullah's synapses: error", "hebb", 0.0),
        tiny(f"Hebb from {EVENTS:,} drawn events a clause, scaled: largest error", "sampled", 0.03),
        tiny("H in asynchronous updates, random synapses to order 3: largest rise", "rise"),
        tiny("h_i = -dH/dS_i, by turning units over: error", "field"),
        Claim(
            "The least model alone is lowest where atoms cost 1 / (n + 1), by forward chaining",
            f"{PROGRAMS} of {PROGRAMS} programs",
            f"{result['least']} of {PROGRAMS}",
            result["least"] == PROGRAMS,
        ),
    ]  # fmt: skip


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Costs of the example's 16 states, and where relaxation from them ends."""
    figure, (axis,) = new_figure(1, width=7.0, height=2.8)
    costs, ends = np.array(result["states"]), np.array(result["ends"]) + 7 / 8
    order = np.argsort(costs, kind="stable")
    states = all_states(4)[order]
    names = ["".join(a for a, s in zip("ABCD", one, strict=True) if s > 0) or "-" for one in states]
    axis.bar(range(16), costs[order] + 0.03, width=0.7, color=COLORS[4], label="violated clauses")
    axis.plot(
        range(16), ends[order], "o", color=COLORS[1], ms=5, label="after relaxation, ties kept"
    )
    axis.set_xticks(range(16), names, rotation=60, fontsize=8)
    axis.set_yticks([0, 1, 2])
    axis.set_xlabel("true atoms")
    axis.set_ylabel("violated clauses")
    axis.set_title(str(EXAMPLE), fontsize=9, color=FAINT)
    axis.legend(frameon=False, fontsize=8, loc="upper left")
    return [save(figure, folder / "clauses.png")]


EXPERIMENT = Experiment(
    "clauses",
    "A program's energy counts the clauses that it violates",
    measure,
    claims,
    draw,
    {"programs": PROGRAMS, "events": EVENTS},
)
