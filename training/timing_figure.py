"""What an agent with a clock has learned: its readout over time, and the intervals it produces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..agents.heads import SoftmaxHead
from ..agents.timing import ClockAgent
from ..envs import TaskError, make_task
from .errors import UsageError
from .evaluation import FRESH_SEED, has_task
from .pictures import AXIS, COLORS, FAINT, INK, new_figure, save
from .produced import Produced, play_intervals, produces_intervals

_TRIALS = 200
_MOST = 4  # targets that are drawn


def draw_timing(agent: ClockAgent, env_id: str, env_kwargs: Mapping[str, Any], path: Path) -> Path:
    """Draw the readout against what is asked for and, where a task has presses, when they came.

    The readout is shown on trials in which the teacher acts, so that what comes later than the
    agent's own press is seen too.

    Args:
        agent: with a clock.
        env_id, env_kwargs: a task of this library that tells right answers.
        path: of the picture.

    Raises:
        UsageError: another environment.
    """
    if not has_task(env_id):
        raise UsageError(f"{env_id} is not a task of this library: its answers are not known.")
    task = make_task(env_id.split(":")[-1], **env_kwargs)
    try:
        trials = task.sample_trials(_TRIALS, FRESH_SEED)
    except TaskError as error:
        raise UsageError(str(error)) from error
    since, outputs = _run(agent, trials.obs)
    title = f"{agent.name} on {env_id}"
    if not produces_intervals(env_id):
        figure, axes = new_figure(2, width=7.4, height=3.0)
        _draw_trajectory(axes[0], agent, task.dt, trials, outputs)
        _draw_error(axes[1], agent, task.dt, trials, outputs)
    else:
        figure, axes = new_figure(2, width=7.4, height=3.2)
        levels = _drawn(np.unique(_target(trials.facts)))
        assert isinstance(agent.head, SoftmaxHead)  # presses are choices
        pressing = 1 - agent.head.probabilities(outputs)[..., 0]
        _draw_readout(axes[0], since, pressing, trials, levels)
        produced = play_intervals(agent, env_id, env_kwargs, _TRIALS)
        _draw_intervals(axes[1], produced, task.dt)
        title += _weber_text(produced)
    figure.suptitle(title, fontsize=10, color=INK, x=0.01, ha="left")
    return save(figure, path)


def _run(agent: ClockAgent, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time since the cue (T, n) and the policy's outputs (T, n, K) on observations (T, n, D)."""
    steps, n = obs.shape[:2]
    network = agent.network
    state = network.initial_state(n, np.arange(n))
    since, outputs = np.zeros((steps, n)), []
    for t in range(steps):
        features, state = network.step(None, state, obs[t].astype(agent.dtype))
        since[t] = network.since(state)
        outputs.append(agent.outputs(features)[:, :-1])
    return since, np.array(outputs)


def _target(facts: Mapping[str, np.ndarray]) -> np.ndarray:
    """What tells trials apart: the target in ms, a period, or a tempo."""
    for name in ("t_target_ms", "period_ms", "scale"):
        if name in facts:
            return np.asarray(facts[name], float)
    return np.zeros(len(facts["condition"]))


def _drawn(values: np.ndarray) -> np.ndarray:
    """At most four of them, from the first to the last."""
    if len(values) <= _MOST:
        return values
    return values[np.linspace(0, len(values) - 1, _MOST).round().astype(int)]


def _draw_readout(
    axis: Axes, since: np.ndarray, pressing: np.ndarray, trials: Any, levels: np.ndarray
) -> None:
    """Probability of a press by the time since the last cue (or tap), for some targets."""
    which = _target(trials.facts)
    for i, level in enumerate(levels):
        here = trials.mask & (since >= 0) & (which == level)
        times = np.unique(since[here])
        mean = [pressing[here & (since == t)].mean() for t in times]
        color = COLORS[i % len(COLORS)]
        unit = "tempo {:g}" if "scale" in trials.facts else "{:g} ms"
        axis.plot(times, mean, color=color, linewidth=1.4, label=unit.format(level))
        if "scale" not in trials.facts:
            axis.axvline(level, color=color, linewidth=0.8, linestyle=":")
    axis.set_ylim(-0.02, 1.02)
    axis.set_xlim(left=0)
    axis.set_xlabel("time since the cue (ms)")
    axis.set_ylabel("probability of a press")
    style = {"fontsize": 7, "frameon": False, "handlelength": 1.2, "columnspacing": 1.0}
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=_MOST, **style)


def _draw_intervals(axis: Axes, produced: Produced, dt: float) -> None:
    """Distribution of produced intervals, with the target of each."""
    made = produced.made_ms[~np.isnan(produced.made_ms)]
    if not len(made):
        axis.text(0.5, 0.5, "no press", transform=axis.transAxes, ha="center", color=FAINT)
        axis.set_axis_off()
        return
    edges = np.arange(0, max(made.max(), produced.target_ms.max()) + 2 * dt, dt) - dt / 2
    levels = _drawn(np.unique(produced.target_ms[~np.isnan(produced.target_ms)]))
    for i, level in enumerate(levels):
        own = produced.made_ms[produced.target_ms == level]
        count, _ = np.histogram(own[~np.isnan(own)], edges)
        color = COLORS[i % len(COLORS)]
        axis.stairs(count / max(len(own), 1), edges, color=color, fill=True, alpha=0.35)
        axis.axvline(level, color=color, linewidth=0.8, linestyle=":")
    axis.set_xlim(left=0)
    axis.set_xlabel("produced interval (ms)")
    axis.set_ylabel("share of trials")


def _weber_text(produced: Produced) -> str:
    found = produced.weber()
    return "" if found is None else f", Weber fraction {found[0]:.3f}"


def _draw_trajectory(axis: Axes, agent: ClockAgent, dt: float, trials: Any, outputs: Any) -> None:
    """Output and target of one trial."""
    steps = int(trials.lengths[0])
    time = dt * np.arange(steps)
    action = agent.head.to_env(agent.head.mode(outputs[:steps, 0]))
    target = trials.target[:steps, 0].reshape(steps, -1)
    axis.axhline(0, **AXIS)
    for i in range(target.shape[1]):
        color = COLORS[i % len(COLORS)]
        axis.plot(time, target[:, i], color=FAINT, linewidth=1.0, linestyle="--", label="target")
        axis.plot(time, action.reshape(steps, -1)[:, i], color=color, linewidth=1.4, label="output")
    axis.set_xlabel("time (ms)")
    axis.set_ylabel("output")
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles[:2], labels[:2], fontsize=7, frameon=False, loc="lower left")


def _draw_error(axis: Axes, agent: ClockAgent, dt: float, trials: Any, outputs: Any) -> None:
    """Root mean square of the error by time, over trials."""
    shape = outputs.shape[:2]
    action = agent.head.to_env(agent.head.mode(outputs.reshape(-1, outputs.shape[-1])))
    error = action.reshape(*shape, -1) - trials.target.reshape(*shape, -1)
    square = np.where(trials.mask, (error**2).mean(axis=-1), 0).sum(1)
    axis.plot(dt * np.arange(shape[0]), np.sqrt(square / trials.mask.sum(1)), color=COLORS[0])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("time (ms)")
    axis.set_ylabel(f"error (RMS of {shape[1]} trials)")
