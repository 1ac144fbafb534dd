"""The pieces of the reproduction: tasks, exact shortcuts, what counts as success, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents.perturbation import ReadoutLearner, theory
from caudate.agents.perturbation.lessons import Lesson, reduce_lesson
from caudate.training.reproductions.miconi_network import Network
from caudate.training.reproductions.zuge2023 import (
    PAPER,
    diffusion,
    learning,
    nonmatch,
    reservoir,
    subtasks,
    tasks,
)


def test_repeated_task_has_the_strength_the_start_and_the_least_error_of_the_paper():
    setting = learning.LARGE
    lesson = tasks.repeated_task(setting, idle=50)
    assert lesson.inputs.shape == (51, 100)
    strengths = (lesson.inputs**2).sum(0) / setting.n_steps
    np.testing.assert_allclose(strengths, [2.0] * 50 + [0.0] * 50)
    best = np.zeros((10, 100))
    best[:, :50] = tasks.TARGET_WEIGHT
    for weights, error in ((0 * best, 7.0), (best, 2.0)):
        learner = ReadoutLearner(lesson, rule="WP", weights=weights, seed=0)
        assert learner.step()[0] == pytest.approx(error)


def test_subtasks_are_drawn_for_each_run_and_their_mean_is_the_whole_task():
    setting = subtasks.SETTING
    lesson = tasks.subtask_trials(setting)(np.random.default_rng(0), 400)
    shown = (lesson.inputs != 0).any(1)
    assert (shown.sum(1) == 10).all()
    assert len({tuple(row) for row in shown}) > 300
    error = (lesson.targets**2).sum((1, 2)) / (2 * setting.n_steps)
    expected = theory.initial_excess(setting, tasks.target_square(setting))
    np.testing.assert_allclose(error.mean(), expected)
    learner = subtasks._learner(setting, "WP0", 1e-6, 3)
    np.testing.assert_allclose(subtasks.excess(learner, setting), expected)


def test_batches_keep_task_and_input_power():
    for n in subtasks.BATCHED:
        setting = subtasks.batched(n)
        assert setting.n_steps / n == 10
        assert setting.strength * setting.latent == 40


def test_rate_of_an_exponential_course():
    course = 3 * np.exp(-0.01 * 20 * np.arange(11))[:, None] * np.ones(5)
    assert tasks.decay_rate(course, 20) == pytest.approx((0.01, 0.0))


@pytest.mark.parametrize(("measured", "passed"), [(1.04, True), (1.06, False), (0.94, False)])
def test_within(measured, passed):
    assert tasks.within("x", measured, 1.0, 0.05).passed is passed


def test_reservoir_reduced_to_its_eigenbasis_learns_as_in_steps_and_units():
    """The same errors from the same weights, and the same mean course of learning."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(30, 6)) @ rng.normal(size=(6, 12)), rng.normal(size=(30, 2))
    reduced, whole = reduce_lesson(inputs, targets), Lesson(inputs, targets)
    for rule in reservoir.RULES:
        courses = [
            ReadoutLearner(lesson, n_runs=400, seed=1, rule=rule, output_sigma=0.1).learn(40)
            for lesson in (reduced.lesson, whole)
        ]
        means = [course[-1].mean() for course in courses]
        error = np.hypot(*[course[-1].std() / 20 for course in courses])
        assert abs(means[0] - means[1]) < 4 * error
        np.testing.assert_allclose(courses[0][0], courses[1][0])


def test_reservoir_has_smooth_inputs_and_the_spectrum_of_a_driven_network():
    inputs = reservoir.smooth_inputs(5, 100)
    np.testing.assert_allclose(inputs.T @ inputs / 100, np.eye(5), atol=1e-12)
    assert np.abs(np.diff(inputs, axis=0)).max() < 0.3
    assert reservoir.butterfly().shape == (500, 2)


def test_updates_of_the_recurrent_network_descend():
    for step in (nonmatch._weight_step, nonmatch._node_step):
        network = Network(np.random.default_rng(1), 2 * nonmatch.PAIRS, 50, leak=0.2, shared=True)
        weights = network.recurrent
        exact, estimate = np.zeros((50, 50)), np.zeros((50, 50))
        for _ in range(25):
            network.recurrent = weights
            estimate += step(network)
        network.recurrent = weights
        for condition in range(4):
            target = nonmatch.TRIAL.target(condition)
            start = network.start()
            played = network.play(nonmatch.TRIAL.inputs(condition), start, None)
            exact += network.gradient(played, nonmatch.TRIAL, target).mean(0)
        cosine = np.vdot(estimate, exact) / np.linalg.norm(estimate) / np.linalg.norm(exact)
        assert cosine > 0.15  # of 200 estimates in 2,500 dimensions: .27 and more is expected


def test_nonmatch_is_judged_at_every_seed(tmp_path):
    good = {"0.3": [30, 40], "0.1": [50, 70], "0.03": [200, 401]}
    slow = {"0.3": [30, 40], "0.1": [50, 301], "0.03": [200, 401]}
    assert all(claim.passed for claim in nonmatch.claims({"WP": good, "NP": good}))
    passed = [claim.passed for claim in nonmatch.claims({"WP": good, "NP": slow})]
    assert passed == [True, False, True]
    assert nonmatch.draw({"WP": good, "NP": slow}, tmp_path)[0].stat().st_size > 5000


def test_diffusion_theory_starts_at_nothing_and_knows_who_diffuses():
    for name in diffusion.CASES:
        variance = diffusion._theory(name)
        assert variance[0] == 0
        assert (variance[-1] > 0) == name.startswith("WP")


SMALL: dict[str, dict[str, Any]] = {
    "floors": {
        f"{rule} {kind}": [1.0, 0.1] for rule in learning.RULES for kind in ("noise", "residual")
    },
    "correlated-noise": {name: [0.22, 0.01] for name in ("NP 10", "NP 20", "NP 40", "WP")},
    "batching": {"WP": [1887, 754, 377, 188], "NP": [229, 202, 192, 188]},
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_claims_and_pictures_from_given_results(name, tmp_path):
    experiment = next(e for e in PAPER.experiments if e.name == name)
    claims = experiment.claims(SMALL[name])
    assert any(claim.passed for claim in claims)
    if experiment.draw is not None:
        assert all(p.stat().st_size > 5000 for p in experiment.draw(SMALL[name], tmp_path))


def test_a_short_diffusion_runs_through(tmp_path, monkeypatch):
    monkeypatch.setattr(diffusion, "N", 100)
    result = diffusion.measure(True)
    claims = diffusion.claims(result)
    assert claims[-1].passed  # NP leaves them alone
    assert diffusion.draw(result, tmp_path)[0].stat().st_size > 5000
