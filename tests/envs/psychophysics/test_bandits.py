"""Analyses of choices among arms against learners whose parameters are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, make_task
from caudate.envs import psychophysics as psy

from ..conftest import play

L, SESSIONS = 200, 40


def table(**columns: np.ndarray) -> dict[str, Any]:
    """Sessions (SESSIONS, L) as a trial table, shuffled."""
    trial = np.tile(np.arange(L), (SESSIONS, 1))
    column = np.repeat(np.arange(SESSIONS), L).reshape(SESSIONS, L)
    order = np.random.default_rng(9).permutation(SESSIONS * L)
    every = {"trial": trial, "column": column, "episode": 0 * trial, **columns}
    return {name: np.ravel(values)[order] for name, values in every.items()}


def q_learner(rate: float, beta: float) -> dict[str, Any]:
    """A Rescorla-Wagner learner on two arms of .8 and .2 that change roles every 40 trials."""
    random = np.random.default_rng(0)
    value = np.full((SESSIONS, 2), 0.5)
    choice, reward = (np.zeros((SESSIONS, L)) for _ in range(2))
    best = (np.arange(L) // 40) % 2
    rows = np.arange(SESSIONS)
    for trial in range(L):
        p = 1 / (1 + np.exp(-beta * (value[:, 1] - value[:, 0])))
        arm = (random.random(SESSIONS) < p).astype(int)
        won = random.random(SESSIONS) < np.where(arm == best[trial], 0.8, 0.2)
        value[rows, arm] += rate * (won - value[rows, arm])
        choice[:, trial], reward[:, trial] = arm, won
    correct = choice == best
    since = np.tile(np.arange(L) % 40, (SESSIONS, 1))
    regret = np.where(correct, 0.0, 0.6)
    return table(choice=choice, reward=reward, correct=correct, since_reversal=since, regret=regret)


@pytest.mark.parametrize(("rate", "beta"), [(0.2, 4.0), (0.6, 6.0)])
def test_rescorla_wagner_parameters_are_recovered(rate: float, beta: float) -> None:
    fit = psy.rescorla_wagner_fit(q_learner(rate, beta))
    assert fit.learning_rate == pytest.approx(rate, abs=0.05)
    assert fit.inverse_temperature == pytest.approx(beta, rel=0.1)
    assert 0.5 < fit.per_trial < 1


def test_regret_and_reversals() -> None:
    trials = q_learner(0.5, 5.0)
    curve = psy.regret_curve(trials)
    assert curve.trial.tolist() == list(range(L))
    assert (np.diff(curve.cumulative) >= 0).all()
    assert curve.cumulative[-1] == pytest.approx(trials["regret"].sum() / SESSIONS)
    assert curve.best.mean() == pytest.approx(trials["correct"].mean())
    around = psy.after_reversals(trials)
    # Just after a reversal the old arm is chosen; later the new one.
    assert around.best[0] < 0.3 < 0.7 < around.best[15]
    assert 1 < around.perseveration < 8


def test_win_stay_lose_shift_of_a_known_rule() -> None:
    random = np.random.default_rng(1)
    choice, reward = (np.zeros((SESSIONS, L), dtype=int) for _ in range(2))
    reward[:] = random.random((SESSIONS, L)) < 0.5
    for trial in range(1, L):
        won = reward[:, trial - 1] == 1
        stays = np.where(won, random.random(SESSIONS) < 0.9, random.random(SESSIONS) < 0.4)
        choice[:, trial] = np.where(stays, choice[:, trial - 1], 1 - choice[:, trial - 1])
    found = psy.win_stay_lose_shift(table(choice=choice, reward=reward))
    assert found.win_stay == pytest.approx(0.9, abs=0.02)
    assert found.lose_shift == pytest.approx(0.6, abs=0.03)
    assert found.win_interval.low < 0.9 < found.win_interval.high


def test_learning_rate_of_a_known_rule() -> None:
    random = np.random.default_rng(2)
    outcome = np.cumsum(random.normal(size=(SESSIONS, L)), axis=1) + random.normal(
        size=(SESSIONS, L)
    )
    prediction = np.zeros((SESSIONS, L))
    rate = np.where(np.arange(L) < 100, 0.3, 0.7)
    for trial in range(1, L):
        error = outcome[:, trial - 1] - prediction[:, trial - 1]
        prediction[:, trial] = prediction[:, trial - 1] + rate[trial - 1] * error
    trials = table(choice=prediction + 0.1 * random.normal(size=(SESSIONS, L)), outcome=outcome)
    early = psy.learning_rate(trials, where=trials["trial"] < 99)
    late = psy.learning_rate(trials, where=trials["trial"] >= 100)
    assert early.rate == pytest.approx(0.3, abs=0.03)
    assert late.rate == pytest.approx(0.7, abs=0.03)
    assert early.interval.low < early.rate < early.interval.high
    assert early.n == SESSIONS * 99


def two_step(
    weight: float, rate: float = 0.5, beta: float = 4.0, first_beta: float = 4.0, bonus: float = 0.0
) -> dict[str, Any]:
    """A hybrid learner on the task itself."""
    task = make_task("caudate/TwoStep-v0")
    batch = task.vector(SESSIONS)
    random = np.random.default_rng(3)
    obs, _ = batch.reset(seed=0)
    direct, later = np.full((SESSIONS, 2), 0.5), np.full((SESSIONS, 2, 2), 0.5)
    rows, parts, last = np.arange(SESSIONS), [], np.zeros((SESSIONS, 2))
    length = task.trials_per_episode
    for _ in range(length):
        planned = later.max(axis=2) @ np.array([[0.7, 0.3], [0.3, 0.7]])
        value = weight * planned + (1 - weight) * direct
        first = draw(random, first_beta * value + bonus * last)
        last = np.eye(2)[first]
        obs, *_ = batch.step(first)
        planet = obs[:, [task.obs_names.index(name) for name in PLANETS]].argmax(axis=1)
        second = draw(random, beta * later[rows, planet])
        obs, _, _, _, info = batch.step(second)
        assert np.array_equal(info["planet"], planet)
        reward = info["reward"]
        direct[rows, first] += rate * (reward - direct[rows, first])
        later[rows, planet, second] += rate * (reward - later[rows, planet, second])
        parts.append({name: info[name].copy() for name in info if name[0] != "_"})
    facts = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**facts, "column": np.tile(rows, length), "episode": np.zeros(SESSIONS * length)}


PLANETS = [name for name in make_task("caudate/TwoStep-v0").obs_names if "planet" in name][-2:]


def draw(random: np.random.Generator, logits: np.ndarray) -> np.ndarray:
    return (random.random(len(logits)) < 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))).astype(int)


def test_two_step_tells_planning_from_habit() -> None:
    habit, plan = two_step(0.0), two_step(1.0)
    by_habit, by_plan = psy.stay_probability(habit), psy.stay_probability(plan)
    assert by_habit.model_free > 0.1
    assert abs(by_habit.model_based) < 0.05
    assert by_plan.model_based > 0.05
    assert by_plan.model_based > by_habit.model_based + 0.04
    assert psy.two_step_fit(habit).model_based_weight < 0.15
    fit = psy.two_step_fit(plan)
    assert fit.model_based_weight > 0.85
    assert fit.learning_rate == pytest.approx(0.5, abs=0.08)
    assert fit.second_temperature == pytest.approx(4.0, rel=0.15)


def test_all_parameters_of_the_hybrid_are_recovered() -> None:
    fit = psy.two_step_fit(two_step(0.5, rate=0.4, beta=3.0, first_beta=6.0, bonus=0.8))
    assert fit.model_based_weight == pytest.approx(0.5, abs=0.12)
    assert fit.learning_rate == pytest.approx(0.4, abs=0.05)
    assert fit.first_temperature == pytest.approx(6.0, rel=0.15)
    assert fit.second_temperature == pytest.approx(3.0, rel=0.1)
    assert fit.stickiness == pytest.approx(0.8, abs=0.12)


def test_stay_probabilities_by_hand() -> None:
    """Four pairs of trials for each case, of which 4, 3, 2 and 1 stay; sessions are kept apart."""
    cases = [((1, 1), 4), ((1, 0), 3), ((0, 1), 2), ((0, 0), 1)]
    rows = [
        (choice, common, reward)
        for (reward, common), stays in cases
        for pair in range(4)
        for choice in (0, int(pair >= stays))
    ]
    choice, common, reward = np.array(rows).T
    session = np.repeat(np.arange(16), 2)
    trials = {"choice": choice, "common": common, "reward": reward, "column": session}
    found = psy.stay_probability({**trials, "trial": np.tile([0, 1], 16)})
    assert found.stay.tolist() == [[0.25, 0.5], [0.75, 1.0]]
    assert found.model_free == pytest.approx(0.5)
    assert found.model_based == pytest.approx(0.0)
    assert (found.low <= found.stay).all()
    assert (found.stay <= found.high).all()


def test_curve_after_reversals_by_hand() -> None:
    """Sessions of ten trials; the second run of each begins with a reversal, the first does not."""
    since = np.tile([0, 1, 2, 0, 1, 2, 3, 0, 1, 2], (2, 1))
    best = np.array([[1, 1, 1, 0, 0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0, 1, 0, 1, 1]])
    trials = {
        "correct": best.ravel(),
        "since_reversal": since.ravel(),
        "trial": np.tile(np.arange(10), 2),
        "column": np.repeat([0, 1], 10),
    }
    curve = psy.after_reversals(trials, most=4)
    shares = [1 / 4, 2 / 4, 2 / 4, 2 / 2]
    assert curve.best[:4] == pytest.approx(shares)
    assert np.isnan(curve.best[4])
    # Two choices of the old arm, three without ever finding the new one, none, and one.
    assert curve.perseveration == pytest.approx((2 + 3 + 0 + 1) / 4)


def test_error_of_the_regret_by_hand() -> None:
    trials = {
        "regret": [0.0, 1.0, 1.0, 2.0, 3.0, 0.0, 9.0],
        "correct": [1, 0, 0, 0, 0, 1, 0],
        "trial": [0, 1, 0, 1, 0, 1, 0],
        "column": [0, 0, 1, 1, 2, 2, 3],  # the last session is not whole
    }
    curve = psy.regret_curve(trials)
    assert curve.cumulative == pytest.approx([4 / 3, 7 / 3])
    assert curve.error == pytest.approx(np.std([[0, 1], [1, 3], [3, 3]], axis=0, ddof=1) / 3**0.5)
    assert curve.best == pytest.approx([1 / 3, 1 / 3])


def test_intervals_of_the_learning_rate_cover_it() -> None:
    random, inside = np.random.default_rng(11), []
    for _ in range(100):
        outcome = random.normal(size=60)
        prediction = np.zeros(60)
        for trial in range(1, 60):
            error = outcome[trial - 1] - prediction[trial - 1]
            prediction[trial] = prediction[trial - 1] + 0.4 * error + 0.2 * random.normal()
        interval = psy.learning_rate({"choice": prediction, "outcome": outcome}).interval
        inside.append(interval.low < 0.4 < interval.high)
    assert np.mean(inside) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 100)


def test_facts_of_a_task_feed_the_analyses() -> None:
    task = make_task("caudate/ReversalBandit-v0")
    facts = play(task.vector(32), task.oracle(), 32 * 200, seed=0)
    found = psy.win_stay_lose_shift(facts)
    assert found.win_stay > 0.85
    assert psy.regret_curve({**facts, "episode": facts["trial"] // 200}).best.mean() > 0.85


def test_refusals() -> None:
    trials = q_learner(0.2, 3.0)
    with pytest.raises(TaskError, match="after wins and after losses"):
        psy.win_stay_lose_shift({**trials, "reward": np.ones(SESSIONS * L)})
    with pytest.raises(TaskError, match="no column 'regret'"):
        psy.regret_curve({name: v for name, v in trials.items() if name != "regret"})
    same = {**trials, "outcome": trials["choice"]}
    with pytest.raises(TaskError, match="all the same"):
        psy.learning_rate(same)
    with pytest.raises(TaskError, match="too few"):
        psy.stay_probability({**trials, "common": np.ones(SESSIONS * L)})
    four = {**trials, "choice": np.arange(SESSIONS * L) % 4}
    assert psy.rescorla_wagner_fit(four, arms=4).per_trial == pytest.approx(1 / 4, abs=0.01)
    for choice in (four["choice"], trials["choice"] - 1, trials["choice"] / 2):
        with pytest.raises(TaskError, match="is none of the arms 0 to 1; pass arms=N"):
            psy.rescorla_wagner_fit({**trials, "choice": choice})
    with pytest.raises(TaskError, match="arms=0 is not a whole number"):
        psy.rescorla_wagner_fit(trials, arms=0)


def test_plots_draw() -> None:
    trials = q_learner(0.4, 4.0)
    random = np.random.default_rng(4)
    trials["outcome"] = random.normal(size=SESSIONS * L)
    trials["common"] = (random.random(SESSIONS * L) < 0.7).astype(int)
    plots = [
        lambda axes: psy.plot_regret(psy.regret_curve(trials), axes),
        lambda axes: psy.plot_win_stay(psy.win_stay_lose_shift(trials), axes),
        lambda axes: psy.plot_reversals(psy.after_reversals(trials), axes),
        lambda axes: psy.plot_stay(psy.stay_probability(trials), axes),
        lambda axes: psy.plot_learning_rate(trials, axes=axes),
    ]
    given = None
    for plot in plots:
        axes = plot(None)
        axes.figure.canvas.draw()
        assert axes.get_ylabel()
        given = plot(given)  # one over the other, whatever is there
    assert given is not None
    given.figure.canvas.draw()
    ticks = psy.plot_reversals(psy.after_reversals(trials, most=3)).get_xticks()
    assert (ticks == np.round(ticks)).all()
