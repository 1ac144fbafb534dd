"""Every gradient against an independent computation, in float64; see :mod:`.torch_oracle`."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.agents import EProp
from caudate.agents.kernels import SpikingConstants, rate_kernels, spiking_kernels, trace_kernels
from caudate.agents.networks import SpikingNetwork

from .torch_oracle import compare, make, round_gradient

FORMS = {
    "rate, tanh of the input": ("rate", {"nonlinearity": "input", "initial_activity": 0.3}),
    "rate, active at first": ("rate", {"initial_activity": -0.4}),
    "lif, refractory": ("lif", {"refractory": 3}),
    "alif, refractory": ("alif", {"refractory": 5}),
    "alif, means": ("alif", {"mean_features": True, "tau_readout": 3.0}),
    "alif, threshold": ("alif", {"threshold": 0.4, "refractory": 2}),
    "lif, threshold, means": ("lif", {"threshold": 2.5, "mean_features": True}),
    "rate, switches": ("rate", {"env": "test/Switches-v0"}),
    "alif, switches": ("alif", {"env": "test/Switches-v0", "refractory": 2}),
}


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
@pytest.mark.parametrize("gradient", ["local", "exact"])
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_networks_and_policies(form, gradient, kernel):
    if kernel == "numba":
        pytest.importorskip("numba")
    network, options = FORMS[form]
    agent = make(network, gradient=gradient, kernel=kernel, **options)
    if options.get("threshold", 1) > 1:
        agent.parameters["W_in"] *= 2
    compare(agent, exact=gradient == "exact")
    if agent.options.refractory > 1:  # neurons really were held back
        held = make(network, gradient=gradient, **options | {"refractory": 1})
        held.play()
        assert agent.tape["z"].sum() < held.tape["z"].sum()


@pytest.mark.parametrize("form", ["rate, tanh of the input", "alif, refractory"])
def test_exact_gradient_through_random_feedback(form):
    """Non-local with random feedback, the fourth of Murray's four rules."""
    network, options = FORMS[form]
    agent = make(network, gradient="exact", feedback="random", **options)
    compare(agent, exact=True, feedback=agent.feedback)
    assert np.abs(agent.feedback - agent.parameters["W_out"]).min() > 0


@pytest.mark.parametrize("network", ["rate", "lif", "alif"])
def test_local_rule_is_the_gradient_of_the_detached_graph(network):
    compare(make(network))


@pytest.mark.parametrize("network", ["rate", "lif", "alif"])
def test_exact_gradient_is_bptt(network):
    compare(make(network, gradient="exact"), exact=True)


@pytest.mark.parametrize("network", ["rate", "alif"])
def test_random_feedback_replaces_the_readout_backwards(network):
    agent = make(network, feedback="random")
    compare(agent, feedback=agent.feedback)


@pytest.mark.parametrize("network", ["rate", "alif"])
def test_gradient_check_reports_what_the_rule_misses_and_changes_nothing(network):
    agent = make(network)
    before = agent.get_state()
    report = agent.gradient_check()
    np.testing.assert_equal(agent.get_state(), before)
    assert 0.3 < report["W_rec"]["cosine"] < 0.9999
    assert report["W_in"].keys() == {"cosine", "norm_ratio"}
    exact = make(network, gradient="exact").gradient_check()
    assert exact["W_rec"] == pytest.approx({"cosine": 1.0, "norm_ratio": 1.0})


def test_gaussian_policy():
    agent = EProp("test/Target-v0", n_envs=5, network="rate", n_neurons=7, dtype="float64")
    compare(agent)


@pytest.mark.parametrize("form", FORMS)
def test_online_traces_of_these_forms(form):
    network, options = FORMS[form]
    agents = [make(network, execution=e, **options) for e in ("batched", "online")]
    for _ in range(2):
        for agent in agents:
            agent.update()
    for name, w in agents[0].parameters.items():
        np.testing.assert_allclose(w, agents[1].parameters[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("modulator", ["critic", "return", "average", "condition"])
@pytest.mark.parametrize("network", ["rate", "lif", "alif"])
def test_online_traces_equal_batched_adjoints(network, modulator):
    """Whole updates, weights and all, from agents that differ in execution only."""
    agents = [
        make(network, execution=e, modulator=modulator, gamma=0.9, gae_lambda=0.6, feedback=b)
        for e, b in (("batched", "adaptive"), ("online", "adaptive"))
    ]
    for _ in range(3):
        for agent in agents:
            agent.update()
    for name, w in agents[0].parameters.items():
        np.testing.assert_allclose(w, agents[1].parameters[name], rtol=1e-10, atol=1e-12)


def test_adaptation_matters_to_the_gradient():
    """Guards the tests above: an eligibility trace without its slow part would be noticed."""
    agent = make("alif", rate_coef=0.0)
    full, *_ = round_gradient(agent)
    agent.network.constants.beta[...] = 0
    adjoint, *_ = agent._output_adjoint(*agent._modulate())
    without = agent.recurrent_gradient(adjoint)
    assert np.abs(full["W_in"] - without["W_in"]).max() > 1e-3 * np.abs(full["W_in"]).max()


@pytest.mark.parametrize("refractory", [1, 4])
@pytest.mark.parametrize("more", [False, True])  # rate term, features, spikes before the first step
@pytest.mark.parametrize("n", [1, 20])
def test_numba_twin_equals_numpy(n, more, refractory):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    steps, substeps, batch = 12, 3, 11
    network = SpikingNetwork.create(
        rng, 4, n, substeps=substeps, adaptive_fraction=0.5, tau_membrane=(1.0, 4.0),
        tau_adaptation=(3.0, 30.0), tau_readout=2.0, threshold=0.7, adaptation_strength=1.5,
        dampening=0.3, dtype=np.dtype("float64"), refractory=refractory,
    )  # fmt: skip
    w_rec = network.initial_parameters(rng, 2.0, 1.0)["W_rec"]
    current = 0.2 + 0.1 * rng.standard_normal((steps, batch, n))
    adjoint, rate = rng.standard_normal((2, steps, batch, n))
    before = (rng.random((batch, n)) < 0.4).astype(float) if more else None
    results = []
    for name in ("numpy", "numba"):
        forward, backward = spiking_kernels(name)
        state = network.initial_state(batch)
        if before is not None:
            state[2][...] = before
        z = np.zeros((steps * substeps, batch, n), np.uint8)
        psi, features = np.zeros(z.shape), np.zeros((steps, batch, n))
        f_out = features if more else None
        forward(network.constants, w_rec, current, substeps, state, z, psi, f_out)
        assert features.any() == more
        assert not more or (features[-1] == state[3]).all()
        out = backward(
            network.constants, w_rec, z, psi, substeps, adjoint, rate if more else None,
            before=before,
        )  # fmt: skip
        np.fill_diagonal(out[0], 0)
        results.append((z, psi, features, *state, *out))
    assert 0.02 < results[0][0].mean() < 0.9
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("form", ["state", "input"])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("n", "batch"), [(1, 1), (13, 3)])
def test_numba_twin_of_rate_units(n, batch, exact, form):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    steps, leak = 10, rng.uniform(0.05, 1, n)
    w_rec = rng.standard_normal((n, n))
    drive, signal = rng.standard_normal((2, steps, batch, n))
    start = rng.uniform(-1, 1, (batch, n))
    results = []
    for name in ("numpy", "numba"):
        forward, adjoint = rate_kernels(name)
        state = start.copy(), np.tanh(start) if form == "state" else start.copy()
        r, s = np.zeros((2, steps, batch, n))
        forward(form, leak, w_rec, drive.copy(), state, r, s if form == "input" else r)
        delta = adjoint(form, leak, w_rec, s if form == "input" else r, signal, exact)
        results.append((r, s, *state, delta))
    assert forward.__module__.endswith("rate_numba")
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("substeps", [1, 3])
def test_numba_traces_equal_numpy(substeps, dtype, tolerance):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    steps, batch, n, sources = 15, 6, 9, 14
    beta = np.where(np.arange(n) < 5, 0.05, 0)
    constants = SpikingConstants(
        *(a.astype(dtype) for a in (rng.uniform(0.8, 0.95, n), rng.uniform(0.9, 0.99, n), beta)),
        kappa=0.9, threshold=0.7, dampening=0.3,
    )  # fmt: skip
    arriving = (rng.random((steps, substeps, batch, sources)) < 0.3).astype(dtype)
    psi = np.maximum(rng.uniform(-0.2, 0.4, (steps, substeps, batch, n)), 0).astype(dtype)
    score, direct = rng.standard_normal((2, steps, batch, n))
    direct[::2] = 0
    results = []
    for name in ("numpy", "numba"):
        advance, assign_credit, collect = trace_kernels(name)
        traces = [np.zeros((batch, n, sources), dtype) for _ in range(4)]
        credit, total = np.zeros((batch, n, sources), dtype), np.zeros((n, sources), dtype)
        before = np.zeros((batch, n), dtype)
        for t in range(steps):
            advance(constants, 0.7, arriving[t], before, psi[t], *traces)
            assign_credit(0.95, score[t], direct[t], traces[2], credit, total)
            collect(score[t, :, 0], credit, total)
            before = psi[t, -1]
        traces[1] *= constants.beta[:, None] > 0
        results.append((*traces, credit, total))
    for a, b in zip(*results, strict=True):
        assert a.dtype == b.dtype == dtype
        assert np.abs(a).max() > 0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(a).max())


@pytest.mark.parametrize("network", ["lif", "alif"])
def test_online_updates_are_the_same_with_numba(network):
    pytest.importorskip("numba")
    agents = [make(network, execution="online", kernel=kernel) for kernel in ("numpy", "numba")]
    for _ in range(3):
        for agent in agents:
            agent.update()
    for name, w in agents[0].parameters.items():
        np.testing.assert_allclose(w, agents[1].parameters[name], rtol=1e-10, atol=1e-12)
