"""Pictures of what a trained agent does, where its task has analyses for them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...envs import TaskError, collect_trials, make_task
from ...envs import psychophysics as psy
from ..evaluation import FRESH_SEED, has_task
from ..pictures import new_figure
from ..runs import Run

TrialTable = Mapping[str, Any]
Draw = Callable[[TrialTable, Axes, Mapping[str, Any]], Any]

_SESSIONS = 32  # of bandits, whose trials hang together
_LEVELS = 40  # at most, of what a share is drawn against


def _psychometric(x: Callable[[TrialTable], Any], label: str) -> Draw:
    def draw(trials: TrialTable, axes: Axes, parameters: Mapping[str, Any]) -> None:
        fit = psy.psychometric_fit({**trials, "x": x(trials)}, "x")
        psy.plot_psychometric(fit, axes, xlabel=label)

    return draw


def _share(by: str, label: str) -> Draw:
    def draw(trials: TrialTable, axes: Axes, parameters: Mapping[str, Any]) -> None:
        psy.plot_curve(psy.share_by(trials, by), axes, xlabel=label)

    return draw


def _relevant(trials: TrialTable) -> Any:
    return np.where(trials["context"] == 0, trials["coh_a"], trials["coh_b"])


def _reproduction(trials: TrialTable, axes: Axes, parameters: Mapping[str, Any]) -> None:
    psy.plot_reproduction(psy.reproduction(trials), axes)


def _scalar(trials: TrialTable, axes: Axes, parameters: Mapping[str, Any]) -> None:
    psy.plot_scalar_property(psy.scalar_property(trials), axes)


def _serial(trials: TrialTable, axes: Axes, parameters: Mapping[str, Any]) -> None:
    psy.plot_curve(psy.serial_position(trials), axes, xlabel="place in the list")


#: Task's name -> its pictures; other tasks have those of :func:`_usual`.
_DRAWN: dict[str, list[Draw]] = {
    "AssociativeRecall": [_share("lag", "lag of the key")],
    "ContextDecision": [_psychometric(_relevant, "evidence that counts")],
    "DelayedComparison": [_psychometric(lambda t: t["f2"] - t["f1"], "second minus first")],
    "DelayedEstimation": [lambda t, axes, _: psy.plot_mixture(psy.mixture_fit(t), axes)],
    "DRL": [
        lambda t, axes, p: psy.plot_inter_response_times(
            psy.inter_response_times(t, p["wait"], dt_ms=p["dt"]), axes
        )
    ],
    "EvidenceAccumulation": [
        _psychometric(lambda t: t["n_right"] - t["n_left"], "cues right minus left")
    ],
    "IntervalDiscrimination": [_psychometric(lambda t: t["log_ratio"], "log ratio of intervals")],
    "IntervalProduction": [_reproduction, _scalar],
    "IntervalReproduction": [_reproduction, _scalar],
    "PeakInterval": [
        lambda t, axes, p: psy.plot_peak_interval(psy.peak_interval(t, p["interval"] / 4), axes)
    ],
    "SequenceRecall": [_serial],
    "SyncContinuation": [lambda t, axes, _: psy.plot_asynchrony(psy.asynchrony(t), axes)],
    "TemporalBisection": [lambda t, axes, _: psy.plot_bisection(psy.bisection(t), axes)],
    "TwoStep": [lambda t, axes, _: psy.plot_stay(psy.stay_probability(t), axes)],
    "VolatilityStochasticity": [lambda t, axes, _: psy.plot_learning_rate(t, axes=axes)],
}


def behaviour(run: Run, trials: int) -> tuple[list[str], list[str]]:
    """A run's best agent on fresh trials.

    Args:
        run: with a checkpoint, on a task of this library.
        trials: how many; of bandits at least 32 whole sessions.

    Returns:
        Pictures as addresses with their data, and why others could not be drawn.
    """
    config = run.config
    if not has_task(config.env_id):
        return [], []
    task = make_task(config.env_id.split(":")[-1], **config.env_kwargs)
    session = int(task.parameters.get("trials_per_episode", 1))
    envs = _SESSIONS if session > 1 else 64
    table = collect_trials(
        task, run.agent(), max(trials, envs * session), FRESH_SEED, num_envs=envs
    )
    drawn = _DRAWN.get(task.name) or _usual(task.family, table)
    pictures, notes = [], []
    for draw in drawn:
        try:
            pictures.append(_picture(draw, table, task.parameters))
        except TaskError as error:
            notes.append(str(error))
    return pictures, notes


def _usual(family: str, table: TrialTable) -> list[Draw]:
    """Regret, win-stay and reversals of bandits; elsewhere how much is right after which delay."""
    if family == "bandits":
        pictures: list[Draw] = []
        if {"regret", "p_best"} <= set(table):
            pictures.append(lambda t, axes, _: psy.plot_regret(psy.regret_curve(t), axes))
        if "since_reversal" in table:
            pictures.append(lambda t, axes, _: psy.plot_reversals(psy.after_reversals(t), axes))
        if np.isin(table.get("reward", [np.nan]), (0.0, 1.0)).all():
            pictures.append(lambda t, axes, _: psy.plot_win_stay(psy.win_stay_lose_shift(t), axes))
        return pictures
    if not np.isin(table["correct"], (0.0, 1.0)).all():
        return []
    for by, label in (("delay_ms", "delay (ms)"), ("condition", "condition")):
        if by in table and 1 < len(np.unique(table[by])) <= _LEVELS:
            return [_share(by, label)]
    return []


def _picture(draw: Draw, table: TrialTable, parameters: Mapping[str, Any]) -> str:
    figure, [axes] = new_figure(1, width=4.2, height=2.7)
    draw(table, axes, parameters)
    buffer = io.BytesIO()
    # Equal runs have equal pages: neither the date nor random names are in a picture.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "caudate"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
