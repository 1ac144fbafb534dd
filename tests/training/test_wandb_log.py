"""W&B beside a run: what is logged, and that no failure of it ends the run."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from caudate.training import UsageError, resume, wandb_log
from caudate.training.runs import Run

from .conftest import small_run


class FakeRun:
    """Records calls; raises in the method that ``broken`` names."""

    def __init__(self, broken: str, arguments: dict[str, Any]):
        self.broken, self.arguments = broken, arguments
        self.id = arguments["id"] or "fake-id"
        self.dir = f"{arguments['dir']}/wandb/offline-run-1/files"
        self.logged: list[dict[str, Any]] = []
        self.pictures: dict[str, Any] = {}
        self.artifacts: list[FakeArtifact] = []
        self._summary: dict[str, Any] = {}
        self.finished = False

    @property
    def summary(self):
        self._break("summary")
        return self._summary

    def log(self, record, step=None):
        if step is None:
            self._break("figures")
            self.pictures |= record
        else:
            self._break("log")
            self.logged.append({**record, "step": step})

    def log_artifact(self, artifact, aliases):
        self._break("artifacts")
        artifact.aliases = aliases
        self.artifacts.append(artifact)

    def finish(self):
        self._break("finish")
        self.finished = True

    def _break(self, name):
        if self.broken in (name, "all"):
            raise ConnectionError("the network is down\nsecond line")


class FakeArtifact:
    def __init__(self, name, type, metadata):
        self.name, self.type, self.metadata = name, type, metadata
        self.files: dict[str, str] = {}

    def add_file(self, path, name, policy):
        assert Path(path).is_absolute()
        self.files[name] = path


@pytest.fixture
def fake(monkeypatch):
    """A stand-in for the package; ``fake.broken`` says what fails, ``fake.runs`` what happened."""
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    module: Any = types.ModuleType("wandb")
    module.runs, module.broken = [], ""
    module.Settings = lambda **kwargs: kwargs
    module.Artifact, module.Image = FakeArtifact, str

    def init(**arguments):
        if module.broken in ("init", "all"):
            raise RuntimeError("no")
        module.runs.append(FakeRun(module.broken, arguments))
        return module.runs[-1]

    module.init = init
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(wandb_log, "find_spec", lambda name: object())
    return module


def test_without_a_login_a_run_is_logged_offline(tmp_path, fake):
    said = []
    result = small_run(tmp_path, wandb="auto", say=said.append)
    (run,) = fake.runs
    assert run.arguments["mode"] == "offline"
    assert run.arguments["dir"] == str(result.path)
    assert run.arguments["config"]["options"]["n_neurons"] == 16
    assert [r["step"] for r in run.logged] == [r["timesteps"] for r in Run(result.path).records()]
    assert run.summary["confirmed"] == result.result["confirmed"]
    assert run.summary["final_score"] == result.result["confirmed"]["value"]
    assert "steps_to_criterion" not in run.summary
    assert run.pictures == {
        "figures/learning-curve": str(result.path / "figures/learning-curve.png")
    }
    assert run.artifacts == []
    assert run.finished
    assert any(line.endswith(f"wandb sync {result.path}/wandb/offline-run-1") for line in said)


def test_with_a_login_it_is_logged_online(tmp_path, fake, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "k")
    settings = wandb_log.WandbSettings("auto", "project", "entity", "group", ("a", "b"))
    small_run(tmp_path, wandb=settings)
    arguments = fake.runs[0].arguments
    assert arguments["mode"] == "online"
    assert [arguments[k] for k in ("project", "entity", "group")] == ["project", "entity", "group"]
    assert arguments["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("said", "mode"), [("offline", "offline"), ("dryrun", "offline"), ("", "online")]
)
def test_the_environment_says_where_to_log(tmp_path, fake, monkeypatch, said, mode):
    monkeypatch.setenv("WANDB_API_KEY", "k")
    monkeypatch.setenv("WANDB_MODE", said)
    small_run(tmp_path, wandb="auto", steps=600)
    assert fake.runs[0].arguments["mode"] == mode
    small_run(tmp_path, wandb="online", steps=600, overwrite=True)  # what is asked for goes first
    assert fake.runs[1].arguments["mode"] == "online"


def test_the_environment_can_switch_it_off(tmp_path, fake, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "k")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    told = []
    small_run(tmp_path, wandb="auto", steps=600, say=told.append)
    assert fake.runs == []
    assert not any("W&B" in line for line in told)


def test_checkpoints_go_along_when_asked_for_and_costs_where_there_is_a_criterion(tmp_path, fake):
    settings = wandb_log.WandbSettings("offline", artifacts=True)
    result = small_run(tmp_path, wandb=settings, until=0.0)
    (run,) = fake.runs
    assert run.summary["steps_to_criterion"] == result.result["timesteps"]
    assert run.summary["cpu_seconds_to_criterion"] == result.result["cpu_seconds"]
    (artifact,) = run.artifacts
    assert artifact.aliases == ["latest", "until"]
    assert artifact.files["checkpoints/best.caudate"] == str(Run(result.path).best.resolve())
    assert Run.open(result.path).config.wandb["artifacts"] is True


BROKEN = ["init", "log", "summary", "figures", "artifacts", "finish", "all"]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_failing_logger_never_ends_a_run(tmp_path, fake, broken):
    fake.broken = broken
    said = []
    settings = wandb_log.WandbSettings("online", artifacts=True)
    result = small_run(tmp_path, steps=900, wandb=settings, say=said.append)
    assert result.result["finished"] == "steps"
    assert all(run.finished for run in fake.runs if broken not in ("log", "finish", "all"))
    assert len([line for line in said if "W&B" in line]) == 1
    assert not any("second line" in line for line in said)


def test_an_offline_run_is_written_for_real(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    settings = wandb_log.WandbSettings("offline", artifacts=True)
    said = []
    result = small_run(tmp_path, steps=600, wandb=settings, say=said.append)
    wandb.teardown()
    (line,) = [line for line in said if "W&B" in line]
    folder = Path(line.split("wandb sync ")[1])
    (log,) = folder.glob("run-*.wandb")
    content = log.read_bytes()
    for text in (b"final_score", b"learning-curve", str(Run(result.path).best).encode()):
        assert text in content, text


def test_a_resumed_run_keeps_its_id(tmp_path, fake):
    result = small_run(tmp_path, wandb="offline")
    (result.path / "result.json").unlink()
    resume(result.path, progress=False, say=lambda text: None)
    assert fake.runs[1].arguments["id"] == "fake-id"
    assert fake.runs[1].arguments["mode"] == "offline"


def test_a_missing_package_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(wandb_log, "find_spec", lambda name: None)
    said = []
    result = small_run(tmp_path, wandb="auto", say=said.append)
    assert result.result["finished"] == "steps"
    assert len([line for line in said if 'pip install "caudate[wandb]"' in line]) == 1
    for mode in ("online", "offline"):
        with pytest.raises(UsageError, match=r"caudate\[wandb\]"):
            small_run(tmp_path, wandb=mode, overwrite=True)
