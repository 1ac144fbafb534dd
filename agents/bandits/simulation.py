"""Trials of simulated subjects, with what went on in them, as one tidy table.

>>> import caudate.envs
>>> from caudate.agents import make_agent
>>> from caudate.agents.bandits import simulate
>>> agent = make_agent("rescorla-wagner", "caudate/ReversalBandit-v0", learning_rate=0.4)
>>> table = simulate(agent, subjects=2)
>>> list(table)[:6], len(table["choice"])
(['subject', 'block', 'trial', 'choice', 'reward', 'p_choice'], 400)

``caudate.envs.write_trials(table, path)`` writes it as CSV.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import Agent
from ..errors import AgentError
from ..rounds import Rounds, make_rounds
from .agent import TrialAgent
from .player import Notes

Array = np.ndarray
#: A name for each column of values (n,), one a choice.
Table = dict[str, Array]

_PAST = ("prediction_error", "learning_rate", "volatility", "stochasticity")


def simulate(
    agent: Agent,
    subjects: int = 1,
    blocks: int = 1,
    seed: int = 0,
    deterministic: bool = False,
    env: Any = None,
) -> Table:
    """Let an agent's player play episodes, and write down every choice.

    Args:
        agent: a trial-level learner.
        subjects: columns that play side by side, each an own course of luck.
        blocks: episodes of each subject, one after the other.
        seed: decides luck and choices; episode b of subject i has the seed
            ``seed + b * subjects + i``.
        deterministic: take the likeliest choices.
        env: a vector environment of that many columns to play in, for instance one whose trials are
            recorded; None: copies of the agent's own, which then has to have an id.

    Returns:
        One row a choice, ordered by subject, block and time. Always there are ``subject``,
        ``block``, ``trial`` (from 0, counted by choices; by trials where these have several),
        ``choice`` and ``reward``. Where the player has them, too: ``state``, ``p_choice`` (the
        choice's probability under the rule), ``p_k``, ``mean_k`` and ``variance_k`` of arm k before
        the choice, ``forced``, and from the outcome of the choice ``prediction_error``,
        ``learning_rate``, ``volatility`` and ``stochasticity`` (NaN where a trial went on,
        and after the last outcome of a prediction).

    Raises:
        AgentError: another kind of agent, numbers of subjects or blocks below 1, or no environment
            to play in.
    """
    if not isinstance(agent, TrialAgent):
        raise AgentError(
            f"{agent.name} is no trial-level learner: record its trials with "
            "caudate.envs.collect_trials."
        )
    if min(subjects, blocks) < 1:
        raise AgentError(f"subjects={subjects} and blocks={blocks} must be 1 or more.")
    if env is None and agent.env_id is None:
        raise AgentError(
            f"{agent.name} was built on an environment object: pass env= to simulate in."
        )
    steps = agent.options.max_episode_steps
    if env is None:
        rounds = make_rounds(agent.env_id or "", subjects, agent.env_kwargs, steps)
    else:
        rounds = make_rounds(env, subjects, {}, steps)
    rng = None if deterministic else np.random.default_rng(seed)
    parts = [_block(agent, rounds, block, seed + block * subjects, rng) for block in range(blocks)]
    if env is None:
        rounds.close()
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((table["block"], table["subject"]))
    return {name: values[order] for name, values in table.items()}


def _block(
    agent: TrialAgent, rounds: Rounds, block: int, seed: int, rng: np.random.Generator | None
) -> Table:
    """One episode of all subjects, ordered by subject and time."""
    n = rounds.n_envs
    obs = rounds.reset(seed + np.arange(n))
    state = agent.player.begin(n, seed)
    rows: list[Table] = []
    alive: list[Array] = []
    while rounds.alive.any():
        notes = Notes()
        choices, state = agent.player.act(obs, state, rng, notes)
        _look_back(rows, notes)
        alive.append(rounds.alive.copy())
        obs, reward = rounds.step(agent.to_env(choices))
        rows.append(_row(choices, reward, notes))
    if agent.player.sees_end:
        notes = Notes()
        agent.player.act(obs, state, rng, notes)
        _look_back(rows, notes)
    played = np.array(alive).T  # (n, T)
    subject, step = np.nonzero(played)
    told = [name for name in _PAST if any(name in row for row in rows)]
    blank = np.full(n, np.nan)
    table: Table = {"subject": subject, "block": np.full(len(subject), block), "trial": step}
    for name in [*(name for name in rows[0] if name not in told), *told]:
        values = np.array([row.get(name, blank) for row in rows])  # (T, n)
        table[name] = values[step, subject]
    if "starts" in table:
        starts = np.array([row["starts"] for row in rows]).T & played
        table["trial"] = np.maximum(np.cumsum(starts, axis=1) - 1, 0)[subject, step]
        del table["starts"]
    return table


def _row(choices: Array, reward: Array, notes: Notes) -> Table:
    """What is known of a step once it is made, each (n,)."""
    now, every = notes.now, np.arange(len(choices))
    row: Table = {}
    if "state" in now:
        row["state"] = now["state"]
    row["choice"] = choices if choices.ndim == 1 else choices[:, 0]
    row["reward"] = reward
    if "p" in now:
        row["p_choice"] = now["p"][every, choices]
    for name in ("p", "mean", "variance"):
        if name in now:
            row |= {f"{name}_{k}": now[name][:, k] for k in range(now[name].shape[1])}
    for name in ("forced", "starts"):
        if name in now:
            row[name] = now[name]
    return row


def _look_back(rows: list[Table], notes: Notes) -> None:
    """Add to the last step what its outcome told."""
    if rows:
        rows[-1] |= {name: notes.past[name] for name in _PAST if name in notes.past}
