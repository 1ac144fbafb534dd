"""What a sensor is good for: the same learner with it and without."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...curves import STEPS, read_curve
from ...evaluation import yardsticks
from ...pictures import AXIS, COLORS, new_figure, save
from ...presets import find_preset
from ...reproduction import Claim, Experiment
from ...runs import Run
from ...trainer import train

AGENT, SEEDS = "eprop-rate", 3
#: The last evaluations of a run, whose mean counts.
LAST = 4


@dataclass(frozen=True)
class Case:
    """One way to show a task.

    Attributes:
        label: in table and figure.
        task: its id.
        env: parameters of the task.
    """

    label: str
    task: str
    env: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """Cases with one learner, the first with the sensor, the second without.

    Attributes:
        preset: name of the task whose preset all cases take.
        steps: budget in transitions.
        level: score that all runs with the sensor must pass.
        margin: how far above chance runs without it may come; None where they learn as well, only
            later, and are asked to be behind all along.
    """

    preset: str
    steps: int
    cases: tuple[Case, ...]
    level: float
    margin: float | None = 0.1


_MATCH, _TONES = "caudate/VisualDelayedMatch", "caudate/ToneSequence"
SEEN = Trial(
    "VisualDelayedMatch-C1-v0",
    160_000,
    (
        Case("C1", f"{_MATCH}-C1-v0"),
        Case("pixels", f"{_MATCH}-v0"),
        Case("pixels, one phase and contrast", f"{_MATCH}-v0", {"phases": 1, "contrasts": [1.0]}),
    ),
    0.9,
)
HEARD = Trial(
    "ToneSequence-Cochlea-v0",
    1_200_000,
    (Case("cochlea", f"{_TONES}-Cochlea-v0"), Case("samples", f"{_TONES}-v0")),
    0.6,
    None,
)


def measure_trial(trial: Trial, quick: bool) -> dict[str, Any]:
    """Learning curves of all cases and seeds."""
    found: dict[str, Any] = {}
    for case in trial.cases:
        found[case.label] = {
            "marks": yardsticks(case.task, dict(case.env)),
            "runs": [_curve(trial, case, seed, quick) for seed in range(1 if quick else SEEDS)],
        }
    return found


def _curve(trial: Trial, case: Case, seed: int, quick: bool) -> list[list[float]]:
    """Steps and scores of one run."""
    steps = trial.steps // (8 if quick else 1)
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            AGENT,
            case.task,
            preset=trial.preset,
            env_kwargs=dict(case.env),
            seed=seed,
            steps=steps,
            eval_every=max(1, steps // 20),
            out=folder,
            wandb="off",
            progress=False,
            say=lambda text: None,
        )
        curve = read_curve(Run(result.path))
    assert curve is not None
    return [curve.x[STEPS].tolist(), curve.score.tolist()]


def _ends(found: Mapping[str, Any]) -> list[float]:
    """Mean score of each run's last evaluations."""
    return [float(np.mean(scores[-LAST:])) for _, scores in found["runs"]]


def claim_trial(trial: Trial, result: dict[str, Any]) -> list[Claim]:
    """With the sensor all seeds learn; without it none does, or all learn later."""
    rows = []
    for place, case in enumerate(trial.cases):
        found = result[case.label]
        ends, chance = _ends(found), found["marks"]["chance"]
        expected, passed = f"> {trial.level:g}", min(ends) > trial.level
        if place == 1:
            if trial.margin is None:
                rows.append(_behind(trial, result))
                continue
            limit = chance + trial.margin
            expected, passed = f"< {limit:g} (chance {chance:g})", max(ends) < limit
        text = f"{AGENT} through {case.label}, score of each seed at the end"
        rows.append(Claim(text, expected, _list(ends), passed))
    return rows


def _behind(trial: Trial, result: dict[str, Any]) -> Claim:
    """Scores over the whole of the runs, with the sensor and without."""
    means = [
        [float(np.mean(scores)) for _, scores in result[case.label]["runs"]]
        for case in trial.cases[:2]
    ]
    ears, plain = (case.label for case in trial.cases[:2])
    return Claim(
        f"{AGENT} through {ears} and through {plain}: mean score over the run",
        f"every seed above all of {plain}",
        f"{_list(means[0])}; {_list(means[1])} (at the end {_list(_ends(result[plain]))})",
        min(means[0]) > max(means[1]),
    )


def _list(values: list[float]) -> str:
    return ", ".join(f"{one:.3f}" for one in values)


def draw_trial(trial: Trial, result: dict[str, Any], path: Path) -> list[Path]:
    """Scores against steps, every run a line."""
    figure, (axis,) = new_figure(1, width=5.0, height=3.2)
    for i, case in enumerate(trial.cases):
        for k, (steps, scores) in enumerate(result[case.label]["runs"]):
            label = case.label if k == 0 else None
            axis.plot(np.array(steps) / 1000, scores, color=COLORS[i], lw=1.2, label=label)
    marks = result[trial.cases[0].label]["marks"]
    for name in ("chance", "optimum"):
        axis.axhline(marks[name], **AXIS)
    axis.set_xlabel("steps (thousands)")
    axis.set_ylabel("score")
    axis.set_ylim(0, 1.04)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return [save(figure, path)]


def _experiment(name: str, title: str, trial: Trial) -> Experiment:
    return Experiment(
        name,
        title,
        lambda quick: measure_trial(trial, quick),
        lambda result: claim_trial(trial, result),
        lambda result, folder: draw_trial(trial, result, folder / f"{name}.png"),
        {
            "trial": asdict(trial),
            "seeds": SEEDS,
            "agent": AGENT,
            "options": find_preset(AGENT, trial.cases[0].task).options,
        },
    )


EYES = _experiment(
    "eyes", "Delayed match of gratings with random phase and contrast, learned from reward", SEEN
)
EARS = _experiment("ears", "Serial recall of tones with random phase, learned from reward", HEARD)
