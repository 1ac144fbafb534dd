"""Look inside a trained agent: its network and its rule in one greedy episode, or its clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gymnasium as gym

from ..agents import AGENTS
from ..agents.actor_critic import ActorCritic
from ..agents.timing import ClockAgent
from .errors import UsageError
from .inside_figure import Subject, draw
from .inside_trial import (
    choose_synapses,
    choose_units,
    eligibility_traces,
    peak_eligibility,
    play_trial,
    teaching,
)
from .progress import Say
from .runs import Run
from .timing_figure import draw_timing
from .watching import env_names, first_seed, say_facts


def look_inside(
    run: str | Path,
    *,
    seed: int = 0,
    max_steps: int = 1000,
    units: Sequence[int] | None = None,
    say: Say = print,
) -> Path:
    """Play one greedy episode with a run's agent and draw what its network and its rule did.

    Of an agent with a clock, the readout over time and the intervals that it produces are drawn.

    Args:
        run: the run folder; its best checkpoint is played.
        seed: of the episode, counted from where the fresh trials of ``evaluate`` begin.
        max_steps: environment steps after which an episode is cut.
        units: neurons to follow: their potentials and their most eligible synapses. If not given,
            four that spike and have the largest eligibility, of each kind of neuron two.
        say: where the lines go.

    Returns:
        The picture ``figures/inside.png``.

    Raises:
        UsageError: not a run, no checkpoint yet, an agent without such a network, or units that
            it does not have.
    """
    if max_steps < 1:
        raise UsageError(f"max_steps={max_steps} must be 1 or more.")
    folder = Run.open(run)
    config = folder.config
    agent = folder.agent()
    if isinstance(agent, ClockAgent):
        if units:
            raise UsageError(f"{config.agent} has no neurons that learn: leave out --unit.")
        path = folder.figures / "inside.png"
        return draw_timing(agent, config.env_id, config.env_kwargs, path)
    if not isinstance(agent, ActorCritic):
        ours = ", ".join(name for name, spec in AGENTS.items() if spec.kind == "network")
        raise UsageError(
            f"{folder.path} holds a {config.agent} agent, which has no network of ours: "
            f"looking inside works for {ours}."
        )
    _check_units(units, agent.network.n_units)
    env = gym.make(config.env_id, **config.env_kwargs)
    try:
        observation_names, dt, action_names = env_names(env)
        trial = play_trial(agent, env, first_seed(config.env_id) + seed, max_steps)
    finally:
        env.close()
    steps = f"{len(trial)} steps of {trial.substeps} network step{'s'[: trial.substeps > 1]}"
    say(f"{config.agent} on {config.env_id}: {steps}, return {sum(trial.rewards):g}")
    if trial.trials == 1:
        say_facts(trial.facts, say)
    peak = peak_eligibility(agent, trial.tape)
    followed = list(dict.fromkeys(units or choose_units(agent.network, trial.tape, peak)))
    synapses = choose_synapses(peak, followed)
    return draw(
        Subject(
            title=f"{config.agent} on {config.env_id}, a greedy episode (seed {seed})",
            agent=agent,
            dt=dt,
            observation_names=observation_names,
            action_names=action_names,
        ),
        trial,
        teaching(agent, trial),
        followed,
        synapses,
        eligibility_traces(agent.network, trial.tape, synapses),
        folder.figures / "inside.png",
    )


def _check_units(units: Sequence[int] | None, n: int) -> None:
    wrong = [unit for unit in units or () if not 0 <= unit < n]
    if wrong:
        raise UsageError(f"Unit {wrong[0]} is not in the network: choose from 0 to {n - 1}.")
