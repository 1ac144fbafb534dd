"""What a search over hyper-parameters makes best, from the results of a trial's runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

SCORE, STEPS, CPU = "score", "steps", "cpu"
OBJECTIVES = (SCORE, STEPS, CPU)
Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Objective:
    """One number for a trial, a mean over its seeds.

    ``score`` is the way from chance (0) to optimum (1) at the end of the budget, or the return of
    environments without these, and is to be high. ``steps`` and ``cpu`` are what it costs to be
    confirmed at ``until``, and are to be low. A run that does not get there has spent the whole
    budget, and is charged up to as much again for the way that it had still to go: more than any
    run that arrives, and more the worse it ended.

    Attributes:
        kind: score, steps or cpu.
        chance, optimum: of the task; 0 and 1 where it has none.
        until: the score that ends a run.
        budget: in steps or CPU-seconds.
    """

    kind: str
    chance: float = 0.0
    optimum: float = 1.0
    until: float | None = None
    budget: float = 0.0

    @property
    def direction(self) -> Direction:
        return "maximize" if self.kind == SCORE else "minimize"

    def way(self, score: float) -> float:
        """A score as a share of the way from chance to optimum."""
        return (score - self.chance) / (self.optimum - self.chance)

    def halfway(self, scores: Sequence[float]) -> float:
        """What pruning compares: the mean way so far, in the direction of the objective."""
        mean = sum(map(self.way, scores)) / len(scores)
        return mean if self.kind == SCORE else -mean

    def value(self, results: Sequence[dict[str, Any]]) -> float:
        """The trial's number from the ``result.json`` of its runs."""
        return sum(map(self._one, results)) / len(results)

    def _one(self, result: dict[str, Any]) -> float:
        score = result["confirmed"]["value"]
        if self.kind == SCORE:
            return self.way(score)
        if result["reached"]:
            return float(result["timesteps" if self.kind == STEPS else "cpu_seconds"])
        assert self.until is not None
        whole = self.until - self.chance
        done = (score - self.chance) / whole if whole > 0 else 0.0
        return self.budget * (2.0 - min(max(done, 0.0), 1.0))

    def text(self, value: float) -> str:
        """A value in words."""
        if self.kind == SCORE:
            return f"way {value:.3f}" if (self.chance, self.optimum) != (0, 1) else f"{value:.3f}"
        unit = "steps" if self.kind == STEPS else "CPU-s"
        return f"{value:,.0f} {unit}" if self.kind == STEPS else f"{value:.1f} {unit}"
