"""Heads, options, optimisers, advantages and tapes on their own."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.advantages import (
    ReturnScale,
    RunningBaseline,
    discounted_sums,
    td_errors,
)
from caudate.agents.eprop import EPropOptions
from caudate.agents.heads import (
    BernoulliHead,
    GaussianHead,
    SoftmaxHead,
    check_observation_space,
    make_head,
)
from caudate.agents.optimizers import SGD, Adam, clip_by_norm, make_optimizer
from caudate.agents.options import build_options, option_types
from caudate.agents.tape import Tape

NO_FREE = np.zeros(0)


def test_softmax_samples_its_probabilities_and_respects_the_space_start():
    head = SoftmaxHead(gym.spaces.Discrete(3, start=-1))
    logits = np.tile([0.3, -1.0, 0.9], (20_000, 1))
    actions = head.sample(logits, head.noise(np.random.default_rng(0), len(logits)), NO_FREE)
    p = head.probabilities(logits[:1])[0]
    np.testing.assert_allclose(np.bincount(actions) / len(actions), p, atol=0.012)
    assert set(head.to_env(actions)) == {-1, 0, 1}
    assert head.to_env(head.mode(logits[:1])) == [1]


def test_softmax_with_extreme_logits_stays_finite():
    head = SoftmaxHead(gym.spaces.Discrete(2))
    logits = np.array([[800.0, -800.0]], np.float32)
    entropy, gradient, _ = head.entropy(logits, NO_FREE)
    assert entropy == 0
    assert np.isfinite(gradient).all()
    assert head.sample(logits, np.array([[1 - 1e-16]]), NO_FREE) == [0]


def test_equal_noise_gives_equal_luck():
    head = SoftmaxHead(gym.spaces.Discrete(4))
    logits = np.tile(np.random.default_rng(1).standard_normal((50, 4)), (2, 1))
    noise = np.tile(head.noise(np.random.default_rng(2), 50), (2, 1))
    actions = head.sample(logits, noise, NO_FREE)
    np.testing.assert_array_equal(actions[:50], actions[50:])


def softmax_log_p(head, y, actions, free):
    return np.log(head.probabilities(y))[0, actions[0]]


def bernoulli_log_p(head, y, actions, free):
    p = 1 / (1 + np.exp(-y))
    return float(np.log(np.where(actions, p, 1 - p)).sum())


def gaussian_log_p(head, y, actions, free):
    z = (actions - y) / np.exp(free)
    return float(np.sum(-0.5 * z**2 - free - 0.5 * np.log(2 * np.pi)))


@pytest.mark.parametrize("kind", ["softmax", "bernoulli", "gaussian"])
def test_scores_and_entropy_gradients_by_finite_differences(kind):
    rng = np.random.default_rng(0)
    if kind == "softmax":
        head, free, actions = SoftmaxHead(gym.spaces.Discrete(3)), NO_FREE, np.array([2])
        outputs, log_p_of = rng.standard_normal((1, 3)), softmax_log_p
    elif kind == "bernoulli":
        head, free = BernoulliHead(gym.spaces.MultiBinary((2, 2))), NO_FREE
        actions = np.array([[1, 0, 0, 1]], np.int8)
        outputs, log_p_of = 2 * rng.standard_normal((1, 4)), bernoulli_log_p
    else:
        head = GaussianHead(gym.spaces.Box(-1, 1, (2,)))
        free, actions = np.array([0.2, -0.4]), rng.standard_normal((1, 2))
        outputs, log_p_of = rng.standard_normal((1, 2)), gaussian_log_p

    def log_p(y, free):
        return log_p_of(head, y, actions, free)

    score, free_score = head.score(outputs, actions, free)
    _, entropy_score, entropy_free = head.entropy(outputs, free)
    step = 1e-6
    for k in range(outputs.shape[1]):
        shift = step * np.eye(outputs.shape[1])[k]
        numeric = -(log_p(outputs + shift, free) - log_p(outputs - shift, free)) / (2 * step)
        np.testing.assert_allclose(score[0, k], numeric, atol=1e-7)
        up, down = (head.entropy(outputs + s, free)[0][0] for s in (shift, -shift))
        np.testing.assert_allclose(entropy_score[0, k], -(up - down) / (2 * step), atol=1e-7)
        if free.size:
            numeric = -(log_p(outputs, free + shift) - log_p(outputs, free - shift)) / (2 * step)
            np.testing.assert_allclose(free_score[0, k], numeric, atol=1e-7)
            up, down = (head.entropy(outputs, free + s)[0][0] for s in (shift, -shift))
            np.testing.assert_allclose(entropy_free[0, k], -(up - down) / (2 * step), atol=1e-7)


def test_switches_are_sampled_by_their_probabilities_and_have_the_shape_of_the_space():
    space = gym.spaces.MultiBinary((2, 2))
    head = make_head("eprop", space)
    assert isinstance(head, BernoulliHead)
    logits = np.tile([0.3, -1.0, 0.9, 4.0], (20_000, 1))
    actions = head.sample(logits, head.noise(np.random.default_rng(0), len(logits)), NO_FREE)
    p = head.probabilities(logits[0])
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-logits[0])))
    np.testing.assert_allclose(actions.mean(0), p, atol=0.012)
    assert space.contains(head.to_env(actions)[0])
    np.testing.assert_array_equal(head.to_env(head.mode(logits))[0], [[1, 0], [1, 1]])


def test_switches_with_extreme_logits_stay_finite():
    head = BernoulliHead(gym.spaces.MultiBinary(2))
    logits = np.array([[800.0, -800.0]], np.float32)
    entropy, gradient, _ = head.entropy(logits, NO_FREE)
    assert entropy == 0
    assert (gradient == 0).all()
    assert head.error(logits, np.array([[1, 0]])) == 0
    assert head.error(logits, np.array([[0, 0]])) == 800


@pytest.mark.parametrize(
    ("space", "targets"),
    [
        (gym.spaces.Discrete(3, start=1), np.array([[1, 3], [2, 2]])),
        (gym.spaces.MultiBinary((1, 3)), np.array([[[[1, 0, 1]], [[0, 0, 1]]]])),
        (gym.spaces.Box(-2, 6, (2,)), np.array([[[-2.0, 6.0], [1.0, 2.0]]])),
    ],
)
def test_errors_of_targets_by_finite_differences(space, targets):
    """What is an action for the environment is the same action as a target."""
    head = make_head("eprop", space)
    known = head.from_env(targets)
    flat = known.reshape(-1, *known.shape[2:])
    np.testing.assert_allclose(head.to_env(flat).reshape(targets.shape), targets)
    outputs = np.random.default_rng(0).standard_normal((*targets.shape[:2], head.n_outputs))
    slope = head.error_gradient(outputs, known)
    for k in range(head.n_outputs):
        shift = 1e-6 * np.eye(head.n_outputs)[k]
        up, down = (head.error(outputs + s, known) for s in (shift, -shift))
        np.testing.assert_allclose(slope[..., k], (up - down) / 2e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("space", "targets", "message"),
    [
        (gym.spaces.Discrete(3), np.array([[0, 3]]), "values from 0 to 3"),
        (gym.spaces.Discrete(3, start=1), np.array([[0, 1]]), "values from 0 to 1"),
        (gym.spaces.Discrete(3), np.array([[0.5, 1.0]]), "values from 0.5 to 1.0"),
        (gym.spaces.Discrete(3), np.array([[np.nan, 1.0]]), "values from nan to nan"),
        (gym.spaces.Discrete(3), np.zeros((2, 2, 1)), "values from 0.0 to 0.0"),
        (gym.spaces.MultiBinary(2), np.full((1, 2, 2), 2), "values from 2 to 2"),
        (gym.spaces.MultiBinary(2), np.zeros((1, 2, 3)), "values from 0.0 to 0.0"),
        (gym.spaces.MultiBinary(2), np.full((1, 2, 2), np.nan), "values from nan to nan"),
        (gym.spaces.Box(-1, 1, (2,)), np.zeros((1, 2, 3)), "vectors of 3 values"),
        (gym.spaces.Box(-1, 1, (1,)), np.full((1, 2, 1), np.nan), "values that are not finite"),
    ],
)
def test_targets_that_are_no_actions(space, targets, message):
    with pytest.raises(ValueError, match=message):
        make_head("eprop", space).from_env(targets)


def test_gaussian_actions_are_scaled_and_clipped_to_the_space():
    space = gym.spaces.Box(np.array([-2, 0]), np.array([6, 1]), dtype=np.float32)
    head = GaussianHead(space)
    np.testing.assert_allclose(head.to_env(np.array([[0.0, 0.0], [9.0, -9.0]])), [[2, 0.5], [6, 0]])
    assert space.contains(head.to_env(np.array([[9.0, -9.0]]))[0])


def test_spaces_that_cannot_be_served():
    with pytest.raises(AgentError, match="serves Discrete, MultiBinary and Box actions"):
        make_head("eprop", gym.spaces.MultiDiscrete([2, 3]))
    with pytest.raises(AgentError, match="FlattenObservation"):
        check_observation_space("eprop", gym.spaces.Discrete(2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rat": 1.0}, "did you mean 'learning_rate'"),
        ({"learning_rate": "fast"}, "must be float, not str"),
        ({"n_neurons": 2.5}, "must be int, not float"),
        ({"n_neurons": True}, "must be int, not bool"),
        ({"tau_membrane": 3.0}, "must be 2 values"),
    ],
)
def test_options_answer_mistakes(given, message):
    with pytest.raises(AgentError, match=message):
        build_options(EPropOptions, "eprop", given)


def test_options_convert_what_is_harmless():
    options = build_options(
        EPropOptions, "eprop", {"learning_rate": 1, "n_neurons": 8.0, "tau_membrane": [1, 2]}
    )
    assert (options.learning_rate, options.n_neurons) == (1.0, 8)
    assert options.tau_membrane == (1.0, 2.0)
    assert option_types(EPropOptions)["n_neurons"] == (int, 100)


def test_adam_follows_its_definition():
    w, g = {"a": np.array([1.0, -2.0])}, {"a": np.array([0.5, 0.1])}
    adam = make_optimizer("adam", w, 0.1)
    assert isinstance(adam, Adam)
    m = v = np.zeros(2)
    expected = w["a"].copy()
    for t in range(1, 6):
        m, v = 0.9 * m + 0.1 * g["a"], 0.999 * v + 0.001 * g["a"] ** 2
        expected = expected - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        adam.step(w, g)
    np.testing.assert_allclose(w["a"], expected, rtol=1e-12)


def test_own_learning_rates():
    w = {"a": np.ones(1), "b": np.ones(1)}
    SGD(0.5, {"b": 0.1}).step(w, {"a": np.ones(1), "b": np.ones(1)})
    assert (w["a"][0], w["b"][0]) == (0.5, 0.9)
    with pytest.raises(AgentError, match="choose adam or sgd"):
        make_optimizer("lion", w, 0.1)


def test_clipping_keeps_direction_and_reports_the_norm():
    g = {"a": np.array([3.0]), "b": np.array([4.0])}
    assert clip_by_norm(g, 1.0) == 5.0
    np.testing.assert_allclose([g["a"][0], g["b"][0]], [0.6, 0.8])
    assert clip_by_norm(g, 10.0) == pytest.approx(1.0)


def test_td_errors_bootstrap_only_where_an_episode_goes_on_or_was_cut():
    rewards = np.array([[1.0, 1.0], [2.0, 0.0], [4.0, 0.0]])
    alive = np.array([[True, True], [True, False], [True, False]])
    values = np.array([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0], [70.0, 80.0]])
    expected_end = [[1 + 15 - 10, 1 - 20], [2 + 25 - 30, 0], [4 - 50, 0]]
    np.testing.assert_allclose(
        td_errors(rewards, values, alive, np.array([False, False]), 0.5), expected_end
    )
    expected_cut = [[1 + 15 - 10, 1 + 20 - 20], [2 + 25 - 30, 0], [4 + 35 - 50, 0]]
    np.testing.assert_allclose(
        td_errors(rewards, values, alive, np.array([True, True]), 0.5), expected_cut
    )


def test_lambda_one_is_return_minus_value():
    rng = np.random.default_rng(0)
    rewards, values = rng.standard_normal((6, 3)), rng.standard_normal((7, 3))
    alive = np.arange(6)[:, None] < np.array([6, 4, 1])
    rewards = rewards * alive
    errors = td_errors(rewards, values, alive, np.zeros(3, bool), 0.9)
    advantage = discounted_sums(errors, 0.9)
    returns = discounted_sums(rewards, 0.9)
    np.testing.assert_allclose(advantage, (returns - values[:-1]) * alive, atol=1e-12)


def test_baselines_per_condition_and_their_state():
    baseline = RunningBaseline(0.5, per_condition=True)
    returns, conditions = np.array([1.0, 3.0, 10.0]), np.array([0, 0, 1])
    np.testing.assert_allclose(baseline(returns, conditions), [2, 2, 10])
    other = RunningBaseline(0.5, per_condition=True)
    other.set_state(baseline.get_state())
    np.testing.assert_allclose(other(returns + 2, conditions), [2, 2, 10])
    np.testing.assert_allclose(other(returns, conditions), [3, 3, 11])
    assert RunningBaseline(0.5, per_condition=False)(returns, conditions) == pytest.approx(14 / 3)


def test_return_scale_is_unbiased_from_the_first_round():
    scale = ReturnScale(0.1)
    assert scale.value == 1.0
    assert scale.update(np.array([3.0, -3.0])) == pytest.approx(3.0)
    assert scale.update(np.array([3.0])) == pytest.approx(3.0)


def test_tape_grows_and_is_reused():
    tape = Tape(capacity=2, x=((3,), np.float32))
    for _ in range(2):
        for t in range(9):
            tape.row("x")[...] = t
            tape.advance()
        np.testing.assert_array_equal(tape["x"][:, 0], np.arange(9))
        tape.clear()
