"""One training run as a job: what it is, how far it is, and doing it, wherever that happens."""

from __future__ import annotations

import contextlib
import errno
import json
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..agents.registry import agent_spec, option_types
from .errors import UsageError
from .interrupts import stops_when
from .presets import find_preset
from .runs import Run, RunConfig
from .wandb_log import OFF, WandbSettings

DONE, RESUME, START, OTHER = "done", "resume", "start", "other"
_LOOK = 0.5  # seconds between looks at files: a file system may be shared by many


@dataclass(frozen=True)
class Job:
    """One training run.

    Attributes:
        path: its folder.
        arguments: keyword arguments of ``train``, without out and name.
        wandb: where it is logged.
    """

    path: Path
    arguments: dict[str, Any]
    wandb: WandbSettings = OFF

    def state(self) -> str:
        """Whether the run is finished, can be gone on with, or has to be started (again).

        ``OTHER`` is a run with other settings, in the way of this one.
        """
        try:
            run = Run.open(self.path)
            config = run.config
            result = run.result
        except UsageError:
            return START
        if self._differences(config):
            return OTHER
        if result is not None:
            return DONE
        return RESUME if run.last.is_file() else START

    def difference(self) -> str:
        """The first setting in which the run in the folder is another one, for a sentence."""
        name, there, here = self._differences(Run.open(self.path).config)[0]
        return f"{name} is {there!r}, not {here!r},"

    def _differences(self, config: RunConfig) -> list[tuple[str, Any, Any]]:
        """Name, value in the folder and value wanted of all settings that differ."""
        wanted = self.arguments | {"options": self._resolved()}
        wanted.pop("preset", None)  # the options tell it all
        if wanted["num_envs"] is None:  # the agent's own default
            del wanted["num_envs"]
        pairs = []
        for name, value in _as_json(wanted).items():
            there = getattr(config, name)
            if isinstance(value, dict) and isinstance(there, dict):
                keys = [*value, *(key for key in there if key not in value)]
                pairs += [(key, there.get(key), value.get(key)) for key in keys]
            else:
                pairs.append((name, there, value))
        return [pair for pair in pairs if pair[1] != pair[2]]

    def _resolved(self) -> dict[str, Any]:
        """All hyper-parameters of the run, as the agent will resolve them."""
        agent, env_id = self.arguments["agent"], self.arguments["env_id"]
        defaults = {name: default for name, (_, default) in option_types(agent).items()}
        preset = find_preset(agent, env_id, self.arguments.get("preset", "default")).options
        return defaults | agent_spec(agent).options | preset | self.arguments["options"]


@dataclass(frozen=True)
class Report:
    """How a job ended: ``error`` is the reason why it failed, None if it did not."""

    job: Job
    error: str | None = None
    warnings: tuple[str, ...] = ()
    interrupted: bool = False
    cpu_seconds: float = 0.0


def work(job: Job, stop: Path) -> Report:
    """Do a job from wherever it stands; never raises.

    Whoever is given a job a second time, because a worker or the command died, goes on with what
    the first has left: a finished run is not repeated, an unfinished one is resumed.

    Args:
        job: its path is absolute, on a file system that all workers share.
        stop: when this file appears, the run saves itself and ends.
    """
    began = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        error, interrupted = _try(job, stop)
    messages = dict.fromkeys(str(warning.message) for warning in caught)
    return Report(job, error, tuple(messages), interrupted, time.process_time() - began)


def hold_interrupts(hold: bool) -> None:
    """Let a Ctrl-C wait, in this thread and in processes started by it, where systems can do so."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK if hold else signal.SIG_UNBLOCK, {signal.SIGINT})


def _try(job: Job, stop: Path) -> tuple[str | None, bool]:
    asked = _Appears(stop)
    try:
        hold_interrupts(False)
        with exclusive(job.path, asked) as alone, stops_when(asked):
            return None, not alone or asked() or _train(job)
    except KeyboardInterrupt:  # before training began, or a second one
        return None, True
    except Exception as error:
        return reason(error), False


def reason(error: BaseException) -> str:
    """An error in one line: a user's mistake in its own words, others with their type."""
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else "no message"
    users = isinstance(error, ValueError) and type(error).__module__.startswith("caudate")
    return message if users else f"{type(error).__name__}: {message}"


def _train(job: Job) -> bool:
    """Returns whether the run was interrupted."""
    from .trainer import resume, train

    quiet: dict[str, Any] = {"wandb": job.wandb, "progress": False, "say": silent}
    state = job.state()
    if state == DONE:
        return False
    if state == RESUME:
        return resume(job.path, **quiet).interrupted
    place = {"out": job.path.parent, "name": job.path.name, "overwrite": True}
    return train(**job.arguments, **place, **quiet).interrupted


class _Appears:
    """Whether a file has appeared, looked for now and then."""

    def __init__(self, path: Path):
        self.path = path
        self.next, self.seen = 0.0, False

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self.seen and now >= self.next:
            self.seen, self.next = self.path.exists(), now + _LOOK
        return self.seen


@contextlib.contextmanager
def exclusive(path: Path, asked: Callable[[], bool]) -> Iterator[bool]:
    """Wait until no other process is at work in a run's folder; yields False if asked to stop.

    A worker that was given up may still be alive, and so may the jobs of a command that was killed.
    """
    try:
        import fcntl
    except ImportError:  # Windows: nobody else is kept out
        yield True
        return
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    break  # a file system without locks
            if asked():
                yield False
                return
            time.sleep(_LOOK)
        yield True


def _as_json(value: Any) -> Any:
    """As it looks after it was written to a file."""
    return json.loads(json.dumps(value))


def silent(text: str) -> None:
    pass
