"""The training loop: update, evaluate, record, checkpoint, stop; the same for every agent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..agents import Agent, AgentError, write_checkpoint
from .evaluation import (
    CONFIRMATION_SEED,
    CRITERION_EPISODES,
    CRITERION_SEED,
    EPISODES,
    FOREIGN_EPISODES,
    Evaluator,
    has_task,
)
from .interrupts import interrupts
from .loggers import Loggers
from .progress import Silent
from .runs import Record, Run, RunConfig

INTERRUPTED, STOPPED = "interrupted", "stopped"

# Asked after every evaluation with its steps, episodes and score; True ends the run.
Stop = Callable[[dict[str, Any]], bool]

_TOTALS = ("timesteps", "episodes", "updates")


@dataclass
class LoopState:
    """What changes while training, beside the agent; part of every checkpoint.

    Attributes:
        cpu_seconds: process time of the agent's updates alone.
        evaluation_cpu_seconds: process time of the evaluations, confirmations included.
        next_evaluation: in transitions.
        sums: metric -> [sum, count] since the last record.
        finished: why the run is over (until, steps, cpu_limit, stopped); None while it goes on.
        metrics_bytes, timing_bytes: lengths of the records at this point.
    """

    cpu_seconds: float = 0.0
    evaluation_cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    next_evaluation: int = 0
    sums: dict[str, list[float]] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_TOTALS, 0))
    score: float | None = None
    confirmed: dict[str, Any] | None = None
    best_score: float | None = None
    finished: str | None = None
    metrics_bytes: int = 0
    timing_bytes: int = 0
    wandb_id: str | None = None


class Loop:
    """One agent, one run folder, from wherever ``state`` stands to the run's end."""

    def __init__(
        self,
        run: Run,
        config: RunConfig,
        agent: Agent,
        state: LoopState,
        progress: Silent,
        loggers: Loggers,
        stop: Stop | None = None,
    ):
        self.run, self.config, self.agent, self.state = run, config, agent, state
        self.progress, self.loggers, self.stop = progress, loggers, stop
        self.criterion = self._evaluator(CRITERION_EPISODES, CRITERION_SEED)
        self.metrics = Record(run.metrics, state.metrics_bytes)
        self.timing = Record(run.timing, state.timing_bytes)

    def _evaluator(self, episodes: int, first_seed: int) -> Evaluator:
        env_id = self.config.env_id
        n = episodes if has_task(env_id) else FOREIGN_EPISODES
        return Evaluator(env_id, self.config.env_kwargs, n, first_seed)

    def __call__(self) -> str:
        """Train to the end; returns why it ended. A first Ctrl-C ends it after a checkpoint."""
        if self.agent.num_timesteps >= self.state.next_evaluation and self.state.finished is None:
            self._evaluate(None)
        with interrupts() as interrupted:
            while self.state.finished is None:
                self._update()
                ended = self._ended()
                if ended or self.agent.num_timesteps >= self.state.next_evaluation:
                    self._evaluate(ended)
                if interrupted() and self.state.finished is None:
                    self._checkpoint(best=False)
                    return INTERRUPTED
        return self.state.finished

    def close(self) -> None:
        self.criterion.close()
        self.metrics.close()
        self.timing.close()

    # -- parts -------------------------------------------------------------------------------

    def _update(self) -> None:
        wall, cpu = time.monotonic(), time.process_time()
        try:
            metrics = self.agent.update()
        except AgentError:
            self.progress.say(
                f"Stopped at step {self.agent.num_timesteps:,}; the last good state is "
                f"{self.run.last}."
            )
            raise
        state = self.state
        state.cpu_seconds += time.process_time() - cpu
        state.wall_seconds += time.monotonic() - wall
        for name, value in metrics.items():
            if name in _TOTALS:
                state.totals[name] = value
            elif math.isfinite(value):
                total, count = state.sums.get(name, (0.0, 0))
                state.sums[name] = [total + float(value), count + 1]
        self.progress.advance(self.agent.num_timesteps)

    def _ended(self) -> str | None:
        if self.agent.num_timesteps >= self.config.steps:
            return "steps"
        limit = self.config.cpu_limit
        return "cpu_limit" if limit is not None and self.state.cpu_seconds >= limit else None

    def _evaluate(self, ended: str | None) -> None:
        """Score the agent, decide whether the run is over, write it all down."""
        state, until = self.state, self.config.until
        began = time.process_time()
        score = self.criterion(self.agent)
        state.score = score.value
        state.confirmed = None
        if ended is None and self.stop is not None:
            asked = {name: int(value) for name, value in state.totals.items()}
            ended = STOPPED if self.stop(asked | {"score": score.value}) else None
        if ended or (until is not None and score.value >= until):
            confirmed = self._confirm()
            state.confirmed = asdict(confirmed)
            if until is not None and min(score.value, confirmed.value) >= until:
                ended = "until"
        state.evaluation_cpu_seconds += time.process_time() - began
        state.finished = ended
        better = state.best_score is None or score.value > state.best_score
        if better or ended == "until":
            state.best_score = score.value
        state.next_evaluation = self.agent.num_timesteps + self.config.eval_every
        self._write_records(asdict(score))
        self._checkpoint(best=better or ended == "until")

    def _confirm(self):
        evaluator = self._evaluator(EPISODES, CONFIRMATION_SEED)
        try:
            return evaluator(self.agent)
        finally:
            evaluator.close()

    def _write_records(self, score: dict[str, Any]) -> None:
        state = self.state
        record = {name: int(value) for name, value in state.totals.items()}
        record |= {"score": score["value"], "score_low": score["low"], "score_high": score["high"]}
        if state.confirmed is not None:
            record["confirmed"] = state.confirmed["value"]
        record |= {name: total / count for name, (total, count) in state.sums.items()}
        state.sums = {}
        self.metrics.write(record)
        times = {"cpu_seconds": state.cpu_seconds, "wall_seconds": state.wall_seconds}
        self.timing.write({"timesteps": record["timesteps"], **times})
        self.loggers.log(record | times)
        self.progress.evaluated(record)

    def _checkpoint(self, best: bool) -> None:
        state = self.state
        state.metrics_bytes, state.timing_bytes = self.metrics.offset, self.timing.offset
        content = {
            "agent": self.agent.name,
            "config": self.agent.config,
            "state": self.agent.get_state(),
            "trainer": asdict(state),
        }
        if best:  # before last: a run killed in between writes it again
            write_checkpoint(self.run.best, content)
        write_checkpoint(self.run.last, content)
