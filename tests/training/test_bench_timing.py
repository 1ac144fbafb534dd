"""The benchmark of timing circuits measures what it says; no test asserts a time."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from caudate.agents.stable_timing import PRECISE, TimingCircuit
from caudate.training import UsageError
from caudate.training import bench_timing as bench
from caudate.training.cli import app

QUICK = {"seconds": 0.001, "repeats": 1, "trials": 3}

# Answers as a Python with Brian2 would.
ANSWERING = """
import json, sys
import numpy as np
network, result, mode, copies, trials, repeats = sys.argv[1:]
assert np.load(network)["ee_w"].size == 400 * 12
found = {"seconds": [0.5] * int(repeats), "spikes": [0.9, 2.4], "version": "2.9"}
open(result, "w").write(json.dumps(found))
"""


def test_ours_are_measured_and_brian2_is_missing(tmp_path):
    said: list[str] = []
    file = tmp_path / "timing.json"
    found = bench.bench_timing(
        [1, 2], **QUICK, modes=["cython"], json_file=file, docs=tmp_path, say=said.append
    )
    assert [(one.name, one.copies) for one in found[:2]] == [("numpy", 1), ("numpy", 2)]
    assert all(one.rate is not None for one in found[:-2])
    assert [(one.name, one.rate, one.note) for one in found[-2:]] == [
        ("Brian2, cython", None, "Brian2 missing")
    ] * 2
    # None but the stimulated neurons fire before development.
    assert found[0].spikes == pytest.approx((24 / 400, 0.0), abs=0.02)
    assert len(json.loads(file.read_text())) == len(found)
    text = (tmp_path / "speed.md").read_text()
    assert "`caudate bench timing --seconds 0.001 --docs docs`" in text
    assert "Brian2 missing" in said[-1]


def test_what_brian2_took_is_a_rate(tmp_path, monkeypatch):
    script = tmp_path / "answering.py"
    script.write_text(ANSWERING)
    monkeypatch.setattr(bench, "_SCRIPT", script)
    found = bench.bench_timing(
        [4], **QUICK, brian=sys.executable, modes=["numpy", "standalone"], docs=tmp_path, say=_quiet
    )
    slow, fast = found[-2:]
    assert slow.rate is not None
    assert fast.rate is not None
    assert slow.rate.best == pytest.approx(4 * 2 * 0.4 / 0.5)
    assert fast.rate.best == pytest.approx(bench.BRIAN_MS / 1000 / 0.5)
    assert (fast.spikes, fast.note) == ((0.9, 2.4), "2.9")
    assert " --brian PYTHON --docs docs`" in (tmp_path / "speed.md").read_text()


def test_a_failure_of_brian2_is_a_row(tmp_path, monkeypatch):
    script = tmp_path / "failing.py"
    script.write_text("raise ImportError('no Brian2 here')")
    monkeypatch.setattr(bench, "_SCRIPT", script)
    [*_, found] = bench.bench_timing(
        [1], **QUICK, brian=sys.executable, modes=["cython"], say=_quiet
    )
    assert (found.rate, found.note) == (None, "failed: ImportError: no Brian2 here")


def test_the_circuit_as_arrays_is_the_circuit():
    circuit = TimingCircuit(PRECISE, seed=2)
    given = bench._as_arrays(circuit)
    weights = np.zeros((400, 400))
    weights[given["ee_to"], given["ee_from"]] = given["ee_w"]
    expected = np.zeros((400, 400))
    expected[np.arange(400)[:, None], circuit.sources_ee[0]] = circuit.weights_ee[0]
    assert np.array_equal(weights, expected)
    assert sorted(given["forced_neuron"]) == np.flatnonzero(circuit.stimulated[0, 0]).tolist()
    # An Euler step leaves what the decay leaves.
    assert 1 - 1 / given["tau_g"] == pytest.approx(np.exp(-1 / 6))


def test_stimulated_inhibitory_neurons_are_numbered_among_their_own():
    settings = replace(PRECISE, stimulated_i=5)
    given = bench._as_arrays(TimingCircuit(settings, seed=2))
    own = given["forced_neuron"][given["forced_kind"] == 1]
    assert len(own) == 5
    assert own.max() < settings.n_i


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"copies": [0]}, r"copies=\[0\] must be whole numbers from 1"),
        ({"copies": []}, "copies="),
        ({"repeats": 0}, "repeats=0"),
        ({"modes": ["cuda"]}, "Mode 'cuda' is unknown: choose among numpy, cython, standalone"),
        ({"brian": "no/such/python"}, "brian='no/such/python' is no program"),
    ],
)
def test_mistakes(wrong, words):
    said: list[str] = []
    with pytest.raises(UsageError, match=words):
        bench.bench_timing(**({"copies": [1]} | wrong), say=said.append)
    assert said == []


def test_from_the_command_line(monkeypatch):
    monkeypatch.setattr(bench.bench_timing, "__kwdefaults__", {
        **(bench.bench_timing.__kwdefaults__ or {}), "trials": 2, "repeats": 1,
    })  # fmt: skip
    done = CliRunner().invoke(app, ["bench", "timing", "1", "--seconds", "0.001"])
    assert done.exit_code == 0, done.output
    assert "Brian2 missing" in done.output


def _quiet(text: str) -> None:
    pass
