"""Evaluation of a stored agent, as data and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..agents import Agent, load_agent
from .errors import UsageError
from .evaluation import evaluate, yardsticks
from .runs import Run


def evaluate_run(
    source: str | Path,
    episodes: int | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Greedy score of a run's best checkpoint, or of a checkpoint file, on fresh episodes.

    Args:
        source: run folder or checkpoint file.
        episodes: how many, 1,000 if not given (20 where an environment is not this library's).
        env_kwargs: parameters over those that the agent was trained with.

    Returns:
        JSON-able: agent, env_id, env_kwargs, checkpoint, score (value, low, high, n, kind) and
        yardsticks.
    """
    name, path, agent = _load(Path(source))
    if agent.env_id is None:
        raise UsageError(f"{path} does not name its environment: evaluate it from a script.")
    parameters = agent.env_kwargs | dict(env_kwargs or {})
    return {
        "agent": name or agent.name,
        "env_id": agent.env_id,
        "env_kwargs": parameters,
        "checkpoint": str(path),
        "timesteps": agent.num_timesteps,
        "score": asdict(evaluate(agent, agent.env_id, parameters, episodes)),
        "yardsticks": yardsticks(agent.env_id, parameters),
    }


def load_run(source: str | Path) -> Agent:
    """The agent of a run folder (its best checkpoint) or of a checkpoint file."""
    return _load(Path(source))[2]


def evaluation_text(found: dict[str, Any]) -> str:
    """The evaluation as a few lines: score with interval, then the landmarks."""
    score = found["score"]
    lines = [
        f"{found['agent']} on {found['env_id']}, {score['n']:,} fresh episodes, greedy",
        f"  {score['kind']:<12}{score['value']:.3f}  95 % interval "
        f"[{score['low']:.3f}, {score['high']:.3f}]",
    ]
    lines += [f"  {name:<12}{value:.3f}" for name, value in found["yardsticks"].items()]
    return "\n".join(lines)


def _load(source: Path) -> tuple[str | None, Path, Agent]:
    """The agent's name where a run tells it, the checkpoint file, and the agent in it."""
    if source.is_file():
        return None, source, load_agent(source)
    run = Run.open(source)
    return run.config.agent, run.checkpoint(), run.agent()
