"""Produced intervals: what an agent made of the intervals that a task asked for.

A trial of a task with one press gives one interval, a trial with several taps one for each pair of
neighbouring taps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..agents import Agent
from ..envs import TaskError, collect_trials, make_task
from ..envs.psychophysics import TrialTable, scalar_property
from .evaluation import FRESH_SEED, has_task

TRIALS = 300
_FEWEST = 5  # intervals of a target whose spread counts


@dataclass(frozen=True)
class Produced:
    """Intervals (n,) in ms: what was asked for, and what was made of it, NaN where nothing was."""

    target_ms: np.ndarray
    made_ms: np.ndarray

    def summary(self) -> list[Level]:
        """One line for each target, from the shortest."""
        return [_level(t, self.made_ms[self.target_ms == t]) for t in np.unique(self.target_ms)]

    def weber(self) -> tuple[float, float, float] | None:
        """Weber fraction and its 95 % interval, of SD = w mean over targets; None if unknown.

        Targets with fewer than 5 intervals, or none above 0, are left out; 0 where none varies.
        """
        levels = [level for level in self.summary() if level.n >= _FEWEST and level.mean_ms > 0]
        if not levels:
            return None
        if all(level.sd_ms == 0 for level in levels):
            return 0.0, 0.0, 0.0
        rows = np.isin(self.target_ms, [level.target_ms for level in levels])
        table = {"t": self.target_ms[rows], "made": self.made_ms[rows]}
        fit = scalar_property(table, "t", "made", constant=False)
        return fit.weber, fit.weber_interval.low, fit.weber_interval.high

    def to_lists(self) -> tuple[list[float | None], list[float | None]]:
        """Both as JSON has them: None for NaN."""
        target, made = (
            [None if np.isnan(x) else float(x) for x in values]
            for values in (self.target_ms, self.made_ms)
        )
        return target, made

    @classmethod
    def of_lists(cls, target_ms: Sequence[Any], made_ms: Sequence[Any]) -> Produced:
        """What :meth:`to_lists` made."""
        return cls(np.array(target_ms, float), np.array(made_ms, float))


@dataclass(frozen=True)
class Level:
    """Intervals produced for one target.

    Attributes:
        n: produced intervals.
        median_ms, mad_ms: median, and median absolute deviation from it; NaN without any.
        mean_ms, sd_ms: mean and standard deviation.
        omitted: share of trials or taps without one.
    """

    target_ms: float
    n: int
    median_ms: float
    mad_ms: float
    mean_ms: float
    sd_ms: float
    omitted: float


def _level(target: float, made: np.ndarray) -> Level:
    there = made[~np.isnan(made)]
    omitted = 1 - len(there) / max(len(made), 1)
    if not len(there):
        return Level(float(target), 0, np.nan, np.nan, np.nan, np.nan, omitted)
    middle = float(np.median(there))
    deviation = float(np.median(np.abs(there - middle)))
    spread = float(there.std(ddof=1)) if len(there) > 1 else 0.0
    mean = float(there.mean())
    return Level(float(target), len(there), middle, deviation, mean, spread, omitted)


def produces_intervals(env_id: str) -> bool:
    """Whether a task asks for presses at certain times."""
    if not has_task(env_id):
        return False
    facts = make_task(env_id.split(":")[-1]).float_facts
    return "t_prod_ms" in facts or any(re.fullmatch(r"tap_\d+_ms", name) for name in facts)


def produced_intervals(trials: TrialTable) -> Produced:
    """From a table of trials of a task with presses or taps.

    Raises:
        TaskError: a table without such columns.
    """
    if "t_prod_ms" in trials:
        target, made = (np.asarray(trials[k], float) for k in ("t_target_ms", "t_prod_ms"))
        return Produced(target, made)
    taps = sorted(int(m[1]) for name in trials if (m := re.fullmatch(r"tap_(\d+)_ms", name)))
    if len(taps) < 2:
        raise TaskError("the trial table has no produced intervals: neither t_prod_ms nor taps.")
    time = np.stack([np.asarray(trials[f"tap_{k}_ms"], float) for k in taps], axis=1)
    made = np.diff(time, axis=1)
    target = _asked(trials, taps, time)
    return Produced(target.ravel(), made.ravel())


def _asked(trials: TrialTable, taps: Sequence[int], time: np.ndarray) -> np.ndarray:
    """(n, taps - 1) ms between neighbouring taps that were due."""
    if "period_ms" in trials:
        period = np.asarray(trials["period_ms"], float)
        return np.repeat(period[:, None], len(taps) - 1, axis=1)
    error = np.stack([np.asarray(trials[f"error_{k}_ms"], float) for k in taps], axis=1)
    due = np.diff(time - error, axis=1)
    # What was due for a tap that was left out is told by other trials at this tempo.
    for which in np.unique(trials["condition"]):
        rows = np.asarray(trials["condition"]) == which
        known = due[rows]
        told = [column[~np.isnan(column)] for column in known.T]
        middle = np.array([np.median(one) if len(one) else np.nan for one in told])
        due[rows] = np.where(np.isnan(known), middle, known)
    return due


def play_intervals(
    agent: Agent,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    trials: int = TRIALS,
    deterministic: bool = True,
) -> Produced:
    """Intervals that an agent produces on fresh trials, by default with its greedy actions."""
    task = make_task(env_id.split(":")[-1], **env_kwargs)
    table = collect_trials(
        task, agent, trials, FRESH_SEED, num_envs=min(trials, 100), deterministic=deterministic
    )
    return produced_intervals(table)
