"""Step rules with schedules, decay and rates of their own; what an agent makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents import AgentError, EProp
from caudate.agents.optimizers import SGD, Schedule, make_optimizer

from . import toy_envs  # noqa: F401


def build(**options: Any) -> Any:
    return EProp("test/Echo-v0", n_envs=4, **{"n_neurons": 10, "network": "rate"} | options)


def weights(agent: Any) -> dict[str, np.ndarray]:
    return {name: w.copy() for name, w in agent.parameters.items()}


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("constant", [1, 1, 1, 1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25, 0, 0, 0]),
        ("cosine", [1, (1 + np.sqrt(0.5)) / 2, 0.5, (1 - np.sqrt(0.5)) / 2, 0, 0, 0]),
        ("step", [1, 1, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.09]),
    ],
)
def test_schedules(kind, shares):
    schedule = Schedule(kind, updates=4, factor=0.3)
    np.testing.assert_allclose([schedule(n) for n in range(len(shares))], shares, atol=1e-15)
    w = {"w": np.zeros(1)}
    sgd = SGD(0.5, schedule=schedule)
    for _ in shares:
        sgd.step(w, {"w": np.ones(1)})
    assert w["w"][0] == pytest.approx(-0.5 * sum(shares))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_decay_shrinks_matrices_apart_from_the_gradient(name):
    def one_step(decay: float) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        w = {"W": rng.standard_normal((3, 2)), "V": rng.standard_normal((2, 2)), "b": np.ones(3)}
        g = {key: rng.standard_normal(a.shape) for key, a in w.items()}
        rule = make_optimizer(
            name, w, 0.1, rates={"V": 0.02}, schedule=Schedule("step", 1, 0.5), weight_decay=decay
        )
        rule.step(w, g)
        start = {key: a.copy() for key, a in w.items()}
        rule.step(w, g)  # with half the rates
        return {key: a - start[key] for key, a in w.items()} | {"W0": start["W"], "V0": start["V"]}

    plain, decayed = one_step(0.0), one_step(0.4)
    np.testing.assert_array_equal(plain["b"], decayed["b"])
    for key, rate in (("W", 0.05), ("V", 0.01)):
        shrunk = decayed[key] - plain[key]
        np.testing.assert_allclose(shrunk, -0.4 * rate * decayed[f"{key}0"], rtol=1e-10)


@pytest.mark.parametrize("epsilon", [1e-8, 1e-3, 1.0])
def test_adam_and_its_epsilon_are_those_of_torch(epsilon):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    start = rng.standard_normal((4, 3))
    w, tensor = {"w": start.copy()}, torch.tensor(start, requires_grad=True)
    ours = make_optimizer("adam", w, 0.03, epsilon=epsilon)
    theirs = torch.optim.Adam([tensor], lr=0.03, eps=epsilon)
    for _ in range(6):
        g = 0.1 * rng.standard_normal(start.shape)
        ours.step(w, {"w": g})
        tensor.grad = torch.tensor(g)
        theirs.step()
    np.testing.assert_allclose(w["w"], tensor.detach().numpy(), rtol=1e-12)


def test_a_state_is_a_copy():
    agent = build()
    agent.update()
    state = agent.get_state()
    agent.update()
    after = weights(agent)
    agent.set_state(state)
    assert agent.optimizer.count == 1
    agent.update()
    for name, w in after.items():
        np.testing.assert_array_equal(agent.parameters[name], w)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "step"])
def test_resume_goes_on_with_the_schedule(tmp_path, optimizer, schedule):
    straight = build(
        optimizer=optimizer, schedule=schedule, schedule_updates=3, weight_decay=0.1,
        adam_epsilon=1e-4, readout_learning_rate=1e-3,
    )  # fmt: skip
    for _ in range(2):
        straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed = EProp.load(tmp_path / "agent.caudate")
    for _ in range(2):
        assert straight.update() == resumed.update()
    np.testing.assert_equal(straight.get_state(), resumed.get_state())


def test_a_schedule_that_has_run_out_stops_learning():
    agent = build(schedule="linear", schedule_updates=2)
    for _ in range(2):
        agent.update()
    before = weights(agent)
    agent.update()
    for name, w in agent.parameters.items():
        np.testing.assert_array_equal(w, before[name])


@pytest.mark.parametrize("update", ["episode", "step"])
@pytest.mark.parametrize("network", ["rate", "alif"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_without_biases_biases_stay(network, optimizer, update):
    agent = build(
        network=network, biases=False, bias_gain=0.5, optimizer=optimizer, weight_decay=0.1,
        update=update, execution="online", kernel="numpy", initial_withhold_bias=0.3,
    )  # fmt: skip
    before = weights(agent)
    for _ in range(3):
        agent.update()
    assert not before["bias"].any()
    assert before["b_out"].any()  # withholding comes first
    for name in ("bias", "b_out"):
        np.testing.assert_array_equal(agent.parameters[name], before[name])
    for name in ("W_in", "W_rec", "W_out"):
        assert (agent.parameters[name] != before[name]).any()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_readout_without_a_learning_rate_stays(optimizer):
    agent = build(readout_learning_rate=0.0, optimizer=optimizer, weight_decay=0.1)
    before = weights(agent)
    for _ in range(3):
        agent.update()
    for name in ("W_out", "b_out"):
        np.testing.assert_array_equal(agent.parameters[name], before[name])
    assert (agent.parameters["W_rec"] != before["W_rec"]).any()


def test_a_limit_of_zero_does_not_clip():
    """A limit far above the gradient and none are the same; a low one is not."""
    found = {}
    for limit in (0.0, 1e9, 1e-3):
        agent = build(max_grad_norm=limit, optimizer="sgd", learning_rate=0.1)
        norm = agent.update()["network_grad_norm"]
        assert norm > 1e-3
        found[limit] = agent.parameters["W_rec"]
    np.testing.assert_array_equal(found[0.0], found[1e9])
    assert (found[0.0] != found[1e-3]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "warm"}, "schedule='warm' is not one of constant, linear, cosine, step"),
        ({"schedule_updates": 0}, "schedule_updates=0 must be 1 or more"),
        ({"schedule_factor": 2.0}, "schedule_factor=2.0 must be between 0 and 1"),
        ({"adam_epsilon": 0.0}, "adam_epsilon=0.0 must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 must be 0 or more"),
        ({"readout_learning_rate": -1.0}, "readout_learning_rate=-1.0 must be 0 or more"),
        ({"max_grad_norm": -1.0}, "max_grad_norm=-1.0 must be 0 or more"),
        ({"optimizer": "lion"}, "choose adam or sgd"),
    ],
)
def test_mistakes_get_one_sentence(options, message):
    with pytest.raises(AgentError, match=message):
        build(**options)
