"""The rule is the gradient of the contrast: held against differences of settled energies."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ....agents.contrastive import ActionNet, ContrastiveNet, Teacher
from ....agents.contrastive.systems import (
    LinearUnit,
    System,
    higher_order,
    oscillators,
    settle,
)
from ....agents.contrastive.teachers import softmax
from ...reproduction import Claim, Experiment

Array = np.ndarray

SIZES, SCALE, SEED = (3, 5, 2), 0.6, 3
STEPS, DT, TOLERANCE = 4000, 0.3, 1e-14
STEP = 1e-5  # of weights in central differences
INPUT, TARGET = np.array([[0.5, -0.8, 0.3]]), np.array([[0.6, -0.4]])
TEACHERS = ("hard", "spring", "two-sided", "current", "policy")
BETAS = (0.1, 0.01, 0.001)
KAPPA = 2.0


def network(**how: Any) -> ContrastiveNet:
    """A small network with lateral synapses that settles to the last digits."""
    given = {"steps": STEPS, "dt": DT, "tolerance": TOLERANCE} | how
    return ContrastiveNet.create(SIZES, [SEED], lateral=True, scale=SCALE, **given)


def teacher_of(kind: str, beta: float) -> Teacher:
    """One of that kind; of a policy the first action was taken."""
    target = np.array([[1.0, 0.0]]) if kind == "policy" else TARGET
    return Teacher(kind, target, beta, KAPPA)


def differences(net: ContrastiveNet, value: Callable[[ContrastiveNet], float]) -> Array:
    """d value / dW (N, N) by central differences, synapse by synapse; 0 where there is none."""
    found = np.zeros(net.mask.shape)
    for i, j in zip(*np.nonzero(np.triu(net.mask)), strict=True):
        ends = []
        for sign in (1, -1):
            weights = net.weights.copy()
            weights[0, [i, j], [j, i]] += sign * STEP
            ends.append(value(replace(net, weights=weights)))
        found[[i, j], [j, i]] = (ends[0] - ends[1]) / (2 * STEP)
    return found


def distance(ours: Array, exact: Array) -> float:
    """Norm of the difference over that of ``exact``."""
    return float(np.linalg.norm(ours - exact) / np.linalg.norm(exact))


def rule(net: ContrastiveNet, teacher: Teacher) -> Array:
    """What the two phases say of the weights (N, N)."""
    taught, _, minus = net.phases(INPUT, teacher)
    return net.difference(taught.v, minus.v)[0][0]


def contrast(net: ContrastiveNet, teacher: Teacher) -> float:
    """C; of a two-sided teacher that of +beta less that of -beta."""
    taught, free, minus = net.phases(INPUT, teacher)
    teacher = teacher.ready(free.v[..., -SIZES[2] :])
    value = net.contrast(taught, free, teacher)
    if teacher.two_sided:
        value = value - net.contrast(minus, free, teacher.opposite())
    return float(value[0, 0])


def loss(net: ContrastiveNet) -> float:
    """Half the squared distance of the free outputs from the target."""
    out = net.relax(INPUT).v[0, :, -SIZES[2] :]
    return float(((TARGET - out) ** 2).sum() / 2)


def log_policy(net: ContrastiveNet) -> float:
    """log pi of the first action."""
    return float(np.log(softmax(KAPPA * net.relax(INPUT).v[0, 0, -SIZES[2] :])[0]))


def _held(net: ContrastiveNet, kind: str) -> float:
    """Distance of the rule from -dC/dW at beta 1; a policy's teacher is held as it was."""
    teacher = teacher_of(kind, 1.0)
    if kind == "policy":  # its force is that of the free state before the differences
        teacher = replace(teacher, kind="current", target=_force(net))
    return distance(rule(net, teacher), -differences(net, lambda one: contrast(one, teacher)))


def _force(net: ContrastiveNet) -> Array:
    free = net.relax(INPUT).v[0, :, -SIZES[2] :]
    return KAPPA * (np.array([[1.0, 0.0]]) - softmax(KAPPA * free))


def _systems() -> dict[str, float]:
    """The same of other energies, with a spring on one coordinate."""
    rng = np.random.default_rng(0)
    drive, start = rng.uniform(0.3, 1.0, 4), rng.uniform(-0.5, 0.5, 4)
    phases = oscillators(drive, rng.uniform(-2, 2, 4))
    cases = {"phase oscillators": (phases, rng.uniform(-1, 1, 6), start)}
    for joined in (np.array([[0, 1, 2], [1, 2, 3]]), np.array([[0, 1, 2, 3]])):
        system, weights = higher_order(drive, joined), rng.uniform(-1, 1, len(joined))
        cases[f"synapses of order {joined.shape[1]}"] = system, weights, start
    return {name: _system(*case) for name, case in cases.items()}


def _system(system: System, weights: Array, start: Array, target: float = 0.7) -> float:
    def states(w: Array) -> tuple[Array, Array]:
        free, _ = settle(system, w, start)
        return free, settle(system, w, free, pull)[0]

    def pull(x: Array) -> Array:
        force = np.zeros_like(x)
        force[0] = target - x[0]
        return force

    def value(w: Array) -> float:
        free, taught = states(w)
        return system.energy(w, taught) + (target - taught[0]) ** 2 / 2 - system.energy(w, free)

    free, taught = states(weights)
    ours = system.features(taught) - system.features(free)
    steps = STEP * np.eye(len(weights))
    exact = [-(value(weights + s) - value(weights - s)) / (2 * STEP) for s in steps]
    return distance(ours, np.array(exact))


def _linear_unit() -> float:
    """Largest distance of a linear unit that settles from the closed form."""
    net = network(output="linear")
    net.weights[...] = 0
    net.weights[0, 0, -1] = net.weights[0, -1, 0] = 0.5
    x, target = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0]])
    teacher, unit = Teacher("spring", target), LinearUnit(0.5, 1.0, 1.0, 1.0)
    taught, free, minus = net.phases(x, teacher)
    slope = net.difference(taught.v, minus.v)[0][0, 0, -1]
    found = net.contrast(taught, free, teacher)[0, 0], slope
    return float(np.abs(np.array(found) - (unit.contrast, unit.slope)).max())


def _largest_rise() -> float:
    """Of the energy in a step of dt = .1, free or taught by a spring, over many networks."""
    seeds = range(20)
    net = ContrastiveNet.create(SIZES, seeds, lateral=True, scale=1.5, dt=0.1)
    teacher, worst = teacher_of("spring", 1.0), -np.inf
    phase = None
    for taught in (False, True):
        energies = []
        for _ in range(300):
            phase = net.relax(INPUT, teacher if taught else None, phase, steps=1)
            own = teacher.potential(phase.v[..., -SIZES[2] :]) if taught else 0.0
            energies.append(net.energy(phase.v) + own)
        worst = max(worst, float(np.diff(np.array(energies), axis=0).max()))
    return worst


def _trained_symmetry() -> float:
    """Largest asymmetry, and weight where there is no synapse, after 50 updates."""
    net = ContrastiveNet.create(SIZES, range(5), steps=30)
    for _ in range(50):
        net.learn(INPUT, teacher_of("hard", 1.0), 0.1)
    apart = np.abs(net.weights - net.weights.transpose(0, 2, 1)).max()
    return float(max(apart, np.abs(net.weights * ~net.mask).max()))


def _action() -> dict[str, float]:
    """The action of trajectories: the rule against differences, and against BPTT."""
    net = ActionNet.create(6, [1], gain=0.7)
    targets = 0.5 * np.sin(np.arange(8))[:, None] * np.array([1.0, -1.0])
    found = {}
    for beta in (0.3, 1e-5):
        ours = net.gradient(targets, beta, sweeps=300, damping=0.3)[0][0]
        exact = np.zeros_like(ours)
        for i, j in np.ndindex(exact.shape):
            ends = []
            for sign in (1, -1):
                moved = replace(net, weights=net.weights.copy())
                moved.weights[0, i, j] += sign * STEP
                ends.append(moved.contrast(targets, beta if beta > 0.01 else None))
            exact[i, j] = (ends[0] - ends[1]) / (2 * STEP)
        found[str(beta)] = distance(ours, exact)
    return found


def measure(quick: bool) -> dict[str, Any]:
    """Relative distances of pairs of computations of one thing."""
    del quick  # it takes seconds
    net = network()
    loss_slope = -differences(net, loss)
    adjoint = -net.recurrent_backprop(INPUT, TARGET)[0][0]
    policy_slope = differences(net, log_policy)

    def nudged(kind: str, exact: Array) -> list[float]:
        teachers = [teacher_of(kind, beta) for beta in BETAS]
        return [distance(rule(net, one) / one.divisor, exact) for one in teachers]

    cold = network(gain=2.0)
    return {
        "contrast": {kind: _held(net, kind) for kind in TEACHERS},
        "boltzmann": _held(cold, "hard"),
        "spring": nudged("spring", loss_slope),
        "two-sided": nudged("two-sided", loss_slope),
        "policy": nudged("policy", policy_slope),
        "adjoint": distance(adjoint, loss_slope),
        "rule_adjoint": nudged("spring", adjoint)[-1],
        "systems": _systems(),
        "linear": _linear_unit(),
        "rise": _largest_rise(),
        "symmetry": _trained_symmetry(),
        "action": _action(),
    }


def claims(result: dict[str, Any]) -> list[Claim]:
    """Each pair agrees as far as it should."""

    def below(text: str, value: float, limit: float) -> Claim:
        return Claim(text, f"< {limit:g}", f"{value:.1e}", value < limit)

    def ratio(text: str, errors: list[float], expected: float, within: float) -> Claim:
        ratios = [a / b for a, b in itertools.pairwise(errors)]
        return Claim(
            text,
            f"{expected:g} +- {within:g}",
            ", ".join(f"{one:.1f}" for one in ratios),
            all(abs(one - expected) <= within for one in ratios),
        )

    rows = [
        below(f"Abstract: the rule is gradient descent of the contrast; {kind} teacher, beta 1: "
              "relative distance from differences of C", value, 1e-6)
        for kind, value in result["contrast"].items()
    ]  # fmt: skip
    rows.append(
        below(
            "Abstract: the deterministic Boltzmann machine is a special case (gain 1 / T, T = .5)",
            result["boltzmann"],
            1e-6,
        )
    )
    rows += [
        below(f"Abstract: more general dynamical systems; {name} (this library's)", value, 1e-6)
        for name, value in result["systems"].items()
    ]
    spring, both = result["spring"], result["two-sided"]
    return [
        *rows,
        below("Linear unit: C and its slope, distance from the closed form", result["linear"],
              1e-10),
        ratio("Spring over beta against the gradient of the squared error: errors fall with beta "
              "(.1, .01, .001) by", spring, 10, 1.5),
        below("... at beta .001 (below 3 beta: the factor is the network's)", spring[-1], 3e-3),
        ratio("Two-sided: errors fall with beta squared, by", both, 100, 20),
        below("Recurrent backpropagation (Pineda, Almeida) against differences",
              result["adjoint"], 1e-6),
        below("Spring over beta against recurrent backpropagation, beta .001",
              result["rule_adjoint"], 3e-3),
        below("Policy's teacher over beta against the gradient of log pi, beta .001 (this "
              "library's)", result["policy"][-1], 5e-3),
        below("Largest rise of the energy in a step, free and taught, 20 networks",
              result["rise"], 1e-9),
        Claim("Asymmetry of weights, and weights where there is no synapse, after learning", "0",
              f"{result['symmetry']:g}", result["symmetry"] == 0),
        below("Action of trajectories (this library's): the rule against differences of C, "
              "beta .3", result["action"]["0.3"], 1e-6),
        below("... against the gradient of the free run's error (BPTT), beta 1e-5",
              result["action"]["1e-05"], 1e-3),
    ]  # fmt: skip


EXPERIMENT = Experiment(
    "identities",
    "Identities, settled to rest",
    measure,
    claims,
    None,
    {"sizes": SIZES, "scale": SCALE, "seed": SEED, "steps": STEPS, "betas": BETAS},
)
