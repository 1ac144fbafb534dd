"""Speed of the tasks: steps per CPU-second, natively batched and beside Gymnasium's own batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from ..envs import task_ids
from .clock import Rate, measure, one_thread
from .errors import UsageError
from .evaluation import check_env_id
from .progress import Say
from .runs import write_json

SIZES = (1, 64, 1024)
SYNC_SIZE = 64
_PREPARED = 997  # action batches drawn ahead; prime, so that they do not repeat with the trials


@dataclass(frozen=True)
class EnvSpeed:
    """Steps per CPU-second of one task.

    Attributes:
        native: number of copies -> rate of the native batch.
        sync: rate of Gymnasium's ``SyncVectorEnv`` of the same task at 64 copies.
        ratio: native over sync, both at 64 copies, best of the repeats.
    """

    env_id: str
    native: dict[int, Rate]
    sync: Rate
    ratio: float


def bench_envs(
    tasks: Sequence[str] | None = None,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    json_file: str | Path | None = None,
    say: Say = print,
) -> list[EnvSpeed]:
    """Measure tasks with random actions and next-step autoreset; reset rows are not counted.

    Args:
        tasks: environment ids, all of this library if not given.
        seconds: CPU time of one repeat.
        repeats: of each measurement.
        json_file: also write the result here.
        say: where the table goes.
    """
    ids = list(tasks) if tasks else task_ids()
    for env_id in ids:
        check_env_id(env_id)
    if repeats < 1 or seconds <= 0:
        raise UsageError(f"repeats={repeats} must be 1 or more and seconds={seconds} above 0.")
    sizes = "".join(f"{f'native, {size:,}':>16}" for size in SIZES)
    say("steps per CPU-second, million: best of the repeats (median)")
    say(f"{'task':<34}{sizes}{f'SyncVectorEnv, {SYNC_SIZE}':>20}{'ratio':>8}")
    found = []
    with one_thread():
        for env_id in ids:
            found.append(_bench(env_id, seconds, repeats))
            say(_line(found[-1]))
    if json_file is not None:
        write_json(Path(json_file), [asdict(speed) for speed in found])
    return found


def _bench(env_id: str, seconds: float, repeats: int) -> EnvSpeed:
    native = {size: _rate(gym.make_vec(env_id, num_envs=size), seconds, repeats) for size in SIZES}
    sync = gym.make_vec(env_id, num_envs=SYNC_SIZE, vectorization_mode="sync")
    slow = _rate(sync, seconds, repeats)
    return EnvSpeed(env_id, native, slow, native[SYNC_SIZE].best / slow.best)


def _rate(env: VectorEnv, seconds: float, repeats: int) -> Rate:
    work = _player(env)
    work()
    rate = measure(work, seconds, repeats)
    env.close()
    return rate


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
    native = "".join(f"{_million(speed.native[size]):>16}" for size in SIZES)
    return f"{speed.env_id:<34}{native}{_million(speed.sync):>20}{speed.ratio:>8.1f}"


def _million(rate: Rate) -> str:
    return f"{rate.best / 1e6:.3g} ({rate.median / 1e6:.3g})"
