"""Weights & Biases beside the run folder: records, summary, figures, checkpoints."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import UsageError
from .progress import Say

MODES = ("auto", "online", "offline", "off")
#: What WANDB_MODE says, in these words.
_SAID = {
    **{"online": "online", "run": "online", "offline": "offline", "dryrun": "offline"},
    "disabled": "off",
}


@dataclass(frozen=True)
class WandbSettings:
    """Where a run is logged. ``auto``: as WANDB_MODE says; online with a login, offline without.

    Attributes:
        artifacts: send the checkpoints too.
    """

    mode: str = "auto"
    project: str = "caudate"
    entity: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()
    artifacts: bool = False

    def check(self) -> None:
        """Raise UsageError for an unknown mode, or one that needs a package that is missing."""
        _mode(self.mode)


OFF = WandbSettings("off")


class WandbLogger:
    """Logs to W&B; any method may raise, as :class:`.Logger` says.

    Args:
        settings: where to.
        folder: the run folder, which also gets what W&B writes.
        config: ``config.json``.
        run_id: of a run that goes on.
    """

    name = "W&B"

    def __init__(
        self,
        settings: WandbSettings,
        folder: Path,
        config: dict[str, Any],
        run_id: str | None = None,
    ):
        import wandb

        mode: Any = _mode(settings.mode)
        self._offline, self._artifacts, self._folder = mode == "offline", settings.artifacts, folder
        logging.getLogger("wandb").setLevel(logging.ERROR)
        self.run: Any = wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=settings.group,
            tags=list(settings.tags),
            name=folder.name,
            dir=str(folder),
            config=config,
            mode=mode,
            id=run_id,
            resume="allow" if run_id else None,
            settings=wandb.Settings(silent=True, console="off"),
        )

    @property
    def run_id(self) -> str:
        return self.run.id

    def log(self, record: dict[str, Any]) -> None:
        self.run.log(record, step=int(record["timesteps"]))

    def finish(self, result: dict[str, Any]) -> str | None:
        """Send what the run came to, close it, and say how to sync an offline one."""
        place = str(getattr(self.run, "dir", "")).removesuffix("/files")
        try:
            if result:
                self.run.summary.update(result | summary(result))
                self._send_figures()
                if self._artifacts:
                    self._send_checkpoints(result)
        finally:
            self.run.finish()
        return f"W&B logged offline; to upload: wandb sync {place}" if self._offline else None

    def _send_figures(self) -> None:
        """The learning curve, drawn here, and whatever else lies among the run's figures."""
        import wandb

        from .plotting import plot

        plot(self._folder)
        pictures = sorted((self._folder / "figures").glob("*.png"))
        self.run.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in pictures})

    def _send_checkpoints(self, result: dict[str, Any]) -> None:
        """Best and last agent with the run's configuration and result, as one artifact."""
        import wandb

        artifact: Any = wandb.Artifact(
            re.sub(r"[^\w.-]", "-", f"{self._folder.name}-{self.run.id}"),
            type="model",
            metadata={"score": result["score"], "timesteps": result["timesteps"]},
        )
        for name in ("checkpoints/best.caudate", "checkpoints/last.caudate", "config.json"):
            # Not copied: an offline run finds them in its folder when it is synced.
            path = (self._folder / name).resolve()
            artifact.add_file(str(path), name=name, policy="immutable")
        self.run.log_artifact(artifact, aliases=["latest", result["finished"]])


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """What runs are sorted by: the final score, and the cost of the criterion if it was reached."""
    found: dict[str, Any] = {"final_score": result["confirmed"]["value"]}
    if result["reached"]:
        for name in ("timesteps", "trials", "cpu_seconds"):
            found[f"{name.removeprefix('time')}_to_criterion"] = result[name]
    return found


def wandb_wanted(settings: WandbSettings, say: Say) -> bool:
    """Whether a run is logged; says so where it would be if the package were there."""
    off = _mode(settings.mode) == "off"
    if off and settings.mode == "auto" and not _installed():
        say('W&B is off: the package is missing (pip install "caudate[wandb]").')
    return not off


def _mode(asked: str) -> str:
    if asked not in MODES:
        raise UsageError(f"--wandb={asked!r} is not one of {', '.join(MODES)}.")
    if asked in ("online", "offline") and not _installed():
        raise UsageError(f'--wandb={asked} needs wandb: pip install "caudate[wandb]".')
    if asked != "auto":
        return asked
    if not _installed():
        return "off"
    usual = "online" if _logged_in() else "offline"
    return _SAID.get(os.environ.get("WANDB_MODE", ""), usual)


def _installed() -> bool:
    return find_spec("wandb") is not None


def _logged_in() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("//")[-1].split("/")[0]
    import netrc

    try:
        return netrc.netrc(os.environ.get("NETRC") or None).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
