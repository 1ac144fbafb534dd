"""Learning from reward with the action as the teacher: contexts, and the limit of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents import Contrastive
from ...evaluation import evaluate
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment

SEEDS = 5
#: One trial an episode, one column: the weights change after every trial.
BANDIT = "caudate/ContextualBandit-v0"
ONE_TRIAL = {"trials_per_episode": 1, "n_contexts": 4}
ONLINE: dict[str, Any] = {
    "n_envs": 1,
    "n_hidden": 12,
    "learning_rate": 0.05,
    "gamma": 0.0,
    "baseline_rate": 0.02,
    "initial_baseline": 1 / 3,
    "entropy_coef": 0.05,
}
TRIALS, WINDOW = 1000, 300
PARITY = "caudate/ContextualBandit-Parity-v0"
PARITY_TASK = {"trials_per_episode": 20}
PARITY_STEPS = 80_000
PARITY_OPTIONS: dict[str, Any] = {"n_envs": 16, "gamma": 0.0, "entropy_coef": 0.2}
#: Two places, answered after the delay; the leaky traces are all the memory there is.
RESPONSE = "caudate/DelayedResponse-v0"
DELAYS = {"5 steps": 500.0, "20 steps": 2000.0}
TRACES = {"5": 5.0, "20": 20.0, "none": 0.0}
RESPONSE_TRIALS = 12_000
RESPONSE_OPTIONS: dict[str, Any] = {"n_hidden": 12, "learning_rate": 0.1, "trace_of": "onset"}
EPISODES = 500


def measure(quick: bool) -> dict[str, Any]:
    """Rewards by trial, scores of greedy play."""
    seeds, share = (2, 0.1) if quick else (SEEDS, 1.0)
    rewards = [_online(seed) for seed in range(seeds)]
    parity = {
        str(coef): [_parity(seed, coef, share) for seed in range(seeds)]
        for coef in (PARITY_OPTIONS["entropy_coef"], 0.0)
    }
    memory = {
        tau: {
            delay: [_response(seed, tau, delay, share) for seed in range(seeds)] for delay in DELAYS
        }
        for tau in TRACES
        if tau != "none"
    }
    memory["none"] = {
        "5 steps": [_response(seed, "none", "5 steps", share) for seed in range(seeds)]
    }
    return {
        "rewards": [course for course, _ in rewards],
        "greedy": [greedy for _, greedy in rewards],
        "parity": parity,
        "memory": memory,
    }


def _online(seed: int) -> tuple[list[float], float]:
    """Reward of each trial, and the score of greedy play."""
    agent = Contrastive(BANDIT, seed=seed, env_kwargs=ONE_TRIAL, **ONLINE)
    course = [agent.update()["return_mean"] for _ in range(TRIALS)]
    return course, evaluate(agent, BANDIT, ONE_TRIAL, EPISODES).value


def _parity(seed: int, entropy_coef: float, share: float) -> float:
    options: dict[str, Any] = PARITY_OPTIONS | {"entropy_coef": entropy_coef}
    agent = Contrastive(PARITY, seed=seed, env_kwargs=PARITY_TASK, **options)
    agent.learn(round(share * PARITY_STEPS))
    return evaluate(agent, PARITY, PARITY_TASK, EPISODES).value


def _response(seed: int, tau: str, delay: str, share: float) -> float:
    task = {"n_loc": 2, "delay": DELAYS[delay]}
    agent = Contrastive(
        RESPONSE, seed=seed, env_kwargs=task, trace_tau=TRACES[tau], **RESPONSE_OPTIONS
    )
    while agent.num_episodes < share * RESPONSE_TRIALS:
        agent.update()
    return evaluate(agent, RESPONSE, task, EPISODES).value


def claims(result: dict[str, Any]) -> list[Claim]:
    """Contexts are learned, and a cue as long as its trace lasts."""
    late = np.array(result["rewards"])[:, -WINDOW:].mean(1)
    greedy = np.array(result["greedy"])
    on, off = (np.array(scores) for scores in result["parity"].values())
    memory = {
        (tau, delay): np.array(scores)
        for tau, found in result["memory"].items()
        for delay, scores in found.items()
    }

    def remembered(text: str, key: tuple[str, str], can: bool) -> Claim:
        scores = memory[key]
        enough = max(len(scores) - 1, 1)
        passed = np.sum(scores >= 0.9) >= enough if can else np.all(scores <= 0.65)
        return Claim(
            text,
            f"at least .9 in {enough} of {len(scores)} agents" if can else "at most .65, all",
            ", ".join(f"{one:.2f}" for one in scores),
            bool(passed),
        )

    return [
        Claim(
            "The policy's teacher and reward (this library's): 4 contexts, 3 arms of .9 and .1, "
            f"learned trial by trial; mean reward over trials {TRIALS - WINDOW + 1} to {TRIALS} "
            "(best arms throughout: .9; chance: .37)",
            "at least .78 (best arms in 85 %) in 4 of 5 agents",
            ", ".join(f"{one:.2f}" for one in late),
            bool(np.sum(late >= 0.78) >= len(late) - 1),
        ),
        Claim(
            "... greedy play afterwards, share of rewards (optimum .9)",
            "at least .85 in 4 of 5 agents",
            ", ".join(f"{one:.2f}" for one in greedy),
            bool(np.sum(greedy >= 0.85) >= len(greedy) - 1),
        ),
        Claim(
            "Contexts whose parity counts, with a bonus for entropy (optimum .9; 3 of 4 contexts "
            "right: .7)",
            "at least .85 in 4 of 5 agents",
            ", ".join(f"{one:.2f}" for one in on),
            bool(np.sum(on >= 0.85) >= len(on) - 1),
        ),
        Claim(
            "... without: the policy is certain before it is right",
            "fewer",
            ", ".join(f"{one:.2f}" for one in off),
            bool(np.sum(off >= 0.85) < np.sum(on >= 0.85)),
        ),
        remembered("Delayed response, 2 places, delay 5 steps, trace of 5 steps: greedy score "
                   "(chance .5)", ("5", "5 steps"), True),
        remembered("... delay 20, trace of 5: what is left of it is too little",
                   ("5", "20 steps"), False),
        remembered("... delay 20, trace of 20", ("20", "20 steps"), True),
        remembered("... delay 5, no trace: a network with one fixed point has no memory",
                   ("none", "5 steps"), False),
    ]  # fmt: skip


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Rewards by trial; scores against the delay."""
    figure, (contexts, memory) = new_figure(2, width=8.4, height=3.1)
    block = 50
    for course in result["rewards"]:
        blocks = np.array(course).reshape(-1, block).mean(1)
        contexts.plot(block * (np.arange(len(blocks)) + 0.5), blocks, color=COLORS[0], lw=1.0)
    for height in (0.9, 0.1 + 0.8 / 3):
        contexts.axhline(height, **AXIS)
    contexts.set_ylim(0, 1)
    contexts.set_xlabel("trial")
    contexts.set_ylabel(f"reward (blocks of {block} trials)")
    contexts.set_title("4 contexts, 3 arms; one line an agent", fontsize=9)
    shown = [("5", "5 steps"), ("5", "20 steps"), ("20", "5 steps"), ("20", "20 steps"),
             ("none", "5 steps")]  # fmt: skip
    for place, (tau, delay) in enumerate(shown):
        scores = result["memory"][tau][delay]
        x = place + np.linspace(-0.15, 0.15, len(scores))
        memory.plot(x, scores, "o", color=COLORS[1], ms=5, alpha=0.8)
    memory.axhline(0.5, **AXIS)
    memory.set_xticks(
        range(len(shown)),
        [f"delay {delay.split()[0]}\n{_trace(tau)}" for tau, delay in shown],
        fontsize=8,
    )
    memory.set_xlim(-0.6, len(shown) - 0.4)
    memory.set_ylim(0, 1.05)
    memory.set_ylabel("greedy score")
    memory.set_title("delayed response (steps); one dot an agent", fontsize=9)
    return [save(figure, folder / "reward.png")]


def _trace(tau: str) -> str:
    return "no trace" if tau == "none" else f"trace {tau}"


EXPERIMENT = Experiment(
    "reward",
    "Reward: the action is the teacher",
    measure,
    claims,
    draw,
    {
        "online": ONLINE | ONE_TRIAL,
        "trials": TRIALS,
        "parity": PARITY_OPTIONS | PARITY_TASK,
        "parity_steps": PARITY_STEPS,
        "response": RESPONSE_OPTIONS,
        "response_trials": RESPONSE_TRIALS,
        "seeds": SEEDS,
    },
)
