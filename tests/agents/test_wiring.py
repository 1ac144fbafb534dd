"""Dale's law, sparse connections and rewiring: what holds after every update."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents import AgentError, EProp, WeightPerturbation
from caudate.agents.networks import Wiring

from . import toy_envs  # noqa: F401

ECHO = {"delay": 3, "lengths": (0, 2)}


def build(network: str = "rate", **options: Any) -> Any:
    return EProp(
        "test/Echo-v0", network=network, env_kwargs=ECHO,
        **{"n_envs": 4, "n_neurons": 20, "kernel": "numpy", "substeps": 2} | options,
    )  # fmt: skip


def draw(n: int = 200, **options: Any) -> Wiring:
    settings = {
        "connectivity": 1.0, "excitatory": 0.0, "rewiring": False, "l1": 0.0,
        "self_connections": True,
    }  # fmt: skip
    return Wiring.create(np.random.default_rng(0), n, **settings | options)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("update", ["episode", "step"])
@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("rate", {"excitatory": 0.8}),
        ("rate", {"excitatory": 0.8, "connectivity": 0.3}),
        ("rate", {"connectivity": 0.3}),
        ("alif", {"excitatory": 0.5, "connectivity": 0.5}),
        ("rate", {"connectivity": 0.3, "rewiring": True, "rewiring_l1": 1e-3}),
        ("alif", {"connectivity": 0.3, "rewiring": True, "rewiring_l1": 1e-3}),
        ("lif", {"excitatory": 0.8, "connectivity": 0.2, "rewiring": True}),
    ],
)
def test_signs_and_numbers_hold_after_every_update(network, options, update, optimizer):
    agent = build(
        network, update=update, execution="online" if update == "step" else "batched",
        learning_rate=0.05 if optimizer == "adam" else 1.0, optimizer=optimizer, **options,
    )  # fmt: skip
    wiring, number, replaced = agent.wiring, agent.wiring.active.sum(), 0
    places = 20 * 20 if network == "rate" else 20 * 19
    assert number == round(options.get("connectivity", 1) * places)
    before = agent.parameters["W_rec"].copy()
    for _ in range(12):
        active = wiring.active.copy()
        agent.update()
        w = agent.parameters["W_rec"]
        replaced += (active & ~wiring.active).sum()
        assert (w * wiring.sign >= 0).all()
        assert (w[~wiring.active] == 0).all()
        assert wiring.active.sum() == number
        if options.get("excitatory"):
            excites, inhibits = (w > 0).any(0), (w < 0).any(0)
            assert not (excites & inhibits).any()
            assert not excites[round(20 * options["excitatory"]) :].any()
        if network != "rate":
            assert (np.diag(w) == 0).all()
            assert not np.diag(wiring.active).any()
    assert (w != before).any()
    assert (replaced > 0) == options.get("rewiring", False)


def test_connections_that_were_given_up_stay_silent_though_momentum_goes_on():
    """Adam's mean of past gradients outlives a connection."""
    agent = build(connectivity=0.5, excitatory=0.5, rewiring=True, learning_rate=0.05)
    for _ in range(5):
        agent.update()
    gone = ~agent.wiring.active & (agent.optimizer.mean["W_rec"] != 0)
    assert gone.any()
    assert (agent.parameters["W_rec"][gone] == 0).all()


@pytest.mark.parametrize("connectivity", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("excitatory", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("self_connections", [True, False])
def test_variance_of_summed_input_is_kept(connectivity, excitatory, self_connections):
    n = 400
    wiring = draw(
        n, connectivity=connectivity, excitatory=excitatory, self_connections=self_connections
    )
    w = np.random.default_rng(1).standard_normal((n, n)) / np.sqrt(n)
    if not self_connections:
        np.fill_diagonal(w, 0)
    before = np.square(w).sum()
    parameters = {"W_rec": w}
    wiring.prepare(parameters)
    # A sum of squares varies by sqrt(2 / number) of itself, a little more with unequal sizes.
    assert np.square(w).sum() == pytest.approx(before, rel=8 / np.sqrt(n * n * connectivity))
    if 0 < excitatory < 1:  # excitation and inhibition cancel in the mean
        spread = np.sqrt(np.square(w).sum())
        assert abs(w.sum()) < 5 * spread


@pytest.mark.parametrize("self_connections", [True, False])
def test_signs_alone_leave_sizes_as_they_are(self_connections):
    """As many neurons excite as inhibit and all connections exist: nothing is to be scaled."""
    wiring = draw(10, excitatory=0.5, self_connections=self_connections)
    w = np.random.default_rng(1).standard_normal((10, 10))
    if not self_connections:
        np.fill_diagonal(w, 0)
    parameters = {"W_rec": w.copy()}
    wiring.prepare(parameters)
    np.testing.assert_allclose(np.abs(parameters["W_rec"]), np.abs(w), rtol=1e-12)


def test_only_connections_that_exist_have_a_gradient():
    agent = build(connectivity=0.3)
    gradient = {"W_rec": np.ones((20, 20)), "W_in": np.ones((20, 3))}
    agent.wiring.mask(gradient)
    np.testing.assert_array_equal(gradient["W_rec"], agent.wiring.active)
    assert gradient["W_in"].all()
    report = agent.gradient_check()
    assert report["W_rec"].keys() == {"cosine", "norm_ratio"}


def test_a_full_crossing_moves_to_places_that_were_silent():
    wiring = draw(10, connectivity=0.4, rewiring=True)
    active = wiring.active.copy()
    w = np.where(active, wiring.sign, 0).astype(float)
    crossing = np.flatnonzero(active)[:15]
    w.reshape(-1)[crossing] *= -1
    wiring.enforce({"W_rec": w}, np.random.default_rng(3))
    assert wiring.active.sum() == active.sum()
    assert not wiring.active.reshape(-1)[crossing].any()
    born = wiring.active & ~active
    assert born.sum() == 15
    assert (w[born] == 0).all()


def test_without_free_places_connections_stay():
    wiring = draw(10, connectivity=0.95, rewiring=True)
    active = wiring.active.copy()
    w = np.where(active, -wiring.sign, 0).astype(float)  # all cross
    wiring.enforce({"W_rec": w}, np.random.default_rng(3))
    np.testing.assert_array_equal(wiring.active, active)
    assert not w.any()


def test_shrinkage_is_towards_zero_and_as_large_as_said():
    agent = build(
        connectivity=0.5, rewiring=True, rewiring_l1=1e-4, learning_rate=1e-12, optimizer="sgd"
    )
    before = agent.parameters["W_rec"].copy()
    agent.update()
    large = np.abs(before) > 1e-3
    shrunk = np.abs(before) - np.abs(agent.parameters["W_rec"])
    np.testing.assert_allclose(shrunk[large], 1e-4, rtol=1e-2)


def test_dense_networks_without_a_law_have_no_wiring():
    assert build().wiring is None
    assert build(connectivity=1.0, excitatory=0.0).wiring is None
    assert build(excitatory=0.8).wiring is not None


def test_a_network_that_does_not_learn_is_not_rewired():
    agent = build(gradient="none", connectivity=0.5, rewiring=True, rewiring_l1=1e-2)
    before = agent.parameters["W_rec"].copy()
    agent.update()
    np.testing.assert_array_equal(agent.parameters["W_rec"], before)


@pytest.mark.parametrize("network", ["rate", "alif"])
def test_checkpoints_know_the_connections(tmp_path, network):
    options = {"connectivity": 0.4, "rewiring": True, "rewiring_l1": 1e-3, "excitatory": 0.7}
    straight = build(network, learning_rate=0.05, **options)
    for _ in range(3):
        straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed = EProp.load(tmp_path / "agent.caudate")
    for _ in range(3):
        assert straight.update() == resumed.update()
    np.testing.assert_equal(straight.get_state(), resumed.get_state())
    assert (straight.wiring.active != build(network, **options).wiring.active).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rewiring": True}, "set connectivity below 1 or rewiring=False"),
        ({"rewiring_l1": 0.1, "connectivity": 0.5}, "set rewiring=True, or shrink weights by"),
        ({"connectivity": 0.0}, "connectivity=0.0 must be above 0"),
        ({"connectivity": 1.5}, "connectivity=1.5 must be between 0 and 1"),
        ({"excitatory": -0.1}, "excitatory=-0.1 must be between 0 and 1"),
        ({"rewiring_l1": -1.0}, "rewiring_l1=-1.0 must be 0 or more"),
        ({"initial_activity": 1.0}, "initial_activity=1.0 must be between -1 and 1"),
        ({"nonlinearity": "output"}, "nonlinearity='output' is not one of state, input"),
        ({"refractory": 0}, "refractory=0 must be 1 or more"),
    ],
)
def test_mistakes_get_one_sentence(options, message):
    with pytest.raises(AgentError, match=message):
        build(**options)


def test_noise_in_all_weights_needs_all_connections():
    with pytest.raises(AgentError, match="its noise is in all weights: set connectivity=1"):
        WeightPerturbation("test/Echo-v0", n_envs=2, connectivity=0.5)
