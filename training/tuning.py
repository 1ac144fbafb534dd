"""Search for hyper-parameters: trials on seeds for tuning, the best one shown on fresh seeds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..agents import make_agent
from .comparison_spec import way_to_score
from .engines import EngineSettings, LostWorkerError
from .engines.base import one_thread
from .errors import UsageError, number, positive
from .evaluation import check_env_id, has_task, yardsticks
from .interrupts import interrupts
from .jobs import exclusive, reason
from .presets import find_preset
from .progress import Say
from .runs import Run, check_writable, write_json
from .tuning_objective import CPU, OBJECTIVES, SCORE, STEPS, Objective
from .tuning_report import Report, report_best, write_trials_table
from .tuning_space import NUM_ENVS, Space, find_space
from .tuning_trial import PRUNERS, Order, Played, open_study, play

FIRST_SEED = 100
_PLAN = "study.json"


@dataclass(frozen=True)
class Tuned:
    """What ``tune`` returns.

    Attributes:
        path: folder of the study: trials, their table, the report and the preset.
        best: hyper-parameters of the best trial; None while no trial has finished.
        report: the best trial's scores on fresh seeds and its preset; None without.
        failures: one line for each trial that failed.
        interrupted: Ctrl-C ended it; the same call goes on.
    """

    path: Path
    best: dict[str, Any] | None
    report: Report | None
    failures: list[str]
    interrupted: bool = False


def tune(
    agent: str,
    env_id: str,
    *,
    space: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    preset: str = "default",
    trials: int = 50,
    seeds: int = 2,
    first_seed: int = FIRST_SEED,
    report_seeds: int = 5,
    objective: str | None = None,
    until: float | None = None,
    way: float | None = None,
    num_envs: int | None = None,
    steps: int | None = None,
    cpu_limit: float | None = None,
    eval_every: int | None = None,
    pruner: str = "median",
    jobs: int | None = None,
    out: str | Path = "runs",
    name: str | None = None,
    say: Say = print,
) -> Tuned:
    """Search for hyper-parameters of an agent on a task; the same call goes on where it stopped.

    The first trial is what the preset says, where that lies in the space.

    Args:
        agent, env_id, options, env_kwargs, preset, num_envs, steps, cpu_limit, eval_every: of each
            run, as for :func:`~.trainer.train`.
        space: ``name=range`` texts (see :mod:`.tuning_space`); the agent's own space if empty.
        trials: how many in all, those of earlier calls included.
        seeds: runs of a trial, with seeds from ``first_seed`` on.
        report_seeds: the best trial is shown on seeds 0 to n - 1, which no trial may use.
        objective: ``score``, ``steps`` or ``cpu``: see :class:`~.tuning_objective.Objective`;
            ``steps`` if not given and there is a criterion, else ``score``.
        until, way: the criterion, as a score or as a share of the way from chance to optimum.
        pruner: ``median``, ``asha`` or ``none``.
        jobs: trials at a time, the number of cores if not given.
        out, name: the study's folder, ``out/tune-<agent>-<task>`` if no name is given.
        say: where messages go.

    Raises:
        UsageError, AgentError, TaskError: a user's mistake, in one sentence.
    """
    if find_spec("optuna") is None:
        raise UsageError('tune needs optuna: pip install "caudate[tune]".')
    positive("trials", trials)
    positive("seeds", seeds)
    engine = EngineSettings(jobs=jobs)
    engine.check()
    if report_seeds < 0 or first_seed < report_seeds:
        raise UsageError(
            f"first_seed={first_seed} must be {max(report_seeds, 0)} or more: seeds 0 to "
            "report_seeds - 1 are for the report, and a trial must not see them."
        )
    if pruner not in PRUNERS:
        raise UsageError(f"pruner={pruner!r} is not one of {', '.join(PRUNERS)}.")
    found = find_preset(agent, env_id, preset)
    fixed = dict(options or {})
    aside = {*fixed, *([NUM_ENVS] if num_envs is not None else [])}
    searched = find_space(agent, space, aside)
    check_env_id(env_id)
    steps = found.steps if steps is None else steps
    eval_every = found.eval_every if eval_every is None else eval_every
    arguments: dict[str, Any] = {
        "agent": agent,
        "env_id": env_id,
        "env_kwargs": dict(env_kwargs or {}),
        "preset": "none",
        "options": found.options | fixed,
        "num_envs": found.num_envs if num_envs is None else positive("num_envs", num_envs),
        "steps": positive("steps", steps),
        "eval_every": positive("eval_every", eval_every),
        "until": number("until", until),
        "cpu_limit": number("cpu_limit", cpu_limit, above=0.0),
    }
    goal = _objective(arguments, objective, way)
    arguments["until"] = goal.until
    made = {"n_envs": arguments["num_envs"], "env_kwargs": arguments["env_kwargs"]}
    make_agent(agent, env_id, **made, **arguments["options"])  # refuses what each run would
    task = env_id.split("/")[-1].split(":")[-1]
    folder = Path(out) / (name or f"tune-{agent}-{task}")
    seed_list = tuple(range(first_seed, first_seed + seeds))
    check_writable(folder / _PLAN)
    with exclusive(folder, asked=lambda: True) as alone:
        if not alone:
            raise UsageError(
                f"{folder} is being searched by another command: wait until that has ended, or "
                "give another --name."
            )
        search = _Search(folder, arguments, searched, seed_list, goal, pruner, say)
        return _tuned(search, trials, report_seeds, engine)


def _tuned(search: _Search, trials: int, report_seeds: int, engine: EngineSettings) -> Tuned:
    """Search, then show the best trial on fresh seeds."""
    folder, say, goal = search.folder, search.say, search.objective
    complete = search(trials, engine)
    best, report = search.best(), None
    write_trials_table(search.study, search.space, folder / "trials.csv")
    for failure in search.failures():
        say(f"failed: {failure}")
    if best is not None:
        say(f"best: trial {best.number}, {goal.text(best.value)}: {_params(best.params)}")
    if complete and best is not None:
        chosen = search.arguments(best.params)
        report = report_best(folder, chosen, goal, report_seeds, engine, say)
        complete = not report.interrupted
    if not complete:
        say("interrupted: the same command goes on")
    params = None if best is None else dict(best.params)
    return Tuned(folder, params, report, search.failures(), interrupted=not complete)


class _Search:
    """The trials of a study: asked for, played by workers, told."""

    def __init__(
        self,
        folder: Path,
        arguments: dict[str, Any],
        space: Space,
        seeds: tuple[int, ...],
        objective: Objective,
        pruner: str,
        say: Say,
    ):
        self.folder, self.base, self.space, self.seeds = folder, arguments, space, seeds
        self.objective, self.pruner, self.say = objective, pruner, say
        self._check_plan()
        evaluations = arguments["steps"] // arguments["eval_every"] + 1
        self.study: Any = open_study(folder, objective.direction, pruner, evaluations)
        if not self.study.trials:
            self.study.enqueue_trial(self._start())

    def _check_plan(self) -> None:
        """A study is gone on with as it was begun."""
        space = {dimension.name: dimension.text for dimension in self.space}
        plan = self.base | {"space": space, "seeds": self.seeds, "pruner": self.pruner}
        plan = json.loads(json.dumps(plan | {"objective": asdict(self.objective)}))
        path = self.folder / _PLAN
        if not path.is_file():
            write_json(path, plan)
            return
        before = Run(self.folder).read_json(_PLAN)
        for key, value in plan.items():
            if before.get(key) != value:
                raise UsageError(
                    f"{self.folder} holds a study with another {key} ({before.get(key)}, not "
                    f"{value}): give the same command, or another --name."
                )

    def _start(self) -> dict[str, Any]:
        """What the preset, or else the agent, has for the options that are searched."""
        from ..agents.registry import option_types

        types = option_types(self.base["agent"])
        values = {name: default for name, (_, default) in types.items()} | self.base["options"]
        values[NUM_ENVS] = self.base["num_envs"]
        return {d.name: values[d.name] for d in self.space if d.holds(values[d.name])}

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of ``train`` for a trial's parameters."""
        options = {name: value for name, value in params.items() if name != NUM_ENVS}
        num_envs = params.get(NUM_ENVS, self.base["num_envs"])
        return self.base | {"options": self.base["options"] | options, "num_envs": num_envs}

    def __call__(self, total: int, engine: EngineSettings) -> bool:
        """Play trials until the study has ``total``; False if Ctrl-C came between."""
        from optuna.trial import Trial, TrialState

        begun = [t for t in self.study.trials if t.state == TrialState.RUNNING]
        left = [Trial(self.study, frozen._trial_id) for frozen in begun]
        count = sum(t.state != TrialState.WAITING for t in self.study.trials)
        self.total = max(total, count)
        self.say(f"{self.folder}: {self.total} trials, {count - len(left)} finished before")
        running: dict[Future[Played], Any] = {}
        stopped = False
        with (
            one_thread(),
            interrupts() as interrupted,
            engine.make(self.folder) as workers,
        ):
            while running or (not stopped and (left or count < total)):
                stopped = stopped or interrupted()
                while not stopped and len(running) < workers.slots and (left or count < total):
                    if not left:
                        left.append(self._ask())
                        count += 1
                    trial = left.pop(0)
                    running[workers.submit(play, self._order(trial))] = trial
                for future in wait(running, 0.2, FIRST_COMPLETED).done:
                    # A Ctrl-C may have ended all workers before it is looked for here.
                    stopped = not self._end(running.pop(future), future) or stopped
            return not (stopped or interrupted())

    def _ask(self) -> Any:
        import optuna

        # Seeded by the trial's number, so that a study that is gone on with draws new ones.
        self.study.sampler = optuna.samplers.TPESampler(seed=len(self.study.trials))
        return self.study.ask()

    def _order(self, trial: Any) -> Order:
        params = {dimension.name: dimension.suggest(trial) for dimension in self.space}
        return Order(
            self.folder,
            trial.number,
            trial._trial_id,
            self.arguments(params),
            self.seeds,
            self.objective,
            self.pruner,
        )

    def _end(self, trial: Any, future: Future[Played]) -> bool:
        """Tell the study how a trial ended, and the user; False if it was interrupted."""
        from optuna.trial import TrialState

        error = future.exception()
        if error is not None:
            why = str(error) if isinstance(error, LostWorkerError) else reason(error)
            trial.set_user_attr("reason", why)
            self.study.tell(trial, state=TrialState.FAIL)
            self._say(trial, f"failed: {why}")
            return True
        played = future.result()
        if played.interrupted:
            return False
        trial.set_user_attr("scores", [r["confirmed"]["value"] for r in played.results])
        if played.pruned:
            self.study.tell(trial, state=TrialState.PRUNED)
            self._say(trial, "broken off")
        else:
            trial.set_user_attr("reached", [r["reached"] for r in played.results])
            value = self.objective.value(played.results)
            self.study.tell(trial, value)
            self._say(trial, self.objective.text(value))
        for seed in self.seeds:  # what the trial came to stays; its networks are of no more use
            run = self.folder / "trials" / f"{trial.number:04d}" / f"seed{seed}"
            shutil.rmtree(run / "checkpoints", ignore_errors=True)
        return True

    def _say(self, trial: Any, outcome: str) -> None:
        self.say(f"[{trial.number + 1}/{self.total}] {outcome}: {_params(trial.params)}")

    def best(self) -> Any:
        """The best trial of those that finished, None if none did."""
        from optuna.trial import TrialState

        done = self.study.get_trials(states=(TrialState.COMPLETE,))
        return self.study.best_trial if done else None

    def failures(self) -> list[str]:
        from optuna.trial import TrialState

        failed = self.study.get_trials(states=(TrialState.FAIL,))
        return [f"trial {t.number}: {t.user_attrs.get('reason', 'no reason')}" for t in failed]


def _objective(arguments: Mapping[str, Any], kind: str | None, way: float | None) -> Objective:
    """What the arguments of a run, and perhaps a share of the way, make the goal."""
    env_id, env = arguments["env_id"], arguments["env_kwargs"]
    until, cpu_limit = arguments["until"], arguments["cpu_limit"]
    if until is not None and way is not None:
        raise UsageError("until and way exclude each other: give one of them.")
    if way is not None:
        if not 0 < way <= 1 or not has_task(env_id):
            raise UsageError(
                f"way={way} must be above 0 and at most 1, on a task with yardsticks: else give "
                "--until."
            )
        until = way_to_score(env_id, env, way)
    kind = kind or (SCORE if until is None else STEPS)
    if kind not in OBJECTIVES:
        raise UsageError(f"objective={kind!r} is not one of {', '.join(OBJECTIVES)}.")
    if (kind == SCORE) != (until is None):
        need = "has no criterion: leave out" if kind == SCORE else "needs a criterion: give it"
        raise UsageError(f"objective={kind} {need} --until or --way.")
    if kind == CPU and cpu_limit is None:
        raise UsageError("objective=cpu needs a budget: give it --cpu-limit.")
    marks = yardsticks(env_id, env) if has_task(env_id) else {}
    chance, optimum = marks.get("chance", 0.0), marks.get("optimum", 1.0)
    if chance == optimum:
        chance, optimum = 0.0, 1.0
    budget = cpu_limit if kind == CPU else float(arguments["steps"])
    return Objective(kind, chance, optimum, until, budget)


def _params(params: Mapping[str, Any]) -> str:
    texts = {k: f"{v:.4g}" if isinstance(v, float) else str(v) for k, v in params.items()}
    return ", ".join(f"{name}={text}" for name, text in texts.items())
