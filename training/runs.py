"""The run folder: everything that one training leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .errors import UsageError

if TYPE_CHECKING:
    from ..agents import Agent


@dataclass(frozen=True)
class RunConfig:
    """All that is needed to run a training again; written to ``config.json``."""

    agent: str
    env_id: str
    env_kwargs: dict[str, Any]
    seed: int
    num_envs: int | None
    options: dict[str, Any]
    steps: int
    eval_every: int
    until: float | None
    cpu_limit: float | None
    preset: str
    wandb: dict[str, Any]
    versions: dict[str, str]
    tensorboard: bool = False


class Run:
    """A run folder and its files.

    ``config.json``, ``metrics.jsonl`` (no times: equal runs have equal files), ``timing.jsonl``,
    ``checkpoints/last.caudate``, ``checkpoints/best.caudate``, ``result.json``, ``figures/``.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.timing = self.path / "timing.jsonl"
        self.last = self.path / "checkpoints" / "last.caudate"
        self.best = self.path / "checkpoints" / "best.caudate"
        self.figures = self.path / "figures"

    @classmethod
    def create(cls, path: str | Path, config: RunConfig) -> Run:
        """Make the folder; it must not hold another run.

        Raises:
            UsageError: the folder holds a run, or cannot be written.
        """
        run = cls(path)
        run.check_free()
        with _writable(run.path):
            for folder in (run.path, run.last.parent, run.figures):
                folder.mkdir(parents=True, exist_ok=True)
            run.metrics.write_text("")
            run.timing.write_text("")
        run.write_json("config.json", asdict(config))
        return run

    def check_free(self) -> None:
        """Raise UsageError if the folder holds a run."""
        if not (self.path / "config.json").exists():
            return
        if self.result is not None:
            raise UsageError(
                f"{self.path} holds a finished run: replace it (--overwrite) or choose another "
                "folder with --out."
            )
        raise UsageError(
            f"{self.path} holds an unfinished run: resume it (--resume {self.path}), replace it "
            "(--overwrite) or choose another folder with --out."
        )

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """An existing run.

        Raises:
            UsageError: there is no such folder, or it is not a run.
        """
        run = cls(path)
        if not run.path.is_dir():
            raise UsageError(f"There is no run folder {run.path}: check the path.")
        if not (run.path / "config.json").is_file():
            raise UsageError(f"{run.path} is not a run folder: it has no config.json.")
        return run

    @property
    def config(self) -> RunConfig:
        try:
            return RunConfig(**self.read_json("config.json"))
        except (TypeError, ValueError) as error:
            raise UsageError(f"{self.path / 'config.json'} is not a run's: {error}.") from error

    @property
    def result(self) -> dict[str, Any] | None:
        """What the run came to; None while it is not finished."""
        exists = (self.path / "result.json").is_file()
        return self.read_json("result.json") if exists else None

    def agent(self) -> Agent:
        """The agent of :meth:`checkpoint`; of one named ``module:name`` the module is imported."""
        from ..agents.registry import agent_spec, load_agent

        agent_spec(self.config.agent)
        return load_agent(self.checkpoint())

    def checkpoint(self) -> Path:
        """The checkpoint to look at: the best one, or the last where there is no best."""
        for path in (self.best, self.last):
            if path.is_file():
                return path
        raise UsageError(f"{self.path} has no checkpoint yet: train it longer or resume it.")

    def records(self, name: str = "metrics.jsonl") -> list[dict[str, Any]]:
        """All whole records; a kill can leave half a line at the end."""
        path = self.path / name
        try:
            lines = path.read_text().splitlines(keepends=True) if path.exists() else []
            return [json.loads(line) for line in lines if line.endswith("\n")]
        except (OSError, ValueError) as error:
            raise UsageError(f"Cannot read {path}: {error}.") from error

    def read_json(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise UsageError(f"Cannot read {self.path / name}: {error}.") from error

    def write_json(self, name: str, content: Any) -> None:
        """Atomically, so that a reader never sees half a file."""
        write_json(self.path / name, content)

    def clear(self) -> None:
        """Remove what a run wrote, and nothing else."""
        import shutil

        with _writable(self.path):
            for name in ("config.json", "metrics.jsonl", "timing.jsonl", "result.json"):
                (self.path / name).unlink(missing_ok=True)
            for name in ("checkpoints", "figures", "wandb", "tensorboard"):
                shutil.rmtree(self.path / name, ignore_errors=True)


class Record:
    """A JSONL file that grows by whole lines and can be cut back to an offset."""

    def __init__(self, path: Path, offset: int | None = None):
        self.path = path
        with _writable(path):
            if offset is not None:
                if path.stat().st_size < offset:
                    raise UsageError(
                        f"{path} is shorter than its checkpoint says: it was changed, so the run "
                        "cannot be resumed; start it again with --overwrite."
                    )
                os.truncate(path, offset)
            self.file: TextIO = path.open("a")

    def write(self, record: dict[str, Any]) -> None:
        with _writable(self.path):
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()

    @property
    def offset(self) -> int:
        """Bytes written so far, safely on disk."""
        os.fsync(self.file.fileno())
        return self.path.stat().st_size

    def close(self) -> None:
        self.file.close()


def check_writable(*paths: str | Path | None) -> None:
    """Refuse files that could not be written, before the work that fills them; None is skipped."""
    for path in map(Path, filter(None, paths)):
        with _writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder")
            with tempfile.TemporaryFile(dir=path.parent):
                pass


def write_json(path: Path, content: Any) -> None:
    """Replace a file by JSON in one step."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step."""
    with replacing(path) as file:
        file.write(text)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file to write, which takes the place of another once it is whole."""
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                yield file
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


@contextlib.contextmanager
def _writable(path: Path):
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"Cannot write {path} ({error.strerror or error}): choose another folder (of "
            "runs: --out) or free space."
        ) from error
