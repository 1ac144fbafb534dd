"""Speed of the agents: environment steps per CPU-second while they learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..agents import AgentError, make_agent
from ..agents.registry import AGENTS, agent_spec, option_types
from .bench_kernels import KernelShare, kernel_share
from .clock import Rate, measure, one_thread
from .errors import UsageError
from .evaluation import check_env_id
from .progress import Say
from .runs import check_writable, write_json

TASKS = ("caudate/DelayedMatch-Bench-v0", "caudate/DelayedMatch-v0")
REFERENCE = "recurrent-ppo"
COPIES, UNITS = 64, 100


@dataclass(frozen=True)
class AgentSpeed:
    """Environment steps per CPU-second of one agent on one task.

    Attributes:
        ratio: over RecurrentPPO's in the same run, best of the repeats; None without it.
    """

    agent: str
    env_id: str
    rate: Rate
    ratio: float | None


@dataclass(frozen=True)
class AgentBench:
    """What was measured: agents that learn, and the spiking kernel alone."""

    agents: list[AgentSpeed]
    kernels: list[KernelShare]


def bench_agents(
    agents: Sequence[str] | None = None,
    tasks: Sequence[str] = TASKS,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    kernels: bool = True,
    json_file: str | Path | None = None,
    say: Say = print,
) -> AgentBench:
    """Measure agents that learn at 64 copies with 100 units, then the spiking kernel alone.

    Args:
        agents: names, all if not given; RecurrentPPO is measured in any case, where installed.
        tasks: environment ids.
        seconds: CPU time of one repeat, at least one update.
        repeats: of each measurement.
        kernels: measure the kernel too.
        json_file: also write the result here.
        say: where the tables go.
    """
    names = list(AGENTS) if agents is None else list(agents)
    for name in names:
        agent_spec(name)
    for env_id in tasks:
        check_env_id(env_id)
    if repeats < 1 or seconds <= 0:
        raise UsageError(f"repeats={repeats} must be 1 or more and seconds={seconds} above 0.")
    check_writable(json_file)
    speeds: list[AgentSpeed] = []
    with one_thread():
        for env_id in tasks:
            speeds += _bench_task(env_id, names, seconds, repeats, say)
    shares = kernel_share(seconds=seconds, repeats=repeats, say=say) if kernels else []
    if json_file is not None:
        content = {"agents": list(map(asdict, speeds)), "kernels": list(map(asdict, shares))}
        write_json(Path(json_file), content)
    return AgentBench(speeds, shares)


def _bench_task(
    env_id: str, names: Sequence[str], seconds: float, repeats: int, say: Say
) -> list[AgentSpeed]:
    say(
        f"{env_id}: {COPIES} copies, {UNITS} units; environment steps per CPU-second while learning"
    )
    say(f"{'agent':<20}{'best':>12}{'median':>12}{f'x {REFERENCE}':>18}")
    others = [name for name in names if name != REFERENCE]
    reference: Rate | None = None
    found = []
    for name in [REFERENCE, *others]:
        try:
            rate = _rate(name, env_id, seconds, repeats)
        except AgentError as error:
            say(f"{name:<20}skipped: {error}")
            continue
        reference = rate if name == REFERENCE else reference
        ratio = rate.best / reference.best if reference is not None else None
        found.append(AgentSpeed(name, env_id, rate, ratio))
        say(_line(found[-1]))
    return found


def _rate(name: str, env_id: str, seconds: float, repeats: int) -> Rate:
    known = option_types(name)
    units: dict[str, Any] = {"n_neurons": UNITS} if "n_neurons" in known else {}
    units |= {key: UNITS for key in ("n_hidden", "n_lstm") if key in known}
    agent = make_agent(name, env_id, seed=0, n_envs=COPIES, **units)
    agent.warm_up()
    agent.update()

    def work() -> float:
        before = agent.num_timesteps
        agent.update()
        return agent.num_timesteps - before

    return measure(work, seconds, repeats)


def _line(speed: AgentSpeed) -> str:
    ratio = "-" if speed.ratio is None else f"{speed.ratio:.1f}"
    return f"{speed.agent:<20}{speed.rate.best:>12,.0f}{speed.rate.median:>12,.0f}{ratio:>18}"
