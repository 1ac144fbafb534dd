"""The gradient of an actor-critic round by automatic differentiation in torch.

The same networks, written anew, with the paths that a rule ignores detached. Nothing of the
library's backward code is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents import EProp

from . import toy_envs  # noqa: F401

torch = pytest.importorskip("torch")

TOLERANCE = 1e-10
Arrays = dict[str, np.ndarray]


def make(network: str, env: str = "test/Echo-v0", **options: Any) -> Any:
    """An agent on episodes of different lengths, away from its initial symmetric state."""
    if env == "test/Echo-v0":
        options = {"env_kwargs": {"delay": 4, "lengths": (0, 1, 3)}} | options
    agent = EProp(
        env,
        network=network,
        **{
            "seed": 3,
            "n_envs": 6,
            "n_neurons": 9,
            "dtype": "float64",
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


def round_gradient(agent: EProp) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Play a round; the rule's gradient, the advantages and the critic's errors."""
    agent.play()
    return gradient_of_record(agent)


def gradient_of_record(agent: EProp) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """The same for what has been played."""
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


def torch_rate(agent, p, x, exact, start):
    o, leak = agent.options, torch.tensor(agent.network.leak)
    r = torch.full((x.shape[1], len(leak)), o.initial_activity, dtype=torch.float64)
    h = torch.atanh(r) if o.nonlinearity == "state" else r
    if start is not None:
        h, r = (torch.tensor(part) for part in start)
    features = []
    for x_t in x:
        u = cut(r, exact) @ p["W_rec"].T + x_t @ p["W_in"].T + p["bias"]
        if o.nonlinearity == "state":
            h = (1 - leak) * h + leak * u
            r = torch.tanh(h)
        else:
            h = r = (1 - leak) * h + leak * torch.tanh(u)
        features.append(r)
    return torch.stack(features), None


def torch_spiking(agent, p, x, exact, start):
    c, o = agent.network.constants, agent.options
    alpha, rho, beta = (torch.tensor(a) for a in (c.alpha, c.rho, c.beta))
    nothing = torch.zeros(x.shape[1], len(alpha), dtype=torch.float64)
    v, a, z, f, left = [nothing] * 5 if start is None else [torch.tensor(part) for part in start]
    features, spikes = [], []
    for x_t in x:
        current = x_t @ p["W_in"].T + p["bias"]
        for _ in range(o.substeps):
            a = rho * a + z
            seen = cut(z, exact)
            v = alpha * v + current + seen @ p["W_rec"].T - o.threshold * seen
            z = Spike.apply((v - o.threshold - beta * a) / o.threshold, o.dampening)
            z = z * (left == 0)  # no spike and no derivative
            left = torch.where(z > 0, o.refractory - 1, torch.clamp(left - 1, min=0))
            f = c.kappa * f + z
            spikes.append(z)
        features.append((1 - c.kappa) * f if o.mean_features else f)
    return torch.stack(features), torch.stack(spikes)


def policy_of(agent, p, outputs):
    """Log-probability of the actions on record and the entropy, (T, B)."""
    actions = torch.tensor(agent.record["actions"])
    kind = type(agent.head).__name__
    if kind == "SoftmaxHead":
        policy = torch.distributions.Categorical(logits=outputs)
        return policy.log_prob(actions), policy.entropy()
    if kind == "BernoulliHead":
        policy = torch.distributions.Bernoulli(logits=outputs)
        return policy.log_prob(actions.double()).sum(-1), policy.entropy().sum(-1)
    policy = torch.distributions.Normal(outputs, torch.exp(p["log_std"]))
    return policy.log_prob(actions).sum(-1), policy.entropy().sum(-1)


def torch_gradient(agent, advantage, value_error, exact=False, feedback=None, start=None):
    """Gradient of the actor-critic loss of what is on record.

    ``start`` is the network's state before the first step, held constant; None: an episode's.
    """
    record, o = agent.record, agent.options
    p = {k: torch.tensor(v, requires_grad=True) for k, v in agent.parameters.items()}
    run = torch_rate if o.network == "rate" else torch_spiking
    features, spikes = run(agent, p, torch.tensor(agent.tape["x"]), exact, start)
    np.testing.assert_allclose(features.detach(), record["features"], atol=1e-12)
    outputs = features @ p["W_out"].T + p["b_out"]
    if feedback is not None:  # the value of the readout, the derivative of the feedback
        carrier = features @ torch.tensor(feedback).T
        trained = features.detach() @ p["W_out"].T + p["b_out"]
        outputs = trained + carrier - carrier.detach()
    alive = torch.tensor(record["alive"]).double()
    n = alive.sum()
    log_p, entropy = policy_of(agent, p, outputs[..., :-1])
    target = (outputs[..., -1] - torch.tensor(value_error)).detach()
    loss = -(torch.tensor(advantage) * log_p + o.entropy_coef * entropy)
    loss = loss + o.value_coef / 2 * (outputs[..., -1] - target) ** 2
    loss = (loss * alive).sum() / n
    if spikes is not None:
        excess = torch.tensor(o.rate_coef * (agent.mean_rate - o.target_rate))
        weight = alive.repeat_interleave(o.substeps, 0) / n
        loss = loss + (weight[..., None] * excess / o.substeps * spikes).sum()
    loss.backward()
    return {k: v.grad.numpy() for k, v in p.items() if v.grad is not None}


def assert_close(gradient: Arrays, oracle: Arrays, agent: Any) -> None:
    """Both gradients are the same, and there is something to compare."""
    assert np.abs(oracle["W_in"]).max() > 0
    if agent.options.network != "rate":
        np.fill_diagonal(oracle["W_rec"], 0)
        assert 0.01 < agent.tape["z"].mean() < 0.9
    for name, expected in oracle.items():
        scale = np.abs(expected).max(initial=1e-300)
        assert np.abs(gradient[name] - expected).max(initial=0) < TOLERANCE * scale, name


def compare(agent, exact=False, feedback=None):
    gradient, advantage, value_error = round_gradient(agent)
    assert_close(gradient, torch_gradient(agent, advantage, value_error, exact, feedback), agent)
