"""The usual shape of a decision: withhold until asked, and the first answer counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from .go_times import best_moment, sum_of_steps
from .response import Response
from .time import Duration

#: Row codes: withhold (``FIXATE``), and answer where action r is right (``DECIDE`` + r).
FIXATE, DECIDE = 1, 1
#: Default rewards of such tasks.
ANSWER_REWARDS: Mapping[str, float] = MappingProxyType(
    {"correct": 1.0, "error": 0.0, "fixation_break": -0.1}
)
#: Facts that the response gives, last among a task's ``int_facts``.
ANSWER_FACTS = ("correct", "choice", "fixation_break")


def answer_response(choices: int, earns: Mapping[str, float], *, abort: bool) -> Response:
    """Actions 1 to ``choices`` are answers; an answer while fixating costs once a trial.

    States are (fixation broken, nothing or right or wrong answer a). Targets are to withhold, and
    the right answer.

    Args:
        choices: number of answers.
        earns: rewards ``correct``, ``error`` and ``fixation_break``.
        abort: whether a fixation break ends the trial.
    """
    states = 2 * choices + 1
    answers = np.arange(1, choices + 1)
    facts = {
        "correct": np.tile(np.repeat([0, 1, 0], [1, choices, choices]), 2),
        "choice": np.tile(np.concatenate([[0], answers, answers]), 2),
        "fixation_break": np.repeat([0, 1], states),
    }
    response = Response(2 + choices, 2 * states, choices + 1, facts)
    for action in range(1, choices + 1):
        response.rule(FIXATE, 0, action, to=states, reward=earns["fixation_break"], ends=abort)
        for right in range(1, choices + 1):
            hit = action == right
            reward = earns["correct"] if hit else earns["error"]
            for broken in (0, states):
                to = broken + (action if hit else choices + action)
                response.rule(DECIDE + right, broken, action, to=to, reward=reward, stamp=True)
    response.target[DECIDE + 1 :] = answers
    return response


def random_answers(
    choices: int, decision: int, before: Sequence[Duration | int], *, abort: bool
) -> float:
    """Share right of uniform actions: some answer in time, right once in ``choices``.

    Args:
        choices: number of answers.
        decision: steps in which to answer.
        before: durations of the periods before, in which answers abort the trial if they do.
        abort: whether they do.
    """
    withheld = 1.0 / (choices + 1)
    share = (1.0 - withheld**decision) / choices
    if abort:
        for duration in before:
            if isinstance(duration, Duration):
                share *= float((duration.probability * withheld**duration.steps).sum())
            else:
                share *= withheld**duration
    return share


def blindly_answered(decision: int, before: Sequence[Duration | int], *, abort: bool) -> float:
    """Share of trials that a policy on step counts alone can answer.

    All of them by answering at every step, unless that ends the trial: then the best it can do is
    to answer from some step on, which loses the trials that come to the decision later.
    """
    if not abort:
        return 1.0
    periods = [
        (one.steps, one.probability) if isinstance(one, Duration) else (np.array([one]), np.ones(1))
        for one in before
    ]
    return best_moment(sum_of_steps(*periods)[None], decision)
