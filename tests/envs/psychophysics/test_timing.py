"""Analyses of timing against observers whose parameters are known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from caudate.envs import TaskError, collect_trials, make_task
from caudate.envs import psychophysics as psy

RANDOM = np.random.default_rng
TARGETS = np.array([500.0, 800.0, 1200.0, 1800.0])
Trials = dict[str, Any]


def producer(n: int, weber: float, constant: float, seed: int = 0) -> Trials:
    random = RANDOM(seed)
    target = random.choice(TARGETS, n)
    sd = np.hypot(weber * target, constant)
    return {"t_target_ms": target, "t_prod_ms": random.normal(target, sd)}


def reproducer(n: int, measurement: float, production: float, seed: int = 0) -> Trials:
    """Bayes-least-squares by brute force: the mean of a grid of likely samples."""
    random = RANDOM(seed)
    samples = np.arange(600.0, 1001.0, 50.0)
    sample = random.choice(samples, n)
    measured = random.normal(sample, measurement * sample)
    grid = np.linspace(600.0, 1000.0, 801)
    likely = np.exp(-0.5 * ((measured[:, None] - grid) / (measurement * grid)) ** 2) / grid
    meant = (likely * grid).sum(axis=1) / likely.sum(axis=1)
    made = random.normal(meant, production * meant)
    return {"t_sample_ms": sample, "t_target_ms": sample, "t_prod_ms": made}


def within(value: float, interval: Any) -> bool:
    return interval.low <= value <= interval.high


# ---------------------------------------------------------------------- scalar property


@pytest.mark.parametrize(("weber", "constant"), [(0.15, 0.0), (0.1, 40.0), (0.0, 60.0)])
def test_weber_fraction_and_constant_are_recovered(weber: float, constant: float) -> None:
    fit = psy.scalar_property(producer(8000, weber, constant))
    assert fit.weber == pytest.approx(weber, abs=0.012)
    # A constant of 30 ms adds less than a tenth to the SD of the shortest target, so none is hard
    # to tell from it.
    assert fit.constant_ms == pytest.approx(constant, abs=30.0 if constant == 0 else 8.0)
    assert fit.weber_interval.low <= fit.weber <= fit.weber_interval.high
    law = np.hypot(fit.weber * fit.mean_ms, fit.constant_ms)
    assert fit.sd_ms == pytest.approx(law, rel=0.06)


def test_intervals_of_the_weber_fraction_cover_it() -> None:
    inside = [
        within(
            0.12, psy.scalar_property(producer(400, 0.12, 0.0, seed), constant=False).weber_interval
        )
        for seed in range(60)
    ]
    # 95 % of 60, four standard errors below.
    assert np.mean(inside) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 60)


def test_the_strict_law_has_no_constant() -> None:
    fit = psy.scalar_property(producer(4000, 0.2, 0.0), constant=False)
    assert fit.constant_ms == 0.0
    assert fit.weber == pytest.approx(0.2, abs=0.008)
    assert fit.cv == pytest.approx(np.full(4, 0.2), abs=0.02)


def test_omitted_productions_are_left_out() -> None:
    trials = producer(800, 0.1, 0.0)
    more = {name: np.append(values, values[:50]) for name, values in trials.items()}
    more["t_prod_ms"][800:] = np.nan
    assert psy.scalar_property(more).weber == psy.scalar_property(trials).weber


# ---------------------------------------------------------------------- reproduction


def test_bias_spread_and_slope_are_recovered() -> None:
    random = RANDOM(3)
    target = random.choice(TARGETS, 12000)
    made = 900.0 + 0.7 * (target - 900.0) + random.normal(0, 50.0, 12000)
    result = psy.reproduction({"t_target_ms": target, "t_prod_ms": made})
    bias = np.sqrt(np.mean((0.3 * (TARGETS - 900.0)) ** 2))
    assert result.slope == pytest.approx(0.7, abs=0.01)
    assert result.bias_ms == pytest.approx(bias, abs=3.0)
    assert result.sd_ms == pytest.approx(50.0, abs=2.0)
    assert result.indifference_ms == pytest.approx(900.0, abs=15.0)
    assert result.rmse_ms == pytest.approx(np.hypot(bias, 50.0), abs=3.0)
    assert within(0.7, result.slope_interval)
    assert within(50.0, result.sd_interval)
    # Theory of the slope's standard error, against the width of the bootstrap's interval.
    error = 50.0 / (target.std() * np.sqrt(12000))
    width = result.slope_interval.high - result.slope_interval.low
    assert width == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_veridical_reproduction_has_slope_one_and_no_indifference_point() -> None:
    target = np.repeat(TARGETS, 10)
    result = psy.reproduction({"t_target_ms": target, "t_prod_ms": target})
    assert (result.slope, result.bias_ms, result.sd_ms) == (pytest.approx(1.0), 0.0, 0.0)
    assert np.isnan(result.indifference_ms)


@pytest.mark.parametrize("away", [0.0, 40.0])
def test_chance_is_no_bias(away: float) -> None:
    """Fifteen targets of 20 trials; means miss by 22 ms by chance."""
    target = np.repeat(np.linspace(500.0, 1500.0, 15), 20)
    found = [
        psy.reproduction(
            {"t_target_ms": target, "t_prod_ms": RANDOM(seed).normal(target + away, 0.1 * target)}
        )
        for seed in range(20)
    ]
    squares = np.array([result.bias_ms**2 for result in found])
    assert squares.mean() == pytest.approx(away**2, abs=200.0)
    # 95 % of 20, four standard errors below.
    assert sum(within(away, result.bias_interval) for result in found) >= 15
    assert all(within(result.bias_ms, result.bias_interval) for result in found)


def test_bias_and_variance_make_up_the_squared_error() -> None:
    random = RANDOM(4)
    target = np.repeat(TARGETS, [5, 8, 12, 20])
    made = random.normal(0.7 * target + 300.0, 60.0)
    result = psy.reproduction({"t_target_ms": target, "t_prod_ms": made})
    squares = [((made - t) ** 2)[target == t].mean() for t in TARGETS]
    assert result.rmse_ms**2 == pytest.approx(np.mean(squares))
    assert result.bias_ms**2 + result.sd_ms**2 == pytest.approx(result.rmse_ms**2)


@pytest.mark.parametrize(("measurement", "production"), [(0.1, 0.06), (0.18, 0.05)])
def test_noises_of_the_bayesian_timer_are_recovered(measurement: float, production: float) -> None:
    fit = psy.bayesian_timer(reproducer(1500, measurement, production))
    assert fit.measurement == pytest.approx(measurement, rel=0.12)
    assert fit.production == pytest.approx(production, rel=0.12)
    assert within(measurement, fit.measurement_interval)
    assert within(production, fit.production_interval)
    assert fit.prior_ms == (600.0, 1000.0)
    # Estimates lie between the ends of the prior and are drawn to its middle.
    assert 600.0 < fit.estimate(300.0) < fit.estimate(800.0) < fit.estimate(1500.0) < 1000.0


def test_a_gain_scales_the_bayesian_timer() -> None:
    trials = reproducer(600, 0.12, 0.06)
    plain = psy.bayesian_timer(trials)
    scaled = {**trials, "t_prod_ms": 1.5 * trials["t_prod_ms"]}
    fit = psy.bayesian_timer(scaled, gain=1.5)
    assert fit.measurement == pytest.approx(plain.measurement, rel=1e-3)
    # The density of what was produced: as likely, over a range 1.5 times as wide.
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood - 600 * np.log(1.5))


# ---------------------------------------------------------------------- bisection


@pytest.mark.parametrize(("point", "width"), [(800.0, 0.3), (950.0, 0.2)])
def test_bisection_point_is_recovered(point: float, width: float) -> None:
    random = RANDOM(5)
    duration = random.choice([400.0, 500.0, 650.0, 800.0, 1000.0, 1250.0, 1600.0], 6000)
    long = random.random(6000) < ndtr(np.log(duration / point) / width)
    trials = {"duration_ms": duration, "choice": np.where(long, 2, 1)}
    result = psy.bisection(trials)
    assert result.point_ms == pytest.approx(point, rel=0.03)
    assert within(point, result.point_interval)
    quarters = point * np.exp(0.6745 * width * np.array([-1, 1]))
    assert result.weber_ratio == pytest.approx(np.diff(quarters)[0] / 2 / point, rel=0.12)
    assert (result.geometric_ms, result.arithmetic_ms) == (pytest.approx(800.0), 1000.0)


def test_intervals_of_bisection_and_peak_cover_them() -> None:
    random, bisected, peaks, spreads = RANDOM(12), [], [], []
    duration = np.repeat([400.0, 500.0, 650.0, 800.0, 1000.0, 1250.0, 1600.0], 60)
    for seed in range(60):
        long = random.random(420) < ndtr(np.log(duration / 850.0) / 0.3)
        trials = {"duration_ms": duration, "choice": np.where(long, 2, 1)}
        bisected.append(within(850.0, psy.bisection(trials, lapses=False).point_interval))
        found = psy.peak_interval(presser(60, 2200.0, 500.0, seed)[0], 500.0)
        peaks.append(within(2200.0, found.peak_interval))
        spreads.append(within(500.0, found.spread_interval))
    for inside in (bisected, peaks, spreads):
        assert np.mean(inside) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 60)


def test_many_durations_leave_the_axis_readable() -> None:
    random = RANDOM(13)
    duration = random.uniform(400.0, 1600.0, 600)
    long = random.random(600) < ndtr(np.log(duration / 850.0) / 0.3)
    axes = psy.plot_bisection(
        psy.bisection({"duration_ms": duration, "choice": np.where(long, 2, 1)})
    )
    axes.figure.canvas.draw()
    named = [text.get_text() for text in axes.get_xticklabels()]
    assert named == ["400", "500", "640", "800", "1000", "1300", "1600"]
    assert np.exp(axes.get_xticks()) == pytest.approx([float(text) for text in named])


# ---------------------------------------------------------------------- tapping


def tapper(n: int, beats: int, clock: float, motor: float, seed: int = 0) -> Trials:
    """Free tapping at two tempos: clock intervals, and a delay of each tap."""
    random = RANDOM(seed)
    period = random.choice([400.0, 600.0], n)
    ticks = np.cumsum(random.normal(period[:, None], clock, (n, beats)), axis=1)
    taps = ticks + random.normal(30.0, motor, (n, beats))
    return {"period_ms": period, **{f"tap_{i + 2}_ms": taps[:, i] for i in range(beats)}}


@pytest.mark.parametrize(("clock", "motor"), [(25.0, 10.0), (10.0, 20.0)])
@pytest.mark.parametrize(("n", "beats"), [(1500, 9), (12, 900)])
def test_clock_and_motor_noise_are_recovered(
    clock: float, motor: float, n: int, beats: int
) -> None:
    result = psy.wing_kristofferson(tapper(n, beats, clock, motor))
    assert result.clock_ms == pytest.approx(clock, rel=0.08)
    assert result.motor_ms == pytest.approx(motor, rel=0.08)
    variance = clock**2 + 2 * motor**2
    assert result.interval_sd_ms == pytest.approx(np.sqrt(variance), rel=0.03)
    assert result.lag1 == pytest.approx(-(motor**2) / variance, abs=0.03)
    assert within(clock, result.clock_interval)
    assert within(motor, result.motor_interval)
    assert np.abs(result.autocovariance_ms2[2:]).max() < 0.06 * variance


def test_missing_taps_break_the_row_and_nothing_else() -> None:
    trials = tapper(3000, 12, 20.0, 15.0)
    random = RANDOM(1)
    for name in trials:
        if name.startswith("tap"):
            trials[name] = np.where(random.random(3000) < 0.1, np.nan, trials[name])
    result = psy.wing_kristofferson(trials)
    assert result.clock_ms == pytest.approx(20.0, rel=0.06)
    assert result.motor_ms == pytest.approx(15.0, rel=0.06)


def test_one_long_row_of_taps_is_enough_but_has_no_interval() -> None:
    trials = tapper(1, 4000, 25.0, 10.0)
    result = psy.wing_kristofferson(trials)
    assert result.clock_ms == pytest.approx(25.0, rel=0.1)
    assert np.isnan(result.clock_interval.low)


def synchroniser(n: int, beats: int, gain: float, noise: float, seed: int = 0) -> Trials:
    random = RANDOM(seed)
    off = np.zeros((n, beats))
    off[:, 0] = random.normal(0, 40.0, n)
    for beat in range(1, beats):
        off[:, beat] = (1 - gain) * off[:, beat - 1] + random.normal(0, noise, n)
    return {f"asynchrony_{i + 2}_ms": off[:, i] - 25.0 for i in range(beats)}


@pytest.mark.parametrize("gain", [0.0, 0.4, 1.0, 1.3])
def test_phase_correction_is_recovered(gain: float) -> None:
    results = [psy.phase_correction(synchroniser(300, 10, gain, 15.0, seed)) for seed in range(40)]
    gains = np.array([result.gain for result in results])
    assert gains == pytest.approx(np.full(40, gain), abs=0.06)
    assert gains.mean() == pytest.approx(gain, abs=4 * gains.std() / np.sqrt(40))
    inside = np.mean([within(gain, result.gain_interval) for result in results])
    assert inside > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 40)


def test_asynchrony_is_recovered() -> None:
    trials = synchroniser(2000, 10, 0.5, 20.0)
    trials["asynchrony_4_ms"][:500] = np.nan
    result = psy.asynchrony(trials)
    assert result.mean_ms == pytest.approx(-25.0, abs=1.5)
    assert within(-25.0, result.mean_interval)
    assert result.beat.tolist() == list(range(2, 12))
    assert result.by_beat_ms == pytest.approx(np.full(10, -25.0), abs=4.0)
    assert result.missed == pytest.approx(500 / 20000)
    late = psy.asynchrony(trials, beats=range(8, 12))
    # By then the start is forgotten: the SD is that of the stationary process.
    assert late.sd_ms == pytest.approx(20.0 / np.sqrt(1 - 0.25), rel=0.04)
    assert late.beat.tolist() == [8, 9, 10, 11]


# ---------------------------------------------------------------------- free presses


def test_presses_at_random_have_no_peak() -> None:
    times = RANDOM(0).exponential(1500.0, 20000)
    result = psy.inter_response_times(psy.bin_times([times], 2000.0), 2000.0)
    assert result.efficiency == pytest.approx(np.exp(-2000 / 1500), abs=0.015)
    assert result.burst_ratio == pytest.approx(1.0, abs=0.06)
    assert result.peak_area < 0.02
    assert result.expected.sum() - result.expected[0] == pytest.approx(result.counts[1:].sum())


def test_bursts_and_timed_pauses_are_told_apart() -> None:
    random = RANDOM(0)
    sessions = [
        np.concatenate([random.uniform(0, 300.0, 30), random.normal(2200.0, 250.0, 100)])
        for _ in range(40)
    ]
    trials = psy.bin_times(sessions, 2000.0)
    result = psy.inter_response_times(trials, 2000.0)
    assert result.burst_share == pytest.approx(30 / 130, abs=1e-9)
    assert result.burst_ratio > 1.3
    assert result.peak_ms == pytest.approx(2200.0, abs=60.0)
    assert result.peak_area > 0.5
    rewarded = ndtr(200 / 250) * 100 / 130
    assert result.efficiency == pytest.approx(rewarded, abs=0.02)
    assert within(rewarded, result.efficiency_interval)


class Presser:
    """Presses at random with a fixed probability at every step."""

    def __init__(self, p: float) -> None:
        self.p, self.random = p, RANDOM(0)

    def predict(self, obs: Any, state: Any, episode_start: Any, deterministic: bool) -> Any:
        return (self.random.random(len(obs)) < self.p).astype(int), state


@pytest.mark.parametrize("wait", [2000.0, 700.0])  # 20 and 7 steps do not divide by 6
@pytest.mark.parametrize("p", [0.05, 0.1])
def test_presses_at_random_on_steps_have_no_peak(wait: float, p: float) -> None:
    task = make_task("caudate/DRL-v0", wait=wait)
    table = collect_trials(task, Presser(p), n_trials=512, num_envs=512)
    result = psy.inter_response_times(table, wait, dt_ms=task.dt)
    error = 1 / np.sqrt(result.expected[0])  # about, of the ratio
    assert result.burst_ratio == pytest.approx(1.0, abs=4 * error)
    assert result.peak_area < 0.01
    assert (np.abs(result.counts - result.expected) < 4 * np.sqrt(result.expected)).all()


def test_a_timed_animal_on_steps_has_its_peak() -> None:
    random = RANDOM(0)
    steps = np.concatenate(
        [np.ceil(random.uniform(0, 3, 1200)), np.rint(random.normal(22, 2, 4000))]
    )
    trials = psy.bin_times([100.0 * steps], 2000.0)
    result = psy.inter_response_times(trials, 2000.0, dt_ms=100.0)
    assert result.edges_ms[:8].tolist() == [0, 400, 700, 1000, 1400, 1700, 2000, 2400]
    assert result.peak_ms == pytest.approx(2200.0, abs=30.0)
    assert result.peak_area > 0.5
    assert result.burst_ratio > 1.3


def test_a_first_bin_without_a_step_has_no_bursts() -> None:
    trials = psy.bin_times([100.0 * RANDOM(0).geometric(0.2, 9000)], 400.0)
    result = psy.inter_response_times(trials, 400.0, dt_ms=100.0)
    assert np.isnan(result.burst_ratio)
    assert result.peak_area < 0.02
    assert (result.expected[np.diff(result.edges_ms) == 0] == 0).all()


def test_the_exponential_is_the_likeliest() -> None:
    times = RANDOM(4).exponential(2500.0, 30000)
    result = psy.inter_response_times(psy.bin_times([times], 2000.0), 2000.0)
    pauses = result.counts[1:]

    def likelihood(mean: float) -> float:
        q = np.exp(-2000.0 / 6 / mean)
        share = q ** np.arange(11) * np.append(np.full(10, 1 - q), 1.0)
        return float((pauses * np.log(share)).sum())

    mean = -2000.0 / 6 / np.log(1 - result.expected[1] / pauses.sum())
    assert mean == pytest.approx(2500.0, rel=0.03)
    assert likelihood(mean) > max(likelihood(0.98 * mean), likelihood(1.02 * mean))


def presser(n: int, peak: float, spread: float, seed: int = 0) -> tuple[Trials, list[np.ndarray]]:
    """Poisson presses, the rate is a Gaussian on a floor; 6 s probes in bins of 500 ms."""
    random = RANDOM(seed)
    counts, presses = np.zeros((n, 12), dtype=int), []
    for trial in range(n):
        timed = random.normal(peak, spread, random.poisson(8.0))
        times = np.concatenate([timed, random.uniform(0, 6000.0, random.poisson(1.2))])
        times = np.sort(times[(times >= 0) & (times < 6000.0)])
        presses.append(times)
        counts[trial] = np.histogram(times, bins=np.arange(13) * 500.0)[0]
    is_probe = np.ones(n, dtype=int)
    return {"is_probe": is_probe, **{f"presses_bin_{i}": counts[:, i] for i in range(12)}}, presses


@pytest.mark.parametrize(("peak", "spread"), [(2000.0, 400.0), (2400.0, 700.0)])
def test_peak_time_and_spread_are_recovered(peak: float, spread: float) -> None:
    trials, presses = presser(400, peak, spread)
    bounds = np.array([psy.start_stop(times, 6000.0) for times in presses])
    trials |= {"start_ms": bounds[:, 0], "stop_ms": bounds[:, 1]}
    # What is no probe does not count.
    trials = {name: np.concatenate([values, values]) for name, values in trials.items()}
    trials["is_probe"][400:] = 0
    trials["presses_bin_9"][400:] += 50
    result = psy.peak_interval(trials, 500.0)
    assert result.n_probes == 400
    assert result.peak_ms == pytest.approx(peak, rel=0.02)
    assert result.spread_ms == pytest.approx(spread, rel=0.06)
    assert within(peak, result.peak_interval)
    assert within(spread, result.spread_interval)
    assert result.height_hz == pytest.approx(8 / (np.sqrt(2 * np.pi) * spread / 1000), rel=0.06)
    assert result.floor_hz == pytest.approx(1.2 / 6, rel=0.25)
    assert result.start_ms < peak < result.stop_ms
    assert result.cv == result.spread_ms / result.peak_ms


def test_a_peak_without_a_floor() -> None:
    random = RANDOM(2)
    times = random.normal(2000.0, 300.0, (200, 10))
    counts = np.array([np.histogram(row, bins=np.arange(13) * 500.0)[0] for row in times])
    trials = {"is_probe": np.ones(200), **{f"presses_bin_{i}": counts[:, i] for i in range(12)}}
    result = psy.peak_interval(trials, 500.0)
    assert result.spread_ms == pytest.approx(300.0, rel=0.06)
    assert result.floor_hz < 0.02
    assert within(300.0, result.spread_interval)
    assert np.isnan(result.start_ms)


def test_start_and_stop_of_a_high_state() -> None:
    times = np.concatenate([[100.0], np.arange(1500.0, 3001.0, 100.0), [5500.0]])
    assert psy.start_stop(times, 6000.0) == (1500.0, 3000.0)
    assert np.isnan(psy.start_stop([700.0], 6000.0)).all()


def test_start_and_stop_follow_the_index_of_the_paper() -> None:
    times = np.sort(RANDOM(8).uniform(0, 1000.0, 14))
    rate, best, found = len(times) / 1000.0, -np.inf, (0.0, 0.0)
    for i in range(14):
        for j in range(i + 1, 14):
            a, b = times[i], times[j]
            before, high, behind = i / a, (j - i + 1) / (b - a), (13 - j) / (1000.0 - b)
            index = a * (rate - before) + (b - a) * (high - rate) + (1000.0 - b) * (rate - behind)
            if index > best:
                best, found = index, (a, b)
    assert psy.start_stop(times, 1000.0) == found


# ---------------------------------------------------------------------- with the tasks


def test_the_tasks_tell_what_the_analyses_ask_for() -> None:
    table = collect_trials("caudate/IntervalProduction-v0", n_trials=300)
    # The oracle is exact to the step; a motor noise of 12 % is added.
    table["t_prod_ms"] = table["t_prod_ms"] * RANDOM(0).normal(1.0, 0.12, 300)
    assert psy.scalar_property(table, constant=False).weber == pytest.approx(0.12, abs=0.02)
    task = make_task("caudate/IntervalReproduction-v0", prior=(600.0, 1000.0))
    table = collect_trials(task, n_trials=600)
    assert psy.reproduction(table).slope == pytest.approx(1.0, abs=0.01)
    taps = collect_trials("caudate/SyncContinuation-v0", n_trials=60)
    heard = psy.asynchrony(taps, beats=range(2, 8))
    assert (heard.mean_ms, heard.missed) == (pytest.approx(0.0, abs=50.0), 0.0)
    task = make_task("caudate/DRL-v0")
    table = collect_trials(task, n_trials=4)
    found = psy.inter_response_times(table, task.parameters["wait"], dt_ms=task.dt)
    assert found.efficiency > 0.9
    table = collect_trials("caudate/TemporalBisection-v0", n_trials=300)
    assert 650.0 < psy.bisection(table).point_ms < 1000.0
    task = make_task("caudate/PeakInterval-v0")
    table = collect_trials(task, task.random_policy(0), n_trials=200)
    found = psy.peak_interval(table, task.parameters["interval"] / 4)
    assert found.n_probes == (table["is_probe"] == 1).sum()


# ---------------------------------------------------------------------- errors and pictures


def refusals() -> dict[str, tuple[Any, str]]:
    """What is not enough, and what is said about it."""
    few = {name: values[:3] for name, values in producer(50, 0.1, 0.0).items()}
    same = {"t_target_ms": np.repeat(TARGETS, 9), "t_prod_ms": np.repeat(TARGETS, 9)}
    one = {"t_target_ms": np.full(50, 500.0), "t_prod_ms": RANDOM(0).normal(500, 20, 50)}
    bisected = {"duration_ms": np.tile([400.0, 800.0], 10), "choice": np.tile([1, 2], 10)}
    steady = {f"tap_{i}_ms": np.full(20, 500.0 * i) for i in range(8)}
    still = {f"asynchrony_{i}_ms": np.zeros(20) for i in range(8)}
    drl = psy.bin_times([[100.0] * 50], 2000.0)
    peak = presser(3, 2000.0, 400.0)[0]
    return {
        "no column": (lambda: psy.scalar_property({"t_target_ms": [1.0]}), "no column 't_prod_ms'"),
        "few": (lambda: psy.scalar_property(few), "3 produced intervals are too few"),
        "no spread": (lambda: psy.scalar_property(same), "do not vary"),
        "one target": (lambda: psy.scalar_property(one), "1 different targets"),
        "one target too": (lambda: psy.reproduction(one), "1 different targets are too few"),
        "none": (lambda: psy.reproduction({n: v[:0] for n, v in one.items()}), "too few"),
        "few reproductions": (
            lambda: psy.bayesian_timer(few, sample="t_target_ms"),
            "3 reproductions are too few",
        ),
        "negative": (
            lambda: psy.bayesian_timer(
                {"t_sample_ms": np.arange(-20.0, 20.0), "t_prod_ms": np.ones(40)}
            ),
            "not above 0",
        ),
        "no gain": (
            lambda: psy.bayesian_timer(reproducer(60, 0.1, 0.1), gain=0.0),
            "gain=0.0 is no number above 0",
        ),
        "no duration": (
            lambda: psy.bisection({**bisected, "duration_ms": np.zeros(20)}),
            "not above 0",
        ),
        "one answer": (
            lambda: psy.bisection({**bisected, "choice": np.ones(20)}),
            "all answers are the same",
        ),
        "no taps": (lambda: psy.wing_kristofferson({"period_ms": [1.0]}), "columns tap_0_ms"),
        "a gap": (
            lambda: psy.wing_kristofferson(tapper(30, 9, 20.0, 10.0), beats=[2, 3, 7]),
            "no unbroken row",
        ),
        "steady": (lambda: psy.wing_kristofferson(steady), "do not vary"),
        "no beats": (lambda: psy.asynchrony(still, beats=[40]), "beats asked for"),
        "still": (lambda: psy.phase_correction(still), "nothing to correct"),
        "bursts only": (lambda: psy.inter_response_times(drl, 2000.0), "beyond bursts"),
        "no wait": (lambda: psy.inter_response_times(drl, 0.0), "wait_ms=0.0 is not above 0"),
        "no step": (
            lambda: psy.inter_response_times(drl, 2000.0, dt_ms=-1.0),
            "dt_ms=-1.0 is not a finite number in",
        ),
        "a long step": (
            lambda: psy.inter_response_times(drl, 2000.0, dt_ms=5000.0),
            "wait_ms=2000 is shorter than a step of dt_ms=5000",
        ),
        "another step": (
            lambda: psy.inter_response_times(
                psy.bin_times([np.arange(0.0, 3000.0, 100.0)], 600.0), 600.0, dt_ms=600.0
            ),
            "times lie in bins without a step of dt_ms=600",
        ),
        "few presses": (
            lambda: psy.peak_interval({**peak, "is_probe": np.zeros(3)}, 500.0),
            "0 presses on probes",
        ),
        "no bin": (lambda: psy.peak_interval(peak, 0.0), "bin_ms=0.0 is not above 0"),
        "outside": (lambda: psy.start_stop([5.0, 7000.0], 6000.0), "lie outside"),
    }


@pytest.mark.parametrize("name", refusals())
def test_what_is_not_enough_is_told(name: str) -> None:
    call, message = refusals()[name]
    with pytest.raises(TaskError, match=message):
        call()


def pictures() -> dict[str, Any]:
    """Each plot with data to be drawn."""
    random = RANDOM(6)
    duration = random.choice([400.0, 500.0, 650.0, 800.0, 1000.0, 1250.0, 1600.0], 700)
    long = random.random(700) < ndtr(np.log(duration / 800.0) / 0.3)
    sessions = [
        np.concatenate([random.uniform(0, 300, 30), random.normal(2200, 350, 100)])
        for _ in range(10)
    ]
    probes, presses = presser(200, 2000.0, 500.0)
    bounds = np.array([psy.start_stop(times, 6000.0) for times in presses])
    probes |= {"start_ms": bounds[:, 0], "stop_ms": bounds[:, 1]}
    timed = reproducer(800, 0.12, 0.06)
    drl = psy.bin_times(sessions, 2000.0)
    return {
        "scalar_property": psy.scalar_property(producer(600, 0.12, 30.0)),
        "reproduction": psy.reproduction(timed),
        "bayesian_timer": psy.bayesian_timer(timed),
        "bisection": psy.bisection({"duration_ms": duration, "choice": np.where(long, 2, 1)}),
        "asynchrony": psy.asynchrony(synchroniser(60, 10, 0.5, 20.0)),
        "wing_kristofferson": psy.wing_kristofferson(tapper(300, 9, 25.0, 15.0)),
        "phase_correction": psy.phase_correction(synchroniser(60, 10, 0.5, 20.0)),
        "inter_response_times": psy.inter_response_times(drl, 2000.0),
        "peak_interval": psy.peak_interval(probes, 500.0),
    }


def test_plots_draw_on_new_axes_and_on_those_given() -> None:
    from matplotlib.figure import Figure

    for name, result in pictures().items():
        plot = getattr(psy, f"plot_{name}")
        axes = plot(result)
        axes.figure.canvas.draw()
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        legend = axes.get_legend()
        if legend is not None:
            labels = [text.get_text() for text in legend.get_texts()]
            assert len(set(labels)) == len(labels) >= 1
        given = Figure().subplots()
        assert plot(result, given) is given


def test_the_page_names_what_there_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "psychophysics.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    # plot_curve and helpers included; the type of a table is no analysis.
    assert set(psy.__all__) - {"TrialTable"} <= named
    assert {name for name in named if name.startswith("plot_")} <= set(psy.__all__)
