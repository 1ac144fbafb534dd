"""Speed and memory of the perturbation rules, as a share of what the machine's product reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from ..agents import Targets, make_agent
from .bench_kernels import matrix_product
from .bench_table import made_on
from .clock import measure, one_thread
from .docs_page import replace_section
from .errors import UsageError
from .progress import Say
from .runs import check_writable, write_json

STEPS, COPIES, INPUTS = 50, 64, 40
UNITS = (100, 400, 1000)

#: Label -> agent and options.
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "node, white noise": ("node-perturbation", {"noise_tau": 0.0}),
    "node, correlated noise": ("node-perturbation", {}),
    "activity": ("activity-perturbation", {}),
    "weight, dense": ("weight-perturbation", {"noise": "dense", "noise_memory": 4096.0}),
    "weight, dense, drawn again": ("weight-perturbation", {"noise": "dense", "noise_memory": 0.0}),
    "weight, flip": ("weight-perturbation", {"noise": "flip"}),
    "weight, rank-one": ("weight-perturbation", {"noise": "rank-one"}),
    "hybrid, rank-one": ("hybrid-perturbation", {"noise": "rank-one"}),
    "Miconi": ("miconi", {}),
}


@dataclass(frozen=True)
class RuleSpeed:
    """One rule on a network of leaky rate units; times of a step and column, best of the repeats.

    Attributes:
        rule: label.
        units: N.
        forward_ns: a step with its noise; ``plain_ns`` the same step without.
        update_ns: the rule's gradient of the network's weights, shared among steps and columns.
        memory_mb: stored noise or fluctuations.
        product_gflops: rate of a product of two 2000 x 2000 matrices in the same run.
        share: 4 N (N + inputs) operations over both times, as a share of the matrix product's rate.
    """

    rule: str
    units: int
    plain_ns: float
    forward_ns: float
    update_ns: float
    memory_mb: float
    product_gflops: float
    share: float


def bench_perturbation(
    units: Sequence[int] = UNITS,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    json_file: str | Path | None = None,
    docs: str | Path | None = None,
    say: Say = print,
) -> list[RuleSpeed]:
    """Measure every rule at every size.

    Args:
        units: sizes of the network.
        seconds: process time of a repeat.
        repeats: how often.
        json_file: where to write the results too.
        docs: page that gets the table.
        say: where the table goes.

    Raises:
        UsageError: no sizes, or sizes below 1.
    """
    if not units or min(units) < 1:
        raise UsageError(f"units={list(units)} must be numbers of 1 or more.")
    check_writable(json_file, docs)
    found = []
    with one_thread() as threads:
        product = matrix_product()
        say(f"{STEPS} steps, {COPIES} columns, {INPUTS} inputs, float32, {threads}; ns")
        say(
            f"{'rule':<28}{'units':>6}{'plain':>9}{'forward':>9}{'update':>9}{'MB':>9}"
            f"{'Gflop/s':>9}{'share':>8}"
        )
        for n in units:
            for rule in RULES:
                found.append(_speed(rule, n, product, seconds, repeats))
                say(_line(found[-1]))
    if json_file is not None:
        write_json(Path(json_file), [asdict(one) for one in found])
    if docs is not None:
        _write_page(Path(docs), found, repeats)
    return found


def _speed(
    rule: str, n: int, product: Callable[[], float], seconds: float, repeats: int
) -> RuleSpeed:
    agent, x = _workload(rule, n)

    def steps(work: Callable[[], Any]) -> Callable[[], float]:
        def counted() -> float:
            work()
            return STEPS * COPIES

        return counted

    works = (
        steps(lambda: _plain(agent, x)),
        steps(lambda: _forward(agent, x)),
        steps(agent.network_gradient),
        product,
    )
    # By turns, so that a machine that slows down slows all of them.
    rates = [[measure(work, seconds, 1).best for work in works] for _ in range(repeats)]
    plain, forward, update, whole = np.max(rates, axis=0).tolist()
    ours = 4.0 * n * (n + INPUTS) / (1 / forward + 1 / update)
    return RuleSpeed(
        rule=rule,
        units=n,
        plain_ns=1e9 / plain,
        forward_ns=1e9 / forward,
        update_ns=1e9 / update,
        memory_mb=_memory(agent) / 2**20,
        product_gflops=whole / 1e9,
        share=ours / whole,
    )


def _workload(rule: str, n: int) -> tuple[Any, np.ndarray]:
    name, options = RULES[rule]
    rng = np.random.default_rng(0)
    trials = Targets(
        rng.normal(size=(STEPS, COPIES, INPUTS)),
        rng.normal(size=(STEPS, COPIES, 2)),
        gym.spaces.Box(-1, 1, (2,), np.float32),
    )
    agent: Any = make_agent(name, trials, n_envs=COPIES, n_neurons=n, input_gain=0.3, **options)
    agent.worth = rng.normal(size=(STEPS, COPIES))
    agent.play()
    return agent, trials.observations


def _forward(agent: Any, x: np.ndarray) -> None:
    """A round of the network alone: no environment, no reward."""
    agent._draw_seeds()
    agent.tape.clear()
    state = agent.network.initial_state(COPIES)
    for row in x:
        features, state = agent._network_step(state, row)
        agent._read_out(features)


def _plain(agent: Any, x: np.ndarray) -> None:
    agent.tape.clear()
    state = agent.network.initial_state(COPIES)
    for row in x:
        features, state = agent.network.step(agent.parameters, state, row, agent.tape)
        agent.outputs(features)


def _memory(agent: Any) -> float:
    """Bytes of noise that a round keeps."""
    names = ("noise", "caused", "observed", "network_noise")
    return sum(getattr(agent, name).nbytes for name in names if hasattr(agent, name))


def _line(one: RuleSpeed) -> str:
    return (
        f"{one.rule:<28}{one.units:>6}{one.plain_ns:>9.0f}{one.forward_ns:>9.0f}"
        f"{one.update_ns:>9.0f}{one.memory_mb:>9.2f}{one.product_gflops:>9.1f}{one.share:>8.1%}"
    )


def _write_page(page: Path, found: list[RuleSpeed], repeats: int) -> None:
    product = max(one.product_gflops for one in found)
    rows = [
        f"| {one.rule} | {one.units} | {one.plain_ns:.0f} | {one.forward_ns:.0f} | "
        f"{one.update_ns:.0f} | {one.memory_mb:.2f} | {one.share:.0%} |"
        for one in found
    ]
    text = "\n".join(
        [
            f"Made by `caudate bench perturbation --docs {page.as_posix()}`: leaky rate units, "
            f"{INPUTS} inputs,",
            f"{COPIES} columns, {STEPS} steps, float32, one thread; nanoseconds of a step and "
            f"column, best of {repeats}",
            f"repeats. The machine's matrix product reached {product:.0f} GFLOP/s in the same run.",
            made_on("NumPy"),
            "",
            "| rule | units | step without noise | step with noise | update | stored noise, MB "
            "| share of the product |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )
    replace_section(page, "bench-perturbation", text)
