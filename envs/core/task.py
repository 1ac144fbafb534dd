"""What a task is: parameters, channels, actions, yardsticks, and a way to draw trials."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from .errors import (
    LARGEST,
    TaskError,
    UnknownParameterError,
    check_flag,
    check_int,
    check_number,
    nearest,
)
from .policy import Policy, RandomPolicy

if TYPE_CHECKING:
    from .env import TaskEnv
    from .samples import TrialSamples
    from .vector import TaskVectorEnv

Array = npt.NDArray[Any]

#: What fits into memory without ado: observation channels, numbers that the steps of a trial show,
#: trials of a session that is drawn as a whole, entries of a table that says what actions earn.
MOST_CHANNELS, MOST_SHOWN, MOST_DRAWN, MOST_ENTRIES = 20_000, 2**23, 100_000, 2**22


#: How far a simulated yardstick may be from what it stands for.
_SIMULATION_NOISE = 0.01


class Channel(NamedTuple):
    """One observation channel: its name and its bounds."""

    name: str
    low: float = 0.0
    high: float = 1.0


class Yardsticks(NamedTuple):
    """Landmarks of a task in the unit of its score, each in [0, 1].

    Attributes:
        random: actions drawn uniformly from the action space.
        chance: the best policy that ignores observations. It may count steps, except where that
            alone would solve the task, as the docstring then says.
        memoryless: the best policy that sees only the current observation; None where the
            observation shows the subject's own past, so that no such number is known.
        optimum: the best policy on the observation history.
        oracle_full: the best policy that sees hidden state too; None where that is not useful.
    """

    random: float
    chance: float
    memoryless: float | None
    optimum: float
    oracle_full: float | None = None


class Prepared:
    """What ``Task.prepare`` works out from the parameters.

    Attributes:
        channels: the task's own observation channels.
        action_space: the action space; action 0 is to withhold where there is such an action.
            Actions beyond the bounds of a Box are brought back to them.
        n_conditions: number of trial types that ``info["condition"]`` tells apart.
        int_facts, float_facts: per-trial facts in ``info`` beside ``trial_end``.
        action_names: names of the actions or of their components, for pictures.
        frame: rows and columns, where the task's own channels are the pixels of a picture.
    """

    channels: tuple[Channel, ...]
    action_space: spaces.Discrete | spaces.Box | spaces.MultiBinary
    n_conditions: int
    int_facts: tuple[str, ...] = ()
    float_facts: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    frame: tuple[int, int] | None = None


@dataclass(kw_only=True, eq=False)
class Task(Prepared, ABC):
    """Parameters that every task has; subclasses add their own and say what a trial is.

    Args:
        dt: one environment step in ms.
        trials_per_episode: trials of one episode. An episode of one trial is terminated at its
            end, a longer one (a session) is truncated.
        prev_action: show the previous action (one-hot) in the observation.
        prev_reward: show the previous reward in the observation.
        time: show the time since the trial began, as a share of the longest trial (where a trial
            is one step: the trials done, as a share of the session).
        targets: put the supervised target of each observation in ``info["target"]``.
        rewards: values that replace some of the task's ``default_rewards``.
    """

    dt: float = 100.0
    trials_per_episode: int = 1
    prev_action: bool = False
    prev_reward: bool = False
    time: bool = False
    targets: bool = False
    rewards: Mapping[str, float] | None = None

    name: ClassVar[str]
    family: ClassVar[str]
    supervised: ClassVar[bool] = False
    #: Whether the world follows what is chosen, so that only its luck is the same for all actions.
    reactive: ClassVar[bool] = False
    #: Mean return of an episode at the optimum; None where the docstring says what it is.
    optimal_return: ClassVar[float | None] = 1.0
    #: What a scientist would measure with this task, in one line.
    measures: ClassVar[str] = ""
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({})
    #: Whether luck is that of whole episodes, the same in all their trials: for random walks and
    #: for decks that are shuffled once.
    luck_by_session: ClassVar[bool] = False
    #: A fact whose values shade the stretches of a picture of a session of one-step trials.
    shade_fact: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        self.dt = check_number("dt", self.dt, low=1e-3)
        most = MOST_DRAWN if self.luck_by_session else LARGEST
        self.trials_per_episode = check_int("trials_per_episode", self.trials_per_episode, 1, most)
        for option in ("prev_action", "prev_reward", "time", "targets"):
            setattr(self, option, check_flag(option, getattr(self, option)))
        if self.targets and not self.supervised:
            raise TaskError(
                f"targets=True asks for supervised targets, which {self.name} does not have; "
                "leave targets at False."
            )
        self.rewards = self._merged_rewards()
        self.id = f"caudate/{self.name}-v0"
        self.prepare()
        self._check_size()

    def _merged_rewards(self) -> dict[str, float]:
        given = {} if self.rewards is None else self.rewards
        if not isinstance(given, Mapping):
            raise TaskError(f"rewards={given!r} is not a dict of numbers; pass such a dict.")
        for key in given:
            if key not in self.default_rewards:
                hint = nearest(str(key), self.default_rewards)
                raise TaskError(
                    f"rewards has the unknown key {key!r}{hint}; "
                    f"{self.name} knows {', '.join(self.default_rewards)}."
                )
        given = {key: check_number(f"rewards[{key!r}]", value) for key, value in given.items()}
        return {**self.default_rewards, **given}

    @classmethod
    def create(cls, **parameters: Any) -> Self:
        """Make the task; an unknown parameter is a TaskError that names the nearest one."""
        known = [field.name for field in fields(cls)]
        for key in parameters:
            if key not in known:
                raise UnknownParameterError(
                    f"{cls.name} got an unexpected keyword argument {key!r}{nearest(key, known)}; "
                    f"it has {', '.join(known)}."
                )
        return cls(**parameters)

    @abstractmethod
    def prepare(self) -> None:
        """Check the own parameters and set ``channels``, ``action_space``, ``n_conditions``."""

    def _check_size(self) -> None:
        """Refuse what would fill the memory."""
        self.check_fits("observation channels", len(self.all_channels), MOST_CHANNELS)

    def check_fits(self, what: str, count: int, most: int) -> None:
        """TaskError, naming the parameters that are not at their defaults, if it is too much."""
        if count <= most:
            return
        pairs = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        changed = ", ".join(
            f"{name}={value!r}"
            for name, value, default in pairs
            if name != "rewards" and repr(value) != repr(default)
        )
        raise TaskError(
            f"{self.name} with {changed} has {count} {what}, more than the {most} that fit into "
            "memory; pass smaller sizes, or shorter periods for this dt."
        )

    # ---------------------------------------------------------------- what others read

    @property
    def summary(self) -> str:
        """What the task is, in one line: the first sentence of its docstring."""
        text = (type(self).__doc__ or "").strip().split("\n\n")[0]
        return " ".join(text.split())

    @property
    def earns(self) -> Mapping[str, float]:
        """All reward values of this task, the given ones over the defaults."""
        return self.rewards or {}

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters as JSON values."""
        return {field.name: _jsonable(getattr(self, field.name)) for field in fields(self)}

    @property
    def task_info(self) -> dict[str, Any]:
        """JSON-able description: id, family, dt_ms, obs_names, n_conditions, parameters."""
        return {
            "id": self.id,
            "family": self.family,
            "dt_ms": self.dt,
            "obs_names": list(self.obs_names),
            "n_conditions": int(self.n_conditions),
            "parameters": self.parameters,
        }

    @cached_property
    def all_channels(self) -> tuple[Channel, ...]:
        """The task's own channels, then time, previous action and previous reward if asked for."""
        channels = list(self.channels)
        if self.time:
            channels.append(Channel("time"))
        if self.prev_action:
            channels += self._action_channels()
        if self.prev_reward:
            low, high = self.reward_range()
            # 0 is what is shown before the first action.
            channels.append(Channel("prev_reward", min(low, 0.0), max(high, 0.0)))
        return tuple(channels)

    def _action_channels(self) -> list[Channel]:
        """Channels that show the previous action: one-hot, or its components."""
        space = self.action_space
        if isinstance(space, spaces.Box):
            # 0 is what is shown before the first action.
            low, high = np.minimum(space.low, 0).ravel(), np.maximum(space.high, 0).ravel()
            bounds = zip(low.tolist(), high.tolist(), strict=True)
            return [Channel(f"prev_action_{i}", *pair) for i, pair in enumerate(bounds)]
        count = int(space.n) if isinstance(space, spaces.Discrete) else int(np.prod(space.shape))
        return [Channel(f"prev_action_{action}") for action in range(count)]

    @cached_property
    def obs_names(self) -> tuple[str, ...]:
        """(d,) names of the observation channels."""
        return tuple(channel.name for channel in self.all_channels)

    @cached_property
    def observation_space(self) -> spaces.Box:
        """Box of shape (d,), float32, finite bounds."""
        low = np.array([channel.low for channel in self.all_channels], dtype=np.float32)
        high = np.array([channel.high for channel in self.all_channels], dtype=np.float32)
        return spaces.Box(low, high, dtype=np.float32)

    @abstractmethod
    def reward_range(self) -> tuple[float, float]:
        """Lowest and highest reward of one step."""

    @cached_property
    def yardsticks(self) -> Yardsticks:
        """Landmarks in the unit of ``score``, computed when first asked for."""
        found = self.compute_yardsticks()
        # Sums of probabilities may round to a little more than 1.
        known = {name: one for name, one in found._asdict().items() if one is not None}
        found = found._replace(**{name: _rounded(one) for name, one in known.items()})
        # The best policy on the history can do what poorer ones do. Where it is simulated and they
        # are not, it may fall short of them by the simulation's noise; by more it would be wrong.
        least = max(found.random, found.chance, found.memoryless or 0.0)
        if found.optimum < least <= found.optimum + _SIMULATION_NOISE:
            found = found._replace(optimum=least)
        return found

    @abstractmethod
    def compute_yardsticks(self) -> Yardsticks:
        """Compute the landmarks, exactly or by a simulation that the docstring describes."""

    def score(self, facts: Mapping[str, Any]) -> Array:
        """Score of each trial in [0, 1] from arrays of trial-end facts; (n,) float64."""
        return np.asarray(facts["correct"], dtype=np.float64)

    @abstractmethod
    def oracle(self) -> Policy:
        """The best policy on the observation history, batched."""

    def random_policy(self, seed: int = 0) -> Policy:
        """Actions drawn uniformly from the action space."""
        return RandomPolicy(self.action_space, seed)

    def sample_trials(self, n: int, seed: int) -> TrialSamples:
        """Trials 0 to n - 1 of the column ``seed`` with targets, for supervised work.

        Raises:
            TaskError: the task has no targets.
        """
        from .samples import sample_trials

        return sample_trials(self, n, seed)

    def env(self, render_mode: str | None = None) -> TaskEnv:
        """This task as a ``gymnasium.Env``."""
        from .env import TaskEnv

        return TaskEnv(self, render_mode=render_mode)

    def vector(self, num_envs: int, **options: Any) -> TaskVectorEnv:
        """This task as a native ``gymnasium.vector.VectorEnv``."""
        from .vector import TaskVectorEnv

        return TaskVectorEnv(self, num_envs, **options)


def _rounded(share: float) -> float:
    """The share itself, or the bound that it passes by rounding alone."""
    bound = min(max(share, 0.0), 1.0)
    return bound if abs(share - bound) < 1e-9 else share


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, int, float)):
        return float(value)  # a Fraction, say
    return value
