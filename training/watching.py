"""A trained agent at work: greedy trials step by step, as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from ..agents import Agent
from ..agents.atari_env import is_atari
from .errors import UsageError
from .evaluation import FOREIGN_SEEDS, FRESH_SEED, has_task
from .progress import Say
from .runs import Run

_LEVEL = 1e-6  # an observation below it is off


def watch(
    run: str | Path,
    trials: int = 1,
    *,
    seed: int = 0,
    max_steps: int = 1000,
    say: Say = print,
) -> Path:
    """Play greedy trials with a run's agent, one line a step, and draw the last one.

    Args:
        run: the run folder; its best checkpoint is played.
        trials: how many.
        seed: of the first trial, counted from where the fresh trials of ``evaluate`` begin.
        max_steps: steps in all, for tasks without an end.
        say: where the lines go.

    Returns:
        The picture ``figures/watch.png``: the last trial, drawn by the environment.

    Raises:
        UsageError: not a run, no checkpoint yet, or an environment that cannot draw itself.
    """
    if trials < 1 or max_steps < 1:
        raise UsageError(f"trials={trials} and max_steps={max_steps} must be 1 or more.")
    folder = Run.open(run)
    agent = folder.agent()
    config = folder.config
    env = _drawing_env(config.env_id, config.env_kwargs)
    try:
        _play(env, agent, trials, first_seed(config.env_id) + seed, max_steps, say)
        picture: Any = env.render()
    except gym.error.DependencyNotInstalled as error:
        raise UsageError(f"{config.env_id} cannot be drawn: {error}.") from error
    finally:
        env.close()
    path = folder.figures / "watch.png"
    _write_png(path, picture)
    return path


def first_seed(env_id: str) -> int:
    """Where the fresh trials of ``evaluate`` begin."""
    return FRESH_SEED if has_task(env_id) else FOREIGN_SEEDS[FRESH_SEED]


def _drawing_env(env_id: str, env_kwargs: dict[str, Any]) -> gym.Env:
    if is_atari(env_id):
        raise UsageError(
            f"{env_id} is played as small grey frames, which have no picture: use caudate evaluate."
        )
    try:
        return gym.make(env_id, render_mode="rgb_array", **env_kwargs)
    except (gym.error.Error, TypeError, ImportError) as error:
        raise UsageError(f"{env_id} cannot be drawn as an image: {error}.") from error


def _play(env: gym.Env, agent: Agent, trials: int, seed: int, max_steps: int, say: Say) -> None:
    """Play whole episodes until enough trials have ended or the steps are used up."""
    names, dt, actions = env_names(env)
    steps = done = 0
    while done < trials and steps < max_steps:
        observation, _ = env.reset(seed=seed + done)
        say(f"trial {done + 1} on {env.spec.id if env.spec else env}")
        say(f"{'time':>9}  {'observation':<34}  {'action':<12}  reward")
        state, over, time, began = None, False, 0.0, steps
        while not over and done < trials and steps < max_steps:
            action, state = agent.predict(observation, state, deterministic=True)
            seen = observation
            observation, reward, terminated, truncated, info = env.step(action)
            acted = _action(action, env.action_space, actions)
            say(f"{_time(time, dt)}  {_shown(seen, names):<34}  {acted:<12}  {float(reward):g}")
            time += dt or 1.0
            steps += 1
            over = terminated or truncated
            if over or info.get("trial_end"):
                done += 1
                if steps - began > 1:  # the line of a trial of one step says it all
                    say_facts(info, say)
                began = steps


def env_names(env: gym.Env) -> tuple[list[str] | None, float | None, tuple[str, ...]]:
    """Observation names, ms a step and action names, where the environment tells them."""
    info = getattr(env.unwrapped, "task_info", {})
    task = getattr(env.unwrapped, "task", None)
    return info.get("obs_names"), info.get("dt_ms"), getattr(task, "action_names", ())


def _action(action: Any, space: gym.Space, names: tuple[str, ...]) -> str:
    """Name of a choice, or the components of a vector with theirs."""
    if isinstance(space, gym.spaces.Discrete) and names:
        return names[int(action)]
    values = np.ravel(action).tolist()
    if len(names) != len(values):
        return _values(action)
    return " ".join(f"{name}={value:.2f}" for name, value in zip(names, values, strict=True))


def _time(time: float, dt: float | None) -> str:
    return f"{time:>6.0f} ms" if dt else f"step {time:>4.0f}"


def _shown(observation: np.ndarray, names: list[str] | None) -> str:
    """Names of the channels that are on, with their values where these are not 1."""
    if names is None:
        return _values(observation)
    on = [
        name if value == 1 else f"{name}={value:.2f}"
        for name, value in zip(names, np.ravel(observation).tolist(), strict=True)
        if abs(value) > _LEVEL
    ]
    return " ".join(on) or "-"


def _values(array: Any) -> str:
    return " ".join(f"{value:.3g}" for value in np.ravel(array).tolist())


def say_facts(info: dict[str, Any], say: Say) -> None:
    facts = {name: info[name] for name in ("correct", "choice", "rt", "condition") if name in info}
    if facts:
        say("  ".join(f"{name} {float(value):g}" for name, value in facts.items()))


def _write_png(path: Path, picture: np.ndarray) -> None:
    from matplotlib.image import imsave

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        imsave(path, picture)
    except OSError as error:
        raise UsageError(f"Cannot write the picture {path}: {error}.") from error
