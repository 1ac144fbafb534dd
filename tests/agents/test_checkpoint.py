"""The checkpoint file: exact, atomic, and harmless to open."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from caudate.agents import CheckpointError, read_checkpoint, write_checkpoint
from caudate.agents import checkpoint as module

CONTENT = {
    "arrays": {
        "float": np.array([[0.1, np.nan, -np.inf]], np.float32),
        "big": np.arange(5, dtype=np.uint64) + 2**63,
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 3)),
        "scalar": np.array(2.5),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    },
    "numbers": [1, -(2**127), 0.1, float("inf"), float("nan"), True, None, "text é"],
    "nested": {"list": [{"a": np.ones(2, np.int8)}, (1, 2)]},
}


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "folder" / "x.caudate"
    write_checkpoint(path, CONTENT)
    back = read_checkpoint(path)
    for name, array in CONTENT["arrays"].items():
        assert back["arrays"][name].dtype == array.dtype
        np.testing.assert_array_equal(back["arrays"][name], array)
    assert repr(back["numbers"]) == repr(CONTENT["numbers"])
    assert back["nested"]["list"][1] == [1, 2]
    assert os.listdir(path.parent) == ["x.caudate"]


def test_numpy_scalars_become_numbers(tmp_path):
    write_checkpoint(tmp_path / "x", {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True)})
    assert read_checkpoint(tmp_path / "x") == {"a": 0.5, "b": 3, "c": True}


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


def test_a_pickle_inside_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Bomb()], object), allow_pickle=True)
    write_checkpoint("x.caudate", {"w": np.ones(2)})
    with zipfile.ZipFile("x.caudate") as archive:
        meta = archive.read("meta.json")
    with zipfile.ZipFile("x.caudate", "w") as archive:
        archive.writestr("meta.json", meta)
        archive.writestr("arrays/0.npy", stream.getvalue())
    with pytest.raises(CheckpointError, match="holds a pickled object.*not opened"):
        read_checkpoint("x.caudate")
    Path("y.caudate").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint("y.caudate")
    assert not Path("pwned").exists()


def test_files_cut_short_anywhere_are_refused(tmp_path):
    path = tmp_path / "x"
    write_checkpoint(path, CONTENT)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="cut short, damaged or not a checkpoint"):
            read_checkpoint(path)


def test_flipped_bytes_never_pass_unnoticed(tmp_path):
    path = tmp_path / "x"
    write_checkpoint(path, {"w": np.arange(40.0)})
    whole = path.read_bytes()
    for position in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            content = read_checkpoint(path)
        except CheckpointError:
            continue
        np.testing.assert_array_equal(content["w"], np.arange(40.0))  # unused header fields


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "There is no checkpoint"),
        (lambda p: p.mkdir(), "Cannot read"),
        (lambda p: p.write_text("hello"), "not a checkpoint"),
        (lambda p: zip_of(p, {"a.txt": "x"}), "not a checkpoint"),
        (lambda p: zip_of(p, {"meta.json": "{}"}), "not a caudate checkpoint"),
        (lambda p: zip_of(p, {"meta.json": "[1]"}), "not a caudate checkpoint"),
        (
            lambda p: zip_of(
                p, {"meta.json": json.dumps({"magic": "caudate-checkpoint", "format": 99})}
            ),
            "format 99.*upgrade caudate",
        ),
    ],
)
def test_other_files_get_one_sentence(tmp_path, make, message):
    path = tmp_path / "x"
    make(path)
    with pytest.raises(CheckpointError, match=message) as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name, text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.array([object()])}, "content.a is an array of objects"),
        ({"a": [1, {2}]}, r"content.a\[1\] is a set"),
        ({"a": {1: 2}}, "content.a has the key 1"),
    ],
)
def test_what_cannot_be_stored_is_named(tmp_path, content, message):
    with pytest.raises(CheckpointError, match=message):
        write_checkpoint(tmp_path / "x", content)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_alone(tmp_path, monkeypatch, failing):
    path = tmp_path / "x"
    write_checkpoint(path, {"version": 1})

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, failing, fail)
    with pytest.raises(CheckpointError, match="No space left on device.*unchanged"):
        write_checkpoint(path, {"version": 2})
    monkeypatch.undo()
    assert read_checkpoint(path) == {"version": 1}
    assert os.listdir(tmp_path) == ["x"]


def test_a_full_disk_leaves_the_old_file_alone(tmp_path):
    """A limit on the size of files stands for the full disk: the write itself fails, half-way."""
    code = """
import resource, signal, sys
import numpy as np
from caudate.agents import CheckpointError, read_checkpoint, write_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
write_checkpoint(sys.argv[1], {"version": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_checkpoint(sys.argv[1], {"w": np.zeros(100_000)})
except CheckpointError as error:
    print(error)
print(read_checkpoint(sys.argv[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x")], capture_output=True, text=True, check=True
    )
    assert "Cannot write the checkpoint" in done.stdout
    assert "{'version': 1}" in done.stdout
    assert os.listdir(tmp_path) == ["x"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="Cannot write the checkpoint"):
        write_checkpoint(tmp_path / "file" / "x", {})
