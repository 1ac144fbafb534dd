"""The two-step task: two choices, an uncertain transition between them, drifting payoffs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_number
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from .two_step_yardsticks import WalkFilter, fold, full_knowledge, greedy_score

Array = npt.NDArray[Any]
World = dict[str, Array]

# A node is what has happened since the previous trial began: ``past * _NOW + now``.
# past: 0 in a session's first trial, else 1 + first * 8 + rare * 4 + second * 2 + won.
# now: 0 before the first choice, else 1 + first * 2 + rare.
_NOW, _PAST = 5, 17
_TRANSITION = 4  # behind the four options


@dataclass(kw_only=True, eq=False)
class TwoStep(InteractiveTask):
    """Choose twice, where the first choice leads to one of two pairs of options by chance.

    Timeline: two steps per trial. The first choice, 0 or 1, leads to planet 0 or 1 with
    probability ``p_common`` (a common transition) and to the other planet otherwise (a rare one).
    On the planet the second choice picks one of its two options, which brings a reward with a
    probability of its own. After each trial all four probabilities take a Gaussian step and are
    reflected at the bounds; they start anywhere between these, and nothing about them depends on
    choices. An episode is a session of 201 trials, truncated at its end.

    ======================  ===========  ======================================================
    Observation             Range        Meaning
    ======================  ===========  ======================================================
    ``start``               0, 1         the first choice is due
    ``planet_0``, _1        0, 1         the planet where the second choice is due
    ``prev_action_0``, _1   0, 1         the choice on the previous step (0, 0 at the start)
    ``prev_reward``         0, 1         reward of the previous step
    ======================  ===========  ======================================================

    Actions: 0 and 1, on both steps.

    Reward: ``reward`` (1) or ``no_reward`` (0) on the second step, 0 on the first.

    Info at trial end: ``trial_end``, ``trial``, ``correct`` (the first choice commonly leads to
    the planet of the option with the highest probability), ``choice`` (the first one),
    ``condition`` (always 0: sessions differ by luck alone), ``common`` (1 if the transition was),
    ``planet``, ``second_choice``, ``option`` (planet * 2 + second choice), ``best_option``,
    ``reward`` (1 if rewarded), and for analyses of staying: ``stay`` (the first choice is that of
    the previous trial), ``prev_common`` and ``prev_reward`` (all three -1 in the first trial of a
    session); ``rt`` (0 ms), ``p`` (reward probability of the chosen option), ``p_best`` (the
    highest of the four), ``regret`` (p_best - p), ``p_0`` to ``p_3`` (of all options).

    Score: share of rewarded trials. Yardsticks: random and chance are the middle between the
    bounds, because blind choices pick options whose probability is evenly spread between them;
    memoryless is the same where neither past action nor past reward is shown, and is not known
    where they are (the first choice then carries memory over to the second step); optimum is the
    score of the greedy Bayesian observer, who follows each probability on a grid of 41 points and
    knows the walk: the mean over 400 sessions with fixed seeds, freed from most of their luck by
    comparison with full knowledge of the same sessions, whose mean is known (.561 by default,
    standard error .001; sessions of more than 2,000 trials count as their first 2,000).
    ``oracle_full`` knows the probabilities: exactly .61 by default.

    Args:
        p_common: probability of the common transition, at least .5.
        walk_sd: standard deviation of the steps that the probabilities take after each trial.
        bounds: lowest and highest reward probability.

    Daw, Gershman, Seymour, Dayan and Dolan 2011 (doi:10.1016/j.neuron.2011.02.027). -Kool: bounds
    0 and 1 and steps of .2, with which planning pays off more (Kool, Cushman and Gershman 2016,
    doi:10.1371/journal.pcbi.1005090, their figure 7B).

    Versions: v0, first release. Variants: -Kool.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/TwoStep-v0")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(0)
    >>> info, obs[:3].tolist()
    ({}, [0.0, 1.0, 0.0])
    >>> obs, reward, terminated, truncated, info = env.step(1)
    >>> info["common"], info["planet"], info["option"], info["stay"]
    (1, 0, 1, -1)
    """

    trials_per_episode: int = 201
    prev_action: bool = True
    prev_reward: bool = True
    p_common: float = 0.7
    walk_sd: float = 0.025
    bounds: tuple[float, float] = (0.25, 0.75)

    name: ClassVar[str] = "TwoStep"
    family: ClassVar[str] = "bandits"
    measures: ClassVar[str] = "staying by reward and transition, weight of model-based control"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"reward": 1.0, "no_reward": 0.0}
    )
    action_names = ("first", "second")
    luck_by_session = True
    max_steps = 2
    int_facts = (
        *("trial", "correct", "choice", "condition", "common", "planet", "second_choice"),
        *("option", "best_option", "reward", "stay", "prev_common", "prev_reward"),
    )
    float_facts = ("rt", "p", "p_best", "regret", "p_0", "p_1", "p_2", "p_3")

    def prepare(self) -> None:
        self.p_common = check_number("p_common", self.p_common, low=0.5, high=1.0)
        self.walk_sd = check_number("walk_sd", self.walk_sd, low=0.0)
        if not isinstance(self.bounds, (list, tuple)) or len(self.bounds) != 2:
            raise TaskError(f"bounds={self.bounds!r} is not a pair; pass (lowest, highest).")
        low, high = (check_number("bounds", one, low=0.0, high=1.0) for one in self.bounds)
        if low > high:
            raise TaskError(f"bounds={self.bounds!r} fall; put the lower probability first.")
        self.bounds = (low, high)
        self.channels = (Channel("start"), Channel("planet_0"), Channel("planet_1"))
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1
        self.draws_ahead = 6 * self.trials_per_episode + 4
        self._payout = np.array([self.earns["no_reward"], self.earns["reward"]])
        self._make_tables()

    def _make_tables(self) -> None:
        """What follows from a node, from (node, action) and from (node, action, chance)."""
        past, now = np.divmod(np.arange(_PAST * _NOW), _NOW)
        first, rare = np.divmod(np.maximum(now - 1, 0), 2)
        planet = first ^ rare
        self._ends = now > 0
        self._shown = np.zeros((len(now), 3), dtype=np.float32)
        self._shown[np.arange(len(now)), np.where(self._ends, 1 + planet, 0)] = 1
        action, chance = np.arange(2)[:, None], np.arange(2)
        option = np.where(self._ends[:, None], 2 * planet[:, None] + action[:, 0], _TRANSITION)
        self._option = option.ravel()
        here = (slice(None), None, None)
        event = 2 * action + chance
        after = np.where(
            self._ends[here],
            (1 + 4 * (now[here] - 1) + event) * _NOW,
            past[here] * _NOW + 1 + event,
        )
        self._next = after.ravel()
        self._earned = np.where(self._ends[here], self._payout[chance], 0.0 * event).ravel()
        # The same for a step in plain Python.
        self._shown_alone = self._shown.tolist()
        outcomes = list(zip(self._next.tolist(), self._earned.tolist(), strict=True))
        ends = self._ends.repeat(2).tolist()
        self._alone = [
            (option, ended, outcomes[2 * i : 2 * i + 2])
            for i, (option, ended) in enumerate(zip(self._option.tolist(), ends, strict=True))
        ]

    def reward_range(self) -> tuple[float, float]:
        return min(0.0, *self._payout.tolist()), max(0.0, *self._payout.tolist())

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        trials, (low, high) = self.trials_per_episode, self.bounds
        walk = draws.normal(trials, 4)
        walk *= self.walk_sd
        walk[:, 0] = draws.uniform(4)
        walk[:, 0] *= high - low
        p = fold(np.cumsum(walk, axis=1) + low, low, high)
        chances = np.zeros((draws.n, trials + 1, 5), dtype=np.int8)  # one row behind the end
        chances[:, :-1, :4] = draws.uniform(trials)[:, :, None] < p
        chances[:, :-1, _TRANSITION] = draws.uniform(trials) >= self.p_common
        return {"chances": chances.reshape(draws.n, -1), "p": p}

    def begin(self, luck: World) -> World:
        zeros = np.zeros(len(luck["p"]), dtype=np.int64)
        return {"node": zeros, "row": zeros}

    def observe(self, world: World, obs: Array) -> None:
        obs[:, :3] = self._shown.take(world["node"], axis=0)

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        node, row = world["node"], world["row"]
        event, ended = self._event(world, luck, actions), self._ends.take(node)
        new = {"node": self._next.take(event), "row": row + 5 * ended}
        return new, self._earned.take(event), ended

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        return self._shown_alone[world["node"]].copy()

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: int
    ) -> tuple[dict[str, Any], float, bool]:
        node, row = world["node"], world["row"]
        option, ended, after = self._alone[2 * node + action]
        node, earned = after[luck["chances"][row + option]]
        return {"node": node, "row": row + 5 * ended}, earned, ended

    def _event(self, world: World, luck: World, actions: Array) -> Array:
        """(B,) index of node, action and what chance made of it."""
        event = 2 * world["node"] + actions
        chances = luck["chances"]
        cell = np.arange(0, chances.size, chances.shape[1])
        cell += world["row"]
        cell += self._option.take(event)
        event *= 2
        event += chances.take(cell)
        return event

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        every, zeros = np.arange(len(actions)), np.zeros(len(actions), dtype=np.int64)
        past, now = np.divmod(before["node"], _NOW)
        first, rare = np.divmod(now - 1, 2)
        trial = np.minimum(before["row"] // 5, self.trials_per_episode - 1)
        p = luck["p"][every, trial]
        planet, best, option = first ^ rare, p.argmax(axis=1), 2 * (first ^ rare) + actions
        chosen, p_best = p[every, option], p.max(axis=1)
        known = past > 0
        return {
            "correct": first == best // 2,
            "choice": first,
            "condition": zeros,
            "common": 1 - rare,
            "planet": planet,
            "second_choice": actions,
            "option": option,
            "best_option": best,
            "reward": self._event(before, luck, actions) % 2,
            "stay": np.where(known, first == (past - 1) // 8, -1),
            "prev_common": np.where(known, 1 - (past - 1) // 4 % 2, -1),
            "prev_reward": np.where(known, (past - 1) % 2, -1),
            "rt": zeros.astype(np.float64),
            "p": chosen,
            "p_best": p_best,
            "regret": p_best - chosen,
            **{f"p_{i}": p[:, i] for i in range(4)},
        }

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Any) -> Array:
        return np.asarray(facts["reward"], dtype=np.float64)

    def compute_yardsticks(self) -> Yardsticks:
        blind = sum(self.bounds) / 2
        return Yardsticks(
            random=blind,
            chance=blind,
            memoryless=None if self.prev_action or self.prev_reward else blind,
            optimum=greedy_score(self),
            oracle_full=full_knowledge(self.bounds, self.p_common),
        )

    def oracle(self) -> Policy:
        if not (self.prev_action and self.prev_reward):
            raise TaskError(
                "the oracle reads choices and rewards from the observation; make the task with "
                "prev_action=True and prev_reward=True."
            )
        return TwoStepObserver(self)


class TwoStepObserver(Policy):
    """The greedy Bayesian observer: follows all four probabilities, chooses the best planet."""

    def __init__(self, task: TwoStep) -> None:
        self._filter = WalkFilter(task.bounds, task.walk_sd)
        self._threshold = float(task._payout.mean())
        self._rises = bool(task._payout[1] > task._payout[0])
        self._action = task.obs_names.index("prev_action_1")
        self._reward = task.obs_names.index("prev_reward")

    def begin(self, n: int) -> State:
        # Beliefs about the options, and the planet of the second choice, -1 if there was none.
        return self._filter.begin(n), np.full(n, -1)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        belief, planet = state
        first = obs[:, 0] > 0
        high = obs[:, self._reward] > self._threshold
        won = high if self._rises else ~high
        option = 2 * np.maximum(planet, 0) + (obs[:, self._action] > 0)
        done = first & (planet >= 0)
        belief = np.where(done[:, None, None], self._filter.learn(belief, option, won), belief)
        mean = self._filter.mean(belief).reshape(-1, 2, 2)
        here = np.where(first, -1, (obs[:, 2] > 0).astype(np.int64))
        second = mean[np.arange(len(obs)), np.maximum(here, 0)].argmax(axis=1)
        return np.where(first, mean.max(axis=2).argmax(axis=1), second), (belief, here)


register(TwoStep)
register(TwoStep, "Kool", bounds=(0.0, 1.0), walk_sd=0.2)
