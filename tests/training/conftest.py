"""Helpers of the training tests: the command line in this process, small runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.training import RunResult, train
from caudate.training.cli import main

TASK = "caudate/DelayedMatch-v0"
SMALL = {"n_neurons": 16}
SMALL_SET = ("--set", "n_neurons=16", "--num-envs", "16")


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capfd) -> Callable[..., Outcome]:
    """Run ``caudate ARGS`` in this process and return exit code and output."""

    def run(*args: Any) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["caudate", *map(str, args)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capfd.readouterr()
        return Outcome(int(stop.value.code or 0), out, err)

    return run


def one_sentence(outcome: Outcome) -> str:
    """The error message of a user's mistake, checked for form."""
    assert outcome.code == 2, outcome
    assert "Traceback" not in outcome.err
    lines = outcome.err.strip().splitlines()
    assert len(lines) == 1, outcome.err
    return lines[0]


def small_run(out: Path, task: str = TASK, **kwargs: Any) -> RunResult:
    """A training of a second or less."""
    defaults: dict[str, Any] = {
        "options": SMALL,
        "num_envs": 16,
        "steps": 2000,
        "eval_every": 500,
        "wandb": "off",
        "progress": False,
        "say": lambda text: None,
    }
    return train("eprop-rate", task, out=out, **(defaults | kwargs))


class NanEnv(gym.Env):
    """Observations turn into NaN after a while."""

    observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, good_resets: int = 60):
        self.left = good_resets

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left -= 1
        value = np.nan if self.left < 0 else 0.5
        return np.full(2, value, np.float32), {}

    def step(self, action):
        return np.zeros(2, np.float32), 1.0, True, False, {}


@pytest.fixture
def nan_env():
    gym.register("caudate-test/Nan-v0", lambda **kwargs: NanEnv(**kwargs))
    yield "caudate-test/Nan-v0"
    del gym.registry["caudate-test/Nan-v0"]
