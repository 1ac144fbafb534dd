"""Logic as a task: rewards that are decreases of the energy, and agents that settle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents import make_agent
from ....envs import make_task
from ...evaluation import evaluate
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from ...stats import wilson_interval

TASKS = ("", "-Serial", "-Goals", "-Assign")
AGENTS: dict[str, dict[str, Any]] = {
    "random on tie, 20 starts": {},
    "ties kept, 20 starts": {"ties": "keep"},
    "random on tie, 1 start": {"restarts": 1},
    "ties kept, 1 start": {"ties": "keep", "restarts": 1},
    "activations, R dt .5": {"dynamics": "rate"},
}
EVENTS = (20, 200, 2000)  # of each clause, where synapses are learned from them
EPISODES, EVENT_EPISODES, TRIALS = 500, 100, 400


def _id(variant: str) -> str:
    return f"caudate/HornSettle{variant}-v0"


def measure(quick: bool) -> dict[str, Any]:
    """Sums of rewards against energies; scores of policies."""
    share = 5 if quick else 1
    events = EVENTS[:2] if quick else EVENTS
    return {
        "telescopes": max(_telescoping_error(one, TRIALS // share) for one in TASKS),
        "oracle": {one: _oracle(one, EPISODES // share) for one in TASKS},
        "all-true": _all_true(EPISODES // share),
        "agents": {
            name: {one: _score(one, EPISODES // share, **options) for one in TASKS}
            for name, options in AGENTS.items()
        },
        "events": {
            str(count): _score("", EVENT_EPISODES // share, learning="events", events=count)
            for count in events
        },
        "all events": _score("", EVENT_EPISODES // share, learning="events"),
    }


def _score(variant: str, episodes: int, **options: Any) -> float:
    agent = make_agent("hopfield", _id(variant), n_envs=1, **options)
    return evaluate(agent, _id(variant), {}, episodes).value


def _telescoping_error(variant: str, trials: int) -> float:
    """Largest |sum of rewards - decrease of E' - what the end and the steps earn|."""
    task: Any = make_task(_id(variant))
    batch = task.vector(trials, autoreset_mode="disabled")
    policy = task.random_policy(0)
    obs, _ = batch.reset(seed=7)
    total, over, facts = np.zeros(trials), np.zeros(trials, bool), {}
    while not over.all():
        actions, _ = policy.predict(obs)
        obs, reward, terminated, truncated, info = batch.step(actions)
        total += reward
        over = terminated | truncated
        if "_trial_end" in info:
            for name in ("start_energy", "energy", "rt", "correct"):
                facts.setdefault(name, np.zeros(trials))
                np.copyto(facts[name], info[name], where=info["_trial_end"])
    earns = task.earns
    end = np.where(facts["correct"] > 0, earns["solved"], earns["unsolved"])
    steps = earns["step"] * np.rint(facts["rt"] / task.dt)
    return float(np.abs(total - (facts["start_energy"] - facts["energy"] + end + steps)).max())


def _oracle(variant: str, episodes: int) -> float:
    agent = make_agent("observer", _id(variant), n_envs=1)
    return evaluate(agent, _id(variant), {}, episodes).value


def _all_true(episodes: int) -> dict[str, float]:
    """Score of the assignment of all-true, and how often it is the least model."""
    task: Any = make_task(_id("-Assign"))
    batch = task.vector(episodes, autoreset_mode="disabled")
    batch.reset(seed=11)
    info = batch.step(np.ones((episodes, task.n_atoms), np.int8))[4]
    return {
        "score": float(task.score(info).mean()),
        "least": float((info["condition"] == task.n_atoms).mean()),
    }


def claims(result: dict[str, Any]) -> list[Claim]:
    """The task is sound, and relaxation plays it."""
    oracle, true = result["oracle"], result["all-true"]
    best = result["agents"]["random on tie, 20 starts"]
    kept = result["agents"]["ties kept, 1 start"]
    wander = result["agents"]["random on tie, 1 start"]
    learned = [*result["events"].values(), result["all events"]]
    return [
        Claim(
            "HornSettle (this library's task): rewards of random play add up to the decrease of "
            "E': largest error",
            "at most 1e-9",
            f"{result['telescopes']:.2g}",
            result["telescopes"] <= 1e-9,
        ),
        Claim(
            "... forward chaining solves it, four variants",
            "all programs",
            ", ".join(f"{one:.3f}" for one in oracle.values()),
            all(one == 1 for one in oracle.values()),
        ),
        Claim(
            "... all-true, which satisfies every program without goals, is right only where it is "
            "the least model",
            "the same share, below .2",
            f"{true['score']:.3f} of {true['least']:.3f}",
            true["score"] == true["least"] < 0.2,
        ),
        Claim(
            "The agent hopfield, random on tie, 20 starts: programs solved, four variants",
            ">= .98",
            ", ".join(f"{one:.3f}" for one in best.values()),
            min(best.values()) >= 0.98,
        ),
        Claim(
            "... one start: random on tie against ties kept",
            "more, in all variants",
            "; ".join(f"{wander[one]:.3f}, {kept[one]:.3f}" for one in TASKS),
            all(wander[one] > kept[one] for one in TASKS),
        ),
        Claim(
            f"... synapses learned from {', '.join(result['events'])} drawn events a clause, and "
            "from all of them once",
            "rising to that of computed ones within .02",
            ", ".join(f"{one:.2f}" for one in learned),
            learned == sorted(learned) and abs(learned[-1] - best[""]) <= 0.02,
        ),
    ]  # fmt: skip


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Programs solved by ways to relax; and by events that were seen."""
    figure, (agents, events) = new_figure(2, width=8.6, height=3.2)
    names = [one.removeprefix("-") or "HornSettle" for one in TASKS]
    for i, (color, (name, scores)) in enumerate(
        zip(COLORS, result["agents"].items(), strict=False)
    ):
        x = np.arange(len(TASKS)) + 0.16 * (i - 2)
        values = np.array([scores[one] for one in TASKS])
        ends = np.array([wilson_interval(v * EPISODES, EPISODES) for v in values]).T
        bars = np.maximum(np.abs(ends - values), 0)
        agents.bar(x, values, 0.15, color=color, label=name)
        agents.errorbar(x, values, bars, fmt="none", ecolor="black", elinewidth=0.7)
    agents.set_xticks(range(len(TASKS)), names, fontsize=8)
    agents.set_ylim(0, 1.05)
    agents.set_ylabel("programs solved")
    agents.set_title("ways to relax, by variant of the task", fontsize=9)
    agents.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncol=3)
    x, y = [int(one) for one in result["events"]], list(result["events"].values())
    ends = np.array([wilson_interval(v * EVENT_EPISODES, EVENT_EPISODES) for v in y]).T
    events.errorbar(x, y, np.abs(ends - np.array(y)), fmt="o-", color=COLORS[0], capsize=2)
    events.axhline(result["all events"], **AXIS)
    events.set_xscale("log")
    events.minorticks_off()
    events.set_xticks(x, [str(one) for one in x])
    events.set_ylim(0, 1.05)
    events.set_xlabel("drawn events of each clause (dashed: all, once)")
    events.set_ylabel("programs solved")
    events.set_title("synapses learned by Hebb's rule", fontsize=9)
    return [save(figure, folder / "world.png")]


EXPERIMENT = Experiment(
    "world",
    "Logic as a task: HornSettle",
    measure,
    claims,
    draw,
    {"agents": AGENTS, "events": EVENTS, "episodes": EPISODES, "trials": TRIALS},
)
