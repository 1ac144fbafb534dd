"""Worlds that differ in how fast they move and in how noisy their outcomes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.arithmetic import clip
from ..core.choice_task import ChoiceTask, Session
from ..core.errors import TaskError, check_number, check_one_of
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.simulation import simulated_score
from ..core.task import Channel, Yardsticks
from .cell_observers import CellArmObserver, CellPredictor
from .payouts import check_positive, with_past
from .walks import draw_back

Array = npt.NDArray[Any]

_SESSIONS = 1000
#: Squared errors count up to this one.
WORST = 36.0


@dataclass(kw_only=True, eq=False)
class VolatilityStochasticity(ChoiceTask):
    """Predict, or choose by, quantities that move at a hidden speed under a hidden amount of noise.

    Timeline: one step per trial. The session of 200 trials has a block for each combination of
    volatility v and stochasticity s, in random order. Mode "predict": one quantity moves as
    x' = x + N(0, v), and its outcome x + N(0, s) is to be predicted before it is seen. Mode
    "choose": two arms' worths move as m' = ``decay`` m + N(0, v), and the chosen one pays
    m + N(0, s). Everything is shown divided by ``scale`` and clipped to [-1, 1].

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``outcome``             [-1, 1]      predict: the last outcome, 0 at first; choose: ``go``, 1
    ``prev_action_0`` ...                last prediction, or arm chosen on the previous trial
    ``prev_reward``                      reward of the previous trial
    ======================  ===========  ====================================================

    Actions: predict Box(-1, 1), the prediction over ``scale``; choose 0 and 1, the arms.

    Reward: predict ``error`` (1) times minus the squared error over 36, at least -1 (an error of 6
    or more); choose ``gain`` (1) times the outcome over ``scale``, clipped.

    Info at every step: ``trial_end``, ``trial``, ``correct`` (no arm is worth more), ``choice``
    (prediction over ``scale``, or arm), ``condition`` and ``cell`` (which combination), ``block``,
    ``best_arm``, ``rt`` (0 ms), ``reward``, ``p`` (the hidden quantity, or the chosen arm's worth,
    over ``scale``), ``p_best``, ``regret``, ``volatility``, ``stochasticity``, ``outcome``
    (predict; over ``scale``), ``clipped`` (1 where clipping changed the outcome, in choose mode
    that of an arm).

    Score: predict 1 - min(squared error, 36) / 36; choose (worth over ``scale``, clipped, + 1) / 2.
    Yardsticks by simulation over 1,000 sessions with fixed seeds. Predict: optimum is a bank of
    Kalman filters, one for each cell, weighed by their likelihood within the block and joined at
    its end (close to optimal); ``oracle_full`` knows the cell. Random and chance (always 0, or 1 if
    that is better because most outcomes are clipped) likewise; memoryless is known only without
    past predictions and rewards in sight, and repeats the last outcome (close to the best). Choose:
    random and chance are .5 by symmetry; optimum is one filter per arm with the average variances
    of the cells and the bound mean + sd (the best policy known); ``oracle_full`` sees the worths;
    memoryless is not known where the previous reward is shown.

    Args:
        mode: "predict" or "choose".
        volatility: value or values of v, variances per trial.
        stochasticity: value or values of s, variances of outcomes.
        scale: what 1 stands for; None for 60 (predict, where one outcome in 100,000 is clipped) or
            20 (choose, one in 1,000). Of the optimum's errors .5 % are 6 or more.
        decay: of the arms' worths per trial, below 1.

    Piray and Daw 2021, doi:10.1038/s41467-021-26731-9. The steady-state learning rates in the four
    cells are .50, .69 (v = 1.5), .33 (s = 3) and .50: two cells share one, and differ in the
    autocorrelation of outcomes.

    Versions: v0, first release. ``VolatilityStochasticity-Choose-v0``: ``mode="choose"``.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/VolatilityStochasticity-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.action_space, env.unwrapped.obs_names
    (Box(-1.0, 1.0, (1,), float32), ('outcome', 'prev_action_0', 'prev_reward'))
    """

    trials_per_episode: int = 200
    prev_action: bool = True
    prev_reward: bool = True
    mode: str = "predict"
    volatility: Sequence[float] | float = (0.5, 1.5)
    stochasticity: Sequence[float] | float = (1.0, 3.0)
    scale: float | None = None
    decay: float = 0.98

    name: ClassVar[str] = "VolatilityStochasticity"
    family: ClassVar[str] = "bandits"
    measures = "learning rate and lag-1 autocorrelation in each cell"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"error": 1.0, "gain": 1.0})
    shade_fact = "cell"

    def prepare(self) -> None:
        self.mode = check_one_of("mode", self.mode, ("predict", "choose"))
        self._predicts = self.mode == "predict"
        check_positive(self.earns, "error" if self._predicts else "gain")
        self.volatility = _variances("volatility", self.volatility)
        self.stochasticity = _variances("stochasticity", self.stochasticity)
        self.scale = check_number(
            "scale", (60.0 if self._predicts else 20.0) if self.scale is None else self.scale, 1e-3
        )
        self.decay = check_number("decay", self.decay, low=0.0, high=0.999999)
        self._cells = np.array([(v, s) for s in self.stochasticity for v in self.volatility])
        if self.trials_per_episode < len(self._cells):
            raise TaskError(
                f"trials_per_episode={self.trials_per_episode} are fewer than the "
                f"{len(self._cells)} pairs of volatility and stochasticity; pass at least as many."
            )
        # Blocks as even as can be.
        edges = np.linspace(0, self.trials_per_episode, len(self._cells) + 1).round().astype(int)
        self._block = np.repeat(np.arange(len(self._cells)), np.diff(edges))
        self.n_conditions = len(self._cells)
        whole = ("trial", "correct", "best_arm", "condition", "cell", "block", "clipped")
        real = ("rt", "reward", "p", "p_best", "regret", "volatility", "stochasticity")
        if self._predicts:
            self.channels = (Channel("outcome", -1.0, 1.0),)
            self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
            self.action_names = ("prediction",)
            self.int_facts, self.float_facts = whole, (*real, "choice", "outcome")
        else:
            self.channels = (Channel("go"),)
            self.action_space = spaces.Discrete(2)
            self.action_names = ("arm 0", "arm 1")
            self.int_facts, self.float_facts = (*whole, "choice"), real

    def reward_range(self) -> tuple[float, float]:
        if self._predicts:
            ends = -self.earns["error"], 0.0
        else:
            ends = -self.earns["gain"], self.earns["gain"]
        return min(ends), max(ends)

    # ---------------------------------------------------------------- sessions

    def session(self, draws: Draws) -> Session:
        assert self.scale is not None
        length, arms = self.trials_per_episode, self.n_arms
        draws = draws.ahead(2 * (length * arms + 1) + len(self._cells))
        order = draws.permutation(len(self._cells))
        steps, noise = draws.normal(length, arms), draws.normal(length, arms)
        cell = order[:, self._block]
        v, s = self._cells[cell, 0], self._cells[cell, 1]
        steps *= np.sqrt(v)[:, :, None]
        if self._predicts:
            steps[:, 0] = 0.0
            walk = np.cumsum(steps, axis=1)
        else:
            by_time = np.swapaxes(steps, 0, 1).copy()
            by_time[0] /= np.sqrt(1 - self.decay**2)
            draw_back(by_time, self.decay)
            walk = np.swapaxes(by_time, 0, 1)
        raw = (walk + noise * np.sqrt(s)[:, :, None]) / self.scale
        outcome = np.clip(raw, -1.0, 1.0)
        facts = {
            "cell": cell,
            "condition": cell,
            "block": np.broadcast_to(self._block, cell.shape),
            "volatility": v,
            "stochasticity": s,
            "clipped": (outcome != raw).any(axis=2).astype(np.int64),
        }
        shown = None
        if self._predicts:
            # Shown as float32, and predicted as shown.
            outcome = outcome.astype(np.float32)
            shown = np.concatenate([np.zeros_like(outcome[:, :1]), outcome[:, :-1]], axis=1)
            outcome = outcome.astype(np.float64)
            facts["outcome"] = outcome[:, :, 0]
        return Session(walk / self.scale, outcome, facts, shown)

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        if not self._predicts:
            return self.earns["gain"] * luck
        assert self.scale is not None
        error = (action[0] - luck) * self.scale
        return -self.earns["error"] * clip(error * error / WORST, 0.0, 1.0)

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        assert self.scale is not None
        if not self._predicts:
            return (np.clip(np.asarray(facts["p"], dtype=np.float64), -1.0, 1.0) + 1.0) / 2.0
        error = (np.asarray(facts["choice"]) - np.asarray(facts["outcome"])) * self.scale
        return 1.0 - np.minimum(error**2, WORST) / WORST

    def compute_yardsticks(self) -> Yardsticks:
        seeds = np.arange(_SESSIONS) + 2**42
        session = self.session(Draws(seeds, np.zeros(_SESSIONS, dtype=np.int64)))
        return self._of_prediction(session) if self._predicts else self._of_choice(session)

    def _of_prediction(self, session: Session) -> Yardsticks:
        outcome = session.luck[:, :, 0]
        assert session.shown is not None
        chance = max(self._scores(0.0, outcome), self._scores(1.0, outcome))
        informed = CellPredictor(self).informed_score(session)
        optimum = simulated_score(self, CellPredictor(self), _SESSIONS)
        memoryless = None
        if not (self.prev_action or self.prev_reward):
            memoryless = max(chance, self._scores(session.shown[:, :, 0], outcome))
        # Where all is known or nothing can be, they differ by rounding.
        optimum = max(chance, memoryless or 0.0, optimum)
        return Yardsticks(
            random=self._random_prediction(outcome),
            chance=chance,
            memoryless=memoryless,
            optimum=optimum,
            oracle_full=max(informed, optimum),
        )

    def _of_choice(self, session: Session) -> Yardsticks:
        score = self.score({"p": session.mean})
        # Advantages over the arms' mean, whose expected value is known, are less noisy.
        best, optimum = 0.5 + float((score.max(axis=2) - score.mean(axis=2)).mean()), 0.5
        if self.prev_reward:
            task = with_past(self)

            def missed(facts: Mapping[str, Any]) -> Array:
                return self.score({"p": facts["p_best"]}) - self.score(facts)

            missing = simulated_score(task, task.oracle(), _SESSIONS, measure=missed)
            optimum = max(optimum, best - missing)
        return Yardsticks(
            random=0.5,
            chance=0.5,
            memoryless=None if self.prev_reward else 0.5,
            optimum=optimum,
            oracle_full=best,
        )

    def _random_prediction(self, outcome: Array) -> float:
        """Score of predictions drawn evenly from [-1, 1]: the integral over the prediction."""
        assert self.scale is not None
        reach = np.sqrt(WORST) / self.scale  # errors of at least that score nothing

        def integral(error: Array) -> Array:
            error = np.clip(error, -reach, reach)
            return error - error**3 / (3 * reach**2)

        return float((integral(1.0 - outcome) - integral(-1.0 - outcome)).mean() / 2)

    def _scores(self, choice: float | Array, outcome: Array) -> float:
        return float(self.score({"choice": choice, "outcome": outcome}).mean())

    def oracle(self) -> Policy:
        return CellPredictor(self) if self._predicts else CellArmObserver(self)


def _variances(name: str, given: Any) -> tuple[float, ...]:
    values = given if isinstance(given, (list, tuple)) else [given]
    if not values:
        raise TaskError(f"{name}={given!r} is empty; pass one variance or more.")
    return tuple(check_number(name, one, low=0.0, high=1e6) for one in values)


register(VolatilityStochasticity)
register(VolatilityStochasticity, "Choose", mode="choose")
