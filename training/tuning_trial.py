"""One trial of a search, in a process of its own: its runs, and when to break them off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .jobs import DONE, RESUME, Job, exclusive, hold_interrupts, silent
from .runs import Run
from .trainer import RunResult, resume, train
from .tuning_objective import Direction, Objective

JOURNAL, STUDY = "journal.log", "caudate"
PRUNERS = ("median", "asha", "none")


@dataclass(frozen=True)
class Order:
    """What a worker is to do.

    Attributes:
        study: folder of the study.
        number, trial_id: of the trial, optuna's.
        arguments: of ``train``, without seed and folder.
        seeds: one run each, in this order.
        objective: what is searched for.
        pruner: median, asha or none.
    """

    study: Path
    number: int
    trial_id: int
    arguments: dict[str, Any]
    seeds: tuple[int, ...]
    objective: Objective
    pruner: str

    @property
    def folder(self) -> Path:
        return self.study / "trials" / f"{self.number:04d}"

    @property
    def evaluations(self) -> int:
        """How many a run has at most, at multiples of the distance between them."""
        return self.arguments["steps"] // self.arguments["eval_every"] + 1


@dataclass(frozen=True)
class Played:
    """How a trial ended: results of its runs, broken off by the pruner or by Ctrl-C."""

    results: list[dict[str, Any]]
    pruned: bool = False
    interrupted: bool = False


def open_study(folder: Path, direction: Direction, pruner: str, evaluations: int) -> Any:
    """The optuna study in a folder, made if there is none."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    first = max(1, evaluations // 8)
    pruners = {
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=first),
        "asha": lambda: optuna.pruners.SuccessiveHalvingPruner(
            min_resource=first, reduction_factor=3
        ),
        "none": optuna.pruners.NopPruner,
    }
    return optuna.create_study(
        storage=storage,
        study_name=STUDY,
        direction=direction,
        pruner=pruners[pruner](),
        sampler=optuna.samplers.RandomSampler(seed=0),  # the study's own is set where it asks
        load_if_exists=True,
    )


def play(order: Order) -> Played:
    """Run all seeds of a trial, or go on with them; stop when the pruner says so."""
    hold_interrupts(False)
    try:
        import optuna

        study = open_study(order.study, order.objective.direction, order.pruner, order.evaluations)
        trial = optuna.trial.Trial(study, order.trial_id)
        return _play(order, study, trial)
    except KeyboardInterrupt:  # before training began, or a second one
        return Played([], interrupted=True)
    finally:
        hold_interrupts(True)


def _play(order: Order, study: Any, trial: Any) -> Played:
    results: list[dict[str, Any]] = []
    told = set(study.trials[order.number].intermediate_values)
    for index, seed in enumerate(order.seeds):
        before = [result["confirmed"]["value"] for result in results]

        def stop(record: dict[str, Any], index: int = index, before: Any = before) -> bool:
            evaluation = record["timesteps"] // order.arguments["eval_every"]
            step = index * order.evaluations + min(evaluation, order.evaluations - 1)
            if step not in told:  # a run that was gone on with tells again what it told
                told.add(step)
                trial.report(order.objective.halfway([*before, record["score"]]), step)
            return trial.should_prune()

        done = _run(order, seed, stop)
        if done.interrupted:
            return Played(results, interrupted=True)
        results.append(done.result)
        if done.result["finished"] == "stopped":
            return Played(results, pruned=True)
    return Played(results)


def _run(order: Order, seed: int, stop: Any) -> RunResult:
    """A run of the trial, from wherever it stands; what a command has left may still be at it."""
    job = Job(order.folder / f"seed{seed}", order.arguments | {"seed": seed})
    quiet: dict[str, Any] = {"wandb": "off", "progress": False, "say": silent, "stop": stop}
    with exclusive(job.path, asked=lambda: False):
        state = job.state()
        if state == DONE:
            return RunResult(job.path, Run(job.path).result or {})
        if state == RESUME:
            return resume(job.path, **quiet)
        place = {"out": order.folder, "name": job.path.name, "overwrite": True}
        return train(**job.arguments, **place, **quiet)
