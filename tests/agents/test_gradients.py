"""Every gradient against an independent computation, in float64.

The oracle is automatic differentiation of the same network written in torch with the paths that a
rule ignores detached. Nothing of the library's backward code is used in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents import EProp
from caudate.agents.kernels import SpikingConstants, spiking_kernels, trace_kernels
from caudate.agents.networks import SpikingNetwork

from . import toy_envs  # noqa: F401

torch = pytest.importorskip("torch")

TOLERANCE = 1e-10


def make(network: str, **options: Any) -> Any:
    """An agent on episodes of different lengths, away from its initial symmetric state."""
    agent = EProp(
        "test/Echo-v0",
        seed=3,
        n_envs=6,
        env_kwargs={"delay": 4, "lengths": (0, 1, 3)},
        network=network,
        n_neurons=9,
        dtype="float64",
        **{
            "kernel": "numpy",
            "substeps": 3,
            "rate_coef": 0.7,
            "entropy_coef": 0.1,
            "tau_adaptation": (2.0, 9.0),
        }
        | options,
    )
    rng = np.random.default_rng(5)
    for name in ("W_out", "b_out"):
        agent.parameters[name] += 0.3 * rng.standard_normal(agent.parameters[name].shape)
    if network != "rate":  # drive the neurons above threshold
        agent.parameters["bias"] *= 2.5
    agent.mean_rate += 0.1 * rng.standard_normal(9)
    return agent


def round_gradient(agent: EProp) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Play a round; the rule's gradient, the advantages and the critic's errors."""
    agent.play()
    advantage, value_error = agent._modulate()
    adjoint, free, _ = agent._output_adjoint(advantage, value_error)
    return agent.full_gradient(adjoint, free), advantage, value_error


class Spike(torch.autograd.Function):
    """Heaviside step with the triangular pseudo-derivative."""

    @staticmethod
    def forward(ctx, u, dampening):
        ctx.save_for_backward(u)
        ctx.dampening = dampening
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        (u,) = ctx.saved_tensors
        return grad * ctx.dampening * torch.clamp(1 - u.abs(), min=0), None


def cut(x, exact):
    return x if exact else x.detach()


def torch_rate(agent, p, x, exact):
    leak = torch.tensor(agent.network.leak)
    h = torch.zeros(x.shape[1], len(leak), dtype=torch.float64)
    r, features = h, []
    for x_t in x:
        drive = cut(r, exact) @ p["W_rec"].T + x_t @ p["W_in"].T + p["bias"]
        h = (1 - leak) * h + leak * drive
        r = torch.tanh(h)
        features.append(r)
    return torch.stack(features), None


def torch_spiking(agent, p, x, exact):
    c = agent.network.constants
    alpha, rho, beta = (torch.tensor(a) for a in (c.alpha, c.rho, c.beta))
    v, a, z, f = (torch.zeros(x.shape[1], len(alpha), dtype=torch.float64) for _ in range(4))
    features, spikes = [], []
    for x_t in x:
        current = x_t @ p["W_in"].T + p["bias"]
        for _ in range(agent.network.substeps):
            a = rho * a + z
            seen = cut(z, exact)
            v = alpha * v + current + seen @ p["W_rec"].T - c.threshold * seen
            z = Spike.apply((v - c.threshold - beta * a) / c.threshold, c.dampening)
            f = c.kappa * f + z
            spikes.append(z)
        features.append(f)
    return torch.stack(features), torch.stack(spikes)


def torch_gradient(agent, advantage, value_error, exact, feedback=None):
    """Gradient of the actor-critic loss by automatic differentiation."""
    record, o = agent.record, agent.options
    p = {k: torch.tensor(v, requires_grad=True) for k, v in agent.parameters.items()}
    run = torch_rate if o.network == "rate" else torch_spiking
    features, spikes = run(agent, p, torch.tensor(agent.tape["x"]), exact)
    np.testing.assert_allclose(features.detach(), record["features"], atol=1e-12)
    outputs = features @ p["W_out"].T + p["b_out"]
    if feedback is not None:  # the value of the readout, the derivative of the feedback
        carrier = features @ torch.tensor(feedback).T
        trained = features.detach() @ p["W_out"].T + p["b_out"]
        outputs = trained + carrier - carrier.detach()
    alive = torch.tensor(record["alive"]).double()
    n = alive.sum()
    if agent.head.n_free:
        policy = torch.distributions.Normal(outputs[..., :-1], torch.exp(p["log_std"]))
        log_p = policy.log_prob(torch.tensor(record["actions"])).sum(-1)
        entropy = policy.entropy().sum(-1)
    else:
        policy = torch.distributions.Categorical(logits=outputs[..., :-1])
        log_p = policy.log_prob(torch.tensor(record["actions"]))
        entropy = policy.entropy()
    target = (outputs[..., -1] - torch.tensor(value_error)).detach()
    loss = -(torch.tensor(advantage) * log_p + o.entropy_coef * entropy)
    loss = loss + o.value_coef / 2 * (outputs[..., -1] - target) ** 2
    loss = (loss * alive).sum() / n
    if spikes is not None:
        excess = torch.tensor(o.rate_coef * (agent._rate_before - o.target_rate))
        excess = excess / o.substeps
        weight = alive.repeat_interleave(o.substeps, 0) / n
        loss = loss + (weight[..., None] * excess * spikes).sum()
    loss.backward()
    return {k: v.grad.numpy() for k, v in p.items() if v.grad is not None}


def compare(agent, exact=False, feedback=None):
    agent._rate_before = agent.mean_rate.copy()
    gradient, advantage, value_error = round_gradient(agent)
    oracle = torch_gradient(agent, advantage, value_error, exact, feedback)
    assert np.abs(oracle["W_in"]).max() > 0
    if agent.options.network != "rate":
        np.fill_diagonal(oracle["W_rec"], 0)
        assert 0.01 < agent.tape["z"].mean() < 0.9
    for name, expected in oracle.items():
        scale = np.abs(expected).max(initial=1e-300)
        assert np.abs(gradient[name] - expected).max(initial=0) < TOLERANCE * scale, name


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


@pytest.mark.parametrize("rate_term", [False, True])
@pytest.mark.parametrize("n", [1, 20])
def test_numba_twin_equals_numpy(n, rate_term):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    steps, substeps, batch = 12, 3, 11
    network = SpikingNetwork.create(
        rng, 4, n, substeps=substeps, adaptive_fraction=0.5, tau_membrane=(1.0, 4.0),
        tau_adaptation=(3.0, 30.0), tau_readout=2.0, threshold=0.7, adaptation_strength=1.5,
        dampening=0.3, dtype=np.dtype("float64"),
    )  # fmt: skip
    w_rec = network.initial_parameters(rng, 2.0, 1.0)["W_rec"]
    current = 0.2 + 0.1 * rng.standard_normal((steps, batch, n))
    adjoint, rate = rng.standard_normal((2, steps, batch, n))
    results = []
    for name in ("numpy", "numba"):
        forward, backward = spiking_kernels(name)
        state = network.initial_state(batch)
        z = np.zeros((steps * substeps, batch, n), np.uint8)
        psi = np.zeros(z.shape)
        forward(network.constants, w_rec, current, substeps, state, z, psi)
        out = backward(
            network.constants, w_rec, z, psi, substeps, adjoint, rate if rate_term else None
        )
        np.fill_diagonal(out[0], 0)
        results.append((z, psi, *state, *out))
    assert 0.02 < results[0][0].mean() < 0.9
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


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
