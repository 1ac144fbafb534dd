"""Speed of the tasks: steps per CPU-second, single, natively batched, in Gymnasium's own batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from ..envs import task_ids
from .bench_table import made_on
from .clock import Rate, measure, one_thread
from .docs_page import replace_section
from .errors import UsageError
from .evaluation import check_env_id
from .progress import Say
from .runs import check_writable, write_json

SIZES = (64, 1024)
SYNC_SIZE = 64
_PREPARED = 997  # action batches drawn ahead; prime, so that they do not repeat with the trials


@dataclass(frozen=True)
class EnvSpeed:
    """Steps per CPU-second of one task.

    Attributes:
        single: rate of the environment itself, without Gymnasium's wrappers.
        native: number of copies -> rate of the native batch.
        sync: rate of Gymnasium's ``SyncVectorEnv`` of the same task at 64 copies.
        ratio: native over sync, both at 64 copies, best of the repeats.
    """

    env_id: str
    single: Rate
    native: dict[int, Rate]
    sync: Rate
    ratio: float


def bench_envs(
    tasks: Sequence[str] | None = None,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    json_file: str | Path | None = None,
    docs: str | Path | None = None,
    say: Say = print,
) -> list[EnvSpeed]:
    """Measure tasks with random actions; batches reset themselves, and reset rows are not counted.

    Args:
        tasks: environment ids, all of this library if not given.
        seconds: CPU time of one repeat.
        repeats: of each measurement.
        json_file: also write the result here.
        docs: also write the tasks' section of the page ``speed.md`` in this folder.
        say: where the table goes.
    """
    ids = list(tasks) if tasks else task_ids()
    for env_id in ids:
        check_env_id(env_id)
    if repeats < 1 or seconds <= 0:
        raise UsageError(f"repeats={repeats} must be 1 or more and seconds={seconds} above 0.")
    page = None if docs is None else Path(docs) / "speed.md"
    check_writable(json_file, page)
    sizes = "".join(f"{f'native, {size:,}':>16}" for size in SIZES)
    say("steps per CPU-second, million: best of the repeats (median)")
    say(f"{'task':<38}{'single':>16}{sizes}{f'SyncVectorEnv, {SYNC_SIZE}':>20}{'ratio':>8}")
    found = []
    with one_thread():
        for env_id in ids:
            found.append(_bench(env_id, seconds, repeats))
            say(_line(found[-1]))
    if json_file is not None:
        write_json(Path(json_file), [asdict(speed) for speed in found])
    if page is not None:
        replace_section(page, "bench-envs", _section(found, seconds, repeats), title="Speed")
    return found


def _bench(env_id: str, seconds: float, repeats: int) -> EnvSpeed:
    def rate(work: Callable[[], float]) -> Rate:
        work()  # what the first steps prepare is not counted
        return measure(work, seconds, repeats)

    single = rate(_lone_player(gym.make(env_id).unwrapped))
    native = {size: rate(_player(gym.make_vec(env_id, num_envs=size))) for size in SIZES}
    sync = rate(_player(gym.make_vec(env_id, num_envs=SYNC_SIZE, vectorization_mode="sync")))
    return EnvSpeed(env_id, single, native, sync, native[SYNC_SIZE].best / sync.best)


def _lone_player(env: gym.Env) -> Callable[[], float]:
    """A function that plays steps of one environment, resets between them, and counts the steps."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(_PREPARED)]
    env.reset(seed=0)

    def work() -> float:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return float(_PREPARED)

    return work


def _player(env: VectorEnv) -> Callable[[], float]:
    """A function that plays a block of steps and returns how many transitions were real."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(_PREPARED)]
    block = max(1, 4096 // env.num_envs)
    env.reset(seed=0)
    begins = np.zeros(env.num_envs, bool)  # columns whose next step is a reset
    position = 0

    def work() -> float:
        nonlocal begins, position
        resets = 0
        for _ in range(block):
            resets += np.count_nonzero(begins)
            _, _, terminated, truncated, _ = env.step(actions[position])
            begins = terminated | truncated
            position = (position + 1) % _PREPARED
        return float(block * env.num_envs - resets)

    return work


def _line(speed: EnvSpeed) -> str:
    rates = "".join(f"{_million(one):>16}" for one in (speed.single, *speed.native.values()))
    return f"{speed.env_id:<38}{rates}{_million(speed.sync):>20}{speed.ratio:>8.1f}"


def _section(found: Sequence[EnvSpeed], seconds: float, repeats: int) -> str:
    sizes = " | ".join(f"batch of {size:,}" for size in SIZES)
    lines = [
        "## Tasks",
        "",
        f"Made by `caudate bench envs --seconds {seconds:g} --docs docs`. Million steps per",
        f"CPU-second on one thread with random actions: the best of {repeats} repeats, in brackets",
        "their median. *Single* is the environment itself, without Gymnasium's wrappers; batches",
        "reset themselves, and the rows on which they do are not counted. The last two columns are",
        f"Gymnasium's `SyncVectorEnv` around {SYNC_SIZE} single environments, and how many times",
        f"faster the native batch of {SYNC_SIZE} is.",
        "",
        made_on("NumPy", "Gymnasium"),
        "",
        f"| id | single | {sizes} | `SyncVectorEnv` | ratio |",
        "|---|" + "---|" * (len(SIZES) + 3),
    ]
    for speed in found:
        rates = (speed.single, *speed.native.values(), speed.sync)
        cells = " | ".join(map(_million, rates))
        lines.append(f"| `{speed.env_id}` | {cells} | {speed.ratio:.0f} |")
    return "\n".join(lines)


def _million(rate: Rate) -> str:
    return f"{rate.best / 1e6:.3g} ({rate.median / 1e6:.3g})"
