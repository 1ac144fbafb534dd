"""Trials as a PyTorch data set."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, make_task
from caudate.envs.wrappers import Markov, schedule_conditions

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402

from caudate.envs.torch_dataset import TrialDataset  # noqa: E402

MATCH = "caudate/DelayedMatch-v0"


def batches(data: Any) -> list[tuple[np.ndarray, ...]]:
    return [tuple(part.numpy() for part in batch) for batch in data]


def equal(a: list[tuple[np.ndarray, ...]], b: list[tuple[np.ndarray, ...]]) -> bool:
    return len(a) == len(b) and all(
        np.array_equal(x, y) for one, two in zip(a, b, strict=True)
        for x, y in zip(one, two, strict=True)
    )  # fmt: skip


def test_batches_are_the_tasks_trials() -> None:
    data = TrialDataset(MATCH, batch_size=5, batches=3, seed=7, n_stim=4)
    task = make_task(MATCH, n_stim=4)
    expected = [task.sample_trials(5, 7 + i) for i in range(3)]
    assert equal(batches(data), [(one.obs, one.target, one.mask) for one in expected])
    obs, target, mask = data.batch(0)
    assert (obs.dtype, target.dtype, mask.dtype) == (torch.float32, torch.int64, torch.bool)
    assert equal(batches(data), batches(data)), "each pass begins at the first batch"


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # small machines
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_nothing(workers: int) -> None:
    data = TrialDataset(MATCH, batch_size=4, batches=7, seed=1)
    loader = DataLoader(data, batch_size=None, num_workers=workers)
    assert equal(batches(loader), batches(data))


def test_an_endless_stream_is_fresh() -> None:
    stream = iter(TrialDataset(MATCH, batch_size=2))
    seen = [next(stream)[0].numpy().tobytes() for _ in range(50)]
    assert len(set(seen)) > 40


def test_forms() -> None:
    data = TrialDataset(MATCH, batch_size=6, batches=1, batch_first=True, as_dict=True, delay=500)
    (batch,) = data
    shapes = {name: tuple(value.shape) for name, value in batch.items()}
    assert shapes == {"obs": (6, 10, 3), "target": (6, 10), "mask": (6, 10)}
    plain = TrialDataset(MATCH, batch_size=6, batches=1, delay=500).batch(0)
    assert torch.equal(batch["obs"].transpose(0, 1), plain[0])


def test_vector_targets() -> None:
    data = TrialDataset("caudate/WaveformTracking-v0", batch_size=3, batches=1)
    _, target, mask = data.batch(0)
    assert target.dtype == torch.float32
    assert target.shape[:2] == mask.shape
    assert target.ndim == 3


def test_scheduled_tasks_and_copies() -> None:
    task = schedule_conditions(make_task(MATCH), Markov(repeat=1.0), by="is_match")
    data = TrialDataset(task, batch_size=9, batches=2)
    assert equal(batches(pickle.loads(pickle.dumps(data))), batches(data))
    for _, target, mask in data:
        answers = {int(target[mask[:, i], i][-1]) for i in range(9)}
        assert len(answers) == 1


def test_wrong_data_sets_are_told_in_a_sentence() -> None:
    with pytest.raises(TaskError, match="no supervised targets"):
        TrialDataset("caudate/ReversalBandit-v0")
    with pytest.raises(TaskError, match="batch_size=0"):
        TrialDataset(MATCH, batch_size=0)
    with pytest.raises(TaskError, match="batches=0"):
        TrialDataset(MATCH, batches=0)
    with pytest.raises(TaskError, match="made already"):
        TrialDataset(make_task(MATCH), n_stim=4)
    with pytest.raises(TaskError, match="no room"):
        TrialDataset(MATCH, batches=10, seed=2**63 - 5)


def test_without_torch_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import caudate.envs\n"
        "try:\n    import caudate.envs.torch_dataset\n"
        "except caudate.envs.TaskError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install torch" in done.stdout
