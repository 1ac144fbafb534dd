"""What happened on earlier trials, in the info of each trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper

from ..core.errors import TaskError

Array = npt.NDArray[Any]

FACTS = ("condition", "choice", "correct")
_NONE = -1


class TrialHistory(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Adds to the info at each trial's end what happened on the trial before.

    - ``trials_before``: number of trials before this one;
    - ``trial_reward``: reward summed over the trial;
    - ``prev_reward``: that of the trial before, 0 if there was none;
    - ``prev_condition``, ``prev_choice``, ``prev_correct`` (or the ``facts`` asked for): as they
      were at the end of the trial before, -1 if there was none or it did not say;
    - ``run_length``: how many trials up to this one, itself included, had the same condition
      without a break; 0 if the environment tells no condition.

    Where the environment tells a fact of one of these names, it stays as it is.

    History goes on over the ends of episodes and begins anew with ``reset(seed=...)``. A trial ends
    where the info says ``trial_end``, or with its episode.

    Args:
        env: any environment; ours tell the facts.
        facts: names of whole-number facts to remember.

    >>> import caudate.envs
    >>> env = TrialHistory(gym.make("caudate/ReversalBandit-v0"))
    >>> _ = env.reset(seed=0)
    >>> first, second = env.step(1), env.step(0)
    >>> second[4]["prev_choice"], second[4]["prev_reward"] == first[1]
    (1, True)
    """

    def __init__(self, env: gym.Env[Any, Any], facts: Sequence[str] = FACTS) -> None:
        RecordConstructorArgs.__init__(self, facts=facts)
        super().__init__(env)
        self._ledger = Ledger(1, check_facts(facts))
        self._over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; a seed also begins the history anew."""
        every = np.ones(1, dtype=bool)
        self._ledger.begin(every, forget=every if seed is not None else ~every)
        self._over = False
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        if self._over:  # nothing happens after the end
            return obs, float(reward), terminated, truncated, info
        self._over = terminated or truncated
        self._ledger.earn(np.array([float(reward)]))
        if terminated or truncated or info.get("trial_end", False):
            facts = {name: np.array([info[name]]) for name in self._ledger.read if name in info}
            told = self._ledger.end(np.zeros(1, dtype=np.int64), facts)
            info = {**{name: values[0].item() for name, values in told.items()}, **info}
        return obs, float(reward), terminated, truncated, info


class VectorTrialHistory(VectorWrapper):
    """``TrialHistory`` for a vector environment: arrays and their masks in the vector info.

    Args:
        env: any vector environment; ours tell the facts.
        facts: names of whole-number facts to remember.
    """

    def __init__(self, env: VectorEnv, facts: Sequence[str] = FACTS) -> None:
        super().__init__(env)
        self._ledger = Ledger(env.num_envs, check_facts(facts))
        self._over = np.zeros(env.num_envs, dtype=bool)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; seeds also begin the history of their columns anew."""
        mask = (options or {}).get("reset_mask")
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else np.array(mask, dtype=bool)
        if seed is None or isinstance(seed, (int, np.integer)):
            seeded = mask if seed is not None else ~np.ones_like(mask)
        else:
            seeded = mask & np.array([one is not None for one in seed])
        self._ledger.begin(mask, forget=seeded)
        self._over[mask] = False
        given: Any = seed
        return self.env.reset(seed=given, options=options)

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """One step of all columns."""
        obs, reward, terminated, truncated, info = self.env.step(actions)
        over = np.logical_or(terminated, truncated)
        # A column that was over earns nothing: it waits, or its row is that of a reset.
        self._ledger.earn(np.where(self._over, 0.0, reward))
        final = info.get("final_info")
        for part in (info,) if final is None else (final, info):
            ended = part.get("_trial_end", np.zeros_like(over))
            if part is final or final is None:
                ended = ended | (over & ~self._over)
            self._tell(part, ended.nonzero()[0])
        self._over = over if final is None else np.zeros_like(over)
        return obs, reward, terminated, truncated, info

    def _tell(self, info: dict[str, Any], columns: Array) -> None:
        if not columns.size:
            return
        facts: dict[str, Array] = {}
        for name in self._ledger.read:
            if name in info:
                values = np.asarray(info[name])[columns]
                facts[name] = np.where(info[f"_{name}"][columns], values, _NONE)
        for name, values in self._ledger.end(columns, facts).items():
            if name in info:
                continue
            info[name] = np.zeros(self.num_envs, dtype=values.dtype)
            info[name][columns] = values
            info[f"_{name}"] = np.zeros(self.num_envs, dtype=bool)
            info[f"_{name}"][columns] = True


class Ledger:
    """The trial before and the running trial of n columns.

    Args:
        n: number of columns.
        facts: names of the facts to remember.
    """

    def __init__(self, n: int, facts: tuple[str, ...]) -> None:
        self.read = tuple(dict.fromkeys((*facts, "condition")))
        self._reward = np.zeros(n)
        self._last_reward = np.zeros(n)
        self._count = np.zeros(n, dtype=np.int64)
        self._last = {name: np.full(n, _NONE) for name in facts}
        self._condition = np.full(n, _NONE)
        self._run = np.zeros(n, dtype=np.int64)

    def begin(self, columns: Array, forget: Array) -> None:
        """New episodes in some columns (n,) bool; those of ``forget`` (n,) forget all."""
        self._reward[columns] = 0.0
        self._last_reward[forget] = 0.0
        for values in (*self._last.values(), self._condition):
            values[forget] = _NONE
        self._run[forget] = self._count[forget] = 0

    def earn(self, reward: Array) -> None:
        """Add the reward (n,) of a step."""
        self._reward += reward

    def end(self, columns: Array, facts: dict[str, Array]) -> dict[str, Array]:
        """End the running trial of columns (k,) with facts (k,); returns what is to be told."""
        for name, values in facts.items():
            if values.dtype.kind not in "iub":
                raise TaskError(f"the fact {name!r} is not a whole number; leave it out of facts.")
        told = {
            "trials_before": self._count[columns],
            "trial_reward": self._reward[columns],
            "prev_reward": self._last_reward[columns],
            **{f"prev_{name}": values[columns] for name, values in self._last.items()},
            "run_length": self._count_run(columns, facts.get("condition")),
        }
        self._last_reward[columns] = self._reward[columns]
        self._reward[columns] = 0.0
        self._count[columns] += 1
        for name, values in self._last.items():
            values[columns] = facts.get(name, _NONE)
        return told

    def _count_run(self, columns: Array, condition: Array | None) -> Array:
        if condition is None:
            self._condition[columns], self._run[columns] = _NONE, 0
        else:
            goes_on = self._condition[columns] == condition
            self._run[columns] = np.where(goes_on, self._run[columns], 0) + 1
            self._condition[columns] = condition
        return self._run[columns]


def check_facts(facts: Any) -> tuple[str, ...]:
    """Return the names as a tuple; raise TaskError unless they are strings."""
    names = isinstance(facts, Sequence) and not isinstance(facts, str)
    if not names or not all(isinstance(name, str) for name in facts):
        raise TaskError(f"facts={facts!r} is not a list of names; pass e.g. ['choice', 'correct'].")
    if "reward" in facts:
        raise TaskError("facts holds 'reward', which is told as prev_reward anyhow; leave it out.")
    return tuple(facts)
