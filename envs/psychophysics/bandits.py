"""Analyses of choices among arms: regret, reactions to outcomes, learning rates, planning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int
from .common import (
    FAINT,
    INK,
    MARK,
    WARM,
    Interval,
    TrialTable,
    column,
    columns,
    need,
    new_axes,
    previous,
    whole_ticks,
    wilson,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

# ---------------------------------------------------------------------- regret


class RegretCurve(NamedTuple):
    """Regret over the trials of sessions.

    Attributes:
        trial: (L,) trial of the session, from 0.
        cumulative: (L,) mean over sessions of the regret summed up to each trial.
        error: (L,) its standard error.
        best: (L,) share of sessions in which the best arm was chosen.
    """

    trial: Array
    cumulative: Array
    error: Array
    best: Array


def _sessions(trials: TrialTable, *names: str) -> tuple[Array, ...]:
    """Columns as (sessions, L), whole sessions only, told apart by ``column`` and ``episode``."""
    found = columns(trials, "trial", *names)
    session = np.zeros(len(found[0]))
    for key in ("column", "episode"):
        if key in trials:
            values = column(trials, key)
            session = session * (values.max(initial=0) + 1) + values
    order = np.lexsort((found[0], session))
    _, counts = np.unique(session[order], return_counts=True)
    length = int(np.bincount(counts).argmax())
    starts = np.cumsum(counts) - counts
    rows = starts[counts == length][:, None] + np.arange(length)
    return tuple(values[order][rows] for values in found[1:])


def regret_curve(trials: TrialTable) -> RegretCurve:
    """Cumulative regret and share of best choices by trial, from ``regret`` and ``correct``."""
    regret, best = _sessions(trials, "regret", "correct")
    need(len(regret), 1, "whole sessions")
    total = np.cumsum(regret, axis=1)
    error = total.std(axis=0, ddof=min(1, len(total) - 1)) / np.sqrt(len(total))
    return RegretCurve(np.arange(regret.shape[1]), total.mean(axis=0), error, best.mean(axis=0))


def plot_regret(curve: RegretCurve, axes: Axes | None = None) -> Axes:
    """Cumulative regret with its standard error."""
    axes = new_axes(axes)
    low, high = curve.cumulative - curve.error, curve.cumulative + curve.error
    axes.fill_between(curve.trial, low, high, color=MARK, alpha=0.25, linewidth=0)
    axes.plot(curve.trial, curve.cumulative, color=MARK, linewidth=1.2)
    axes.set(xlabel="trial", ylabel="cumulative regret")
    return axes


# ---------------------------------------------------------------------- reactions to outcomes


@dataclass(frozen=True)
class WinStay:
    """How choices follow outcomes.

    Attributes:
        win_stay: share of trials after a win that repeat the choice.
        lose_shift: share of trials after a loss that change it.
        win_interval, lose_interval: 95 % intervals.
    """

    win_stay: float
    lose_shift: float
    win_interval: Interval
    lose_interval: Interval


def win_stay_lose_shift(trials: TrialTable, *, win: float = 0.5) -> WinStay:
    """Shares of staying after rewards above ``win`` and of shifting after others.

    Raises:
        TaskError: no trial follows a win, or none a loss.
    """
    later, (choice, reward) = previous(trials, "choice", "reward")
    stays = column(trials, "choice")[later] == choice
    won = reward > win
    need(int(min(won.sum(), (~won).sum())), 1, "trials after wins and after losses")
    stayed, shifted = stays[won].sum(), (~stays[~won]).sum()
    return WinStay(
        float(stays[won].mean()),
        float((~stays[~won]).mean()),
        wilson(stayed, won.sum()),
        wilson(shifted, (~won).sum()),
    )


def plot_win_stay(result: WinStay, axes: Axes | None = None) -> Axes:
    """Two bars with their intervals."""
    axes = new_axes(axes)
    values = np.array([result.win_stay, result.lose_shift])
    bounds = np.array([result.win_interval, result.lose_interval]).T
    axes.bar([0, 1], values, width=0.6, color=[MARK, WARM], alpha=0.6)
    axes.vlines([0, 1], *bounds, color=INK, linewidth=1.2)
    axes.axhline(0.5, color=FAINT, linewidth=0.8)
    axes.set(xticks=[0, 1], xticklabels=["win-stay", "lose-shift"], ylim=(0, 1), ylabel="share")
    return axes


class ReversalCurve(NamedTuple):
    """Choices around reversals.

    Attributes:
        since: (k,) trials since the reversal.
        best: (k,) share of choices of the arm that is the better one now.
        perseveration: mean number of choices of the old arm before the first of the new one.
    """

    since: Array
    best: Array
    perseveration: float


def after_reversals(trials: TrialTable, most: int = 20) -> ReversalCurve:
    """Share of best choices by trials since a reversal, from ``since_reversal`` and ``correct``."""
    best, since = _sessions(trials, "correct", "since_reversal")
    # Runs that follow a reversal, not those that open a session.
    opening = np.cumsum(since == 0, axis=1) <= 1
    use = ~opening
    need(int((use & (since == 0)).sum()), 1, "reversals")
    places = np.arange(most + 1)
    share = np.array(
        [
            best[use & (since == place)].mean() if (use & (since == place)).any() else np.nan
            for place in places
        ]
    )
    before = []
    for row, place in zip(*(use & (since == 0)).nonzero(), strict=True):
        run = best[row, place:]
        stop = np.flatnonzero(since[row, place + 1 :] == 0)
        run = run[: stop[0] + 1] if stop.size else run
        before.append(int(run.argmax()) if run.any() else len(run))
    return ReversalCurve(places, share, float(np.mean(before)))


def plot_reversals(curve: ReversalCurve, axes: Axes | None = None) -> Axes:
    """Share of best choices after reversals."""
    axes = new_axes(axes)
    axes.plot(curve.since, curve.best, "o-", color=MARK, markersize=4, linewidth=1.2)
    axes.axhline(0.5, color=FAINT, linewidth=0.8)
    axes.set(xlabel="trials since the reversal", ylabel="share of best choices", ylim=(0, 1))
    whole_ticks(axes)
    return axes


# ---------------------------------------------------------------------- learning rates


class LearningRate(NamedTuple):
    """Slope of changes of prediction on prediction errors.

    Attributes:
        rate: the slope.
        interval: its 95 % interval.
        intercept: change without an error.
        n: pairs of trials.
    """

    rate: float
    interval: Interval
    intercept: float
    n: int


def learning_rate(
    trials: TrialTable,
    prediction: str = "choice",
    outcome: str = "outcome",
    *,
    where: Array | None = None,
) -> LearningRate:
    """Regress the change of a prediction on the error that came before it (Nassar et al. 2010,
    doi:10.1523/JNEUROSCI.0822-10.2010).

    Args:
        trials: the trial table; sessions are kept apart.
        prediction, outcome: columns.
        where: (n,) bool, trials whose errors count; None for all.

    Raises:
        TaskError: fewer than 10 pairs of trials, or errors that are all the same.
    """
    later, (before, seen) = previous(trials, prediction, outcome)
    change = column(trials, prediction)[later] - before
    error = seen - before
    if where is not None:
        (mask,) = previous({**trials, "_use": np.asarray(where, dtype=float)}, "_use")[1]
        change, error = change[mask > 0], error[mask > 0]
    need(len(error), 10, "pairs of trials")
    spread = error - error.mean()
    total = float((spread**2).sum())
    if total == 0.0:
        raise TaskError("the prediction errors are all the same; no rate can be told from them.")
    slope = float((spread * change).sum() / total)
    intercept = float(change.mean() - slope * error.mean())
    rest = change - intercept - slope * error
    half = 1.96 * float(np.sqrt((rest**2).sum() / max(len(error) - 2, 1) / total))
    return LearningRate(slope, Interval(slope - half, slope + half), intercept, len(error))


@dataclass(frozen=True)
class RescorlaWagnerFit:
    """Maximum-likelihood learner of choices.

    Attributes:
        learning_rate: alpha of V <- V + alpha (reward - V) for the chosen arm.
        inverse_temperature: beta of the softmax over arms.
        log_likelihood: at the estimates.
        per_trial: geometric mean probability of the choices.
    """

    learning_rate: float
    inverse_temperature: float
    log_likelihood: float
    per_trial: float


def rescorla_wagner_fit(trials: TrialTable, arms: int = 2, start: float = 0.5) -> RescorlaWagnerFit:
    """Fit a Rescorla-Wagner learner with softmax choice to ``choice`` and ``reward``.

    All whole sessions are fitted together with one pair of parameters.

    Args:
        trials: the trial table.
        arms: number of arms.
        start: value of every arm at the start of a session.

    Raises:
        TaskError: fewer than 20 trials, or choices that are no arms.
    """
    arms = check_int("arms", arms, 1)
    choice, reward = _sessions(trials, "choice", "reward")
    need(choice.size, 20, "trials of whole sessions")
    wrong = choice[~np.isin(choice, np.arange(arms))]
    if wrong.size:
        raise TaskError(
            f"choice {wrong[0]:g} is none of the arms 0 to {arms - 1}; pass arms=N for N of them."
        )
    chosen = choice.astype(np.int64)
    rows = np.arange(len(chosen))

    def loss(free: Array) -> float:
        rate, beta = free
        value, total = np.full((len(chosen), arms), start), 0.0
        for trial in range(chosen.shape[1]):
            arm = chosen[:, trial]
            scaled = beta * value
            scaled = scaled - scaled.max(axis=1, keepdims=True)
            total += float((scaled[rows, arm] - np.log(np.exp(scaled).sum(axis=1))).sum())
            value[rows, arm] += rate * (reward[:, trial] - value[rows, arm])
        return -total

    best = _minimise(loss, [(0.1, 2.0), (0.5, 5.0)], [(0.0, 1.0), (0.0, 50.0)])
    rate, beta = best.x
    per_trial = float(np.exp(-best.fun / choice.size))
    return RescorlaWagnerFit(float(rate), float(beta), -float(best.fun), per_trial)


def _minimise(loss: Callable[[Array], float], starts: Any, bounds: Any) -> Any:
    from scipy.optimize import minimize

    fits = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    return min(fits, key=lambda fit: fit.fun)


def plot_learning_rate(
    trials: TrialTable, prediction: str = "choice", outcome: str = "outcome", axes: Any = None
) -> Axes:
    """Changes of prediction against errors, with the regression line."""
    axes = new_axes(axes)
    fit = learning_rate(trials, prediction, outcome)
    later, (before, seen) = previous(trials, prediction, outcome)
    error = seen - before
    axes.scatter(error, column(trials, prediction)[later] - before, s=3, color=MARK, alpha=0.3)
    ends = np.array([error.min(), error.max()])
    axes.plot(ends, fit.intercept + fit.rate * ends, color=INK, linewidth=1.2)
    axes.set(xlabel="prediction error", ylabel="change of prediction")
    axes.set_title(f"learning rate {fit.rate:.2f}", fontsize=9, loc="left")
    return axes


# ---------------------------------------------------------------------- two-step


@dataclass(frozen=True)
class StayProbability:
    """First choices repeated, by the last trial's reward and transition.

    Attributes:
        stay: (2, 2) share by [rewarded, common].
        low, high: (2, 2) 95 % interval.
        model_free: main effect of reward, in share of staying.
        model_based: interaction of reward and transition, in share of staying.
    """

    stay: Array
    low: Array
    high: Array
    model_free: float
    model_based: float


def stay_probability(trials: TrialTable) -> StayProbability:
    """Stay probabilities of the two-step task (Daw et al. 2011, doi:10.1016/j.neuron.2011.02.027).

    Uses ``choice``, ``common`` and ``reward``. A model-free learner stays after rewards alone; a
    model-based one stays after reward and common or no reward and rare transitions.

    Raises:
        TaskError: one of the four cases does not occur.
    """
    later, (choice, common, reward) = previous(trials, "choice", "common", "reward")
    stays = column(trials, "choice")[later] == choice
    shares, low, high = (np.zeros((2, 2)) for _ in range(3))
    for rewarded in (0, 1):
        for usual in (0, 1):
            here = ((reward > 0.5) == rewarded) & ((common > 0.5) == usual)
            need(int(here.sum()), 1, f"trials after reward {rewarded} and common {usual}")
            shares[rewarded, usual] = stays[here].mean()
            low[rewarded, usual], high[rewarded, usual] = wilson(stays[here].sum(), here.sum())
    reward_effect = shares[1].mean() - shares[0].mean()
    interaction = ((shares[1, 1] - shares[1, 0]) - (shares[0, 1] - shares[0, 0])) / 2
    return StayProbability(shares, low, high, float(reward_effect), float(interaction))


def plot_stay(result: StayProbability, axes: Axes | None = None) -> Axes:
    """Four bars: rewarded and not, after common and rare transitions."""
    axes = new_axes(axes)
    order = [(1, 1), (1, 0), (0, 1), (0, 0)]
    values = [result.stay[case] for case in order]
    axes.bar(range(4), values, width=0.65, color=[MARK, WARM, MARK, WARM], alpha=0.6)
    for place, case in enumerate(order):
        axes.vlines(place, result.low[case], result.high[case], color=INK, linewidth=1.2)
    names = ["reward\ncommon", "reward\nrare", "none\ncommon", "none\nrare"]
    axes.set(xticks=range(4), xticklabels=names, ylim=(0, 1), ylabel="stay probability")
    return axes


@dataclass(frozen=True)
class TwoStepFit:
    """The hybrid learner of the two-step task.

    Attributes:
        model_based_weight: w, share of model-based values in first choices, 0 to 1.
        learning_rate: alpha of all values.
        first_temperature, second_temperature: inverse temperatures of the two choices.
        stickiness: bonus for repeating the first choice.
        log_likelihood: at the estimates.
    """

    model_based_weight: float
    learning_rate: float
    first_temperature: float
    second_temperature: float
    stickiness: float
    log_likelihood: float


def two_step_fit(trials: TrialTable, p_common: float = 0.7) -> TwoStepFit:
    """Fit the hybrid of model-free and model-based values by maximum likelihood.

    The model of Daw et al. 2011 (doi:10.1016/j.neuron.2011.02.027) with one learning rate and
    eligibility 1: second-stage values learn from rewards; first choices weigh w times the
    transition-weighted best second-stage values against (1 - w) times values that rewards teach
    directly, plus a bonus for the last choice. Uses ``choice``, ``planet``, ``second_choice``,
    ``reward``; all whole sessions share the parameters.

    Raises:
        TaskError: fewer than 50 trials.
    """
    names = ("choice", "planet", "second_choice", "reward")
    first, planet, second, reward = _sessions(trials, *names)
    need(first.size, 50, "trials of whole sessions")
    first, planet, second = (one.astype(np.int64) for one in (first, planet, second))
    rows = np.arange(len(first))
    to_planet = np.array([[p_common, 1.0 - p_common], [1.0 - p_common, p_common]])

    def loss(free: Array) -> float:
        weight, rate, beta_one, beta_two, sticky = free
        direct = np.full((len(first), 2), 0.5)
        later = np.full((len(first), 2, 2), 0.5)
        last, total = np.zeros((len(first), 2)), 0.0
        for trial in range(first.shape[1]):
            a, s, b = first[:, trial], planet[:, trial], second[:, trial]
            planned = later.max(axis=2) @ to_planet.T
            total += _log_softmax(
                beta_one * (weight * planned + (1.0 - weight) * direct) + sticky * last, rows, a
            )
            total += _log_softmax(beta_two * later[rows, s], rows, b)
            direct[rows, a] += rate * (reward[:, trial] - direct[rows, a])
            later[rows, s, b] += rate * (reward[:, trial] - later[rows, s, b])
            last[:] = 0.0
            last[rows, a] = 1.0
        return -total

    bounds = [(0.0, 1.0), (0.001, 1.0), (0.0, 30.0), (0.0, 30.0), (-5.0, 5.0)]
    starts = [(0.3, 0.3, 3.0, 3.0, 0.0), (0.7, 0.5, 3.0, 3.0, 0.0)]
    best = _minimise(loss, starts, bounds)
    weight, rate, beta_one, beta_two, sticky = (float(one) for one in best.x)
    return TwoStepFit(weight, rate, beta_one, beta_two, sticky, -float(best.fun))


def _log_softmax(logits: Array, rows: Array, chosen: Array) -> float:
    logits = logits - logits.max(axis=1, keepdims=True)
    return float((logits[rows, chosen] - np.log(np.exp(logits).sum(axis=1))).sum())
