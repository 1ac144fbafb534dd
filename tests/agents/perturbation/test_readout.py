"""The supervised learner of readouts: exact reduction, baselines, state, mistakes."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from caudate.agents.errors import AgentError, NonFiniteError
from caudate.agents.perturbation.lessons import Lesson, reduce_lesson
from caudate.agents.perturbation.readout import ReadoutLearner


def smooth_lesson(n_inputs: int = 5, steps: int = 40, outputs: int = 2) -> tuple:
    """Correlated inputs of three latent ones, and targets partly out of reach."""
    rng = np.random.default_rng(0)
    time = 2 * np.pi * np.arange(steps)[:, None] / steps
    latent = np.hstack([np.ones_like(time), np.sin(time), np.cos(time)])
    inputs = latent @ rng.standard_normal((3, n_inputs))
    targets = np.sin(time + np.arange(outputs)) + 0.3 * np.cos(2 * time)
    return inputs, targets


@pytest.mark.parametrize("rule", ["WP", "NP", "HP"])
def test_reduction_is_exact_in_distribution(rule):
    inputs, targets = smooth_lesson()
    reduction = reduce_lesson(inputs, targets)
    assert reduction.lesson.inputs.shape == (4, 3)  # the residual has one time course here
    options = {"rule": rule, "n_runs": 600, "output_sigma": 0.3, "baseline": "clean"}
    plain = ReadoutLearner(Lesson(inputs, targets), seed=1, **options)
    short = ReadoutLearner(reduction.lesson, seed=2, **options)
    assert short.eta == pytest.approx(plain.eta)
    assert short.sigma == pytest.approx(plain.sigma)
    errors = [learner.learn(31) for learner in (plain, short)]
    np.testing.assert_allclose(errors[0][0], errors[1][0])
    for n in (5, 30):
        p: Any = ks_2samp(errors[0][n], errors[1][n])[1]
        assert p > 0.01


def test_reduction_leads_back():
    inputs, targets = smooth_lesson()
    reduction = reduce_lesson(inputs, targets)
    learner = ReadoutLearner(reduction.lesson, n_runs=2, rule="NP", weights=np.ones((2, 3)))
    error = learner.step()
    weights = reduction.weights(np.ones((2, 3)))
    output = inputs @ weights.T
    np.testing.assert_allclose(reduction.output(np.ones((2, 3))), output, atol=1e-12)
    np.testing.assert_allclose(error, ((output - targets) ** 2).sum() / 80)


@pytest.mark.parametrize("rule", ["WP", "NP", "WP0", "HP"])
@pytest.mark.parametrize("baseline", ["clean", "antithetic", "mean-perturbed", "average"])
def test_all_learn(rule, baseline):
    inputs, targets = smooth_lesson()
    # A running mean needs strong perturbations: its lag is divided by their variance.
    sigma = 0.5 if baseline == "average" else 0.03
    learner = ReadoutLearner(
        Lesson(inputs, targets), n_runs=20, seed=1, rule=rule, baseline=baseline, output_sigma=sigma
    )
    errors = learner.learn(400)
    best = np.linalg.lstsq(inputs, targets, rcond=None)[1].sum() / 80
    # HP neglects weak inputs; NP's fluctuations on the residual stay.
    assert errors[-50:].mean() - best < 0.35 * (errors[0].mean() - best)


def test_difference_is_that_of_two_errors():
    """dE against two plain forward passes with the noise that was drawn."""
    inputs, targets = smooth_lesson()
    lesson = Lesson(inputs, targets)
    learner = ReadoutLearner(
        lesson, rule="WP", baseline="clean", eta=0.1, output_sigma=0.1, seed=3,
        weights=np.ones((2, 5)),
    )  # fmt: skip
    xi = np.random.default_rng(3).standard_normal((1, 1, 2, 5))[0, 0] * learner.sigma

    def error(w):
        return ((inputs @ w.T - targets) ** 2).sum() / 80

    before = learner.weights[0].copy()
    change = error(before + xi) - error(before)
    learner.step()
    expected = before - 0.1 * change * xi / learner.sigma**2
    np.testing.assert_allclose(learner.weights[0], expected, rtol=1e-9)


def test_slow_noise_in_coordinates_of_slow_time_courses():
    inputs, targets = smooth_lesson()
    reduction = reduce_lesson(inputs, targets)
    full, _ = np.linalg.qr(np.hstack([reduction.time_courses, np.eye(40)]))
    slow = Lesson(inputs, targets).in_time_courses(full.T)
    learner = ReadoutLearner(
        slow, rule="NP", n_noise_modes=4, output_sigma=0.2, n_perturbations=2000
    )
    change = learner._perturb(slow, slow.inputs)[1]
    assert not change[:, :, 4:].any()
    assert (change**2).sum((-1, -2)).mean() == pytest.approx(2 * 40 * 0.04, rel=0.05)


def test_resumes_bit_for_bit():
    lesson = Lesson(*smooth_lesson())
    learner = ReadoutLearner(lesson, n_runs=3, rule="NP", baseline="average", output_sigma=0.5)
    learner.learn(30)
    state = learner.get_state()
    expected = learner.learn(20)
    other = ReadoutLearner(lesson, n_runs=3, rule="NP", baseline="average", output_sigma=0.5)
    other.set_state(state)
    np.testing.assert_array_equal(other.learn(20), expected)


def test_records_every_so_many_trials():
    lesson = Lesson(*smooth_lesson())
    all_errors = ReadoutLearner(lesson, rule="WP").learn(11)
    np.testing.assert_array_equal(ReadoutLearner(lesson, rule="WP").learn(11, 5), all_errors[::5])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rule": "XP"}, "rule='XP'.*choose one of"),
        ({"baseline": "none"}, "baseline='none'"),
        ({"eta": -1.0}, "eta=-1.0"),
        ({"output_sigma": 0.0}, "output_sigma=0.0"),
        ({"n_perturbations": 0}, "n_perturbations=0"),
        ({"rule": "WP", "n_noise_modes": 3}, "only NP"),
        ({"sigma": 1.0}, "option='sigma' is unknown"),
    ],
)
def test_mistakes(options, words):
    with pytest.raises(AgentError, match=words):
        ReadoutLearner(Lesson(*smooth_lesson()), **options)


def test_mistakes_about_lessons():
    inputs, targets = smooth_lesson()
    with pytest.raises(AgentError, match="same T"):
        Lesson(inputs[:-1], targets)
    with pytest.raises(AgentError, match="finite"):
        Lesson(inputs * np.nan, targets)
    with pytest.raises(AgentError, match="silent"):
        reduce_lesson(0 * inputs, targets)


def test_divergence_is_loud():
    learner = ReadoutLearner(Lesson(*smooth_lesson()), rule="WP", eta=1e3)
    with pytest.raises(NonFiniteError, match="lower eta"):
        learner.learn(2000)
