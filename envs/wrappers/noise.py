"""Gaussian noise on observations, for any environment with Box observations."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from ..core.errors import TaskError
from ..core.faces import resolve_seeds
from ..core.random import MAX_SEED, Draws, check_seed

Array = npt.NDArray[Any]

#: Values beyond so many standard deviations are brought back to them: bounds stay finite.
_LIMIT = 6.0
#: Sets this noise apart from all that a task draws from the same seed.
_STREAM = 0x4E015E
#: Values drawn at once: few after a seed, because a caller may seed every episode anew.
_STEPS_AHEAD, _VALUES_AHEAD = 16, 2**14


class ObservationNoise(gym.Wrapper[Array, Any, Array, Any], RecordConstructorArgs):
    """Adds independent Gaussian noise to every observation of an environment.

    The noise is counted: the k-th observation since ``reset(seed=s)`` has the noise number k of the
    seed s, whatever was done. A first reset without a seed takes one at random. Noise is limited to
    6 standard deviations, and the bounds of the observation space are widened by as much.

    Args:
        env: environment with Box observations of a float type.
        sigma: standard deviation, one number or an array of the observation's shape.

    >>> import caudate.envs
    >>> env = ObservationNoise(gym.make("caudate/DelayedMatch-v0"), sigma=0.5)
    >>> env.observation_space.low, env.observation_space.high
    (array([-3., -3., -3.], dtype=float32), array([4., 4., 4.], dtype=float32))
    """

    def __init__(self, env: gym.Env[Array, Any], sigma: float | list[float] | Array) -> None:
        RecordConstructorArgs.__init__(self, sigma=sigma)
        super().__init__(env)
        self.sigma = check_sigma(sigma, env.observation_space)
        self.observation_space = widened(env.observation_space, self.sigma)
        self._noise = CountedNoise(1, self.sigma)
        self._every = np.ones(1, dtype=bool)
        self._last: Array | None = None  # what was shown last, once the episode is over

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode; a seed also begins the noise anew."""
        obs, info = self.env.reset(seed=seed, options=options)
        self._noise.seed([None if seed is None else check_seed(seed)], self._every)
        self._last = None
        return self._noisy(obs), info

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        shown = self._noisy(obs) if self._last is None else self._last
        if terminated or truncated:
            self._last = shown
        return shown.copy(), float(reward), terminated, truncated, info

    def _noisy(self, obs: Array) -> Array:
        return (obs + self._noise.next_of_one()).astype(self.observation_space.dtype)


class VectorObservationNoise(VectorWrapper):
    """``ObservationNoise`` for a vector environment.

    Column i seeded with s has the noise of the single environment seeded with s + i. With autoreset
    disabled a finished column holds its observation, noise and all.

    Args:
        env: vector environment with Box observations of a float type.
        sigma: standard deviation, one number or an array of a single observation's shape.
    """

    def __init__(self, env: VectorEnv, sigma: float | list[float] | Array) -> None:
        super().__init__(env)
        self.sigma = check_sigma(sigma, env.single_observation_space)
        self.single_observation_space = widened(env.single_observation_space, self.sigma)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self._noise = CountedNoise(env.num_envs, self.sigma)
        self._over = np.zeros(env.num_envs, dtype=bool)
        self._holds = env.metadata.get("autoreset_mode") is AutoresetMode.DISABLED

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in all columns or in those of ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else np.array(mask, dtype=bool)
        # Gymnasium's wrappers of batches know one seed only; the batches take a list as well.
        given: Any = seed
        obs, info = self.env.reset(seed=given, options=options)
        self._noise.seed(resolve_seeds(seed, self.num_envs), mask)
        self._over[mask] = False
        return self._noisy(obs, mask), info

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """One step of all columns."""
        obs, reward, terminated, truncated, info = self.env.step(actions)
        moved = ~self._over if self._holds else np.ones(self.num_envs, dtype=bool)
        over = np.logical_or(terminated, truncated)
        if "final_obs" in info:
            # The last observation comes before the first of the next episode, as in a single env.
            ended = info["_final_obs"]
            noise = self._noise.next(ended)
            last = np.full(self.num_envs, None, dtype=object)
            for column in ended.nonzero()[0]:
                last[column] = self._as_obs(info["final_obs"][column] + noise[column])
            info["final_obs"] = last
        self._over = over
        return self._noisy(obs, moved), reward, terminated, truncated, info

    def _noisy(self, obs: Any, moved: Array) -> Array:
        return self._as_obs(obs + self._noise.next(moved))

    def _as_obs(self, obs: Array) -> Array:
        return obs.astype(self.single_observation_space.dtype)


class CountedNoise:
    """Noise for n columns, value k of a column a function of its seed and k.

    Args:
        n: number of columns.
        sigma: standard deviations, an array of an observation's shape.
    """

    def __init__(self, n: int, sigma: Array) -> None:
        self._n, self._sigma = n, sigma
        self._seeds = np.zeros(n, dtype=np.int64)
        self._seeded = np.zeros(n, dtype=bool)
        self._count = np.zeros(n, dtype=np.int64)  # observations so far
        self._first = self._count.copy()  # number of the first value in the pool
        self._most = max(1, _VALUES_AHEAD // (n * max(1, sigma.size)))
        self._depth = 0
        self._pool: Array | None = None
        self._now = np.zeros((n, *sigma.shape))

    def seed(self, seeds: list[int | None], mask: Array) -> None:
        """Begin anew where there is a seed, or where there has never been one."""
        for column in mask.nonzero()[0]:
            seed = seeds[column]
            if seed is None and self._seeded[column]:
                continue
            # No seed was ever given: what is drawn here need not be repeatable.
            value = np.random.default_rng().integers(MAX_SEED) if seed is None else seed
            self._seeds[column], self._count[column] = value, 0
            self._seeded[column] = True
            self._pool, self._depth = None, 0

    def next(self, mask: Array) -> Array:
        """(n, ...) the next noise in the columns of the mask (n,), the last one elsewhere."""
        ahead = self._count - self._first
        if self._pool is None or (ahead >= self._depth).any():
            self._pool = self._draw()
            ahead = np.zeros_like(ahead)
        columns = mask.nonzero()[0]
        self._now = self._now.copy()
        self._now[columns] = self._pool[columns, ahead[columns]]
        self._count[columns] += 1
        return self._now

    def next_of_one(self) -> Array:
        """(...) the next noise of the only column."""
        ahead = int(self._count[0] - self._first[0])
        if self._pool is None or ahead >= self._depth:
            self._pool, ahead = self._draw(), 0
        self._count[0] += 1
        return self._pool[0, ahead]

    def _draw(self) -> Array:
        """Draw a stretch of every column, longer each time."""
        self._depth = min(max(4 * self._depth, _STEPS_AHEAD), self._most)
        self._first = self._count.copy()
        numbers = (self._count[:, None] + np.arange(self._depth)).ravel()
        draws = Draws(np.repeat(self._seeds, self._depth), numbers, _STREAM)
        values = draws.normal(*self._sigma.shape).clip(-_LIMIT, _LIMIT) * self._sigma
        return values.reshape(self._n, self._depth, *self._sigma.shape)


def check_sigma(sigma: Any, space: spaces.Space[Any]) -> Array:
    """Return sigma as an array of the space's shape; raise TaskError if either does not fit."""
    if not isinstance(space, spaces.Box) or space.dtype is None or space.dtype.kind != "f":
        raise TaskError(
            f"observation noise needs Box observations of a float type, not {space}; wrap the "
            "environment so that it has such first."
        )
    try:
        values = np.asarray(sigma, dtype=np.float64)
        values = np.broadcast_to(values, space.shape).copy()
    except (TypeError, ValueError):
        values = np.array([-1.0])
    if not (np.isfinite(values) & (values >= 0)).all():
        raise TaskError(
            f"sigma={sigma!r} is not a number >= 0 or an array of such of shape {space.shape}; "
            "pass such."
        )
    return values


def widened(space: Any, sigma: Array) -> spaces.Box:
    """The space with the bounds that noise limited to 6 standard deviations can reach."""
    margin = (_LIMIT * sigma).astype(space.dtype)
    return spaces.Box(space.low - margin, space.high + margin, dtype=space.dtype.type)
