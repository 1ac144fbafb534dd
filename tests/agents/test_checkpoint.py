"""The checkpoint file: exact, atomic, and harmless to open."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
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
        "strided": np.arange(20, dtype=np.int16).reshape(4, 5)[::2, ::-1],
        "big-endian": np.arange(3, dtype=">f4"),
        "complex": np.array([1 + 2j]),
        "text": np.array(["é", "abc"]),
    },
    "numbers": [1, -(2**127), 10**4000, 0.1, float("inf"), float("nan"), True, None, "text é"],
    "nested": {"list": [{"a": np.ones(2, np.int8)}, (1, 2)]},
}


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "folder" / "x.caudate"
    write_checkpoint(path, CONTENT)
    back = read_checkpoint(path)
    for name, array in CONTENT["arrays"].items():
        assert back["arrays"][name].dtype == array.dtype
        assert back["arrays"][name].shape == array.shape
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
    with pytest.raises(CheckpointError, match=r"holds a pickled object.*not opened"):
        read_checkpoint("x.caudate")
    Path("y.caudate").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint("y.caudate")
    assert not Path("pwned").exists()


def test_files_cut_short_anywhere_are_refused(tmp_path):
    path = tmp_path / "x"
    write_checkpoint(path, CONTENT)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 37), *range(len(whole) - 40, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="cut short, damaged or not a checkpoint"):
            read_checkpoint(path)


def test_flipped_bytes_never_pass_unnoticed(tmp_path):
    path = tmp_path / "x"
    write_checkpoint(path, {"w": np.arange(40.0)})
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x01 if position % 2 else 0x55
        path.write_bytes(damaged)
        try:
            content = read_checkpoint(path)
        except CheckpointError:
            continue
        np.testing.assert_array_equal(content["w"], np.arange(40.0))  # a header field nobody reads


def damaged_header(shape):
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


def test_a_small_file_cannot_unfold_to_a_large_one(tmp_path):
    path = tmp_path / "x"
    write_checkpoint(path, {"w": np.zeros(2)})
    with zipfile.ZipFile(path) as archive:
        meta = archive.read("meta.json")
    zip_of(path, {"meta.json": meta, "arrays/0.npy": damaged_header((10**15,))})
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", meta)
    with pytest.raises(CheckpointError, match="is compressed"):
        read_checkpoint(path)


def test_what_is_read_is_never_larger_than_the_file(tmp_path):
    """One array in many places would unfold, and so would entries that share their bytes."""
    path = tmp_path / "x"
    array = npy(np.zeros(1000))
    meta_of(path, {"arrays/0.npy": array}, content={"l": [{"__array__": 0}] * 300})
    with pytest.raises(CheckpointError, match="used twice"):
        read_checkpoint(path)
    meta_of(path, {"arrays/0.npy": array, "arrays/1.npy": array}, content={"a": {"__array__": 0}})
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        first, second = (archive.getinfo(f"arrays/{i}.npy").header_offset for i in (0, 1))
    # the directory at the end of the file is made to send readers to the same bytes
    cut = whole.index(b"PK\x01\x02")
    shared = whole[cut:].replace(second.to_bytes(4, "little"), first.to_bytes(4, "little"))
    path.write_bytes(whole[:second] + shared[:-6] + second.to_bytes(4, "little") + b"\0\0")
    with pytest.raises(CheckpointError, match="overlap"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"payload.pkl": b"cos\nsystem\n(S'mkdir pwned'\ntR."}, "also holds 'payload.pkl'"),
        ({"../../outside": b"x"}, "also holds '../../outside'"),
        ({"arrays/1.npy": b"x"}, "also holds 'arrays/1.npy'"),
    ],
)
def test_entries_that_do_not_belong_are_refused(tmp_path, entries, message):
    path = tmp_path / "x"
    write_checkpoint(path, {"w": np.zeros(2)})
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "There is no checkpoint"),
        (lambda p: p.mkdir(), "Cannot read"),
        (lambda p: p.write_text("hello"), "not a checkpoint"),
        (lambda p: zip_of(p, {"a.txt": "x"}), "not a checkpoint"),
        (lambda p: zip_of(p, {"meta.json": "{}"}), "not a caudate checkpoint"),
        (lambda p: zip_of(p, {"meta.json": "[1]"}), "not a caudate checkpoint"),
        (lambda p: meta_of(p, format=99), r"format 99.*upgrade caudate"),
        (lambda p: meta_of(p, format="new"), "damaged"),
        (lambda p: meta_of(p), "damaged"),
        (lambda p: meta_of(p, content=[1]), "not a dictionary"),
        (lambda p: meta_of(p, content={"a": {"__array__": [1]}}), "damaged"),
        (lambda p: meta_of(p, content={"a": {"__array__": 7}}), "damaged"),
        (lambda p: zip_of(p, {"meta.json": "[" * 100_000}), "damaged"),
        (
            lambda p: meta_of(
                p, {"arrays/0.npy": npy(np.ones(2)) + b"more"}, content={"a": {"__array__": 0}}
            ),
            "longer than its array",
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


def meta_of(path, entries=None, **fields):
    meta = {"magic": "caudate-checkpoint", "format": 1} | fields
    zip_of(path, {"meta.json": json.dumps(meta)} | (entries or {}))


def npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


def in_itself():
    content: dict = {}
    content["content"] = content
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.array([object()])}, "content.a is an array of objects"),
        ({"a": [1, {2}]}, r"content.a\[1\] is a set"),
        ({"a": {1: 2}}, "content.a has the key 1"),
        ({"a": {"__array__": 2}}, "content.a has the key '__array__'"),
        ({"a": np.complex64(1)}, "content.a is a complex"),
        ({"a": np.longdouble(1)}, "content.a is a longdouble"),
        ({"a": np.array([(1, None)], "i4,O")}, "content.a is an array of objects"),
        ({"a": 10**6000}, "cannot be stored"),
        ({"a": np.zeros(1, "i4,f8")[0]}, "content.a is a void"),
        ({"a": np.ma.masked_array([1, 2], np.array([False, True]))}, "content.a is a masked array"),
        (in_itself(), "cannot be stored"),
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
    with pytest.raises(CheckpointError, match=r"No space left on device.*unchanged"):
        write_checkpoint(path, {"version": 2})
    monkeypatch.undo()
    assert read_checkpoint(path) == {"version": 1}
    assert os.listdir(tmp_path) == ["x"]


def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_checkpoint(path, {"version": 1})

    def interrupt(array):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_npy_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(path, {"version": np.ones(2)})
    assert read_checkpoint(path) == {"version": 1}
    assert os.listdir(tmp_path) == ["x"]


def test_the_file_can_be_read_by_those_the_umask_allows(tmp_path):
    umask = os.umask(0o022)
    try:
        write_checkpoint(tmp_path / "x", {})
    finally:
        os.umask(umask)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


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
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Cannot write the checkpoint" in done.stdout
    assert "{'version': 1}" in done.stdout
    assert os.listdir(tmp_path) == ["x"]


IN_ITS_OWN_FILE_SYSTEM = """
import os, subprocess, sys
import numpy as np
from caudate.agents import CheckpointError, read_checkpoint, write_checkpoint
folder, content = sys.argv[1], {"w": np.zeros(10)}
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
write_checkpoint(folder + "/x", {"version": 1})
if sys.argv[2] == "full":
    content = {"w": np.zeros(100_000)}
else:
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
try:
    write_checkpoint(folder + "/x", content)
except CheckpointError as error:
    print(error)
print(read_checkpoint(folder + "/x"), os.listdir(folder))
"""


@pytest.mark.parametrize(
    ("state", "reason"),
    [("full", "No space left on device"), ("read-only", "Read-only file system")],
)
def test_a_file_system_that_takes_no_more_keeps_the_old_file(tmp_path, state, reason):
    """The mount is seen by the child process alone and goes with it."""
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    probe = [*own, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("this system does not let a user mount a file system of their own")
    command = [*own, sys.executable, "-c", IN_ITS_OWN_FILE_SYSTEM, str(tmp_path), state]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"Cannot write the checkpoint {tmp_path}/x ({reason})" in done.stdout
    assert "{'version': 1} ['x']" in done.stdout


@pytest.mark.parametrize("path", ["", "/", "a\0b", "n" * 300])
def test_paths_that_no_file_can_have_get_one_sentence(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="Cannot write the checkpoint"):
        write_checkpoint(path, {})
    with pytest.raises(CheckpointError, match=r"Cannot read|null byte"):
        read_checkpoint(path)
    assert not os.listdir(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="Cannot write the checkpoint"):
        write_checkpoint(tmp_path / "file" / "x", {})


def test_a_folder_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(CheckpointError, match="Cannot write the checkpoint"):
        write_checkpoint(tmp_path / "x", {})
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_files_without_permission_get_one_sentence(tmp_path):
    write_checkpoint(tmp_path / "x", {})
    (tmp_path / "x").chmod(0)
    tmp_path.chmod(0o555)
    user = os.geteuid()
    if user == 0:  # root may do everything
        os.seteuid(65534)
    try:
        with pytest.raises(CheckpointError, match=r"Cannot write .*Permission denied"):
            write_checkpoint(tmp_path / "y", {})
        with pytest.raises(CheckpointError, match=r"Cannot read .*Permission denied"):
            read_checkpoint(tmp_path / "x")
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)
