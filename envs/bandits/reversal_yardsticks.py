"""The hidden process of the reversal bandit, its Bayesian filter, and the yardsticks from both."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.random import Draws
from ..core.task import Yardsticks

Array = npt.NDArray[Any]

_BELIEF_POINTS = 2001
_SESSIONS = 1000


class ReversalProcess:
    """Hidden states (better arm, streak): 2 arms times criterion + 1 streak lengths.

    Args:
        p: reward probability of the better and of the worse arm.
        hazard: probability of a reversal once the criterion is met.
        criterion: choices of the better arm in a row that a reversal waits for.
    """

    def __init__(self, p: tuple[float, float], hazard: float, criterion: int) -> None:
        self.p, self.hazard, self.criterion = p, hazard, criterion
        streaks = criterion + 1
        self.best = np.repeat([0, 1], streaks)
        #: (action, state) probability of a reward
        self.win = np.where(self.best == np.arange(2)[:, None], p[0], p[1])
        #: (action, state, next state)
        self.move = np.zeros((2, 2 * streaks, 2 * streaks))
        for action, best, streak in product(range(2), range(2), range(streaks)):
            grown = min(streak + 1, criterion) if action == best else 0
            chance = hazard if grown >= criterion else 0.0
            here = best * streaks + streak
            self.move[action, here, best * streaks + grown] += 1.0 - chance
            self.move[action, here, (1 - best) * streaks] += chance

    def prior(self) -> Array:
        """(states,) belief at the start of a session."""
        belief = np.zeros(len(self.best))
        belief[[0, self.criterion + 1]] = 0.5
        return belief

    def update(self, belief: Array, choice: Array, won: Array) -> Array:
        """Belief (n, states) after choosing ``choice`` (n,) and seeing ``won`` (n,), one trial on.

        An outcome that the model holds impossible leaves the belief to the reversals alone.
        """
        likelihood = np.where(won[:, None] == 1, self.win[choice], 1.0 - self.win[choice])
        joint = belief * likelihood
        total = joint.sum(axis=1, keepdims=True)
        joint = np.where(total > 0, joint / np.where(total > 0, total, 1.0), belief)
        return self.predict(joint, choice)

    def predict(self, belief: Array, choice: Array) -> Array:
        """Belief (n, states) one trial after choosing, without an outcome."""
        moved = np.stack([belief @ self.move[0], belief @ self.move[1]])
        return moved[choice, np.arange(len(belief))]

    def advance(self, mass: Array, action: int) -> Array:
        """``mass @ move[action]`` (n, states), without the zeros of long streaks."""
        last = self.criterion
        if last == 0:
            return mass @ self.move[action]
        moved = np.zeros((len(mass), 2, last + 1))
        streaks = mass.reshape(moved.shape)
        chosen, met = streaks[:, action], streaks[:, action, last - 1 :].sum(axis=1)
        moved[:, action, 1:last] = chosen[:, : last - 1]
        moved[:, action, last] = (1.0 - self.hazard) * met
        moved[:, 1 - action, 0] = streaks[:, 1 - action].sum(axis=1) + self.hazard * met
        return moved.reshape(mass.shape)

    def better_arm(self, belief: Array) -> Array:
        """(n,) the arm that is more probably the better one; 0 if both are."""
        first = belief[:, self.best == 0].sum(axis=1)
        return (first < 0.5 - 1e-12).astype(np.int64)


def bandit_yardsticks(
    process: ReversalProcess, trials: int, *, sees_action: bool, sees_reward: bool, sees_time: bool
) -> Yardsticks:
    """All yardsticks for sessions of ``trials`` trials, as reward per trial."""
    mean = (process.p[0] + process.p[1]) / 2
    uniform = np.full((1, 4), 0.5)
    simple = process.criterion == 0
    return Yardsticks(
        # Without a criterion nothing depends on choices: any blind policy earns the mean.
        random=mean if simple else float(_chain(process, trials, uniform, uniform[:, 0])[0]),
        chance=mean if simple else blind_score(process, trials),
        # With the time in sight policies may change with it: no exact number is known.
        memoryless=None
        if sees_time
        else memoryless_score(process, trials, sees_action, sees_reward),
        optimum=optimal_reward(process, trials) if simple else greedy_score(process, trials),
        oracle_full=process.p[0] if simple else None,
    )


def optimal_reward(process: ReversalProcess, trials: int) -> float:
    """Reward per trial of the best policy, by backward induction on P(arm 0 is better).

    The value function is convex and piecewise linear; it is kept at 2,001 beliefs and
    interpolated between them.
    """
    grid = np.linspace(0.0, 1.0, _BELIEF_POINTS)
    belief = np.stack([grid, 1.0 - grid], axis=1)
    value = np.zeros(_BELIEF_POINTS)
    branches = []
    for action in range(2):
        choice = np.full(_BELIEF_POINTS, action)
        wins = belief @ process.win[action]
        after = [
            process.update(belief, choice, np.full(_BELIEF_POINTS, won))[:, 0] for won in (0, 1)
        ]
        branches.append((wins, *after))
    for _ in range(trials):
        options = [
            wins + wins * np.interp(won, grid, value) + (1 - wins) * np.interp(lost, grid, value)
            for wins, lost, won in branches
        ]
        value = np.maximum(*options)
    return float(np.interp(0.5, grid, value) / trials)


def memoryless_score(
    process: ReversalProcess, trials: int, sees_action: bool, sees_reward: bool
) -> float:
    """Best reward per trial of a policy on the previous choice and reward (those that are seen).

    A policy is four probabilities of choosing arm 1, one for each (choice, reward). The exact
    score of every policy on a grid of quarters, then of finer and finer grids around the best, is
    compared.
    """
    # Which of the four (choice, reward) situations look alike.
    looks = [
        sees_action * 2 * choice + sees_reward * won for choice, won in product((0, 1), (0, 1))
    ]
    groups = sorted(set(looks))
    index = [groups.index(look) for look in looks]
    centre, width = np.full(len(groups), 0.5), 0.5
    best = 0.0
    for _ in range(5):
        steps = np.linspace(-width, width, 5)
        grid = np.array(list(product(steps, repeat=len(groups))))
        policies = np.clip(centre + grid, 0.0, 1.0)
        # On the first trial both arms are the same: it begins with arm 0.
        scores = _chain(process, trials, policies[:, index], np.zeros(len(policies)))
        winner = int(scores.argmax())
        best, centre = max(best, float(scores[winner])), policies[winner]
        width /= 2
    return best


def _chain(process: ReversalProcess, trials: int, policies: Array, start: Array) -> Array:
    """Reward per trial of K policies from the Markov chain over (hidden state, choice, reward).

    Args:
        process: the hidden process.
        trials: trials of a session.
        policies: (K, 4) probability of arm 1 after (choice, reward) = 00, 01, 10, 11.
        start: (K,) probability of arm 1 on the first trial.
    """
    states = len(process.best)
    hidden = np.broadcast_to(process.prior(), (len(policies), states))
    mass = None  # (K, 4, states) after the first trial
    total = np.zeros(len(policies))
    for _ in range(trials):
        if mass is None:
            arm_mass = [hidden * (1 - start)[:, None], hidden * start[:, None]]
        else:
            arm_mass = [
                (mass * (1 - policies)[:, :, None]).sum(axis=1),
                (mass * policies[:, :, None]).sum(axis=1),
            ]
        parts = []
        for action in range(2):
            win = arm_mass[action] * process.win[action]
            total += win.sum(axis=1)
            lost = arm_mass[action] - win
            parts += [process.advance(lost, action), process.advance(win, action)]
        mass = np.stack(parts, axis=1)
    return total / trials


def greedy_score(process: ReversalProcess, trials: int) -> float:
    """Reward per trial of the greedy Bayesian observer, simulated with fixed seeds."""
    return _simulate(process, trials, sees_outcomes=True, sessions=_SESSIONS)


def blind_score(process: ReversalProcess, trials: int) -> float:
    """Reward per trial of the observer who knows the rule but sees no outcomes, exactly."""
    belief, total = process.prior()[None], 0.0
    for _ in range(trials):
        choice = process.better_arm(belief)
        total += float((belief * process.win[choice]).sum())
        belief = process.predict(belief, choice)
    return total / trials


def _simulate(
    process: ReversalProcess, trials: int, *, sees_outcomes: bool, sessions: int
) -> float:
    numbers = np.zeros(sessions, dtype=np.int64)
    luck = Draws(np.arange(sessions), numbers, ahead=2 * trials + 4)
    states = len(process.best)
    hidden = np.where(luck.uniform() < 0.5, 0, process.criterion + 1)
    belief = np.tile(process.prior(), (sessions, 1))
    total = 0.0
    for _ in range(trials):
        choice = process.better_arm(belief)
        win_probability = process.win[choice, hidden]
        # The expected reward has the same mean as the drawn one, and less noise.
        total += float(win_probability.mean())
        won = (luck.uniform() < win_probability).astype(np.int64)
        belief = process.update(belief, choice, won)
        edges = np.cumsum(process.move[choice, hidden], axis=1)[:, : states - 1]
        hidden = (luck.uniform()[:, None] > edges).sum(axis=1)
    return total / trials
