"""The bandit with contexts: what is shown, which arm is best, yardsticks."""

from __future__ import annotations

from typing import Any

import pytest

from caudate.envs import ContextualBandit, TaskError, make_task
from caudate.envs.core.policy import RandomPolicy

from .conftest import play, single

ID = "caudate/ContextualBandit-v0"


def test_each_context_has_its_best_arm() -> None:
    env = single(ID, trials_per_episode=200)
    obs, _ = env.reset(seed=0)
    seen: dict[int, set[int]] = {}
    for trial in range(200):
        assert obs[0] == 1
        assert obs[1:].sum() == 1
        context = int(obs[1:].argmax())
        obs, _, terminated, truncated, info = env.step(trial % 3)
        assert info["context"] == context
        assert info["best_arm"] == context % 3
        assert info["p"] == (0.9 if trial % 3 == context % 3 else 0.1)
        assert (terminated, truncated) == (False, trial == 199)
        seen.setdefault(context, set()).add(info["best_arm"])
    assert seen == {context: {context % 3} for context in range(6)}


def test_parity_of_bits() -> None:
    task = make_task("caudate/ContextualBandit-Parity-v0")
    assert task.obs_names == ("go", "bit_0", "bit_1")
    env = single("caudate/ContextualBandit-Parity-v0")
    obs, _ = env.reset(seed=1)
    for _ in range(40):
        bits = obs[1:]
        obs, *_, info = env.step(0)
        assert info["best_arm"] == (bits[0] * bits[1] < 0)


@pytest.mark.parametrize(
    "options",
    [{}, {"n_contexts": 1, "n_arms": 5, "p": (0.7, 0.2)}, {"n_contexts": 8, "coding": "bits"}],
)
def test_yardsticks(options: dict[str, Any]) -> None:
    task = ContextualBandit(**options)
    marks = task.yardsticks
    policies = {"random": RandomPolicy(task.action_space, 0), "optimum": task.oracle()}
    for name, policy in policies.items():
        facts = play(task.vector(200), policy, 200 * 120, 0)
        mean = task.score(facts).mean()
        assert mean == pytest.approx(getattr(marks, name), abs=0.015)
    assert marks.memoryless == marks.optimum


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_contexts": 0}, "n_contexts=0"),
        ({"n_arms": 1}, "n_arms=1"),
        ({"n_contexts": 6, "coding": "bits"}, "n_contexts=6 cannot be coded in bits"),
        ({"rule": "parity"}, "n_arms=3 does not go with rule='parity'"),
        ({"coding": "words"}, "coding='words'"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        ContextualBandit(**options)
