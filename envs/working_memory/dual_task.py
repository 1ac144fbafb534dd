"""A second task inside the delay of delayed matching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import check_int, check_number, check_one_of
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.response import Response
from ..core.scripted_task import ScriptedTask
from ..core.table import Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration
from .match_rules import RULES, PairRule

Array = npt.NDArray[Any]

INNER = ("go_nogo", "distractor")
_NONE, _IGNORE, _GO = range(3)
_GO_ACTION = 3

# Row codes. Inner windows: + 2 if the stimulus asks for a response, + 1 on the last step.
# Decisions: + 2 if there was no inner task, + 1 if the right answer is "non-match".
_FIXATE, _INNER, _DECIDE = 1, 2, 6
_FIXATION, _SAMPLE, _BEFORE, _WINDOW, _WINDOW_END, _AFTER, _DECISION = range(7)


@dataclass(kw_only=True, eq=False)
class DualTask(ScriptedTask):
    """Hold a sample in mind for a match decision while another stimulus comes in the delay.

    Timeline: fixation -> sample -> delay -> inner stimulus -> delay -> decision (test shown). While
    the inner stimulus is on, the first answer counts for the inner task; in the decision period the
    first answer counts for the outer one.

    Defaults: dt 100 ms, fixation 100 ms, sample 200 ms, delay 300 ms, inner stimulus 300 ms, delay
    300 to 600 ms, decision 200 ms; go or no-go, equally likely, on every trial.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``fixation``            0, 1         1 until the decision period
    ``stim_0`` ...          0, 1         one channel per stimulus of the outer task
    ``go``, ``no_go``       0, 1         the inner stimulus; inner "go_nogo" only
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 "match" (the rule holds), 2 "non-match", 3 "go" (inner "go_nogo" only).

    Inner task: "go_nogo": answer 3 to ``go``, withhold to ``no_go``. "distractor": a random
    stimulus of the outer task is shown; withhold. Other answers to inner stimuli are inner errors,
    3 in the decision period is an outer error. On trials without an inner task the window is blank,
    and ``inner_correct`` is 1.

    Reward: ``outer_correct`` (.5) or ``outer_error`` (0) for the first answer in the decision
    period; ``inner_correct`` (.5) or ``inner_error`` (0) for the inner task, at its first answer,
    or at the last step of its window if there was none. On trials without an inner task both kinds
    come with the outer answer. ``fixation_break`` (-0.1) for an answer outside the two windows,
    once a trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (2 * inner + is_match), ``sample``,
    ``test``, ``is_match`` (the rule holds), ``inner`` (0 none, 1 no-go or distractor, 2 go),
    ``distractor`` (which stimulus, -1 if none), ``outer_correct``, ``inner_correct``,
    ``inner_choice`` (first answer in the inner window, 0 if none), ``correct`` (both), ``choice``
    (outer answer, 0 if none), ``rt`` (of the outer answer, ms from the onset of the test),
    ``fixation_break``, ``delay_ms`` (from sample to test, all included).

    Score: outer_correct * inner_correct, so a trial counts if both parts are right. The parts are
    drawn independently and are answered in windows of their own, and the inner window is at a fixed
    time. So the best policy does its best in each window. Yardsticks are the products of the parts'
    yardsticks, exactly: chance is max(P(match), P(non-match)) times the better of
    always and never responding to the window; memoryless solves the inner part, which is on view,
    and not the outer one; optimum 1.

    Args:
        rule: of the outer task: "match", "nonmatch", "category" or "paired", as in DelayedMatch.
        n_stim: number of stimuli of the outer task, 2 to 32; even for "category" and "paired".
        inner: "go_nogo" or "distractor".
        p_inner: probability that a trial has an inner task. Trials without one show the outer
            performance alone, from which dual-task costs are counted.
        p_go: probability of go among trials with an inner "go_nogo".
        fixation: fixation period in ms.
        sample: sample period in ms.
        before: delay before the inner stimulus in ms.
        window: how long the inner stimulus is shown, in ms.
        after: delay behind it, duration in ms.
        decision: decision period in ms.

    Zhang et al. 2019, "Active information maintenance in working memory by a sensory cortex",
    doi:10.7554/eLife.43191 (go/no-go in the delay of paired association); interference of two tasks
    in prefrontal cortex: Watanabe and Funahashi 2014, doi:10.1038/nn.3667.

    Versions: v0, first release. ``DualTask-Distractor-v0``: inner "distractor".
    ``DualTask-Mixed-v0``: p_inner 2/3, so that no inner task, no-go and go are equally likely.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DualTask-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('fixation', 'stim_0', 'stim_1', 'go', 'no_go')
    >>> env.unwrapped.task.yardsticks.chance
    0.25
    """

    dt: float = 100.0
    rule: str = "match"
    n_stim: int = 2
    inner: str = "go_nogo"
    p_inner: float = 1.0
    p_go: float = 0.5
    fixation: float = 100.0
    sample: float = 200.0
    before: float = 300.0
    window: float = 300.0
    after: DurationLike = (300.0, 600.0)
    decision: float = 200.0

    name: ClassVar[str] = "DualTask"
    family: ClassVar[str] = "working_memory"
    measures = "dual-task cost: outer accuracy with and without an inner task, and the reverse"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {
            "outer_correct": 0.5,
            "outer_error": 0.0,
            "inner_correct": 0.5,
            "inner_error": 0.0,
            "fixation_break": -0.1,
        }
    )
    period_names = ("fixation", "sample", "delay", "inner", "inner", "delay", "decision")
    int_facts = (
        *("trial", "condition", "sample", "test", "is_match", "inner", "distractor"),
        *("outer_correct", "inner_correct", "inner_choice"),
        *("correct", "choice", "fixation_break"),
    )
    float_facts = ("rt", "delay_ms")

    def prepare(self) -> None:
        self.rule = check_one_of("rule", self.rule, RULES)
        self.n_stim = check_int("n_stim", self.n_stim, 2, 32)
        self.inner = check_one_of("inner", self.inner, INNER)
        self.p_inner = check_number("p_inner", self.p_inner, low=0.0, high=1.0)
        self.p_go = check_number("p_go", self.p_go, low=0.0, high=1.0)
        self._pairs = PairRule(self.rule, self.n_stim)
        self._set_times()
        going = self.inner == "go_nogo"
        #: Share of trials that ask for a response in the inner window.
        self._p_respond = self.p_inner * self.p_go if going else 0.0
        stimuli = (Channel(f"stim_{i}") for i in range(self.n_stim))
        inner = (Channel("go"), Channel("no_go")) if going else ()
        self.channels = (Channel("fixation"), *stimuli, *inner)
        self._go_channel = 1 + self.n_stim
        self.action_names = ("withhold", "match", "non-match", *(("go",) if going else ()))
        self._actions = len(self.action_names)
        self.action_space = spaces.Discrete(self._actions)
        self.n_conditions = 6 if going else 4
        self.draws_ahead = 8
        self.response = self._make_response()

    def _set_times(self) -> None:
        for name in ("fixation", "sample", "before", "window", "decision"):
            setattr(self, name, check_number(name, getattr(self, name), low=0.0))
        self._fixation = parse_duration("fixation", self.fixation, self.dt).low
        self._sample = parse_duration("sample", self.sample, self.dt, allow_zero=False).low
        self._before = parse_duration("before", self.before, self.dt).low
        self._window = parse_duration("window", self.window, self.dt, allow_zero=False).low
        self._after = parse_duration("after", self.after, self.dt)
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        self._until_after = self._fixation + self._sample + self._before + self._window
        self.max_steps = self._until_after + self._after.high + self._decision
        self.answer_span = self._decision

    def _make_response(self) -> Response:
        actions = self._actions
        # What has been done in a window: nothing yet, right with answer a, wrong with answer a.
        done = 1 + 2 * actions
        broken, inner, outer = np.indices((2, done, done)).reshape(3, -1)
        choice = np.concatenate([[0], np.arange(actions), np.arange(actions)])
        right = np.repeat([0, 1, 0], [1, actions, actions])
        # An inner window that is over has an outcome: where there is none, there was no inner task.
        inner_right, outer_right = np.where(inner == 0, 1, right[inner]), right[outer]
        facts = {
            "outer_correct": outer_right,
            "inner_correct": inner_right,
            "inner_choice": choice[inner],
            "correct": outer_right * inner_right,
            "choice": choice[outer],
            "fixation_break": broken,
        }
        response = Response(_DECIDE + 4, len(broken), actions, facts)
        for action in range(1, actions):
            for state in range(done**2):
                to, cost = state + done**2, self.earns["fixation_break"]
                response.rule(_FIXATE, state, action, to=to, reward=cost)
        self._add_inner_rules(response, actions, done)
        self._add_outer_rules(response, actions, done)
        response.target[[_INNER + 2, _INNER + 3]] = _GO_ACTION if self.inner == "go_nogo" else 0
        response.target[_DECIDE:] = 1, 2, 1, 2
        return response

    def _add_inner_rules(self, response: Response, actions: int, done: int) -> None:
        """The first answer decides; without one, the last step of the window does."""
        for go, last, action, broken in product((0, 1), (0, 1), range(actions), (0, 1)):
            if action or last:
                hit = action == (_GO_ACTION if go else 0)
                outcome = 1 + action + (0 if hit else actions)
                reward = self.earns["inner_correct" if hit else "inner_error"]
                start = broken * done**2
                to = start + outcome * done
                response.rule(_INNER + 2 * go + last, start, action, to=to, reward=reward)

    def _add_outer_rules(self, response: Response, actions: int, done: int) -> None:
        for alone, other, action in product((0, 1), (0, 1), range(1, actions)):
            hit = action == 1 + other
            outcome = 1 + action + (0 if hit else actions)
            reward = self.earns["outer_correct" if hit else "outer_error"]
            if alone:
                reward += self.earns["inner_correct" if hit else "inner_error"]
            code = _DECIDE + 2 * alone + other
            # States in which nothing has been answered in this period.
            for state in range(0, 2 * done**2, done):
                response.rule(code, state, action, to=state + outcome, reward=reward, stamp=True)

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        after, every = draws.duration(self._after), np.arange(draws.n)
        sample, test, holds = self._pairs.draw(draws, draws.integers(self.n_stim))
        luck = draws.uniform()
        inner = np.where(luck < self._p_respond, _GO, np.where(luck < self.p_inner, _IGNORE, _NONE))
        durations, patterns, codes = trials.durations, trials.patterns, trials.codes
        durations[:, :_AFTER] = (
            *(self._fixation, self._sample, self._before),
            *(self._window - 1, 1),
        )
        durations[:, _AFTER], durations[:, _DECISION] = after, self._decision
        patterns[:, :_DECISION, 0] = 1
        patterns[every, _SAMPLE, 1 + sample] = 1
        patterns[every, _DECISION, 1 + test] = 1
        distractor = self._show_inner(draws, patterns, inner)
        codes[:] = _FIXATE
        for last, period in enumerate((_WINDOW, _WINDOW_END)):
            code = _INNER + 2 * (inner == _GO) + last
            codes[:, period] = np.where(inner == _NONE, _FIXATE, code)
        codes[:, _DECISION] = _DECIDE + 2 * (inner == _NONE) + (1 - holds)
        trials.go[:] = self._until_after + after
        trials.fact("condition")[:] = 2 * inner + holds
        trials.fact("sample")[:], trials.fact("test")[:] = sample, test
        trials.fact("is_match")[:] = holds
        trials.fact("inner")[:], trials.fact("distractor")[:] = inner, distractor
        trials.fact("delay_ms")[:] = (self._before + self._window + after) * self.dt

    def _show_inner(self, draws: Draws, patterns: Array, inner: Array) -> Array:
        """Show the inner stimuli; (n,) which distractor, -1 where there is none."""
        if self.inner == "go_nogo":
            channel, distractor = self._go_channel + (inner == _IGNORE), np.full_like(inner, -1)
        else:
            distractor = np.where(inner == _NONE, -1, draws.integers(self.n_stim))
            channel = 1 + np.maximum(distractor, 0)
        shown = np.flatnonzero(inner != _NONE)
        for period in (_WINDOW, _WINDOW_END):
            patterns[shown, period, channel[shown]] = 1
        return distractor

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        joint = self._pairs.joint()
        holds = float(joint[1].sum())
        random_outer, random_inner = self._random_parts()
        respond = self._p_respond
        # Always "go" is right where go is asked for and, apart from its costs, where nothing is.
        inner = max(1.0 - respond, respond + 1.0 - self.p_inner)
        outer = float(joint.sum(axis=1).max(axis=0).sum())
        return Yardsticks(
            random=random_outer * random_inner,
            chance=max(holds, 1.0 - holds) * inner,
            # Own actions and rewards could be used to carry the sample.
            memoryless=None if self.prev_action or self.prev_reward else outer,
            optimum=1.0,
        )

    def _random_parts(self) -> tuple[float, float]:
        """Share of right outer and inner outcomes of uniform actions."""
        actions = self._actions
        withheld = actions ** -float(self._window)
        answered = (1.0 - withheld) / (actions - 1)
        respond = self._p_respond
        inner = respond * answered + (self.p_inner - respond) * withheld + 1.0 - self.p_inner
        return (1.0 - actions ** -float(self._decision)) / (actions - 1), inner

    def oracle(self) -> Policy:
        return DualObserver(self)


class DualObserver(Policy):
    """Keeps the first stimulus of a trial, responds to go, and compares the test."""

    def __init__(self, task: DualTask) -> None:
        self._n, self._holds = task.n_stim, task._pairs.holds
        self._go = task._go_channel if task.inner == "go_nogo" else None

    def begin(self, n: int) -> State:
        # The sample (-1: none yet), and whether the trial has come to its decision.
        return np.full(n, -1), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        sample, decided = state
        deciding = obs[:, 0] < 0.5
        sample = np.where(decided & ~deciding, -1, sample)
        stimuli = obs[:, 1 : 1 + self._n]
        shown = stimuli.argmax(axis=1)
        first = (sample < 0) & ~deciding & (stimuli > 0.5).any(axis=1)
        sample = np.where(first, shown, sample)
        actions = np.where(deciding, 2 - self._holds[sample, shown], 0)
        if self._go is not None:
            actions = np.where(obs[:, self._go] > 0.5, _GO_ACTION, actions)
        return actions, (sample, deciding)


register(DualTask)
register(DualTask, "Distractor", inner="distractor")
register(DualTask, "Mixed", p_inner=2 / 3)
