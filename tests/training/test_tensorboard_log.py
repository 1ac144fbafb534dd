"""TensorBoard beside a run: its scalars at their steps, and no failure that ends the run."""

from __future__ import annotations

import struct

import pytest

from caudate.training import UsageError, resume, tensorboard_log
from caudate.training.runs import Run

from .conftest import small_run

pytest.importorskip("tensorboardX")


def events(folder):
    """Events of all files in a folder, in order: length, checksum, event, checksum."""
    event = tensorboard_log._protocol("event").Event
    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (n,) = struct.unpack("<Q", data[:8])
            found.append(event.FromString(data[12 : 12 + n]))
            data = data[16 + n :]
    return found


def test_numbers_of_records_are_scalars_at_their_steps(tmp_path):
    result = small_run(tmp_path, steps=900, tensorboard=True)
    logged = [event for event in events(result.path / "tensorboard") if event.summary.value]
    records = Run(result.path).records()
    assert [event.step for event in logged] == [record["timesteps"] for record in records]
    for event, record in zip(logged, records, strict=True):
        values = {value.tag: value.simple_value for value in event.summary.value}
        assert values["score"] == pytest.approx(record["score"])
        assert set(record) - {"timesteps"} < set(values)
        assert "cpu_seconds" in values


def test_a_run_that_goes_on_begins_a_file_that_follows(tmp_path):
    session = tensorboard_log._protocol("event").SessionLog
    result = small_run(tmp_path, steps=900, tensorboard=True)
    (result.path / "result.json").unlink()
    resume(result.path, progress=False, say=lambda text: None)
    files = list((result.path / "tensorboard").iterdir())
    assert len(files) == 2
    (start,) = [e for e in events(result.path / "tensorboard") if e.HasField("session_log")]
    assert start.session_log.status == session.START
    assert start.step == result.result["timesteps"] + 1


@pytest.mark.parametrize("broken", ["__init__", "write_event", "close"])
def test_a_failing_logger_never_ends_a_run(tmp_path, monkeypatch, broken):
    writer = pytest.importorskip("tensorboardX.event_file_writer").EventsWriter
    works = getattr(writer, broken)

    def fail(self, *args, **kwargs):
        if broken == "close":
            works(self)
        if broken != "write_event" or args[0].HasField("summary"):
            raise OSError("no space left")
        works(self, *args)

    monkeypatch.setattr(writer, broken, fail)
    said = []
    result = small_run(tmp_path, steps=600, tensorboard=True, say=said.append)
    assert result.result["finished"] == "steps"
    assert [line for line in said if "logging stopped" in line] == [
        "TensorBoard logging stopped (no space left); the run goes on and is recorded locally."
    ]


def test_a_missing_package_is_told_before_the_run_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard_log, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"caudate\[tensorboard\]"):
        small_run(tmp_path, tensorboard=True)
    assert not list(tmp_path.iterdir())
