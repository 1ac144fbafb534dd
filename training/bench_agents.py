"""Speed of the agents: environment steps per CPU-second while they learn, and of their kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..agents import AgentError, make_agent
from ..agents.registry import AGENTS, agent_spec, option_types
from . import bench_kernels, bench_traces
from .bench_kernels import INPUTS, STEPS, KernelShare, kernel_share
from .bench_table import Columns, made_on
from .bench_traces import TraceSpeed, trace_speed
from .clock import Rate, measure, one_thread
from .docs_page import replace_section
from .errors import UsageError
from .evaluation import check_env_id
from .progress import Say
from .runs import check_writable, write_json

TASKS = ("caudate/DelayedMatch-Bench-v0", "caudate/DelayedMatch-v0")
REFERENCE = "recurrent-ppo"
COPIES, UNITS = 64, 100
SINGLE_UNITS = (100, 400)  # of a network that learns alone in its process


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


COLUMNS = Columns[AgentSpeed](
    (
        ("agent", 20, lambda one: one.agent),
        ("best", 12, lambda one: f"{one.rate.best:,.0f}"),
        ("median", 12, lambda one: f"{one.rate.median:,.0f}"),
        (f"x {REFERENCE}", 18, lambda one: "-" if one.ratio is None else f"{one.ratio:.1f}"),
    )
)


@dataclass(frozen=True)
class AgentBench:
    """What was measured.

    Attributes:
        agents: learning on tasks.
        kernels: the spiking kernels alone, in batches and with one copy.
        traces: online e-prop alone.
    """

    agents: list[AgentSpeed]
    kernels: list[KernelShare]
    traces: list[TraceSpeed]


def bench_agents(
    agents: Sequence[str] | None = None,
    tasks: Sequence[str] = TASKS,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    kernels: bool = True,
    json_file: str | Path | None = None,
    docs: str | Path | None = None,
    say: Say = print,
) -> AgentBench:
    """Measure agents that learn at 64 copies with 100 units, then the spiking kernels alone.

    Args:
        agents: names, networks and baselines if not given; RecurrentPPO is measured in any
            case, where installed.
        tasks: environment ids.
        seconds: CPU time of one repeat, at least one update.
        repeats: of each measurement.
        kernels: measure the kernels and online e-prop too.
        json_file: also write the result here.
        docs: also write the agents' section of the page ``speed.md`` in this folder.
        say: where the tables go.
    """
    networks = [name for name, spec in AGENTS.items() if spec.kind in ("network", "baseline")]
    names = networks if agents is None else list(agents)
    for name in names:
        agent_spec(name)
    for env_id in tasks:
        check_env_id(env_id)
    if repeats < 1 or seconds <= 0:
        raise UsageError(f"repeats={repeats} must be 1 or more and seconds={seconds} above 0.")
    page = None if docs is None else Path(docs) / "speed.md"
    check_writable(json_file, page)
    speeds: list[AgentSpeed] = []
    with one_thread():
        for env_id in tasks:
            speeds += _bench_task(env_id, names, seconds, repeats, say)
    found = AgentBench(speeds, *(_bench_kernels(seconds, repeats, say) if kernels else ([], [])))
    if json_file is not None:
        write_json(Path(json_file), asdict(found))
    if page is not None:
        replace_section(page, "bench-agents", _section(found, seconds, repeats), title="Speed")
    return found


def _bench_kernels(
    seconds: float, repeats: int, say: Say
) -> tuple[list[KernelShare], list[TraceSpeed]]:
    options: dict[str, Any] = {"seconds": seconds, "repeats": repeats, "say": say}
    shares = kernel_share(**options)
    shares += kernel_share(SINGLE_UNITS, copies=1, threads=(1,), **options)
    return shares, trace_speed(**options)


def _bench_task(
    env_id: str, names: Sequence[str], seconds: float, repeats: int, say: Say
) -> list[AgentSpeed]:
    say(
        f"{env_id}: {COPIES} copies, {UNITS} units; environment steps per CPU-second while learning"
    )
    say(COLUMNS.heading)
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
        say(COLUMNS.line(found[-1]))
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


def _section(found: AgentBench, seconds: float, repeats: int) -> str:
    parts = [
        "## Agents",
        f"Made by `caudate bench agents --seconds {seconds:g} --docs docs`; the best of {repeats} "
        f"repeats, one\nthread where nothing else is said. {made_on('NumPy')}",
    ]
    for env_id in dict.fromkeys(speed.env_id for speed in found.agents):
        parts += [
            f"### Learning `{env_id}`",
            f"Environment steps per CPU-second while learning, {COPIES} copies, {UNITS} units.",
            COLUMNS.markdown(speed for speed in found.agents if speed.env_id == env_id),
        ]
    batches = [share for share in found.kernels if share.copies > 1]
    singles = [share for share in found.kernels if share.copies == 1]
    if batches:
        parts += [
            f"### Spiking kernels, {batches[0].copies} copies",
            _KERNELS,
            bench_kernels.COLUMNS.markdown(batches),
        ]
    if singles:
        parts += [
            "### Spiking kernels, one copy",
            f"The same with one trial of {STEPS} steps at a time, as in a process of its own.",
            bench_kernels.COLUMNS.markdown(singles),
        ]
    if found.traces:
        parts += ["### Online e-prop", _TRACES, bench_traces.COLUMNS.markdown(found.traces)]
    return "\n\n".join(parts)


_KERNELS = f"""\
Forward pass and gradient of {STEPS} steps of LIF + ALIF neurons with {INPUTS} inputs, float32.
*Share* is 4 N (N + {INPUTS}) operations a step and copy (BPTT: 2 N N more) over the time, as a
share of the rate of a large float32 matrix product in the same run (*product*, Gflop/s); it passes
100 % where a kernel leaves out what silent neurons do not add. *torch* is a loop over time and
`backward()`, for e-prop with recurrent and reset spikes detached. *Time / ours*: over our fastest
kernel's for the same rule on one thread. Rows on two threads are in elapsed time, of which others'
use of the machine takes its part; all others are in CPU time."""

_TRACES = """\
A step of e-prop whose traces are carried forward synapse by synapse: the eligibility traces alone,
and all that learning does in a step. *GB/s* is what the traces take to be read and written once;
*share* is that over the rate, read and written, of copying a large float32 array (*copy*). Sizes
that fit into a cache pass 100 %; beside it stands the rate of copying an array of that size."""
