"""Trials of a supervised task as a PyTorch data set. Needs PyTorch; nothing else imports it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .core.errors import TaskError, check_flag, check_int
from .core.random import MAX_SEED, check_seed
from .core.registration import make_task
from .core.task import Task

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as missing:
    raise TaskError(
        'caudate.envs.torch_dataset needs PyTorch, which is not installed; run "pip install torch".'
    ) from missing


class TrialDataset(IterableDataset):
    """Batches of whole trials with targets and masks, for supervised training.

    Batch i holds the first ``batch_size`` trials of the column ``seed + i``, as
    ``task.sample_trials(batch_size, seed + i)`` gives them: the data depend on the seed alone.
    With the workers of a ``DataLoader``, worker w of W makes the batches w, w + W, ..., which the
    loader puts back in order, so the number of workers changes nothing but speed. Each pass over a
    data set begins at batch 0 again: pass as many ``batches`` as training takes, or none for an
    endless stream of fresh trials.

    Items are batches already: give them to a loader with ``DataLoader(data, batch_size=None)``.

    - ``obs`` (T, n, d) float32, 0 behind a trial's end;
    - ``target`` (T, n) int64 actions, or (T, n, width) float32 where actions are vectors;
    - ``mask`` (T, n) bool, true on the steps of the trial.

    T is the longest trial of the batch.

    Args:
        task: a supervised task, or the id of one.
        batch_size: trials n of a batch.
        batches: number of batches; None for no end.
        seed: column seed of the first batch.
        batch_first: put the trials before the steps, (n, T, ...).
        as_dict: give dictionaries instead of tuples (obs, target, mask).
        parameters: of the task, if it is given by its id.

    >>> data = TrialDataset("caudate/DelayedMatch-v0", batch_size=8, batches=2, delay=500)
    >>> [(tuple(obs.shape), tuple(target.shape)) for obs, target, mask in data]
    [((10, 8, 3), (10, 8)), ((10, 8, 3), (10, 8))]
    """

    def __init__(
        self,
        task: Task | str,
        *,
        batch_size: int = 64,
        batches: int | None = None,
        seed: int = 0,
        batch_first: bool = False,
        as_dict: bool = False,
        **parameters: Any,
    ) -> None:
        if isinstance(task, Task):
            if parameters:
                raise TaskError(
                    f"parameters {', '.join(parameters)} were given for a task that is made "
                    "already; pass the task's id with them, or the task alone."
                )
            self.task = task
        else:
            self.task = make_task(task, **parameters)
        self.batch_size = check_int("batch_size", batch_size, 1)
        self.batches = None if batches is None else check_int("batches", batches, 1)
        self.seed = check_seed(seed)
        if self.seed + (self.batches or 1) > MAX_SEED:
            raise TaskError(f"seed={seed!r} leaves no room for the batches; pass a smaller seed.")
        self.batch_first = check_flag("batch_first", batch_first)
        self.as_dict = check_flag("as_dict", as_dict)
        self.task.sample_trials(1, self.seed)  # tells at once if the task has no targets

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        batch = first
        while self.batches is None or batch < self.batches:
            yield self.batch(batch)
            batch += stride

    def batch(self, number: int) -> Any:
        """The batch with a number, counted from 0."""
        samples = self.task.sample_trials(self.batch_size, self.seed + number)
        tensors = {
            "obs": torch.from_numpy(samples.obs),
            "target": torch.from_numpy(samples.target),
            "mask": torch.from_numpy(samples.mask),
        }
        if tensors["target"].is_floating_point():
            tensors["target"] = tensors["target"].float()
        if self.batch_first:
            tensors = {name: value.transpose(0, 1) for name, value in tensors.items()}
        return tensors if self.as_dict else tuple(tensors.values())
