"""Drawing beads from an urn until one dares to say which urn it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import check_int, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.response import Response
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Trials
from ..core.task import Channel, Yardsticks

Array = npt.NDArray[Any]

_DRAW, _A, _B = range(3)
# Row codes: urn A or B, and whether there are beads left.
_OPEN, _EMPTY = 1, 3
_WAITING, _ANSWERED = 0, 1
#: Beads are told in the bits of one whole number.
_MOST_DRAWS = 60


@dataclass(kw_only=True, eq=False)
class InformationSampling(ScriptedTask):
    """Draw beads from one of two urns, each at a cost, and say which urn it is.

    Timeline: urn A or B is picked; a bead of urn A is of colour a with probability ``ratio``, of
    urn B with 1 - ratio. The first step shows no bead; each draw shows the next bead on the next
    step. An answer ends the trial, and so does another draw after ``max_draws`` beads.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``start``               0, 1         no bead has been drawn yet
    ``bead_a``, ``bead_b``  0, 1         colour of the bead just drawn
    ======================  ===========  ====================================================

    Actions: 0 draw, 1 urn A, 2 urn B.

    Reward: ``correct`` (1) or ``error`` (0) for the answer, ``draw`` (-.01) for each bead, ``miss``
    (0) for a draw from the emptied urn.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` and ``urn`` (0 for A, 1 for B),
    ``beads`` (all beads of the trial, drawn or not: bit i is 1 if bead i is of colour a),
    ``correct``, ``choice`` (1, 2, or 0 for none), ``draws`` (beads seen), ``n_a`` (those of colour
    a), ``rt`` (draws * dt in ms, NaN without an answer), ``payoff`` (return of the trial),
    ``p_correct`` (probability, after the beads seen, that the answer is right; NaN without one).

    Score: the payoff, brought to [0, 1] between the worst and the best that a trial can bring.
    Yardsticks, all exact up to the rounding named: chance answers at once or after any fixed
    number of beads, whatever is best; optimum by dynamic programming on the number of beads drawn
    and the lead of one colour; memoryless is the best policy that draws with some probability
    after each colour, which are found on a grid refined to 1/10,000, and that answers the better
    urn (unknown with ``time``, which shows the number of beads); ``oracle_full`` knows the urn. The
    return of the optimum is less than 1, because beads cost: .688 by default,
    with 10.3 draws.

    Args:
        ratio: share of the majority colour, .5 to 1.
        max_draws: beads in the urn, 1 to 60.

    Beads with costs: Furl and Averbeck 2011 (doi:10.1523/JNEUROSCI.4236-11.2011), whose ratios
    were .6 and .8. There is no supervised target: who knows the urn would never draw.

    Versions: v0, first release. Variants: -Easy (ratio .8).

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/InformationSampling-v0", ratio=1.0)
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(0)
    >>> obs.tolist(), reward
    ([0.0, 1.0, 0.0], -0.01)
    >>> env.step(1)[4]["payoff"]
    0.99
    """

    ratio: float = 0.6
    max_draws: int = 20

    name: ClassVar[str] = "InformationSampling"
    family: ClassVar[str] = "bandits"
    measures: ClassVar[str] = "draws to decision against the optimum, accuracy"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"correct": 1.0, "error": 0.0, "draw": -0.01, "miss": 0.0}
    )
    supervised = False
    action_names = ("draw", "urn A", "urn B")
    finished_facts = ("draws", "n_a", "payoff", "p_correct")
    int_facts = ("trial", "condition", "urn", "beads", "draws", "n_a", "correct", "choice")
    float_facts = ("rt", "payoff", "p_correct")

    def prepare(self) -> None:
        self.ratio = check_number("ratio", self.ratio, low=0.5, high=1.0)
        self.max_draws = check_int("max_draws", self.max_draws, 1, _MOST_DRAWS)
        self.channels = (Channel("start"), Channel("bead_a"), Channel("bead_b"))
        self.action_space = spaces.Discrete(3)
        self.n_conditions = 2
        self.max_steps = self.max_draws + 1
        self.draws_ahead = self.max_draws + 1
        self.period_names = ("start", *(f"bead {i + 1}" for i in range(self.max_draws)))
        self.response = self._make_response()

    def _make_response(self) -> Response:
        # The answer and whether it is right are told by the state: 1, 2 right, 3, 4 wrong.
        facts = {"correct": [0, 1, 1, 0, 0], "choice": [0, _A, _B, _A, _B]}
        response = Response(codes=5, states=5, actions=3, facts=facts)
        earns = self.earns
        for urn in range(2):
            for code in (_OPEN + urn, _EMPTY + urn):
                for answer in (_A, _B):
                    hit = answer == _A + urn
                    response.rule(
                        code,
                        0,
                        answer,
                        to=answer + (0 if hit else 2),
                        reward=earns["correct"] if hit else earns["error"],
                        ends=True,
                        stamp=True,
                    )
            response.rule(_OPEN + urn, 0, _DRAW, to=0, reward=earns["draw"])
            response.rule(_EMPTY + urn, 0, _DRAW, to=0, reward=earns["miss"], ends=True)
        return response

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        urn = draws.integers(2)
        of_a = np.where(urn == 0, self.ratio, 1 - self.ratio)
        is_a = draws.uniform(self.max_draws) < of_a[:, None]
        trials.durations[:] = 1
        trials.patterns[:, 0, 0] = 1
        trials.patterns[:, 1:, 1] = is_a
        trials.patterns[:, 1:, 2] = ~is_a
        trials.codes[:] = (_OPEN + urn)[:, None]
        trials.codes[:, -1] = _EMPTY + urn
        trials.go[:] = 0
        trials.fact("condition")[:] = urn
        trials.fact("urn")[:] = urn
        trials.fact("beads")[:] = _as_bits(is_a)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        answered = facts["choice"] > 0
        draws = np.where(answered, np.rint(facts["rt"] / self.dt), self.max_draws).astype(np.int64)
        seen = facts["beads"] & ((1 << draws) - 1)
        n_a = np.bitwise_count(seen).astype(np.int64)
        earns = self.earns
        end = np.where(facts["correct"] == 1, earns["correct"], earns["error"])
        facts["draws"][:] = draws
        facts["n_a"][:] = n_a
        facts["payoff"][:] = np.where(answered, end, earns["miss"]) + draws * earns["draw"]
        p_a = self.posterior(2 * n_a - draws)
        facts["p_correct"][:] = np.where(facts["choice"] == _A, p_a, 1 - p_a)
        facts["p_correct"][~answered] = np.nan

    def posterior(self, lead: Array) -> Array:
        """Probability of urn A where ``lead`` more beads were of colour a than of colour b."""
        odds = self.ratio / max(1 - self.ratio, 1e-300)  # finite, and certain, at a ratio of 1
        return 1 / (1 + np.exp(-np.clip(np.asarray(lead) * math.log(odds), -700, 700)))

    # ---------------------------------------------------------------- yardsticks

    def _bounds(self) -> tuple[float, float]:
        """Lowest and highest payoff of a trial."""
        earns = self.earns
        draws = np.arange(self.max_draws + 1) * earns["draw"]
        ends = [*(draws + earns["correct"]), *(draws + earns["error"]), draws[-1] + earns["miss"]]
        return float(min(ends)), float(max(ends))

    def score(self, facts: Any) -> Array:
        return self._scaled(np.asarray(facts["payoff"], dtype=np.float64))

    def _scaled(self, payoff: Any) -> Any:
        low, high = self._bounds()
        return np.clip((payoff - low) / (high - low), 0.0, 1.0) if high > low else 0.0 * payoff

    def values(self) -> tuple[Array, Array]:
        """Best expected payoff from here on, and the best action, by beads drawn and their lead.

        Both (max_draws + 1, 2 * max_draws + 1); the lead of colour a is the second index less
        ``max_draws``.
        """
        most, earns = self.max_draws, self.earns
        p_a = self.posterior(np.arange(-most, most + 1))
        answer = [p * earns["correct"] + (1 - p) * earns["error"] for p in (p_a, 1 - p_a)]
        bead_a = p_a * self.ratio + (1 - p_a) * (1 - self.ratio)
        value = np.zeros((most + 1, 2 * most + 1))
        best = np.zeros(value.shape, dtype=np.int64)
        for drawn in range(most, -1, -1):
            if drawn == most:
                on = np.full(2 * most + 1, earns["miss"])
            else:
                later = np.pad(value[drawn + 1], 1, mode="edge")
                on = earns["draw"] + bead_a * later[2:] + (1 - bead_a) * later[:-2]
            options = np.stack([on, *answer])
            # Of equal options an answer counts more than a draw.
            best[drawn] = (options[::-1] >= options.max(axis=0) - 1e-12).argmax(axis=0)
            best[drawn] = 2 - best[drawn]
            value[drawn] = options.max(axis=0)
        return value, best

    def compute_yardsticks(self) -> Yardsticks:
        earns = self.earns
        blind = (earns["correct"] + earns["error"]) / 2
        draws = np.arange(self.max_draws + 1) * earns["draw"]
        goes_on = (1 / 3) ** np.arange(self.max_draws + 1)
        drawn = goes_on[1:].sum() * earns["draw"]
        random = drawn + goes_on.sum() * blind * 2 / 3 + goes_on[-1] / 3 * earns["miss"]
        chance = max(float((draws + blind).max()), float(draws[-1]) + earns["miss"])
        known = max(float((draws + max(earns["correct"], earns["error"])).max()), chance)
        scores = [
            float(self._scaled(payoff))
            for payoff in (random, chance, self._memoryless(), self.values()[0][0, self.max_draws])
        ]
        if self.time:
            return Yardsticks(scores[0], scores[1], None, scores[3], float(self._scaled(known)))
        return Yardsticks(*scores, oracle_full=float(self._scaled(known)))

    def _memoryless(self) -> float:
        """Best expected payoff with fixed probabilities of drawing after each colour."""
        earns = self.earns
        at_once = max((earns["correct"] + earns["error"]) / 2, -np.inf)
        best, centre, width = at_once, np.array([0.5, 0.5]), 0.5
        while width > 1e-4:
            steps = np.linspace(-width, width, 41)
            grid = np.clip(centre[:, None] + steps, 0.0, 1.0)
            payoffs = self._fixed_payoff(grid[0][:, None], grid[1])
            winner = np.unravel_index(payoffs.argmax(), payoffs.shape)
            best = max(best, float(payoffs[winner]))
            centre, width = np.array([grid[0][winner[0]], grid[1][winner[1]]]), width / 8
        return best

    def _fixed_payoff(self, on_a: Array, on_b: Array) -> Array:
        """Expected payoff of drawing at first, then again with these probabilities by colour."""
        earns, most = self.earns, self.max_draws
        total = np.zeros(np.broadcast_shapes(on_a.shape, on_b.shape))
        answered = []  # by urn: probability of ever answering after a bead a, after a bead b
        for of_a in (self.ratio, 1 - self.ratio):
            go_on = of_a * on_a + (1 - of_a) * on_b
            powers = np.stack([go_on**k for k in range(most + 1)])
            reached = powers[:most].sum(axis=0)  # expected number of beads
            total += 0.5 * (reached * earns["draw"] + powers[most] * earns["miss"])
            answered.append((reached * of_a * (1 - on_a), reached * (1 - of_a) * (1 - on_b)))
        for after_a, after_b in zip(*answered, strict=True):
            # Under urn A and under urn B; the better of the two answers.
            says_a = 0.5 * (after_a * earns["correct"] + after_b * earns["error"])
            says_b = 0.5 * (after_a * earns["error"] + after_b * earns["correct"])
            total += np.maximum(says_a, says_b)
        return total

    def oracle(self) -> Policy:
        return SamplingObserver(self)


def _as_bits(flags: Array) -> Array:
    """Flags (n, up to 63) as the bits of whole numbers (n,), the first one the lowest."""
    octets = np.zeros((len(flags), 8), dtype=np.uint8)
    packed = np.packbits(flags, axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return octets.view("<i8")[:, 0].astype(np.int64)


class SamplingObserver(Policy):
    """Counts beads and stops when dynamic programming says so."""

    def __init__(self, task: InformationSampling) -> None:
        self._most = task.max_draws
        self._best = task.values()[1]

    def begin(self, n: int) -> State:
        return np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        drawn, lead = state
        is_a, is_b = obs[:, 1] > 0.5, obs[:, 2] > 0.5
        drawn = np.minimum(drawn + (is_a | is_b), self._most)
        lead = np.clip(lead + is_a - is_b, -self._most, self._most)
        return self._best[drawn, lead + self._most], (drawn, lead)


register(InformationSampling)
register(InformationSampling, "Easy", ratio=0.8)
