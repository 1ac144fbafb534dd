"""Recording trials: what tasks tell in ``info``, as one tidy table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from .core.errors import TaskError
from .trial_files import Table, write_trials

Array = npt.NDArray[Any]

#: Columns that the recorder adds, in the table's order.
OWN = ("column", "episode", "trial", "trial_steps", "trial_return", "episode_return")
#: Keys of info that are no facts of a trial.
_NO_FACTS = frozenset((*OWN[:2], *OWN[3:], "trial_end", "TimeLimit.truncated"))


class TrialRecorder:
    """Keeps what ``info`` tells at each trial's end, in one table with a row per trial.

    ``wrap`` puts the recorder around an environment, which then plays as before:

    >>> import caudate.envs
    >>> recorder = TrialRecorder()
    >>> env = recorder.wrap(gym.make("caudate/ReversalBandit-v0"))
    >>> _ = env.reset(seed=0)
    >>> for action in (0, 1, 1):
    ...     _ = env.step(action)
    >>> recorder.table()["choice"]
    array([0, 1, 1])

    Environments that tell of trials (``info["trial_end"]``, as ours do) have a row for each
    finished trial; others have one for each finished episode. What was broken off by a reset or a
    time limit has none, and rows of a reset are no steps.

    Args:
        facts: names of the facts to keep; None for all that are numbers, truth values or strings.
        by_episode: whether the end of an episode is that of a trial where ``info`` does not say so;
            None for environments that are not known to tell of trials.
    """

    def __init__(self, facts: Sequence[str] | None = None, by_episode: bool | None = None) -> None:
        if isinstance(facts, str) or not all(isinstance(name, str) for name in facts or ()):
            raise TaskError(
                f"facts={facts!r} is not a list of names; pass e.g. ['choice', 'correct']."
            )
        self._facts = None if facts is None else frozenset(facts)
        self._by_episode = by_episode
        self._wrapped = False
        self.clear()

    def clear(self) -> None:
        """Forget the finished trials; those that run go on."""
        self._blocks: list[tuple[Table, dict[str, Array]]] = []
        self._returns: dict[tuple[int, int], float] = {}
        self._count = 0

    def __len__(self) -> int:
        """Number of trials recorded."""
        return self._count

    def fewest(self) -> int:
        """Number of trials that the column with the fewest has finished so far."""
        return int(self._trial.min())

    # ---------------------------------------------------------------- attaching

    def wrap(self, env: Any) -> Any:
        """Return ``env`` with its trials recorded.

        Args:
            env: a Gymnasium ``Env`` or ``VectorEnv`` with any autoreset mode, or a
                Stable-Baselines3 ``VecEnv``.

        Raises:
            TaskError: the recorder is around an environment already, or ``env`` is none.
        """
        if self._wrapped:
            raise TaskError(
                "this recorder is around an environment already; make a TrialRecorder for each."
            )
        if isinstance(env, VectorEnv):
            self._attach(env.num_envs, _tells_trials(env))
            return RecordedVectorEnv(env, self)
        if isinstance(env, gym.Env):
            self._attach(1, _tells_trials(env))
            return RecordedEnv(env, self)
        if hasattr(env, "step_wait") and hasattr(env, "num_envs"):
            self._attach(env.num_envs, _tells_trials(env))
            return _recorded_vec_env(env, self)
        raise TaskError(
            f"{type(env).__name__} is no environment; pass a Gymnasium Env or VectorEnv, or a "
            "Stable-Baselines3 VecEnv."
        )

    def _attach(self, n: int, tells: bool) -> None:
        self._wrapped = True
        if self._by_episode is None:
            self._by_episode = not tells
        self._episode = np.full(n, -1)
        self._trial = np.zeros(n, dtype=np.int64)
        self._steps = np.zeros(n, dtype=np.int64)
        self._trial_return = np.zeros(n)
        self._episode_return = np.zeros(n)

    # ---------------------------------------------------------------- recording

    def begin(self, columns: Array) -> None:
        """New episodes in some columns, (n,) bool or indices; their running trials are dropped."""
        self._episode[columns] += 1
        self._steps[columns] = 0
        self._trial_return[columns] = self._episode_return[columns] = 0.0

    def earn(self, columns: Array, reward: Array) -> None:
        """A step of some columns (n,) bool, with the rewards (n,) of all."""
        reward = np.where(columns, reward, 0.0)
        self._steps += columns
        self._trial_return += reward
        self._episode_return += reward

    def end(self, columns: Array, facts: Mapping[str, tuple[Array, Array]]) -> None:
        """End the running trials of columns (k,).

        Args:
            columns: (k,) their numbers.
            facts: name -> values (k,) and where they are known (k,) bool.
        """
        own = {
            "column": columns,
            "episode": self._episode[columns],
            "trial": self._trial[columns],
            "trial_steps": self._steps[columns],
            "trial_return": self._trial_return[columns],
        }
        known = {}
        for name, (values, present) in facts.items():
            if name in _NO_FACTS or values.ndim != 1 or values.dtype.kind not in "biufU":
                continue
            if name == "trial":
                own[name] = np.where(present, values, own[name])
            elif self._facts is None or name in self._facts:
                own[name] = values.astype(np.int64) if values.dtype.kind in "biu" else values
                known[name] = present
        self._blocks.append((own, known))
        self._count += len(columns)
        self._trial[columns] += 1
        self._steps[columns] = 0
        self._trial_return[columns] = 0.0

    def end_episodes(self, columns: Array) -> None:
        """The episodes of columns (k,) are over."""
        keys = zip(columns.tolist(), self._episode[columns].tolist(), strict=True)
        self._returns.update(zip(keys, self._episode_return[columns].tolist(), strict=True))

    def trial_ends(self, told: Array, over: Array) -> Array:
        """Columns (k,) whose trial ends, from what info told (n,) bool and episode ends (n,)."""
        return (told | over if self._by_episode else told).nonzero()[0]

    # ---------------------------------------------------------------- reading

    def table(self) -> Table:
        """The trials as a table: name -> array (n,), ordered by column, then by time.

        ``column`` is the number of the environment in the batch, ``episode`` counts its episodes,
        ``trial`` is what the task tells, or counts the column's trials; ``trial_steps`` and
        ``trial_return`` are number of steps and sum of rewards since the trial before,
        ``episode_return`` the sum over the whole episode, NaN where that did not end. Then the
        facts: whole numbers and truth values as int64, others as float64 or strings. A fact that
        was not told in all trials is float64, NaN where it was not.
        """
        names = dict.fromkeys(name for own, _ in self._blocks for name in own)
        if not names:
            kinds = (np.int64,) * 4 + (np.float64,) * 2
            return {name: np.zeros(0, dtype=kind) for name, kind in zip(OWN, kinds, strict=True)}
        table = {name: self._joined(name) for name in names}
        keys = zip(table["column"].tolist(), table["episode"].tolist(), strict=True)
        table["episode_return"] = np.array([self._returns.get(key, np.nan) for key in keys])
        order = np.lexsort((table["episode"], table["column"]))
        return {name: table[name][order] for name in (*OWN, *(n for n in names if n not in OWN))}

    def _joined(self, name: str) -> Array:
        """A column of the table, from the blocks."""
        parts = []
        texts = any(own[name].dtype.kind == "U" for own, _ in self._blocks if name in own)
        blank = "" if texts else np.nan
        for own, known in self._blocks:
            size = len(own["column"])
            present = known.get(name, np.full(size, name in own))
            values = own.get(name, np.full(size, blank))
            parts.append(values if present.all() else np.where(present, values, blank))
        return np.concatenate(parts)

    def to_csv(self, path: str | Path) -> Path:
        """Write the table, one line per trial; ``read_trials`` gives it back exactly.

        The file appears whole or not at all.

        Raises:
            TaskError: the file cannot be written.
        """
        return write_trials(self.table(), path)


# -------------------------------------------------------------------- the three faces


class RecordedEnv(gym.Wrapper[Any, Any, Any, Any]):
    """An environment whose trials are recorded; made by ``TrialRecorder.wrap``."""

    def __init__(self, env: gym.Env[Any, Any], recorder: TrialRecorder) -> None:
        super().__init__(env)
        self.recorder = recorder
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        result = self.env.reset(seed=seed, options=options)
        self.recorder.begin(np.ones(1, dtype=bool))
        self._over = False
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step; what comes after an episode's end is not recorded."""
        result = self.env.step(action)
        if not self._over:
            _, reward, terminated, truncated, info = result
            self._over = bool(terminated or truncated)
            _record_step(self.recorder, np.array([float(reward)]), np.array([self._over]), [info])
        return result


class RecordedVectorEnv(VectorWrapper):
    """A vector environment whose trials are recorded; made by ``TrialRecorder.wrap``.

    Attributes:
        recorder: the recorder.
        same_step: whether an episode's first observation comes with the step that ends the last.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], recorder: TrialRecorder) -> None:
        super().__init__(env)
        self.recorder = recorder
        mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._next_step = mode == AutoresetMode.NEXT_STEP
        self.same_step = mode == AutoresetMode.SAME_STEP
        self._over = np.ones(env.num_envs, dtype=bool)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in all columns or in those of ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")
        # The environment may take the mask out of the options.
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else np.array(mask, dtype=bool)
        result = self.env.reset(seed=seed, options=options)
        self.recorder.begin(mask)
        self._over[mask] = False
        return result

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """One step of all columns."""
        result = self.env.step(actions)
        _, reward, terminated, truncated, info = result
        recorder, live = self.recorder, ~self._over
        over = np.logical_or(terminated, truncated)
        recorder.earn(live, reward)
        final = info.get("final_info", {})
        ended = over & live
        # What a column told at its episode's end is in the final info, where there is one.
        for part, where in ((final, ended), (info, live & ~ended if self.same_step else live)):
            if part is final and not self.same_step:
                continue
            told = part.get("_trial_end", np.zeros_like(over)) & where
            columns = recorder.trial_ends(told, ended & where)
            if columns.size:
                recorder.end(columns, _facts_at(part, columns))
        if ended.any():
            recorder.end_episodes(ended.nonzero()[0])
        self._go_on(over, ended)
        return result

    def _go_on(self, over: Array, ended: Array) -> None:
        """Begin episodes where the environment did: with this row, or with that of a reset."""
        if self.same_step:
            if ended.any():
                self.recorder.begin(ended)
            return
        if self._next_step:
            resets = self._over
            if resets.any():
                self.recorder.begin(resets)
            self._over = over & ~resets
        else:
            self._over = self._over | over


def _recorded_vec_env(env: Any, recorder: TrialRecorder) -> Any:
    """A Stable-Baselines3 ``VecEnv`` whose trials are recorded."""
    from stable_baselines3.common.vec_env import VecEnvWrapper

    class RecordedVecEnv(VecEnvWrapper):
        """Made here, because Stable-Baselines3 is imported only where it is used."""

        def __init__(self) -> None:
            super().__init__(env)
            self.recorder = recorder

        def reset(self) -> Any:
            obs = self.venv.reset()
            recorder.begin(np.ones(self.num_envs, dtype=bool))
            return obs

        def step_wait(self) -> Any:
            result = self.venv.step_wait()
            _, rewards, dones, infos = result
            _record_step(recorder, np.asarray(rewards, dtype=np.float64), dones, infos)
            if dones.any():
                recorder.begin(dones)
            return result

    return RecordedVecEnv()


def _record_step(
    recorder: TrialRecorder, reward: Array, over: Array, infos: Sequence[Mapping[str, Any]]
) -> None:
    """Record a step that is told by one info per column."""
    told = np.array([bool(info.get("trial_end", False)) for info in infos])
    recorder.earn(np.ones(len(over), dtype=bool), reward)
    for column in recorder.trial_ends(told, over).tolist():
        facts = {
            name: (np.array([value]), np.ones(1, dtype=bool))
            for name, value in infos[column].items()
            if np.isscalar(value)
        }
        recorder.end(np.array([column]), facts)
    if over.any():
        recorder.end_episodes(np.flatnonzero(over))


def _facts_at(info: Mapping[str, Any], columns: Array) -> dict[str, tuple[Array, Array]]:
    """Facts of some columns (k,) of a vector info."""
    facts = {}
    for name, values in info.items():
        if name[0] == "_" or f"_{name}" not in info or not isinstance(values, np.ndarray):
            continue
        values, present = values[columns], info[f"_{name}"][columns]
        if values.dtype == object and all(isinstance(one, str) for one in values[present]):
            values = np.where(present, values, "").astype(str)
        facts[name] = values, present
    return facts


def _tells_trials(env: Any) -> bool:
    """Whether an environment is known to tell of trials: ours do, under any wrappers."""
    if hasattr(getattr(env, "unwrapped", env), "task_info"):
        return True
    singles = getattr(getattr(env, "unwrapped", env), "envs", None)
    if singles:
        return all(hasattr(one.unwrapped, "task_info") for one in singles)
    spec = getattr(env, "spec", None)
    return spec is not None and str(spec.id).startswith("caudate/")
