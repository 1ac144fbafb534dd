"""A motor network in a loop through the striatum: syllables by RFLO, their order by reward.

Murray (2019), doi:10.7554/eLife.43299, Fig. 4. The motor network learns from targets which movement
each command stands for. Then its weights rest. At the end of every syllable the striatal units
receive ``z = W_s h`` from the network's state h; the winner decides the next command (through the
loop by way of the thalamus), now and then a random unit wins instead, and the corticostriatal
weights of the winner i learn::

    dW_s[i] = eta R h / N        R = 1 if the transition was rewarded, else 0

As published (``credit="reward"``) rows can only grow, and one of them comes to win everywhere.
``credit="capped"`` keeps the rule and limits the norm of each row to 1: a row that has learned more
turns towards what it was rewarded for last. ``credit="error"`` takes R - Rbar, with Rbar the
running mean of R after the present command; wrong winners then stay for long where nothing is
rewarded yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from .base import Metrics, State, StatefulAgent
from .eprop import EProp
from .errors import AgentError
from .heads import SoftmaxHead, check_observation_space, make_head
from .options import build_options, check_ranges, checked_seed, choice
from .rounds import make_rounds
from .targets import Targets

CREDITS = ("capped", "reward", "error")

_RANGES = {
    "count": ("n_neurons", "motor_batch", "motor_chain", "max_episode_steps"),
    "steps": ("tau",),
    "positive": ("motor_learning_rate", "striatal_learning_rate"),
    "fraction": ("exploration", "baseline_rate"),
    "not negative": ("motor_trials", "recurrent_gain", "striatal_gain"),
}
_TRIALS_AN_UPDATE = 500  # of the motor network


@dataclass
class LoopOptions:
    """Hyper-parameters of :class:`LoopCircuit`; times in steps of the syllables' task."""

    motor_task: str = "caudate/Syllables-v0"  # an environment with sample_trials; inputs: commands
    motor_trials: int = 40_000  # syllables
    motor_chain: int = 4  # syllables one behind another without a pause
    motor_batch: int = 1  # chains an update
    motor_learning_rate: float = 0.02
    n_neurons: int = 100
    tau: float = 10.0
    recurrent_gain: float = 1.5
    exploration: float = 0.1  # probability that a random unit wins
    striatal_learning_rate: float = 1.0
    striatal_gain: float = 0.1  # spread of the initial W_s, over sqrt(n_neurons)
    credit: str = "capped"  # capped (R, rows of norm 1 at most), reward (R), error (R - Rbar)
    baseline_rate: float = 0.05
    max_episode_steps: int = 10_000


class LoopCircuit(StatefulAgent):
    """Chooses among commands; its observations begin with the command that is being carried out.

    Args:
        env: id, environment or vector environment with Discrete actions, as many as
            ``motor_task`` has inputs; the first so many observations are the present command.
        seed: decides weights, trials, episodes and exploration.
        n_envs: copies played at a time (default 8 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: see :class:`LoopOptions`.

    Raises:
        AgentError: an environment that does not fit the motor task.

    Examples:
        >>> import caudate.envs
        >>> from caudate.agents import LoopCircuit
        >>> agent = LoopCircuit("caudate/SyllableSequence-v0", n_neurons=20, motor_trials=0)
        >>> agent.update()["episodes"]
        8
    """

    name = "loop-circuit"
    options_class = LoopOptions
    options: LoopOptions

    def __init__(
        self,
        env: str | gym.Env | VectorEnv,
        *,
        seed: int = 0,
        n_envs: int | None = None,
        env_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ):
        o = self.options = build_options(LoopOptions, self.name, options)
        check_ranges(self.name, o, _RANGES)
        choice(self.name, "credit", o.credit, CREDITS)
        self.seed, self.env_kwargs = checked_seed(self.name, seed), dict(env_kwargs or {})
        if n_envs is None and isinstance(env, str):
            n_envs = 8
        self.rounds = make_rounds(env, n_envs, self.env_kwargs, o.max_episode_steps)
        self.env_id, self.n_envs = self.rounds.env_id, self.rounds.n_envs
        self.observation_space = self.rounds.observation_space
        self.action_space = self.rounds.action_space
        self.head = make_head(self.name, self.action_space)
        syllables = Targets.of(o.motor_task, n=256, seed=self.seed)
        self.duration, _, self.n_commands = syllables.observations.shape
        inputs = check_observation_space(self.name, self.observation_space)
        if not isinstance(self.head, SoftmaxHead) or self.head.n_outputs != self.n_commands:
            raise AgentError(
                f"{self.name}: {self.action_space} must be Discrete with one action for each of "
                f"the {self.n_commands} inputs of motor_task={o.motor_task!r}."
            )
        if inputs < self.n_commands:
            raise AgentError(
                f"{self.name}: observations of {inputs} values cannot hold one of "
                f"{self.n_commands} commands."
            )
        self.motor = self._motor_network(self._chained(syllables))
        build, play, predict = np.random.SeedSequence([self.seed, 3]).spawn(3)
        gain = o.striatal_gain / np.sqrt(o.n_neurons)
        shape = (self.n_commands, o.n_neurons)
        self.striatal = gain * np.random.default_rng(build).standard_normal(shape)
        self.rng, self._predict_rng = np.random.default_rng(play), np.random.default_rng(predict)
        self.expected = np.zeros(self.n_commands)  # Rbar
        self.num_episodes = self.num_updates = self.num_motor_trials = 0

    def _chained(self, syllables: Targets) -> Targets:
        """Syllables in random order, one behind another: each begins in the state that another
        leaves behind, as they do in the loop."""
        rng = np.random.default_rng([self.seed, 4])
        each = np.tile(np.arange(len(syllables)), (self.options.motor_chain, 1))
        return syllables.chained(rng.permuted(each, axis=1))

    def _motor_network(self, syllables: Targets) -> EProp:
        o = self.options
        return EProp(
            syllables,
            seed=self.seed,
            n_envs=o.motor_batch,
            network="rate",
            nonlinearity="input",
            n_neurons=o.n_neurons,
            tau_min=o.tau,
            tau_max=o.tau,
            recurrent_gain=o.recurrent_gain,
            input_gain=1.0,
            initial_activity=0.1,
            biases=False,
            feedback="random",
            feedback_gain=1.0,
            optimizer="sgd",
            learning_rate=o.motor_learning_rate,
            max_grad_norm=0.0,
        )

    # -- acting ------------------------------------------------------------------------------

    def carry_out(
        self, observation: np.ndarray, state: State
    ) -> tuple[np.ndarray, np.ndarray, State]:
        """One syllable: movements (T, B, K), striatal input z (B, commands) and the new state."""
        commands = observation[:, : self.n_commands].astype(self.motor.dtype)
        inputs = np.broadcast_to(commands, (self.duration, *commands.shape))
        tape = self.motor.network.tape(len(commands))
        activity, state = self.motor.network.run(self.motor.parameters, state, inputs, tape)
        movement = self.motor.outputs(activity)[..., :-1]
        return movement, state[0] @ self.striatal.T, state

    def begin(self, n: int) -> State:
        return self.motor.network.initial_state(n)

    def act(
        self, observation: np.ndarray, state: State, deterministic: bool
    ) -> tuple[np.ndarray, State]:
        _, striatal, state = self.carry_out(observation, state)
        winner = striatal.argmax(-1)
        if not deterministic:
            winner = self._explore(winner, self._predict_rng)
        return self.head.to_env(winner), state

    def _explore(self, winner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        other = rng.integers(self.n_commands, size=len(winner))
        return np.where(rng.random(len(winner)) < self.options.exploration, other, winner)

    # -- learning ----------------------------------------------------------------------------

    def warm_up(self) -> None:
        self.motor.warm_up()

    def update(self) -> Metrics:
        if self.num_motor_trials < self.options.motor_trials:
            metrics = self._practise() | {"return_mean": float("nan")}
        else:
            metrics = self._play()
        self.num_updates += 1
        return {
            "timesteps": self.num_timesteps,
            "episodes": self.num_episodes,
            "updates": self.num_updates,
            **metrics,
        }

    def _practise(self) -> Metrics:
        """Trials of the motor network, from targets."""
        left = self.options.motor_trials - self.num_motor_trials
        an_update = self.options.motor_batch * self.options.motor_chain
        updates = -(-min(_TRIALS_AN_UPDATE, left) // an_update)
        errors = [-self.motor.update()["return_mean"] for _ in range(updates)]
        self.num_motor_trials += updates * an_update
        return {"motor_trials": self.num_motor_trials, "motor_error": float(np.mean(errors))}

    def _play(self) -> Metrics:
        """One round of episodes; the corticostriatal weights learn at every transition."""
        rounds = self.rounds
        seen = rounds.reset(self.rng.integers(2**31 - 1, size=self.n_envs))
        state = self.motor.network.initial_state(self.n_envs)
        while rounds.alive.any():
            _, striatal, state = self.carry_out(seen, state)
            winner = self._explore(striatal.argmax(-1), self.rng)
            alive, command = rounds.alive.copy(), seen[:, : self.n_commands].argmax(-1)
            seen, reward = rounds.step(self.head.to_env(winner))
            self._learn(alive, command, winner, state[0], reward > 0)
        self.num_timesteps += int(rounds.lengths.sum())
        self.num_episodes += self.n_envs
        return {"return_mean": float(rounds.returns.mean())}

    def _learn(
        self,
        alive: np.ndarray,
        command: np.ndarray,
        winner: np.ndarray,
        activity: np.ndarray,
        right: np.ndarray,
    ) -> None:
        o = self.options
        for b in np.flatnonzero(alive):
            credit = float(right[b])
            if o.credit == "error":
                credit -= self.expected[command[b]]
                self.expected[command[b]] += o.baseline_rate * credit
            row = self.striatal[winner[b]]
            row += o.striatal_learning_rate * credit / len(row) * activity[b]
            if o.credit == "capped":
                row /= max(1.0, float(np.linalg.norm(row)))

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return {
            "motor": self.motor.get_state(),
            "striatal": self.striatal.copy(),
            "expected": self.expected.copy(),
            "generators": [self.rng.bit_generator.state, self._predict_rng.bit_generator.state],
            "counts": [
                self.num_timesteps, self.num_episodes, self.num_updates, self.num_motor_trials
            ],
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        self.motor.set_state(state["motor"])
        self.striatal[...] = state["striatal"]
        self.expected[...] = state["expected"]
        for rng, stored in zip((self.rng, self._predict_rng), state["generators"], strict=True):
            rng.bit_generator.state = stored
        (self.num_timesteps, self.num_episodes, self.num_updates, self.num_motor_trials) = (
            int(n) for n in state["counts"]
        )
