"""Closed forms of perturbation learning against simulation, in units of standard errors."""

import numpy as np
import pytest

from caudate.agents.errors import AgentError
from caudate.agents.perturbation import theory
from caudate.agents.perturbation.dimension import (
    fresh_input_factor,
    node_dimension,
    predicted_cosine,
    weight_dimension,
)
from caudate.agents.perturbation.learning_rate import auto_learning_rate
from caudate.agents.perturbation.lessons import Lesson
from caudate.agents.perturbation.readout import ReadoutLearner
from caudate.agents.perturbation.rules import node_gradient, weight_gradient
from caudate.agents.perturbation.spectra import (
    effective_strength,
    mode_course,
    participation_ratio,
    stability_bound,
)
from caudate.agents.perturbation.theory import Scheme, Setting

SMALL = Setting(4, 10, 40, 4.0, unreachable_error=0.5)


def lesson_of(setting: Setting, idle: int = 0) -> Lesson:
    """Latent inputs as they are, w* = 0.1, and the unreachable target in a row of its own."""
    n, m, steps = setting.n_task, setting.n_outputs, setting.n_steps
    inputs = np.zeros((n + 1, n + idle))
    inputs[:n, :n] = np.eye(n) * np.sqrt(steps * setting.strength)
    targets = inputs @ np.full((n + idle, m), 0.1)
    targets[n] = np.sqrt(2 * steps * setting.unreachable_error / m)
    return Lesson(inputs, targets, steps)


def draw_subtasks(setting: Setting):
    whole = lesson_of(setting)

    def draw(rng, runs):
        chosen = rng.random((runs, setting.n_task)).argsort(1) < setting.latent
        inputs = whole.inputs * chosen[:, None, :]
        targets = inputs @ np.full((setting.n_task, setting.n_outputs), 0.1)
        targets[:, -1] = whole.targets[-1]
        return Lesson(inputs, targets, setting.n_steps)

    return draw


def check_mean(samples, expected, errors=4.0):
    """The mean of independent samples lies within ``errors`` standard errors of ``expected``."""
    standard_error = samples.std(ddof=1) / np.sqrt(samples.size)
    assert abs(samples.mean() - expected) < errors * standard_error


def start(setting: Setting) -> float:
    return theory.initial_excess(setting, 0.01 * setting.k_task)


@pytest.mark.parametrize("baseline", ["clean", "antithetic", "mean-perturbed"])
@pytest.mark.parametrize("rule", theory.RULES)
def test_learning_curve(rule, baseline):
    scheme = Scheme(rule, baseline, 3, 0.2, error_noise=0.02)
    learner = ReadoutLearner(
        lesson_of(SMALL), n_runs=400, seed=3, rule=rule, baseline=baseline, n_perturbations=3,
        output_sigma=0.2, error_noise=0.02,
    )  # fmt: skip
    assert learner.eta == pytest.approx(theory.optimal_learning_rate(SMALL, scheme))
    errors = learner.learn(61)
    for n in (0, 8, 60):
        expected = 0.5 + float(theory.excess_after(SMALL, scheme, start(SMALL), n))
        if n == 0:
            np.testing.assert_allclose(errors[0], expected)
        else:
            check_mean(errors[n], expected)


@pytest.mark.parametrize("rule", theory.RULES)
def test_learning_curve_of_subtasks(rule):
    setting = Setting(3, 12, 40, 2.0, n_trial=3, unreachable_error=0.1)
    scheme = Scheme(rule, "clean", 1, 0.2)
    learner = ReadoutLearner(
        draw_subtasks(setting), n_runs=400, seed=2, rule=rule, baseline="clean", output_sigma=0.2,
        eta=theory.optimal_learning_rate(setting, scheme),
    )  # fmt: skip
    errors = learner.learn(151)
    for n in (40, 150):
        check_mean(errors[n], 0.1 + float(theory.excess_after(setting, scheme, start(setting), n)))


def test_automatic_rate_of_subtasks_is_the_optimal_one():
    setting = Setting(3, 12, 40, 2.0, n_trial=3)
    for rule in theory.RULES:
        auto = ReadoutLearner(draw_subtasks(setting), rule=rule, baseline="clean").eta
        # WP's dimension comes from 64 drawn trials, which do not show all inputs equally often.
        assert auto == pytest.approx(
            theory.optimal_learning_rate(setting, Scheme(rule)), rel=0.06 if rule == "WP" else 1e-9
        )


def test_hybrid_is_masked_weight_perturbation_on_orthogonal_inputs():
    setting = Setting(3, 12, 40, 2.0, n_trial=3, unreachable_error=0.1)
    weights = []
    for rule in ("WP0", "HP"):
        learner = ReadoutLearner(
            draw_subtasks(setting), n_runs=5, seed=2, rule=rule, baseline="clean",
            output_sigma=0.2, eta=theory.optimal_learning_rate(setting, Scheme(rule)),
        )  # fmt: skip
        learner.learn(50)
        weights.append(learner.weights)
    np.testing.assert_allclose(*weights, rtol=1e-9)


def test_optimal_rate_is_the_fastest():
    for rule in theory.RULES:
        scheme = Scheme(rule, n_perturbations=4)
        setting = Setting(3, 12, 40, 2.0, n_trial=3)
        best = theory.optimal_learning_rate(setting, scheme)
        factors = [theory.error_factor(setting, scheme, best * x) for x in (0.95, 1, 1.05)]
        assert factors[1] < min(factors[0], factors[2])
        assert theory.error_factor(setting, scheme, 2 * best) == pytest.approx(1)
        assert theory.final_excess(setting, scheme, 2.1 * best) == np.inf


def test_floors_of_zuege_et_al():
    setting = Setting(10, 50, 100, 2.0, unreachable_error=2.0)
    k, mt, sigma = 500, 1000, 0.04
    weights = theory.final_excess(setting, Scheme("WP", output_sigma=sigma))
    nodes = theory.final_error(setting, Scheme("NP", output_sigma=sigma))
    assert weights == pytest.approx(sigma**2 * 10 * (k + 4) / 8)
    quadratic = sigma**2 * (mt + 2) * (mt + 4) / 800
    assert nodes == pytest.approx(2 + k / (k + 2) * (2 + quadratic))


def test_trials_to_shrink():
    setting = Setting(4, 20, 40, 2.0, n_trial=5)
    latent_of: dict[theory.Rule, int] = {"WP": 20, "NP": 5}
    for rule, latent in latent_of.items():
        n = theory.trials_to_shrink(setting, Scheme(rule), 10)
        assert theory.excess_after(setting, Scheme(rule), 1.0, n) == pytest.approx(0.1)
        assert n == pytest.approx(np.log(10) * 4 * (4 * latent + 2), rel=0.03)


@pytest.mark.parametrize(("decay", "sigma"), [(1.0, 1e-6), (0.99, 0.05)])
def test_idle_weights_diffuse_in_weight_perturbation_only(decay, sigma):
    scheme = Scheme("WP", "clean", output_sigma=sigma)
    expected = theory.course(SMALL, scheme, 0.01 * SMALL.k, 300, decay=decay)
    for rule in ("WP", "NP"):
        learner = ReadoutLearner(
            lesson_of(SMALL, idle=30), n_runs=100, seed=5, rule=rule, baseline="clean",
            output_sigma=sigma, decay=decay,
        )  # fmt: skip
        errors = learner.learn(300)
        idle = learner.weights[:, :, 10:]
        if rule == "NP":
            assert not idle.any()
            continue
        check_mean((idle**2).mean((1, 2)), expected.idle_variance[300])
        check_mean(errors[200], 0.5 + expected.excess[200])


def test_course_is_the_closed_form_without_decay():
    scheme = Scheme("NP", output_sigma=0.1)
    course = theory.course(SMALL, scheme, 0.01 * SMALL.k, 30)
    np.testing.assert_allclose(
        course.excess, theory.excess_after(SMALL, scheme, start(SMALL), np.arange(31))
    )
    quiet = theory.course(SMALL, Scheme("WP"), 0.01 * SMALL.k, 3000)
    assert quiet.idle_variance[-1] == pytest.approx(theory.idle_plateau(SMALL, start(SMALL)))


@pytest.mark.parametrize("modes", [10, 20])
def test_correlated_node_noise(modes):
    scheme = Scheme(
        "NP", "clean", output_sigma=0.2, n_noise_modes=modes, noise_meets_residual=False
    )
    setting = Setting(4, 10, 40, 4.0, unreachable_error=0.1)
    whole = lesson_of(setting)
    # Without the residual's row among the noise: it stays in the error, and out of the update.
    order = np.r_[np.arange(10), 11 + np.arange(modes - 10), 10]
    rows = np.concatenate([whole.inputs, np.zeros((modes - 10, 10))])
    goal = np.concatenate([whole.targets, np.zeros((modes - 10, 4))])
    learner = ReadoutLearner(
        Lesson(rows[order], goal[order], 40), n_runs=300, seed=1, rule="NP", baseline="clean",
        output_sigma=0.2, n_noise_modes=modes,
    )  # fmt: skip
    errors = learner.learn(301)
    check_mean(errors[300], theory.final_error(setting, scheme))


@pytest.mark.parametrize("rule", ["WP", "NP", "HP"])
@pytest.mark.parametrize("baseline", ["clean", "mean-perturbed"])
def test_unequal_strengths(rule, baseline):
    strengths, m, steps = 2 / np.arange(1.0, 7), 3, 30
    inputs = np.diag(np.sqrt(steps * strengths))
    inputs = np.concatenate([inputs, np.zeros((1, 6))])
    targets = inputs @ np.full((6, m), 0.3)
    targets[-1] = 1.0
    residual = m / (2 * steps)
    scheme = Scheme(rule, baseline, 2, 0.2)
    learner = ReadoutLearner(
        Lesson(inputs, targets, steps), n_runs=600, seed=4, rule=rule, baseline=baseline,
        n_perturbations=2, output_sigma=0.2,
    )  # fmt: skip
    errors = learner.learn(61)
    expected = mode_course(
        strengths, np.full(6, m * 0.09), m, steps, scheme, learner.eta, 60, residual
    ).excess
    for n in (10, 60):
        check_mean(errors[n], residual + expected[n])


def test_equal_strengths_are_a_case_of_unequal_ones():
    for rule in ("WP", "NP", "HP"):
        for baseline in theory.BASELINES:
            scheme = Scheme(rule, baseline, 3, 0.1, error_noise=0.01)
            eta = 0.7 * theory.optimal_learning_rate(SMALL, scheme)
            modes = mode_course(np.full(10, 4.0), np.full(10, 0.04), 4, 40, scheme, eta, 50, 0.5)
            closed = theory.excess_after(SMALL, scheme, 0.8, np.arange(51), eta)
            np.testing.assert_allclose(modes.excess, closed, rtol=1e-12)


def test_stability_bound():
    strengths = 2 / np.arange(1.0, 13)
    bound = stability_bound(strengths, 3)
    for rule in ("WP", "NP"):
        for factor, decays in ((0.98, True), (1.02, False)):
            excess = mode_course(
                strengths, np.ones(12), 3, 60, Scheme(rule), factor * bound, 4000
            ).excess
            assert (excess[-1] < excess[2000]) == decays
    assert stability_bound(np.full(10, 4.0), 4) == pytest.approx(
        2 * theory.optimal_learning_rate(SMALL, Scheme("WP"))
    )


@pytest.mark.parametrize("rule", ["WP", "NP", "WP0"])
@pytest.mark.parametrize("baseline", ["clean", "mean-perturbed"])
def test_best_sigma_under_noise(rule, baseline):
    setting = Setting(3, 12, 40, 2.0, n_trial=3)
    best = theory.best_output_sigma(setting, Scheme(rule, baseline, error_noise=0.01))
    offsets = [
        theory.error_offset(setting, Scheme(rule, baseline, 1, best * x, 0.01))
        for x in (0.95, 1, 1.05)
    ]
    assert offsets[1] < min(offsets[0], offsets[2])
    assert theory.best_output_sigma(setting, Scheme(rule, "antithetic", error_noise=0.01)) == np.inf


def test_noise_without_perturbation_is_refused():
    with pytest.raises(AgentError, match="output_sigma above 0"):
        theory.error_offset(SMALL, Scheme("NP", error_noise=0.1))


def test_dimension_and_cosine_of_estimates():
    rng = np.random.default_rng(0)
    slope, presynaptic = rng.standard_normal((30, 4)), rng.standard_normal((30, 6))
    gradient = slope.T @ presynaptic
    n = 20_000
    xi = rng.standard_normal((n, 30, 4))
    nodes = node_gradient(xi, presynaptic, np.einsum("nsm,sm->n", xi, slope)[:, None], 1.0)
    xi = rng.standard_normal((n, 1, 4, 6))
    weights = weight_gradient(xi, np.einsum("npij,ij->np", xi, gradient), 1.0)
    for estimates, dimension in (
        (nodes, node_dimension(slope, presynaptic)),
        (weights, weight_dimension(gradient.size)),
    ):
        check_mean((estimates**2).sum((1, 2)) / (gradient**2).sum(), dimension)
        means = estimates.reshape(-1, 100, *gradient.shape).mean(1)
        cosines = (means * gradient).sum((1, 2)) / np.linalg.norm(gradient)
        cosines /= np.linalg.norm(means, axis=(1, 2))
        assert cosines.mean() == pytest.approx(predicted_cosine(dimension, 100), abs=0.01)


@pytest.mark.parametrize("rule", ["GD", "NP", "WP"])
def test_fresh_inputs(rule):
    m, n, trials = 3, 8, 40_000
    rng = np.random.default_rng(1)
    distance = rng.standard_normal((m, n))
    r = rng.standard_normal((trials, 1, n))
    error = r @ distance.T  # (trials, 1, M)
    if rule == "GD":
        estimate = np.swapaxes(error, -1, -2) @ r
    elif rule == "NP":
        xi = rng.standard_normal((trials, 1, m))
        estimate = node_gradient(xi, r, (xi * error).sum(-1), 1.0)
    else:
        xi = rng.standard_normal((trials, 1, m, n))
        credit = np.einsum("tpmn,tpn,tpm->tp", xi, r, error)
        estimate = weight_gradient(xi, credit, 1.0)
    squares = (estimate**2).sum((1, 2)) / (distance**2).sum()
    check_mean(squares, fresh_input_factor(rule, m, n))


def test_effective_inputs():
    assert participation_ratio(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_strength(np.full(7, 3.0)) == pytest.approx(3)
    lam = np.array([4.0, 1.0, 0.5])
    assert participation_ratio(lam) * effective_strength(lam) == pytest.approx(lam.sum())


def test_automatic_rate_says_why():
    inputs = np.diag(np.sqrt(40 * 4.0) * np.ones(10))
    rate = auto_learning_rate("NP", inputs, 4, 2, "average", n_steps=40)
    scheme = Scheme("NP", n_perturbations=2)
    assert rate.eta == pytest.approx(0.3 * theory.optimal_learning_rate(SMALL, scheme))
    for word in ("NP", "P = 2", "M = 4", "10", "running mean"):
        assert word in rate.reason
    assert auto_learning_rate("HP", np.full(10, 4.0), 4, n_steps=40).eta == pytest.approx(
        theory.optimal_learning_rate(SMALL, Scheme("HP"))
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("XP", np.ones((3, 2)), 1), "'XP'.*WP, NP, WP0, HP"),
        (("WP", np.zeros((3, 2)), 1), "silent"),
        (("HP", np.ones(3), 1), "n_steps"),
    ],
)
def test_mistakes_about_rates(arguments, words):
    with pytest.raises(AgentError, match=words):
        auto_learning_rate(*arguments)
