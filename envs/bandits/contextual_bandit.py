"""A bandit in which a cue says what the arms are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import TaskError, check_int, check_one_of
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from .payouts import PAYOUTS, check_pair, payouts, won

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class ContextualBandit(ChoiceTask):
    """Choose an arm in a context that is shown; each context has a best arm, for good.

    Timeline: one step per trial: a context is drawn and shown, an arm is chosen and pays or does
    not. An episode is a session of 40 trials, truncated at its end. What the contexts mean is the
    same in all sessions, and can be learned in weights alone.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``go``                  1            always on
    ``context_0`` ...       0, 1         coding "one-hot": the context
    ``bit_0`` ...           -1, 1        coding "bits": its number in binary
    ======================  ===========  ====================================================

    Actions: the arms.

    Reward: ``reward`` (1) or ``no_reward`` (0).

    Info at every step: ``trial_end``, ``trial``, ``correct`` (the best arm), ``choice``,
    ``condition`` (0), ``context``, ``best_arm``, ``rt`` (0 ms), ``reward``, ``p`` (probability of
    the chosen arm), ``p_best``, ``regret``.

    Score: share of rewarded trials. Yardsticks are exact: random is the mean probability, chance
    that of the arm that is best most often, memoryless and optimum that of each context's best.

    Args:
        n_contexts: contexts, 1 to 64; a power of 2 coded in bits.
        n_arms: arms, 2 to 64.
        p: probability of reward of the best arm and of the others.
        coding: "one-hot" or "bits".
        rule: which arm is the best: "modulo" (context modulo the number of arms) or "parity" (of
            the bits of the context's number: for two arms, no single bit tells).

    Li, Chu, Langford and Schapire 2010, doi:10.1145/1772690.1772758.

    Versions: v0, first release. ``ContextualBandit-Parity-v0``: two arms, by two bits' parity.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/ContextualBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('go', 'context_0', 'context_1', 'context_2', 'context_3', 'context_4', 'context_5')
    """

    trials_per_episode: int = 40
    n_contexts: int = 6
    n_arms: int = 3  # type: ignore[assignment]
    p: Sequence[float] = (0.9, 0.1)
    coding: str = "one-hot"
    rule: str = "modulo"

    name: ClassVar[str] = "ContextualBandit"
    family: ClassVar[str] = "bandits"
    measures = "choices by context, speed of learning by context"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(PAYOUTS)
    int_facts = (*ChoiceTask.int_facts, "context")

    def prepare(self) -> None:
        self.n_contexts = check_int("n_contexts", self.n_contexts, 1, 64)
        self.n_arms = check_int("n_arms", self.n_arms, 2, 64)
        self.p = check_pair(self.p)
        self.coding = check_one_of("coding", self.coding, ("one-hot", "bits"))
        self.rule = check_one_of("rule", self.rule, ("modulo", "parity"))
        if self.coding == "bits" and (self.n_contexts < 2 or self.n_contexts.bit_count() > 1):
            raise TaskError(
                f"n_contexts={self.n_contexts} cannot be coded in bits; pass 2, 4, 8, 16, 32 or 64."
            )
        if self.rule == "parity" and self.n_arms != 2:
            raise TaskError(f"n_arms={self.n_arms} does not go with rule='parity'; pass 2.")
        numbers = np.arange(self.n_contexts)
        bits = numbers[:, None] >> np.arange(max((self.n_contexts - 1).bit_length(), 1)) & 1
        self._best = bits.sum(1) % 2 if self.rule == "parity" else numbers % self.n_arms
        if self.coding == "bits":
            shown = 2.0 * bits - 1
            own = [Channel(f"bit_{i}", -1.0, 1.0) for i in range(bits.shape[1])]
        else:
            shown = np.eye(self.n_contexts)
            own = [Channel(f"context_{i}") for i in range(self.n_contexts)]
        self._shown = np.concatenate([np.ones((self.n_contexts, 1)), shown], 1).astype(np.float32)
        self.channels = (Channel("go"), *own)
        self.action_space = spaces.Discrete(self.n_arms)
        self.n_conditions = 1
        self.action_names = tuple(f"arm {arm}" for arm in range(self.n_arms))
        self._payout = payouts(self.earns)

    def reward_range(self) -> tuple[float, float]:
        return min(self._payout), max(self._payout)

    def session(self, draws: Draws) -> Session:
        draws = draws.ahead(self.trials_per_episode + 1)
        context = np.minimum(
            (draws.uniform(self.trials_per_episode) * self.n_contexts).astype(np.int64),
            self.n_contexts - 1,
        )
        better, worse = self.p
        best = self._best[context]
        mean = np.where(best[:, :, None] == np.arange(self.n_arms), better, worse)
        luck = draws.stream(1).uniform(self.trials_per_episode, 1)
        return Session(mean, luck, {"context": context}, self._shown[context])

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        low, high = self._payout
        return low + (high - low) * (luck < mean)

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return won(facts["reward"], self._payout)

    def compute_yardsticks(self) -> Yardsticks:
        better, worse = self.p
        often = np.bincount(self._best, minlength=self.n_arms).max() / self.n_contexts
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=worse + (better - worse) / self.n_arms,
            chance=worse + (better - worse) * often,
            memoryless=None if own_past else better,
            optimum=better,
        )

    def oracle(self) -> Policy:
        return ContextReader(self)


class ContextReader(Policy):
    """Knows the best arm of each context that is shown."""

    def __init__(self, task: ContextualBandit) -> None:
        self._shown, self._best = task._shown[:, 1:], task._best

    def begin(self, n: int) -> State:
        return ()

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        seen = obs[:, 1 : 1 + self._shown.shape[1]] @ self._shown.T
        return self._best[seen.argmax(axis=1)], state


register(ContextualBandit)
register(ContextualBandit, "Parity", n_contexts=4, n_arms=2, coding="bits", rule="parity")
