"""A sequence of cells that fire one after another, drawn from a formula."""

from __future__ import annotations

import numpy as np

from caudate.agents.filters import counted


class Chain:
    """Cell i of n fires at (i + 1) ``step_ms`` after cue 0, in reverse order after cue 1."""

    def __init__(self, n_cells: int = 20, step_ms: float = 50.0, jitter_ms: float = 0.0):
        self.n_cells, self.step_ms, self.jitter_ms = n_cells, step_ms, jitter_ms

    def first_spikes(self, cues: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        times = self.step_ms * (1.0 + np.arange(self.n_cells))
        spikes = np.where(cues[:, None] == 0, times, times[::-1])
        words = counted.words(seeds, np.zeros(len(seeds)), self.n_cells)
        return spikes + self.jitter_ms * (counted.uniform(words) - 0.5)
