"""Weights & Biases beside the run folder: a logger whose failure never ends a run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import UsageError

MODES = ("auto", "online", "offline", "off")


@dataclass(frozen=True)
class WandbSettings:
    """Where a run is logged. ``auto``: online with a login, offline without."""

    mode: str = "auto"
    project: str = "caudate"
    entity: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise UsageError for an unknown mode, or one that needs a package that is missing."""
        _mode(self.mode)


OFF = WandbSettings("off")


class WandbLogger:
    """Logs to W&B until something goes wrong; then says so once and stays silent."""

    def __init__(
        self,
        settings: WandbSettings,
        folder: Path,
        name: str,
        config: dict[str, Any],
        run_id: str | None = None,
        say: Callable[[str], None] = print,
    ):
        self.say = say
        self.run: Any = None
        self.run_id = run_id
        mode = _mode(settings.mode)
        if mode == "off":
            if settings.mode == "auto":
                say('W&B is off: the package is missing (pip install "caudate[wandb]").')
            return
        self._offline = mode == "offline"
        self._try(self._start, settings, folder, name, config, mode)

    def _start(
        self, settings: WandbSettings, folder: Path, name: str, config: dict[str, Any], mode: Any
    ) -> None:
        import wandb

        logging.getLogger("wandb").setLevel(logging.ERROR)
        self.run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=settings.group,
            tags=list(settings.tags),
            name=name,
            dir=str(folder),
            config=config,
            mode=mode,
            id=self.run_id,
            resume="allow" if self.run_id else None,
            settings=wandb.Settings(silent=True, console="off"),
        )
        self.run_id = self.run.id

    def log(self, record: dict[str, Any]) -> None:
        self._try(lambda: self.run.log(record, step=int(record["timesteps"])))

    def finish(self, summary: dict[str, Any]) -> None:
        """Close the run and say how to sync an offline one."""
        if self.run is None:
            return
        folder = str(getattr(self.run, "dir", "")).removesuffix("/files")

        def close() -> None:
            self.run.summary.update(summary)
            self.run.finish()

        self._try(close)
        if self.run is not None and self._offline:
            self.say(f"W&B logged offline; to upload: wandb sync {folder}")

    def _try(self, action: Callable[..., None], *args: Any) -> None:
        if self.run is None and action != self._start:
            return
        try:
            action(*args)
        except Exception as error:  # the network, a refused login, a full disk: never our run's end
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            self.say(f"W&B logging stopped ({reason}); the run goes on and is recorded locally.")
            self.run = None


def _mode(asked: str) -> str:
    if asked not in MODES:
        raise UsageError(f"--wandb={asked!r} is not one of {', '.join(MODES)}.")
    installed = find_spec("wandb") is not None
    if asked in ("online", "offline") and not installed:
        raise UsageError(f'--wandb={asked} needs wandb: pip install "caudate[wandb]".')
    if asked != "auto":
        return asked
    if not installed:
        return "off"
    return "online" if _logged_in() else "offline"


def _logged_in() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("//")[-1].split("/")[0]
    import netrc

    try:
        return netrc.netrc(os.environ.get("NETRC") or None).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
