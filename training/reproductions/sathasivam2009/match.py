"""A memory of attractors in front of networks that learn from reward: delayed match to sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents import make_agent
from ...evaluation import evaluate
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from ...stats import bootstrap_interval

TASK = "caudate/DelayedMatch-v0"
SETTING = {"fixation": 0.0}
STEP_MS = 100.0
DELAYS = (5, 20, 60, 100)  # steps
NOISE = 0.05
MEMORIES: dict[str, dict[str, Any]] = {
    "attractors": {"memory": "attractor", "memory_noise": NOISE},
    "register": {"memory": "attractor", "memory_noise": NOISE, "memory_sweeps": 0},
    "none": {},
}
RULES = ("eprop-rate", "rflo", "bptt", "eprop", "node-perturbation")
RULE_DELAY = 40
SEEDS, TRIALS, EPISODES = 3, 20_000, 500
OPTIONS = {"n_neurons": 40}


def measure(quick: bool) -> dict[str, Any]:
    """Greedy scores by memory and delay; by rule, with and without."""
    seeds, trials = (1, TRIALS // 8) if quick else (SEEDS, TRIALS)
    every = range(seeds)
    return {
        "delays": {
            memory: {
                str(delay): [_score("eprop-rate", memory, delay, seed, trials) for seed in every]
                for delay in DELAYS
            }
            for memory in MEMORIES
        },
        "rules": {
            rule: {
                memory: [_score(rule, memory, RULE_DELAY, seed, trials) for seed in every]
                for memory in ("attractors", "none")
            }
            for rule in RULES
        },
    }


def _score(rule: str, memory: str, delay: int, seed: int, trials: int) -> float:
    task = {**SETTING, "delay": STEP_MS * delay}
    agent = make_agent(rule, TASK, seed=seed, env_kwargs=task, **OPTIONS, **MEMORIES[memory])
    played = 0
    while played < trials:
        played = agent.update()["episodes"]
    return evaluate(agent, TASK, task, EPISODES).value


def claims(result: dict[str, Any]) -> list[Claim]:
    """What attractors add to a register, and to no memory."""
    found = result["delays"]
    longest = str(DELAYS[-1])

    def told(scores: list[float]) -> str:
        return ", ".join(f"{one:.2f}" for one in scores)

    by_rule = {rule: one["attractors"] for rule, one in result["rules"].items()}
    alone = {rule: one["none"] for rule, one in result["rules"].items()}
    return [
        Claim(
            f"Attractor memory, {100 * NOISE:g} % flips a step, delays of "
            f"{', '.join(map(str, DELAYS))} steps, rate e-prop, {TRIALS:,} trials: greedy score",
            ">= .95 in every seed",
            "; ".join(told(one) for one in found["attractors"].values()),
            all(min(one) >= 0.95 for one in found["attractors"].values()),
        ),
        Claim(
            f"... the same memory without relaxation, delay {longest}",
            "<= .65 in every seed",
            told(found["register"][longest]),
            max(found["register"][longest]) <= 0.65,
        ),
        Claim(
            f"... no memory, delay {longest}",
            "<= .65 in every seed",
            told(found["none"][longest]),
            max(found["none"][longest]) <= 0.65,
        ),
        Claim(
            f"It serves every rule: {', '.join(by_rule)}, delay {RULE_DELAY}",
            "mean >= .9 and not below that without memory",
            "; ".join(f"{told(by_rule[rule])} (without {told(alone[rule])})" for rule in by_rule),
            all(
                np.mean(by_rule[rule]) >= 0.9 and np.mean(by_rule[rule]) >= np.mean(alone[rule])
                for rule in by_rule
            ),
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Scores against the delay, and by rule; bars are 95 % intervals over seeds (bootstrap)."""
    figure, (delays, rules) = new_figure(2, width=8.6, height=3.2)
    names = {"attractors": "attractor memory", "register": "register (no relaxation)",
             "none": "no memory"}  # fmt: skip
    for color, (memory, found) in zip(COLORS, result["delays"].items(), strict=False):
        x, y, bars = [int(one) for one in found], *_bars(list(found.values()))
        delays.errorbar(x, y, bars, fmt="o-", color=color, ms=4, capsize=2, label=names[memory])
    delays.set_xscale("log")
    delays.set_xticks(DELAYS, [str(one) for one in DELAYS])
    delays.minorticks_off()
    delays.set_xlabel("delay (steps)")
    delays.set_ylabel("greedy score")
    delays.set_title(f"rate e-prop, {100 * NOISE:g} % of units flip a step", fontsize=9)
    delays.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0.0, 0.12))
    for i, (color, memory) in enumerate(zip((COLORS[0], COLORS[2]), ("attractors", "none"),
                                            strict=True)):  # fmt: skip
        y, bars = _bars([one[memory] for one in result["rules"].values()])
        x = np.arange(len(y)) + 0.2 * (i - 0.5)
        rules.errorbar(x, y, bars, fmt="o", color=color, ms=5, capsize=2, label=names[memory])
    rules.set_xticks(range(len(RULES)), list(RULES), fontsize=7, rotation=15)
    rules.set_xlim(-0.5, len(RULES) - 0.5)
    rules.set_title(f"delay of {RULE_DELAY} steps, by rule", fontsize=9)
    for axis in (delays, rules):
        axis.axhline(0.5, **AXIS)
        axis.set_ylim(0.3, 1.03)
    return [save(figure, folder / "match.png")]


def _bars(scores: list[list[float]]) -> tuple[list[float], np.ndarray]:
    """Means, and how far their intervals reach below and above, (2, n)."""
    means = [float(np.mean(one)) for one in scores]
    ends = np.array([bootstrap_interval(np.array(one), np.mean) for one in scores]).T
    return means, np.maximum(np.abs(ends - np.array(means)), 0)


EXPERIMENT = Experiment(
    "match",
    "Attractors as working memory: delayed match to sample",
    measure,
    claims,
    draw,
    {"memories": MEMORIES, "delays": DELAYS, "seeds": SEEDS, "trials": TRIALS, "options": OPTIONS},
)
