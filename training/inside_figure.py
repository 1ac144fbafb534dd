"""The picture of :mod:`.inside`: panels on one time axis, from observations to learning signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from ..agents.actor_critic import ActorCritic
from ..agents.heads import BernoulliHead, GaussianHead, SoftmaxHead, observation_bounds
from ..agents.networks import RateNetwork, SpikingNetwork
from .inside_trial import Synapse, Teaching, Trial, adaptive
from .pictures import AXIS, COLORS, FAINT, INK, new_figure, save
from .time_panels import (
    SMALL,
    Clock,
    Panel,
    color_bar,
    color_limits,
    draw_image,
    draw_peak_rows,
    draw_steps,
    few_ticks,
    legend_outside,
    name_rows,
    rows_height,
    thinner,
)

_ALIF, _LIF = COLORS[1], COLORS[0]
_DEEP = -2.0  # thresholds at rest: potentials far below are cut off
_HEAD, _FOOT = 0.6, 0.95  # inches: title, time axis and caption
_GAP = 0.3  # inches: a panel's title


@dataclass(frozen=True)
class Subject:
    """Who plays what; ``dt`` in ms an environment step, None where the environment has none."""

    title: str
    agent: ActorCritic
    dt: float | None
    observation_names: Sequence[str] | None
    action_names: Sequence[str]


def draw(
    subject: Subject,
    trial: Trial,
    taught: Teaching,
    followed: Sequence[int],
    synapses: Sequence[Synapse],
    eligibility: np.ndarray,
    path: Path,
) -> Path:
    """Write the picture; ``eligibility`` (synapses, S), ``followed`` are units with traces."""
    clock = Clock.of(subject.dt, trial.substeps)
    network = subject.agent.network
    panels = [
        _observations(subject, trial, clock),
        _policy(subject, trial, clock),
        _rewards(trial, clock),
        *_activity(network, trial, clock, followed),
        *([_eligibility(subject, synapses, eligibility, clock)] if synapses else []),
        _critic(taught, clock),
        _learning_signal(network, taught, clock),
    ]
    heights = [panel.height + (_GAP if panel.title else 0.06) for panel in panels]
    figure, axes = new_figure(
        1,
        rows=len(panels),
        height=sum(heights) + _HEAD + _FOOT,
        share_x=True,
        heights=[panel.height for panel in panels],
    )
    figure.set_layout_engine("constrained", hspace=0.0, h_pad=0.02)
    for axis, panel in zip(axes, panels, strict=True):
        panel.draw(axis)
        axis.set_title(panel.title, loc="left", fontsize=8, color=INK, pad=3)
        axis.tick_params(labelsize=SMALL)
    axes[-1].set_xlim(0, clock.step * len(trial))
    axes[-1].set_xlabel(clock.label, fontsize=8, color=INK)
    title = f"{subject.title}\n{_outcome(trial)}"
    figure.suptitle(title, fontsize=9, color=INK, x=0.01, ha="left")
    figure.supxlabel(_caption(subject.agent), fontsize=7, color=FAINT, x=0.01, ha="left")
    return save(figure, path)


def _outcome(trial: Trial) -> str:
    facts = {"return": sum(trial.rewards)}
    if trial.trials > 1:
        facts["trials"] = trial.trials
    else:
        known = [name for name in ("correct", "condition") if name in trial.facts]
        facts |= {name: trial.facts[name] for name in known}
    return ", ".join(f"{name} {float(value):.3g}" for name, value in facts.items())


def _caption(agent: ActorCritic) -> str:
    lines = [
        r"$E$: the agent's loss of one step, for the greedy action; $y_k$: policy and value. "
        r"$L_j$ red: by $B$, a more active $j$ would raise $E$; blue: lower it."
    ]
    if getattr(agent.options, "gradient", None) == "local":
        lines.append(
            r"The rule goes against $\Sigma_t\, L_j[t]\, \bar{e}_{ji}[t]$ of synapse $ji$. "
            "Nothing is learned while this is drawn."
        )
    else:
        lines.append(
            "This agent's network learns otherwise: eligibility and signal are what e-prop with "
            "the same readout would see."
        )
    if agent.head.n_free:
        lines.append("A greedy Gaussian action has score 0: what is left in $L$ is the critic's.")
    return "\n".join(lines)


# -- outside ---------------------------------------------------------------------------------


def _observations(subject: Subject, trial: Trial, clock: Clock) -> Panel:
    shown = np.array(trial.observations).T
    bounds = observation_bounds(subject.agent.observation_space)
    names = subject.observation_names or [str(i) for i in range(len(shown))]
    # Channels with one unit of measurement have one colour scale.
    alike = subject.observation_names is not None and np.ptp(bounds) == 0

    def panel(axis: Axes) -> None:
        if alike:
            color_bar(axis, draw_image(axis, shown, clock.step, color_limits(shown)))
            name_rows(axis, names)
        else:
            draw_peak_rows(axis, shown, clock.step, names)

    title = "observations" if alike else "observations, each in units of its peak (right)"
    return Panel(rows_height(len(shown)), title, panel)


def _policy(subject: Subject, trial: Trial, clock: Clock) -> Panel:
    head, outputs = subject.agent.head, np.array(trial.outputs)[:-1, :-1]
    names = subject.action_names
    if len(names) != outputs.shape[1]:
        names = [str(i) for i in range(outputs.shape[1])]
    if not isinstance(head, GaussianHead):
        return _choices(head, outputs, names, clock)
    actions = np.array(trial.actions).reshape(len(trial), -1).T

    def panel(axis: Axes) -> None:
        axis.axhline(0, **AXIS)
        for i, (name, values) in enumerate(zip(names, actions, strict=True)):
            draw_steps(axis, values, clock, COLORS[i % len(COLORS)], name)
        legend_outside(axis)

    return Panel(0.7, "actions, the policy's means in the bounds of the action space", panel)


def _choices(
    head: SoftmaxHead | BernoulliHead, outputs: np.ndarray, names: Sequence[str], clock: Clock
) -> Panel:
    """One of the actions, or those switches that are on."""
    probabilities, chosen = head.probabilities(outputs).T, head.mode(outputs)
    when, which = np.nonzero(chosen) if chosen.ndim == 2 else (np.arange(len(chosen)), chosen)

    def panel(axis: Axes) -> None:
        color_bar(axis, draw_image(axis, probabilities, clock.step, (0, 1)))
        size = np.clip(250 / len(outputs), 1, 10)
        axis.scatter(clock.step * (when + 0.5), which + 0.5, size, COLORS[1], linewidths=0)
        name_rows(axis, names)

    return Panel(rows_height(len(probabilities)), "policy; dots: actions", panel)


def _rewards(trial: Trial, clock: Clock) -> Panel:
    def panel(axis: Axes) -> None:
        rewards = np.array(trial.rewards)
        axis.axhline(0, **AXIS)
        axis.stairs(rewards, clock.edges(len(trial)), fill=True, color=COLORS[2])
        few_ticks(axis)

    return Panel(0.35, "reward", panel)


# -- the network -----------------------------------------------------------------------------


def _activity(
    network: RateNetwork | SpikingNetwork, trial: Trial, clock: Clock, followed: Sequence[int]
) -> list[Panel]:
    features = np.array(trial.features)
    if isinstance(network, RateNetwork):
        return [_rates(features, clock)]
    spikes, alif = trial.state(2), adaptive(network)
    return [
        _raster(spikes, features.argmax(0), alif, clock),
        _mean_rates(spikes, alif, trial.substeps, clock),
        *_potentials(network, trial, clock, followed),
    ]


def _rates(rates: np.ndarray, clock: Clock) -> Panel:
    """Troughs below, peaks above; saturated units peak when they come close to their extreme."""
    size = np.abs(rates)
    when = (size >= 0.95 * size.max(0)).argmax(0)
    positive = rates[when, np.arange(len(when))] > 0
    order = np.lexsort((when, positive))

    def panel(axis: Axes) -> None:
        color_bar(axis, draw_image(axis, rates[:, order].T, clock.network_step, (-1, 1)))
        axis.set_ylabel("unit", fontsize=7)

    return Panel(1.6, "rates r, units sorted by the time of their peak or trough", panel)


def _raster(spikes: np.ndarray, peaks: np.ndarray, alif: np.ndarray, clock: Clock) -> Panel:
    """Of neurons that spike at all, sorted by ``peaks`` (N,)."""
    kinds = [
        (name, who[np.argsort(peaks[who], kind="stable")], kind.sum(), color)
        for name, kind, color in _kinds(alif)
        if (who := np.flatnonzero(kind & spikes.any(0))).size
    ]

    def panel(axis: Axes) -> None:
        middles, row = clock.middles(len(spikes)), 0
        for _, who, _, color in kinds:
            when, which = np.nonzero(spikes[:, who])
            width = thinner(len(spikes), 125, 2)
            axis.vlines(middles[when], row + which, row + which + 1, color=color, linewidth=width)
            row += len(who)
        axis.set_ylim(0, max(row, 1))
        axis.set_ylabel("neuron", fontsize=7)

    names = " and ".join(f"{len(who)} of {n} {name}" for name, who, n, _ in kinds) or "no"
    title = f"spikes; {names} neurons spike, sorted by the time of their highest rate"
    return Panel(1.5, title, panel)


def _mean_rates(spikes: np.ndarray, alif: np.ndarray, substeps: int, clock: Clock) -> Panel:
    """Over an environment step."""
    counts = spikes.reshape(-1, substeps, spikes.shape[1]).mean(1)

    def panel(axis: Axes) -> None:
        for name, kind, color in _kinds(alif):
            if kind.any():
                draw_steps(axis, clock.rate * counts[:, kind].mean(1), clock, color, name)
        axis.set_ylim(bottom=0)
        few_ticks(axis)
        legend_outside(axis)

    return Panel(0.45, f"mean rate ({clock.unit_of_rate})", panel)


def _kinds(alif: np.ndarray) -> tuple[tuple[str, np.ndarray, str], ...]:
    return ("LIF", ~alif, _LIF), ("ALIF", alif, _ALIF)


def _potentials(
    network: SpikingNetwork, trial: Trial, clock: Clock, followed: Sequence[int]
) -> list[Panel]:
    c = network.constants
    v = trial.state(0) / c.threshold
    threshold = 1 + c.beta / c.threshold * trial.state(1)
    spikes = trial.state(2) > 0
    middles = clock.middles(len(v))

    def panel(axis: Axes, j: int) -> None:
        color = _ALIF if adaptive(network)[j] else _LIF
        axis.plot(middles, v[:, j], color=color, linewidth=thinner(len(v), 500, 0.9))
        axis.plot(middles, threshold[:, j], color=INK, linewidth=0.8, linestyle="--")
        size, here = thinner(len(v), 500, 3.5), spikes[:, j]
        axis.plot(middles[here], v[here, j], ".", color=color, markersize=size)
        axis.set_ylim(bottom=max(axis.get_ylim()[0], _DEEP))
        few_ticks(axis)
        axis.set_ylabel(_unit(network, j), fontsize=SMALL, rotation=0, ha="right", va="center")

    title = "membrane potential, threshold (dashed), spikes (dots); unit: threshold at rest"
    if v[:, list(followed)].min() < _DEEP:
        title += f", cut at {_DEEP:g}"
    return [
        Panel(0.42, "" if i else title, lambda axis, j=j: panel(axis, j))
        for i, j in enumerate(followed)
    ]


def _unit(network: RateNetwork | SpikingNetwork, j: int) -> str:
    if isinstance(network, RateNetwork):
        return f"unit {j}"
    return f"{'ALIF' if adaptive(network)[j] else 'LIF'} {j}"


# -- the rule --------------------------------------------------------------------------------


def _eligibility(
    subject: Subject, synapses: Sequence[Synapse], eligibility: np.ndarray, clock: Clock
) -> Panel:
    agent, names = subject.agent, subject.observation_names
    network = agent.network

    def pre(column: int) -> str:
        if column >= network.n_inputs:
            return _unit(network, column - network.n_inputs)
        if column >= agent.n_seen:
            return f"memory {column - agent.n_seen}"
        return names[column] if names is not None else f"observation {column}"

    def panel(axis: Axes) -> None:
        rows = [f"{_unit(network, s.post)} \u2190 {pre(s.column)}" for s in synapses]
        draw_peak_rows(axis, eligibility, clock.network_step, rows, signed=True)
        for row in range(1, len(synapses)):
            if synapses[row].post != synapses[row - 1].post:
                axis.axhline(row, color="white", linewidth=1.5)

    title = r"filtered eligibility $\bar{e}_{ji}$ of synapses, in units of its peak (right)"
    return Panel(rows_height(len(synapses)), title, panel)


def _critic(taught: Teaching, clock: Clock) -> Panel:
    def panel(axis: Axes) -> None:
        axis.axhline(0, **AXIS)
        draw_steps(axis, taught.advantage, clock, COLORS[2], "advantage")
        if taught.td_error is not None:
            draw_steps(axis, taught.td_error, clock, COLORS[1], "TD error")
            draw_steps(axis, taught.values, clock, COLORS[0], "value")
        few_ticks(axis)
        legend_outside(axis)

    what = "advantage" if taught.td_error is None else "critic"
    return Panel(0.8, f"{what}, in units of the agent's return scale", panel)


def _learning_signal(
    network: RateNetwork | SpikingNetwork, taught: Teaching, clock: Clock
) -> Panel:
    signal = taught.signal[:, np.argsort(taught.signal.sum(0))].T

    def panel(axis: Axes) -> None:
        color_bar(axis, draw_image(axis, signal, clock.step, color_limits(signal, True)))
        axis.set_ylabel("unit" if isinstance(network, RateNetwork) else "neuron", fontsize=7)

    title = r"learning signal $L_j = \Sigma_k\, B_{jk}\, dE/dy_k$, sorted by its sum over time"
    return Panel(1.3, title, panel)
