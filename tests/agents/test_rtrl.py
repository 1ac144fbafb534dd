"""Gradients carried forward equal those carried backward; many steps at once equal single ones."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.agents.networks import RateNetwork, SpikingNetwork
from caudate.agents.rtrl import rtrl_gradient

DTYPE = np.dtype("float64")
KINDS = ("rate", "rate, tanh of the input", "lif", "alif", "alif, refractory, means")


def build(kind: str, n: int = 7, kernel: str = "numpy"):
    rng = np.random.default_rng(2)
    if kind.startswith("rate"):
        form, active = ("input", 0.4) if "input" in kind else ("state", 0.0)
        network = RateNetwork.create(rng, 3, n, (1.0, 8.0), DTYPE, form, active, kernel)
    else:
        more = {"refractory": 4, "mean_features": True} if "means" in kind else {}
        network = SpikingNetwork.create(
            rng, 3, n, substeps=3, adaptive_fraction=0.0 if kind == "lif" else 0.6,
            tau_membrane=(1.0, 4.0), tau_adaptation=(3.0, 20.0), tau_readout=2.0, threshold=0.8,
            adaptation_strength=1.5, dampening=0.4, dtype=DTYPE, kernel=kernel, **more,
        )  # fmt: skip
    parameters = network.initial_parameters(rng, 1.5, 2.0)
    parameters["bias"] += 0.3 * rng.random(n)
    return network, parameters


def inputs(steps: int = 8, batch: int = 4) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((steps, batch, 3))


def play(network, parameters, x, state=None):
    """Step by step: features (T, B, N), the tape and the last state."""
    tape = network.tape(x.shape[1])
    state, features = network.initial_state(x.shape[1]) if state is None else state, []
    for x_t in x:
        seen, state = network.step(parameters, state, x_t, tape)
        features.append(seen.copy())
    return np.array(features), tape, state


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_forward_equals_backward(kind, local, n):
    network, parameters = build(kind, n)
    x = inputs()
    features, tape, _ = play(network, parameters, x)
    signal = np.random.default_rng(4).standard_normal(features.shape)
    forward = rtrl_gradient(network, parameters, tape, signal, local=local)
    backward = network.backward(parameters, tape, signal, exact=not local)
    assert np.abs(backward["W_in"]).max() > 0
    assert forward.keys() == backward.keys()
    for name, g in backward.items():
        np.testing.assert_allclose(forward[name], g, rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_local_and_exact_are_not_the_same(kind):
    """Guards the test above."""
    network, parameters = build(kind)
    features, tape, _ = play(network, parameters, inputs())
    signal = np.ones_like(features)
    local, exact = (
        rtrl_gradient(network, parameters, tape, signal, local=b) for b in (True, False)
    )
    assert np.abs(local["W_in"] - exact["W_in"]).max() > 1e-3


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
@pytest.mark.parametrize("batch", [1, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_many_steps_at_once(kind, batch, kernel):
    """From the start and from the middle of an episode, onto a tape that holds something."""
    if kernel == "numba":
        pytest.importorskip("numba")
    network, parameters = build(kind, kernel=kernel)
    x = inputs(9, batch)
    features, stepped, last = play(network, parameters, x)
    tape, state = network.tape(batch), network.initial_state(batch)
    given = [part.copy() for part in state]
    first, middle = network.run(parameters, state, x[:4], tape)
    first = first.copy()  # a view of the tape, which may grow
    second, end = network.run(parameters, middle, x[4:], tape)
    np.testing.assert_equal(list(state), given)  # what was passed in is left alone
    np.testing.assert_allclose(np.concatenate([first, second]), features, rtol=1e-12, atol=1e-12)
    for name in stepped._arrays:
        np.testing.assert_allclose(tape[name], stepped[name], rtol=1e-12, atol=1e-12)
    for a, b in zip(end, last, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
