"""Agents that tell time: a clock, started by cues, and a readout that learns when to act."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from ..actor_critic import ActorCritic, RewardOptions
from ..base import State
from ..channels import channel_names
from ..errors import AgentError
from ..optimizers import Parameters
from ..options import check_ranges
from ..recurrent import LearnerOptions
from .clocks import Clock, EchoState, LeakyIntegrators, NoisyClock, OracleClock
from .cues import MEASURED, CueReader
from .features import TimeFeatures
from .readout import decayed_worth

Array = np.ndarray

_RANGES = {
    "count": ("measure_units", "course_units", "clock_units"),
    "positive": ("step_ms", "eligibility_ms", "longest_ms", "shortest_ms", "clock_gain"),
    "not negative": ("places", "weber", "cue_gain", "exploration_learning_rate"),
}
_SEEDS = 2**63 - 1


@dataclass
class ClockOptions(LearnerOptions, RewardOptions):
    """Hyper-parameters of every agent with a clock; see :mod:`.cues` and :mod:`.features`."""

    learning_rate: float = 0.03
    max_grad_norm: float = 0.0
    readout_gain: float = 0.0
    initial_withhold_bias: float = 3.0
    modulator: str = "condition"  # condition, average, return (policy gradient), critic (TD errors)
    entropy_coef: float = 0.001
    exploration_learning_rate: float | None = None  # of the deviation of real actions; 0: it stays
    eligibility_ms: float | None = None  # decay of the eligibility before R - Rbar; None: none
    cues: str | None = None  # pulses that start the clock: names or numbers, like "go,beat"
    cue_identity: str | None = None  # channels that tell cues apart; "": one cue
    cue_values: str | None = None  # values of one such channel, like "0.5,1"
    step_ms: float | None = None  # of an environment step; None: as the environment tells
    measure: bool | None = None  # hold intervals between pulses; None: after ready and beat
    measure_units: int = 24  # that hold such an interval
    press_restarts: bool | None = None  # own presses start the clock anew; None: after a beat
    places: int = 0  # own presses since the pulse that are told apart
    held: str | None = None  # channels whose recent course is held at a pulse; "": none
    course_units: int = 8  # memories of different length that hold it


class ClockAgent(ActorCritic):
    """A linear policy (and a critic) on the features that a clock gives.

    Args:
        env: id, ``gymnasium.Env`` or ``gymnasium.vector.VectorEnv`` whose observations have pulses;
            Discrete, MultiBinary or Box actions. Or :class:`~caudate.agents.Targets`, to learn by
            the delta rule.
        seed: decides the clock, its luck, episodes and action noise.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: hyper-parameters, see ``options_class``.

    Raises:
        AgentError: no pulse is shown, or nothing tells how long a step is.
    """

    options_class: ClassVar[type[ClockOptions]]
    options: Any
    network: Any

    @abstractmethod
    def _make_clock(self, reader: CueReader, dt_ms: float, rng: np.random.Generator) -> Clock:
        """The clock, for ``options``; ``rng`` draws what is fixed in it."""

    def _build_network(self, rng: np.random.Generator) -> Any:
        o = self.options
        check_ranges(self.name, o, _RANGES)
        info = self.rounds.task_info
        space = self.observation_space
        assert isinstance(space, gym.spaces.Box)
        names = channel_names(self.name, space, info)
        analog = np.flatnonzero(space.low.reshape(-1) < 0).tolist()
        reader = CueReader(self.name, names, o.cues, o.cue_identity, o.cue_values, o.held, analog)
        measures = o.measure
        if measures is None:
            measures = any(pulse in MEASURED for pulse in reader.pulses)
        return TimeFeatures(
            reader,
            self._make_clock(reader, self._step_ms(info), rng),
            measures=measures,
            presses=self._press_restarts(reader),
            places=o.places,
            course_units=o.course_units,
            dtype=self.dtype,
        )

    def _press_restarts(self, reader: CueReader) -> bool:
        asked = self.options.press_restarts
        if asked and not reader.press:
            raise AgentError(
                f"{self.name}: press_restarts=True needs to see own presses, in channels "
                "prev_action_1 ...: make the environment with prev_action=True."
            )
        return bool(reader.press) and "beat" in reader.pulses if asked is None else asked

    def _step_ms(self, info: dict[str, Any]) -> float:
        step = self.options.step_ms or info.get("dt_ms")
        if step is None:
            raise AgentError(
                f"{self.name} needs to know how long a step is, and the environment does not tell "
                "(task_info['dt_ms']): set step_ms."
            )
        return float(step)

    @property
    def clock(self) -> Any:
        """What tells the time, a :class:`.clocks.Clock`."""
        return self.network.clock

    def _make_memory(self) -> None:
        return None

    def _wiring(self) -> None:
        return None

    def _network_parameters(self, rng: np.random.Generator) -> Parameters:
        return {}

    def _learning_rates(self) -> dict[str, float]:
        rate = self.options.exploration_learning_rate
        return {} if rate is None else {"log_std": rate}

    def fresh_state(self, n: int, rng: np.random.Generator) -> State:
        return self.network.initial_state(n, rng.integers(_SEEDS, size=n))

    def warm_up(self) -> None:
        """There is nothing to compile."""

    # -- the rule ----------------------------------------------------------------------------

    def _round_size(self, alive: Array) -> float:
        return float(alive.any(0).sum())  # sums over an episode's steps, means over episodes

    def recurrent_gradient(self, output_adjoint: Array) -> Parameters:
        return {}  # only the readout learns

    def exact_gradient(self, output_adjoint: Array) -> Parameters:
        return {}

    def _modulate(self) -> tuple[Array, Array]:
        advantage, value_error = super()._modulate()
        o = self.options
        if o.eligibility_ms is None or o.modulator == "critic" or self.targets is not None:
            return advantage, value_error
        decay = float(np.exp(-self.clock.dt_ms / o.eligibility_ms))
        return decayed_worth(self.episode_worth, self.record["alive"], decay), value_error


@dataclass
class OracleClockOptions(ClockOptions):
    """Hyper-parameters of :class:`OracleClockAgent`."""

    longest_ms: float = 3000.0  # later times count as this one


class OracleClockAgent(ClockAgent):
    """Knows exactly how long ago the cue was: what a perfect clock can do.

    Examples:
        >>> import caudate.envs
        >>> from caudate.agents import make_agent
        >>> agent = make_agent("oracle-clock", "caudate/IntervalProduction-One-v0", n_envs=4)
        >>> agent.update()["episodes"]
        4
    """

    name = "oracle-clock"
    options_class = OracleClockOptions

    def _make_clock(self, reader: CueReader, dt_ms: float, rng: np.random.Generator) -> Clock:
        o = self.options
        return OracleClock(dt_ms, o.longest_ms, o.measure_units)


@dataclass
class NoisyClockOptions(OracleClockOptions):
    """Hyper-parameters of :class:`NoisyClockAgent`."""

    weber: float = 0.1  # standard deviation of what the clock shows, over the time


class NoisyClockAgent(ClockAgent):
    """A clock whose error grows in proportion to time (scalar property)."""

    name = "noisy-clock"
    options_class = NoisyClockOptions

    def _make_clock(self, reader: CueReader, dt_ms: float, rng: np.random.Generator) -> Clock:
        o = self.options
        return NoisyClock(dt_ms, o.longest_ms, o.measure_units, o.weber)


@dataclass
class LeakyClockOptions(ClockOptions):
    """Hyper-parameters of :class:`LeakyClockAgent`."""

    clock_units: int = 16
    shortest_ms: float = 50.0
    longest_ms: float = 5000.0


class LeakyClockAgent(ClockAgent):
    """A bank of leaky integrators of the cue, with time constants from short to long."""

    name = "leaky-clock"
    options_class = LeakyClockOptions

    def _make_clock(self, reader: CueReader, dt_ms: float, rng: np.random.Generator) -> Clock:
        o = self.options
        self._check_span(o)
        return LeakyIntegrators(dt_ms, o.shortest_ms, o.longest_ms, o.clock_units)

    def _check_span(self, o: LeakyClockOptions) -> None:
        if o.shortest_ms >= o.longest_ms:
            raise AgentError(
                f"{self.name}: shortest_ms={o.shortest_ms:g} must be below "
                f"longest_ms={o.longest_ms:g}."
            )


@dataclass
class EchoStateOptions(ClockOptions):
    """Hyper-parameters of :class:`EchoStateAgent`."""

    clock_units: int = 200
    clock_gain: float = 1.5  # of the recurrent weights
    cue_gain: float = 1.0  # of the vector that a cue sets
    taus_ms: tuple[float, float] = field(default=(50.0, 1000.0))


class EchoStateAgent(ClockAgent):
    """A fixed random network that a cue starts: its activity tells the time."""

    name = "echo-state"
    options_class = EchoStateOptions

    def _make_clock(self, reader: CueReader, dt_ms: float, rng: np.random.Generator) -> Clock:
        o = self.options
        gain = o.clock_gain, o.cue_gain
        return EchoState(dt_ms, rng, o.clock_units, reader.n_cues, o.taus_ms, gain, o.measure_units)
