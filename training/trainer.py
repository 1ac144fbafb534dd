"""Train an agent on a task: from a name to a finished run folder, or on from where one stopped."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..agents import Agent, make_agent, read_checkpoint
from ..agents.registry import agent_spec
from ..envs import make_task
from .errors import UsageError, number, positive
from .evaluation import check_env_id, has_task, yardsticks
from .loggers import Loggers
from .loop import INTERRUPTED, Loop, LoopState, Stop
from .presets import find_preset
from .progress import Say, Silent, make_progress
from .runs import Run, RunConfig
from .tensorboard_log import TensorBoardLogger, check_tensorboard
from .wandb_log import WandbLogger, WandbSettings, wandb_wanted

_VERSIONS = ("caudate", "numpy", "gymnasium")
_EXTRA_VERSIONS = {
    "baselines": ("stable-baselines3", "sb3-contrib", "torch"),
    "atari": ("ale-py", "torch"),
}


@dataclass(frozen=True)
class RunResult:
    """What ``train`` and ``resume`` return.

    Attributes:
        path: the run folder.
        result: the content of ``result.json``; empty if the run was interrupted.
        interrupted: Ctrl-C ended it; it can be resumed.
    """

    path: Path
    result: dict[str, Any]
    interrupted: bool = False

    @property
    def reached(self) -> bool:
        """Whether the run arrived at its ``until``; True where none was asked for."""
        return self.result.get("reached") is not False and not self.interrupted


def train(
    agent: str,
    env_id: str,
    *,
    preset: str = "default",
    options: Mapping[str, Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    seed: int = 0,
    num_envs: int | None = None,
    steps: int | None = None,
    until: float | None = None,
    cpu_limit: float | None = None,
    eval_every: int | None = None,
    out: str | Path = "runs",
    name: str | None = None,
    overwrite: bool = False,
    wandb: str | WandbSettings = "auto",
    tensorboard: bool = False,
    progress: bool = True,
    say: Say | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Train one agent on one task in its own run folder.

    Args:
        agent: a name from ``caudate agents``.
        env_id: any Gymnasium id.
        preset: ``default``, ``none``, the name of a task whose preset to use, or a preset's file.
        options: hyper-parameters, over those of the preset.
        env_kwargs: parameters of the environment.
        seed: decides everything random.
        num_envs: copies played at a time.
        steps: budget in transitions.
        until: stop when the greedy score reaches this on 500 episodes and, again, on 1,000 others.
        cpu_limit: stop after so many CPU-seconds of learning.
        eval_every: transitions between evaluations.
        out: folder of run folders.
        name: the run's folder in ``out``, ``<agent>-<task>-seed<seed>`` if not given.
        overwrite: replace a run that is there.
        wandb: ``auto``, ``online``, ``offline``, ``off``, or all its settings.
        tensorboard: write event files into ``tensorboard/`` of the run folder.
        progress: show a bar on a terminal, lines elsewhere.
        say: where messages go, ``print`` if not given.
        stop: asked after every evaluation with a dict of ``timesteps``, ``episodes``, ``updates``
            and ``score``; True ends the run.

    Raises:
        UsageError, AgentError, TaskError: a user's mistake, in one sentence.
    """
    settings = WandbSettings(wandb) if isinstance(wandb, str) else wandb
    settings.check()
    if tensorboard:
        check_tensorboard()
    spec = agent_spec(agent)
    check_env_id(env_id)
    found = find_preset(agent, env_id, preset)
    run = Run(Path(out) / (name or run_name(agent, env_id, seed)))
    if not overwrite:
        run.check_free()
    learner = make_agent(
        agent,
        env_id,
        seed=seed,
        n_envs=found.num_envs if num_envs is None else num_envs,
        env_kwargs=dict(env_kwargs or {}),
        **(found.options | dict(options or {})),
    )
    config = RunConfig(
        agent=agent,
        env_id=env_id,
        env_kwargs=learner.env_kwargs,
        seed=seed,
        num_envs=learner.n_envs,
        options=_hyperparameters(learner),
        steps=positive("steps", found.steps if steps is None else steps),
        eval_every=positive("eval_every", found.eval_every if eval_every is None else eval_every),
        until=number("until", until),
        cpu_limit=number("cpu_limit", cpu_limit, above=0.0),
        preset=preset,
        wandb=asdict(settings),
        tensorboard=tensorboard,
        versions=_versions(spec.extra),
    )
    if overwrite:
        run.clear()
    run = Run.create(run.path, config)
    learner.warm_up()
    return _go(run, config, learner, LoopState(), settings, progress, say, stop)


def resume(
    run: str | Path,
    *,
    wandb: str | WandbSettings | None = None,
    progress: bool = True,
    say: Say | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Go on with a run that was killed or interrupted, as if it had never stopped.

    Args:
        run: the run folder.
        wandb: as for :func:`train`; None: as the run was started.
        stop: as for :func:`train`.

    Raises:
        UsageError, AgentError: not a run, finished already, or its checkpoint cannot be used.
    """
    folder = Run.open(run)
    if folder.result is not None:
        raise UsageError(
            f"{folder.path} is finished ({folder.result['timesteps']:,} steps): there is nothing "
            "to resume."
        )
    config = folder.config
    if not folder.last.is_file():
        raise UsageError(
            f"{folder.path} was stopped before its first checkpoint: start it again with "
            "--overwrite."
        )
    learner, state = _restore(folder, config)
    if not learner.exact_resume:
        (say or print)(
            f"{config.env_id} cannot give its state: the agent goes on exactly, in new episodes."
        )
    settings = WandbSettings(**config.wandb) if wandb is None else wandb
    settings = WandbSettings(settings) if isinstance(settings, str) else settings
    return _go(folder, config, learner, state, settings, progress, say, stop)


def run_name(agent: str, env_id: str, seed: int) -> str:
    """Folder name of a run: ``<agent>-<task>-seed<seed>``."""
    return f"{agent.split(':')[-1]}-{env_id.split('/')[-1].split(':')[-1]}-seed{seed}"


def _restore(folder: Run, config: RunConfig) -> tuple[Agent, LoopState]:
    content = read_checkpoint(folder.last)
    learner = make_agent(
        config.agent,
        config.env_id,
        seed=config.seed,
        n_envs=config.num_envs,
        env_kwargs=config.env_kwargs,
        **config.options,
    )
    if content.get("agent") != learner.name or "trainer" not in content:
        raise UsageError(
            f"{folder.last} is a checkpoint of {content.get('agent')!r}, not of this run's "
            f"{config.agent!r}: put the run's own checkpoint back or start again with --overwrite."
        )
    try:
        state = LoopState(**content["trainer"])
    except TypeError as error:
        raise UsageError(
            f"{folder.last} was written by another version of caudate: go on with that one, or "
            "start again with --overwrite."
        ) from error
    learner.warm_up()
    learner.set_state(content["state"])
    return learner, state


def _go(
    run: Run,
    config: RunConfig,
    learner: Agent,
    state: LoopState,
    settings: WandbSettings,
    progress: bool,
    say: Say | None,
    stop: Stop | None,
) -> RunResult:
    with make_progress(progress, config.steps, learner.num_timesteps, say) as shown:
        loggers = _loggers(run, config, state, settings, shown.say)
        loop = Loop(run, config, learner, state, shown, loggers, stop)
        result: dict[str, Any] = {}
        try:
            ended = loop()
            if ended != INTERRUPTED:
                result = _result(config, state)
                run.write_json("result.json", result)
        finally:
            loop.close()
            loggers.finish(result)
        _report(run, config, result, shown)
    return RunResult(run.path, result, interrupted=ended == INTERRUPTED)


def _loggers(
    run: Run, config: RunConfig, state: LoopState, settings: WandbSettings, say: Say
) -> Loggers:
    """What follows the run elsewhere; the state keeps by what name W&B knows it."""
    loggers = Loggers(say)
    if wandb_wanted(settings, say):
        made = loggers.add(
            WandbLogger.name,
            lambda: WandbLogger(settings, run.path, asdict(config), state.wandb_id),
        )
        state.wandb_id = getattr(made, "run_id", state.wandb_id)
    if config.tensorboard:
        resumed_at = int(state.totals["timesteps"]) if state.metrics_bytes else None
        loggers.add(TensorBoardLogger.name, lambda: TensorBoardLogger(run.path, resumed_at))
    return loggers


def _result(config: RunConfig, state: LoopState) -> dict[str, Any]:
    """What ``result.json`` holds: how the run ended and what it cost."""
    totals = {name: int(value) for name, value in state.totals.items()}
    trials = totals["episodes"] * _trials_per_episode(config)
    reached = None if config.until is None else state.finished == "until"
    return {
        "finished": state.finished,
        "reached": reached,
        "censored": reached is False,  # by its steps or its CPU limit
        **totals,
        "trials": trials,
        "cpu_seconds": state.cpu_seconds,
        "evaluation_cpu_seconds": state.evaluation_cpu_seconds,
        "wall_seconds": state.wall_seconds,
        "score": state.score,
        "best_score": state.best_score,
        "confirmed": state.confirmed,
        "yardsticks": yardsticks(config.env_id, config.env_kwargs),
    }


def _trials_per_episode(config: RunConfig) -> int:
    if not has_task(config.env_id):
        return 1
    return make_task(config.env_id.split(":")[-1], **config.env_kwargs).trials_per_episode


def _report(run: Run, config: RunConfig, result: dict[str, Any], shown: Silent) -> None:
    if not result:
        shown.say(f"Interrupted; go on with: caudate train --resume {run.path}")
        return
    confirmed = result["confirmed"]
    interval = f"[{confirmed['low']:.3f}, {confirmed['high']:.3f}]"
    outcome = {None: "", True: f"reached {config.until}: ", False: f"below {config.until}: "}
    shown.say(
        f"{outcome[result['reached']]}{confirmed['kind']} {confirmed['value']:.3f} {interval} on "
        f"{confirmed['n']:,} episodes after {result['timesteps']:,} steps "
        f"({result['trials']:,} trials, {result['cpu_seconds']:.1f} CPU-seconds); run: {run.path}"
    )


def _hyperparameters(learner: Agent) -> dict[str, Any]:
    given = ("env_id", "env_kwargs", "seed", "n_envs")
    return {name: value for name, value in learner.config.items() if name not in given}


def _versions(extra: str | None) -> dict[str, str]:
    packages = [*_VERSIONS, *(_EXTRA_VERSIONS[extra] if extra else ())]
    found = {name: importlib.metadata.version(name) for name in packages}
    return {"python": platform.python_version(), **found}
