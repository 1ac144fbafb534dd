"""Analyses of choices against observers whose parameters are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm

from caudate.envs import TaskError, collect_trials, make_task
from caudate.envs import psychophysics as psy

RANDOM = np.random.default_rng


def observer(n: int, bias: float, width: float, lapse: float, seed: int = 0) -> dict:
    random = RANDOM(seed)
    x = random.choice(np.linspace(-1, 1, 9), n)
    p = lapse + (1 - 2 * lapse) * ndtr((x - bias) / width)
    return {"x": x, "choice": np.where(random.random(n) < p, 2, 1)}


@pytest.mark.parametrize(("bias", "width", "lapse"), [(0.0, 0.2, 0.0), (0.2, 0.25, 0.05)])
def test_psychometric_parameters_are_recovered(bias: float, width: float, lapse: float) -> None:
    fit = psy.psychometric_fit(observer(6000, bias, width, lapse), "x")
    assert fit.bias == pytest.approx(bias, abs=0.04)
    assert fit.width == pytest.approx(width, rel=0.2)
    assert fit.guess == pytest.approx(lapse, abs=0.04)
    assert fit.lapse == pytest.approx(lapse, abs=0.04)
    assert np.abs(fit.predict(fit.x) - fit.successes / fit.counts).max() < 0.05


def test_psychometric_fit_without_lapses_is_the_best_of_its_kind() -> None:
    trials = observer(3000, 0.1, 0.3, 0.0)
    fit = psy.psychometric_fit(trials, "x", lapses=False)
    assert (fit.guess, fit.lapse) == (0.0, 0.0)
    said = trials["choice"] == 2
    for bias, width in [(fit.bias + 0.03, fit.width), (fit.bias, fit.width * 1.15)]:
        p = ndtr((trials["x"] - bias) / width)
        assert np.log(np.where(said, p, 1 - p)).sum() < fit.log_likelihood


def test_unanswered_trials_are_left_out() -> None:
    trials = observer(2000, 0.0, 0.3, 0.0)
    more = {name: np.concatenate([values, values]) for name, values in trials.items()}
    more["choice"][2000:] = 0
    assert psy.psychometric_fit(more, "x").bias == psy.psychometric_fit(trials, "x").bias


def test_d_prime_is_recovered() -> None:
    random = RANDOM(1)
    signal = random.random(20000) < 0.5
    evidence = random.normal(size=20000) + 1.5 * signal
    trials = {"is_match": signal.astype(int), "choice": np.where(evidence > 1.0, 1, 2)}
    found = psy.d_prime(trials)
    assert found.d_prime == pytest.approx(1.5, abs=0.06)
    # The criterion is counted from the middle between both means, .75.
    assert found.criterion == pytest.approx(0.25, abs=0.04)
    plain = psy.sensitivity(800, 1000, 100, 1000)
    assert plain.d_prime == pytest.approx(norm.ppf(0.8) - norm.ppf(0.1), abs=0.01)
    assert np.isfinite(psy.sensitivity(10, 10, 0, 10).d_prime)


def test_trials_without_an_answer_may_be_left_out() -> None:
    trials = {
        "is_match": np.repeat([1, 1, 1, 0, 0, 0], [60, 20, 40, 10, 50, 30]),
        "choice": np.repeat([1, 2, 0, 1, 2, 0], [60, 20, 40, 10, 50, 30]),
    }
    counted = psy.d_prime(trials, no=2)
    assert (counted.n_signal, counted.n_noise) == (80, 60)
    assert (counted.hit_rate, counted.false_alarm_rate) == (60 / 80, 10 / 60)
    every = psy.d_prime(trials)
    assert (every.n_signal, every.n_noise) == (120, 90)
    assert (every.hit_rate, every.false_alarm_rate) == (60 / 120, 10 / 90)


def test_weber_fraction_of_two_noisy_stimuli() -> None:
    """Both stimuli are seen through log-normal noise of .15, which is the Weber fraction."""
    random = RANDOM(6)
    log_ratio = random.choice(np.linspace(-0.5, 0.5, 11), 12000)
    noise = 0.15 * random.normal(size=(2, 12000))
    seen = log_ratio + noise[0] - noise[1]
    trials = {"log_ratio": log_ratio, "choice": np.where(seen > 0, 2, 1)}
    fit = psy.psychometric_fit(trials, "log_ratio", lapses=False)
    assert fit.weber_fraction == pytest.approx(0.15, rel=0.05)
    assert fit.width == pytest.approx(0.15 * np.sqrt(2), rel=0.05)


def test_intervals_of_shares() -> None:
    """Wilson's interval of 8 in 10 is .490 to .943; of 0 in 10, 0 to .278."""
    trials = {"delay_ms": np.repeat([1, 2], 10), "correct": np.repeat([1, 0, 0], [8, 2, 10])}
    curve = psy.share_by(trials, "delay_ms")
    assert curve.low == pytest.approx([0.4902, 0.0], abs=1e-4)
    assert curve.high == pytest.approx([0.9433, 0.2775], abs=1e-4)


def test_intervals_of_means_cover_them() -> None:
    random = RANDOM(7)
    size = np.repeat(np.arange(200), 50)
    curve = psy.mean_by({"size": size, "rt": 400 + 80 * random.normal(size=10000)}, "size", "rt")
    inside = (curve.low < 400) & (curve.high > 400)
    assert inside.mean() == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 200))
    alone = psy.mean_by({"size": [1, 1, 2], "rt": [300.0, 500.0, 400.0]}, "size", "rt")
    assert alone.mean.tolist() == [400, 400]
    assert alone.high[0] == pytest.approx(400 + 1.96 * 100)
    assert np.isnan([alone.low[1], alone.high[1]]).all()
    psy.plot_curve(alone, xlabel="items", ylabel="rt (ms)").figure.canvas.draw()


def test_curves() -> None:
    random = RANDOM(2)
    delay = random.choice([500.0, 1000.0, 2000.0], 9000)
    right = {500.0: 0.95, 1000.0: 0.85, 2000.0: 0.65}
    correct = random.random(9000) < np.vectorize(right.get)(delay)
    curve = psy.share_by({"delay_ms": delay, "correct": correct.astype(int)}, "delay_ms")
    assert curve.x.tolist() == [500, 1000, 2000]
    assert curve.mean == pytest.approx([0.95, 0.85, 0.65], abs=0.025)
    assert (curve.low < curve.mean).all()
    assert (curve.mean < curve.high).all()
    assert curve.counts.sum() == 9000
    slow = psy.mean_by(
        {"delay_ms": delay, "rt": delay / 10 + random.normal(size=9000)}, "delay_ms", "rt"
    )
    assert slow.mean == pytest.approx([50, 100, 200], abs=0.2)


def test_serial_position() -> None:
    random = RANDOM(3)
    odds = [0.9, 0.6, 0.5, 0.8]
    trials = {
        f"correct_at_{i}": (random.random(4000) < p).astype(float) for i, p in enumerate(odds)
    }
    trials["correct_at_3"][:2000] = np.nan  # shorter lists
    curve = psy.serial_position(trials)
    assert curve.mean == pytest.approx(odds, abs=0.03)
    assert curve.counts.tolist() == [4000, 4000, 4000, 2000]


@pytest.mark.parametrize(("swap", "guess"), [(0.0, 0.0), (0.15, 0.2)])
def test_mixture_parameters_are_recovered(swap: float, guess: float) -> None:
    random = RANDOM(4)
    n, kappa = 4000, 8.0
    target, other = random.uniform(-np.pi, np.pi, (2, n))
    kind = random.random(n)
    centre = np.where(kind < swap, other, target)
    report = random.vonmises(centre, kappa)
    report = np.where(kind > 1 - guess, random.uniform(-np.pi, np.pi, n), report)
    trials = {"report_rad": report, "target_rad": target, "nontarget_1_rad": other}
    fit = psy.mixture_fit(trials)
    assert fit.kappa == pytest.approx(kappa, rel=0.12)
    assert fit.swap == pytest.approx(swap, abs=0.03)
    assert fit.guess == pytest.approx(guess, abs=0.04)
    assert fit.target + fit.swap + fit.guess == pytest.approx(1.0)
    length = np.abs(np.exp(1j * random.vonmises(0, kappa, 10**5)).mean())
    assert fit.sd_rad == pytest.approx(np.sqrt(-2 * np.log(length)), rel=0.08)
    # Without other items in the table swaps look like guesses.
    alone = psy.mixture_fit({"report_rad": report, "target_rad": target})
    assert alone.swap == 0
    assert alone.guess == pytest.approx(swap + guess, abs=0.06)


def test_swaps_to_one_of_several_items() -> None:
    """Trials with one, two and four items together; angles on both sides of +-pi."""
    random = RANDOM(8)
    n = 6000
    size = random.choice([1, 2, 4], n)
    items = random.uniform(-np.pi, np.pi, (n, 4))
    items[np.arange(4) >= size[:, None]] = np.nan
    swapped = (random.random(n) < 0.25) & (size > 1)
    place = np.where(swapped, 1 + (random.random(n) * (size - 1)).astype(int), 0)
    report = random.vonmises(items[np.arange(n), place], 12.0)
    trials = {"report_rad": report, "target_rad": items[:, 0]}
    trials |= {f"nontarget_{i}_rad": items[:, i] for i in (1, 2, 3)}
    many = {name: values[size > 1] for name, values in trials.items()}
    fit = psy.mixture_fit(many)
    assert (fit.swap, fit.guess) == (pytest.approx(0.25, abs=0.02), pytest.approx(0, abs=0.02))
    assert fit.kappa == pytest.approx(12.0, rel=0.08)
    few = psy.mixture_fit({name: values[size == 1] for name, values in trials.items()})
    assert (few.target, few.swap) == (pytest.approx(1, abs=0.02), 0)


def test_reports_of_the_task_feed_the_mixture() -> None:
    """Noise on the units: the errors' spread is that of the population vector."""
    task = make_task("caudate/DelayedEstimation-v0", set_size=2, sigma=0.5)
    trials = collect_trials(task, n_trials=2000)
    fit = psy.mixture_fit(trials)
    assert fit.target > 0.97
    resultant = 2 * task.yardsticks.optimum - 1
    assert fit.sd_rad == pytest.approx(np.sqrt(-2 * np.log(resultant)), rel=0.1)


def test_interval_of_the_cost_is_newcombe_s() -> None:
    """His example: 56 of 70 less 48 of 80 is .2, from .0524 to .3339."""
    alone = {"outer_correct": np.repeat([1, 0], [56, 14])}
    together = {"outer_correct": np.repeat([1, 0], [48, 32])}
    found = psy.dual_task_cost(alone, together)
    assert found.cost == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_dual_task_cost() -> None:
    alone = {"outer_correct": np.repeat([1, 0], [950, 50])}
    together = {"outer_correct": np.repeat([1, 0], [800, 200])}
    found = psy.dual_task_cost(alone, together)
    assert found.cost == pytest.approx(0.15)
    assert found.interval.low < 0.15 < found.interval.high
    assert found.interval.low > 0.1


def test_missing_columns_and_too_few_trials() -> None:
    trials = observer(100, 0.0, 0.3, 0.0)
    with pytest.raises(TaskError, match=r"no column 'choise' .did you mean 'choice'"):
        psy.psychometric_fit(trials, "x", "choise")
    with pytest.raises(TaskError, match="3 answered trials are too few"):
        psy.psychometric_fit({name: values[:3] for name, values in trials.items()}, "x")
    with pytest.raises(TaskError, match="different values of x"):
        psy.psychometric_fit({"x": np.ones(50), "choice": np.ones(50)}, "x")
    with pytest.raises(TaskError, match="different lengths"):
        psy.share_by({"x": np.ones(3), "correct": np.ones(4)}, "x")
    with pytest.raises(TaskError, match="other values than 0 and 1"):
        psy.share_by(trials, "x", "choice")
    with pytest.raises(TaskError, match="shape"):
        psy.share_by({"x": np.ones((3, 2)), "correct": np.ones(3)}, "x")
    with pytest.raises(TaskError, match="reports are too few"):
        psy.mixture_fit({"report_rad": np.full(50, np.nan), "target_rad": np.zeros(50)})


def test_many_stimuli_are_drawn_in_groups() -> None:
    random = RANDOM(9)
    x = random.uniform(-1, 1, 1200)
    trials = {"x": x, "choice": np.where(random.random(1200) < ndtr(x / 0.3), 2, 1)}
    fit = psy.psychometric_fit(trials, "x")
    axes = psy.plot_psychometric(fit)
    ((points, _, _),) = axes.containers
    place, share = np.array(points.get_data(), dtype=float)
    assert len(place) == 12
    groups = np.array_split(np.argsort(x), 12)
    assert place == pytest.approx([x[group].mean() for group in groups])
    assert share == pytest.approx([(trials["choice"][group] == 2).mean() for group in groups])
    # As many as can be told apart are drawn as they are.
    ((points, _, _),) = psy.plot_psychometric(
        psy.psychometric_fit(observer(500, 0, 0.3, 0), "x")
    ).containers
    assert np.array(points.get_xdata(), dtype=float) == pytest.approx(np.linspace(-1, 1, 9))


def test_plots_draw() -> None:
    fit = psy.psychometric_fit(observer(500, 0.0, 0.3, 0.0), "x")
    axes = psy.plot_psychometric(fit, xlabel="log ratio")
    assert axes.get_xlabel() == "log ratio"
    x, y = np.array(axes.lines[0].get_data(), dtype=float)
    assert y == pytest.approx(fit.predict(x))
    trials = observer(500, 0.0, 0.3, 0.0)
    trials["correct"] = trials["choice"] == 2
    again = psy.plot_curve(psy.share_by(trials, "x"), axes)
    assert again is axes
    random = RANDOM(5)
    trials = {"report_rad": random.vonmises(0, 5, 300), "target_rad": np.zeros(300)}
    mixture = psy.plot_mixture(psy.mixture_fit(trials))
    # Bars and curve are both densities.
    bars: Any = mixture.patches
    assert sum(bar.get_width() * bar.get_height() for bar in bars) == pytest.approx(1)
    grid, density = np.array(mixture.lines[0].get_data(), dtype=float)
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
    assert (mixture.get_xlabel(), mixture.get_ylabel()) == ("error (rad)", "density")
    for one in (axes, mixture):
        one.figure.canvas.draw()
