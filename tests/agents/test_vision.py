"""The spiking front end against automatic differentiation with the same stops, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.vision import LAYERS, ConvLayer, Regularisers, SpikingVision

torch = pytest.importorskip("torch")

SMALL = (ConvLayer(3, 4, 2, 3, 2), ConvLayer(2, 3, 1, 2, 2))
STEPS, COLUMNS = 7, 3  # frames: one chunk and a part of the next


def small_front(dtype: str = "float64", **options: Any) -> SpikingVision:
    return SpikingVision.create((15, 17), dtype, layers=SMALL, substeps=3, chunk=3, **options)


def play(front: SpikingVision, parameters: dict, frames: np.ndarray, tape: Any = None) -> tuple:
    state = front.initial_state(frames.shape[1])
    spikes, pooled = [], []
    for frame in frames:
        z, p, state = front.step(parameters, state, frame, tape)
        spikes.append(z)
        pooled.append(p)
    return np.stack(spikes), np.stack(pooled)


@pytest.fixture(scope="module")
def scene() -> dict[str, Any]:
    """A front end away from its initial symmetry, frames, what it did, and a loss's adjoint."""
    rng = np.random.default_rng(2)
    front = small_front()
    parameters = front.initial_parameters(rng, gain=0.6)
    for name in ("conv1_bias", "conv2_bias"):
        parameters[name] += 0.05 * rng.standard_normal(parameters[name].shape)
    frames = rng.integers(256, size=(STEPS, COLUMNS, 15, 17), dtype=np.uint8)
    tape = front.tape(COLUMNS)
    spikes, pooled = play(front, parameters, frames, tape)
    return {
        "front": front,
        "parameters": parameters,
        "frames": frames,
        "tape": tape,
        "spikes": spikes,
        "pooled": pooled,
        "adjoint": rng.standard_normal(pooled.shape),
        "weight": rng.random((STEPS, COLUMNS)),
    }


class Spike(torch.autograd.Function):
    """Heaviside step of v - v_th with the triangular pseudo-derivative."""

    @staticmethod
    def forward(ctx, v, threshold, dampening):
        ctx.save_for_backward(v)
        ctx.constants = threshold, dampening
        return (v > threshold).to(v.dtype)

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        threshold, dampening = ctx.constants
        triangle = torch.clamp(1 - ((v - threshold) / threshold).abs(), min=0)
        return grad * dampening / threshold * triangle, None, None


def autograd(front: SpikingVision, parameters: dict, frames: np.ndarray, begin: int = 0) -> tuple:
    """Leaves, pooled features (T, B, P) and v, z of the layers; layers and resets are cut off.

    So is what came before the frame ``begin``.
    """
    p = {name: torch.tensor(w, requires_grad=True) for name, w in parameters.items()}
    n = frames.shape[1]
    kappa = front.kappa
    v = [torch.zeros(n, *shape, dtype=torch.float64) for shape in front.shapes[1:]]
    z = [torch.zeros_like(x) for x in v]
    pooled: list[Any] = [0.0 for _ in v]
    features, potentials, spikes = [], [], []
    for t, frame in enumerate(torch.tensor(frames).double()[:, :, None] / 255):
        if t == begin > 0:
            v, z, pooled = ([x.detach() for x in parts] for parts in (v, z, pooled))
        for _ in range(front.substeps):
            x = frame
            for i, layer in enumerate(front.layers):
                name = f"conv{i + 1}"
                current = torch.nn.functional.conv2d(x, p[name], p[f"{name}_bias"], layer.stride)
                v[i] = front.alpha * v[i] + current - front.threshold * z[i].detach()
                z[i] = Spike.apply(v[i], front.threshold, front.dampening)
                pool = torch.nn.functional.avg_pool2d(z[i], layer.pool, layer.pool_stride)
                pooled[i] = kappa * pooled[i] + front.gain * pool
                x = z[i].detach()
            potentials.append(list(v))
            spikes.append(list(z))
        features.append(torch.cat([part.reshape(n, -1) for part in pooled], 1))
    return p, torch.stack(features), potentials, spikes


def gradients(loss: Any, leaves: dict) -> dict[str, np.ndarray]:
    values = torch.autograd.grad(loss, list(leaves.values()))
    return {name: g.numpy() for name, g in zip(leaves, values, strict=True)}


def assert_equal(ours: dict, theirs: dict) -> None:
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        scale = np.abs(expected).max()
        assert scale > 0, name
        np.testing.assert_allclose(ours[name], expected, rtol=0, atol=1e-10 * scale, err_msg=name)


def test_forward_equals_the_equations(scene):
    _, pooled, _, spikes = autograd(scene["front"], scene["parameters"], scene["frames"])
    np.testing.assert_allclose(scene["pooled"], pooled.detach().numpy(), atol=1e-12)
    last = torch.stack([z[-1] for z in spikes]).reshape(scene["spikes"].shape)
    np.testing.assert_array_equal(scene["spikes"], last.detach().numpy())
    for layer in range(len(SMALL)):
        rate = torch.stack([z[layer] for z in spikes]).mean((0, 1))
        np.testing.assert_allclose(scene["tape"].rates(layer), rate.detach().numpy())
        assert 0.05 < rate.mean() < 0.6  # neither silent nor saturated


def test_task_gradient_equals_autograd(scene):
    front, parameters = scene["front"], scene["parameters"]
    leaves, pooled, *_ = autograd(front, parameters, scene["frames"])
    loss = (pooled * torch.tensor(scene["adjoint"])).sum()
    ours = front.backward(parameters, scene["tape"], scene["adjoint"])
    assert_equal(ours, gradients(loss, leaves))


def test_gradient_of_the_first_frames_alone(scene):
    front, parameters = scene["front"], scene["parameters"]
    leaves, pooled, *_ = autograd(front, parameters, scene["frames"][:5])
    adjoint = scene["adjoint"][:5]
    loss = (pooled * torch.tensor(adjoint)).sum()
    assert_equal(front.backward(parameters, scene["tape"], adjoint), gradients(loss, leaves))


def test_gradient_of_a_window_in_the_middle(scene):
    front, parameters, frames = scene["front"], scene["parameters"], scene["frames"]
    leaves, pooled, *_ = autograd(front, parameters, frames, begin=2)
    adjoint = scene["adjoint"][2:]
    state, tape = front.initial_state(COLUMNS), front.tape(COLUMNS)
    for t, frame in enumerate(frames):
        if t == 2:
            tape.clear()
        *_, state = front.step(parameters, state, frame, tape)
    loss = (pooled[2:] * torch.tensor(adjoint)).sum()
    assert_equal(front.backward(parameters, tape, adjoint), gradients(loss, leaves))


def test_regularisers_equal_autograd(scene):
    front, parameters, weight = scene["front"], scene["parameters"], scene["weight"]
    leaves, pooled, potentials, spikes = autograd(front, parameters, scene["frames"])
    share = torch.tensor(np.repeat(weight, front.substeps, 0) / front.substeps)
    share = share[:, :, None, None, None]
    loss = (pooled * torch.tensor(scene["adjoint"])).sum()
    for layer in range(len(SMALL)):
        z = torch.stack([step[layer] for step in spikes])
        v = torch.stack([step[layer] for step in potentials])
        excess = (v.abs() - front.threshold).clamp(min=0) ** 2
        loss = loss + 0.5 * (share * excess).sum((0, 1)).mean()
        rate = z.detach().mean((0, 1))
        loss = loss + (2.0 * (rate - 0.3) * (share * z).sum((0, 1))).sum()
    regularisers = Regularisers(rate_coef=2.0, target_rate=0.3, voltage_coef=0.5)
    ours = front.backward(parameters, scene["tape"], scene["adjoint"], weight, regularisers)
    assert_equal(ours, gradients(loss, leaves))


@pytest.mark.parametrize("chunk", [1, 2, 7, 20])
def test_chunks_change_nothing(scene, chunk):
    front = SpikingVision.create((15, 17), "float64", layers=SMALL, substeps=3, chunk=chunk)
    tape = front.tape(COLUMNS)
    play(front, scene["parameters"], scene["frames"], tape)
    regularisers = Regularisers(rate_coef=1.0, voltage_coef=0.5)
    assert_equal(
        front.backward(scene["parameters"], tape, scene["adjoint"], None, regularisers),
        scene["front"].backward(
            scene["parameters"], scene["tape"], scene["adjoint"], None, regularisers
        ),
    )


def test_replay_finds_the_same_spikes_in_single_precision(scene):
    front = small_front("float32")
    parameters = {name: w.astype("float32") for name, w in scene["parameters"].items()}
    tape = front.tape(COLUMNS)
    spikes, _ = play(front, parameters, scene["frames"], tape)
    again = front._replay(parameters, tape.start(3), tape.frames[3:6])
    z = again[-1][1].reshape(spikes[3:6].shape).numpy()
    np.testing.assert_array_equal(z, spikes[3:6])


def test_a_cleared_tape_starts_afresh(scene):
    front, parameters, tape = scene["front"], scene["parameters"], scene["front"].tape(COLUMNS)
    play(front, parameters, scene["frames"][::-1], tape)
    tape.clear()
    play(front, parameters, scene["frames"], tape)
    assert_equal(
        front.backward(parameters, tape, scene["adjoint"]),
        front.backward(parameters, scene["tape"], scene["adjoint"]),
    )


def test_published_sizes():
    front = SpikingVision.create()
    assert front.layers == LAYERS
    assert front.shapes == ((1, 84, 84), (16, 20, 20), (8, 17, 17))
    assert (front.n_spikes, front.n_pooled) == (2312, 16 * 4 * 4 + 8 * 7 * 7)


def test_an_even_background_drives_nothing():
    front = SpikingVision.create()
    parameters = front.initial_parameters(np.random.default_rng(0))
    frames = np.full((2, 84, 84), 87, np.uint8)
    spikes, pooled, _ = front.step(parameters, front.initial_state(2), frames)
    assert not spikes.any()
    assert not pooled.any()


def test_frames_too_small_are_refused():
    with pytest.raises(AgentError, match="too small"):
        SpikingVision.create((20, 20))
