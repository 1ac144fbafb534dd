"""Mistakes that other suites of tasks have made, each with a test that ours are free of it.

Tests are tried on every id that the mistake could concern; their names begin with the mistake's
number. Those that have to do with time (3, 4 and 9) are in ``test_known_defects_of_time``.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from caudate.envs import Bandit, RepeatPrevious, make_task

from .conftest import batched, play, same, single
from .plans import TASKS, actions_of, make_like, perform, teacher
from .test_bandits import Always

BANDITS = [one for one, task in TASKS.items() if task.family == "bandits"]
SESSIONS = [one for one in BANDITS if TASKS[one].trials_per_episode > 1]
#: Supervised tasks whose trials ask for answers of one kind.
ANSWERING = [
    one
    for one, task in TASKS.items()
    if task.supervised
    and isinstance(task.action_space, spaces.Discrete)
    and (task.family == "working_memory" or "Discrimination" in one or "Bisection" in one)
    and task.name != "DualTask"
]


# -------------------------------------------------------------------- 1: seeds


def rollout(env: Any, seed: int) -> list[Any]:
    """What 60 random steps from a seed bring, over the ends of episodes."""
    record: list[Any] = [env.reset(seed=seed)]
    for action in actions_of(env.action_space, "random", (60,)):
        record.append(env.step(action))
        if record[-1][2] or record[-1][3]:
            record.append(env.reset())
    return record


def test_1_seed_decides_the_rollout(task_id: str) -> None:
    """neurogym: ``reset(seed)`` seeds a generator that tasks do not draw from.

    The same seed then gives different trials in nearly all of its tasks. Here an env with a past,
    under another state of the global generators, repeats the rollout of a fresh one. Other seeds
    bring others, but for the two tasks in which nothing is random.
    """
    expected = rollout(single(task_id), 5)
    used = single(task_id)
    rollout(used, 77)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    used.action_space.seed(3)
    assert same(rollout(used, 5), expected)
    others = [same(rollout(used, seed), expected) for seed in range(6, 12)]
    assert all(others) == (TASKS[task_id].name in ("DRL", "SyllableSequence"))


def test_1_reset_leaves_other_generators_alone(task_id: str) -> None:
    """neurogym: ``reset`` seeds the action space with 0, so that random play repeats itself."""
    env, batch = single(task_id), batched(task_id, num_envs=2)
    ours = (env.action_space, batch.action_space, batch.single_action_space)
    globally = np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002
    drawn = []
    for resets in (False, True):
        for space in ours:
            space.seed(123)
        sample = []
        for seed in (0, 0, None):
            if resets:
                env.reset(seed=seed)
                batch.reset(seed=seed)
            sample += [space.sample() for space in ours]
        drawn.append(sample)
    assert same(*drawn)
    assert same(np.random.get_state(legacy=False), globally[0])  # noqa: NPY002
    assert random.getstate() == globally[1]


def test_1_reset_takes_no_hidden_step(task_id: str) -> None:
    """neurogym: ``reset`` plays a random step before anybody has acted.

    It would show in the channels of time and of the own past, all 0 before the first step.
    """
    task = make_task(task_id, time=True, prev_action=True, prev_reward=True)
    env, first = task.env(), len(task.channels)
    for seed in (0, 1, None, 2):
        obs, _ = env.reset(seed=seed)
        assert len(obs) > first + 1
        assert not obs[first:].any()
        obs = env.step(actions_of(task.action_space, "most"))[0]
        assert obs[first:].any()


# -------------------------------------------------------------------- 2: ends


@pytest.mark.parametrize("kind", ["none", "most", "random"])
def test_2_episodes_end(task_id: str, kind: str) -> None:
    """neurogym: no task ever ends an episode, and the number of trials asked for is never read.

    Here an episode has its number of trials, each within the documented number of steps; one of
    a single trial terminates, a session is truncated.
    """
    task = TASKS[task_id]
    sessions = {task.trials_per_episode, 165 if task.family == "bandits" else 3}
    for trials in sessions:
        task = make_like(task, trials_per_episode=trials)
        batch = task.vector(4, autoreset_mode="disabled")
        batch.reset(seed=0)
        # A trial of the two-step task has two steps, one of the other bandits a single one.
        longest = 2 if task.name == "TwoStep" else getattr(task, "max_steps", 1)
        ended, steps = np.zeros(4, dtype=int), 0
        terminated = truncated = np.zeros(4, dtype=bool)
        while not (terminated | truncated).all():
            assert steps < trials * longest
            _, _, terminated, truncated, info = batch.step(
                actions_of(task.action_space, kind, (4,))
            )
            steps += 1
            ended += info.get("_trial_end", 0)
        assert (ended == trials).all()
        assert (terminated == (trials == 1)).all()
        assert (truncated == (trials > 1)).all()


# -------------------------------------------------------------------- 5: answers


def check_answers(task: Any, plan: np.ndarray, answers: list[int], *, withheld: bool) -> None:
    """One of the answers, in the teacher's places, is right on each occasion, all equally often."""
    each = []
    for one in answers:
        actions = np.where(plan > 0, one, 0) if withheld else np.full_like(plan, one)
        each.append(perform(task, actions)[1])
    assert sum(each) == pytest.approx(1)
    for score in each:
        error = max(score.std(), 0.02) / np.sqrt(len(score))
        assert abs(score.mean() - 1 / len(answers)) < 4.5 * error


@pytest.mark.parametrize("task_id", ANSWERING)
def test_5_every_answer_is_right_on_its_share(task_id: str) -> None:
    """neurogym PostDecisionWager: actions are compared with an index that begins at 0.

    On half of its trials no answer can be rewarded, and the teacher's targets earn nothing.
    """
    task = TASKS[task_id]
    if task.name == "TemporalBisection":
        task = make_like(task, probes=[])  # one of the probes has two right answers
    if task.name == "NBack":
        task = make_like(task, p_target=0.5)
    plan, count = teacher(task, 400), int(task.action_space.n)
    # In n-back to withhold is an answer; where symbols are named there is no withholding.
    withheld = task.name != "NBack" and "withhold" in task.action_names
    answers = list(range(int(withheld), count))
    check_answers(task, plan, answers, withheld=withheld)
    with pytest.raises(AssertionError):  # as if one of them could never be right
        check_answers(task, plan, answers[:-1], withheld=withheld)
    total, score, _ = perform(task, plan)
    assert score.min() == 1
    assert total == pytest.approx(1)


@pytest.mark.parametrize("task_id", [one for one in SESSIONS if "best_arm" in TASKS[one].int_facts])
def test_5_every_arm_can_be_the_best(task_id: str) -> None:
    """The same for bandits: each arm is the best in its share of sessions, and counts as such."""
    task = TASKS[task_id]
    if not isinstance(task.action_space, spaces.Discrete):
        return  # its actions are predictions
    batch, arms = task.vector(200, autoreset_mode="disabled"), int(task.action_space.n)
    batch.reset(seed=0)
    for trial, actions in enumerate(np.random.default_rng(0).integers(arms, size=(40, 200))):
        info = batch.step(actions)[4]
        hit = info["best_arm"] == info["choice"]
        assert (info["correct"] == hit).all()
        assert (info["p"][hit] == info["p_best"][hit]).all()
        assert (info["p"] <= info["p_best"]).all()
        if trial == 0:
            share = np.bincount(info["best_arm"], minlength=arms) / 200
            error = np.sqrt((1 - 1 / arms) / arms / 200)
            assert share == pytest.approx(1 / arms, abs=4.5 * error)


def test_5_both_urns_can_be_right() -> None:
    """The same for urns, whose observer has no teacher."""
    task = TASKS["caudate/InformationSampling-v0"]
    right = [perform(task, np.full((task.max_steps, 400), urn))[2]["correct"] for urn in (1, 2)]
    assert (right[0] + right[1] == 1).all()
    assert right[0].mean() == pytest.approx(0.5, abs=0.1)


# -------------------------------------------------------------------- 6: withholding


@pytest.mark.parametrize("task_id", [one for one in TASKS if "DualTask" in one])
def test_6_withholding_in_the_inner_task_is_credited(task_id: str) -> None:
    """neurogym GoNogo and others: a right "withhold" earns nothing, or its credit is wiped out.

    So who makes no mistake has a performance of one half.
    """
    task = TASKS[task_id]
    plan = teacher(task, 300)
    total, score, facts = perform(task, plan)
    stop = facts["inner"] == 1
    assert 0.2 < stop.mean() <= 1
    assert score.min() == 1
    assert total == pytest.approx(1)
    assert (facts["inner_choice"][stop] == 0).all()
    # Doing nothing at all earns the inner half of these trials, and none of the others.
    total, _, facts = perform(task, np.zeros_like(plan))
    assert total == pytest.approx(np.where(stop, 0.5, 0))
    assert (facts["inner_correct"] == (facts["inner"] != 2)).all()
    # An answer there loses it.
    window = task._fixation + task._sample + task._before
    assert (plan[window][stop] == 0).all()
    for action in range(1, int(task.action_space.n)):
        wrong = plan.copy()
        wrong[window, stop] = action
        total, score, facts = perform(task, wrong)
        assert total[stop] == pytest.approx(0.5)
        assert not score[stop].any()


@pytest.mark.parametrize("task_id", [one for one in TASKS if "NBack" in one])
def test_6_correct_rejections_are_credited(task_id: str) -> None:
    """The same for n-back: each item that is no target and is let pass earns as a hit does."""
    task = TASKS[task_id]
    plan = teacher(task, 200)
    scored = plan[task.n :].T
    total, score, _ = perform(task, np.zeros_like(plan))
    assert score == pytest.approx(1 - scored.mean(axis=1))
    assert total == pytest.approx(1 - 2 * scored.mean(axis=1))
    total, score, facts = perform(task, plan)
    assert total == pytest.approx(1)
    assert score.min() == 1 == facts["correct"].min()


def test_6_every_task_pays(task_id: str) -> None:
    """neurogym ToneDetection: there is no reward at all. Here observers earn more than luck."""
    task = TASKS[task_id]
    earned = []
    for policy in (task.random_policy(0), task.oracle()):
        batch = task.vector(24, autoreset_mode="disabled")
        obs, _ = batch.reset(seed=0)
        total, state, over = np.zeros(24), None, np.zeros(24, dtype=bool)
        while not over.all():
            actions, state = policy.predict(obs, state, np.zeros(24, dtype=bool))
            obs, reward, terminated, truncated, _ = batch.step(actions)
            over = terminated | truncated
            total += reward
        earned.append(total.mean())
    assert earned[1] > earned[0]


# -------------------------------------------------------------------- 7: choices and arms


def test_7_second_choices_matter() -> None:
    """neurogym DawTwoStep: the second stage takes no choice, only fixation.

    So there is nothing to learn about, and staying tells nothing of models.
    """
    batch = batched("caudate/TwoStep-v0", 400, autoreset_mode="disabled")
    rewards, options = [], []
    for second in (0, 1):
        batch.reset(seed=5)
        batch.step(np.zeros(400, dtype=int))
        _, reward, _, _, info = batch.step(np.full(400, second))
        rewards.append(reward)
        options.append(info)
    one, two = options
    assert (one["planet"] == two["planet"]).all()
    assert (one["option"] == 2 * one["planet"]).all()
    assert (two["option"] == one["option"] + 1).all()
    assert (one["p"] != two["p"]).all()
    for info in options:
        worth = np.stack([info[f"p_{i}"] for i in range(4)])
        assert (info["p"] == worth[info["option"], range(400)]).all()
    better = np.sign(one["p"] - two["p"])
    gain = better * (rewards[0] - rewards[1])
    assert gain.mean() == pytest.approx(abs(one["p"] - two["p"]).mean(), abs=0.08)


def test_7_staying_tells_models_apart() -> None:
    """What a planner does can be read off: staying after common and paid, or rare and unpaid."""
    facts = play(make_task("caudate/TwoStep-v0").vector(40), Planner(), 8000, seed=0)
    known = facts["stay"] >= 0
    stay, common, reward = (facts[key][known] for key in ("stay", "prev_common", "prev_reward"))
    assert 0.6 < common.mean() < 0.8
    for was_common in (0, 1):
        for was_paid in (0, 1):
            here = (common == was_common) & (reward == was_paid)
            assert stay[here].mean() == (was_common == was_paid)


class Planner:
    """Plans with the last outcome alone: stays if common and paid, or rare and not paid."""

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        first, planet = (np.zeros(len(obs), dtype=int),) * 2 if state is None else state
        begins, paid = obs[:, 0] > 0.5, obs[:, -1] > 0.5
        stays = (planet == first) == paid
        first = np.where(begins & ~start, np.where(stays, first, 1 - first), first)
        planet = np.where(begins, planet, obs[:, 2] > 0.5)
        return np.where(begins, first, 0), (first, planet)


def test_7_arms_have_new_worths_in_each_session() -> None:
    """neurogym bandits: arms keep their worth for the life of the env.

    Here they keep it within a session and get a new one with the next.
    """
    task = Bandit(trials_per_episode=4)
    facts = play(task.vector(500), Always(1), 500 * 15, seed=0)
    worth = facts["p"].reshape(-1, 500)[:12].reshape(3, 4, 500)
    assert (worth == worth[:, :1]).all()
    new = worth[:, 0]
    assert len(np.unique(new)) == 1500
    quartiles = np.quantile(new, [0.25, 0.5, 0.75])
    assert quartiles == pytest.approx([0.25, 0.5, 0.75], abs=0.05)
    wins = facts["reward"].reshape(-1, 500)
    assert set(np.unique(wins)) == {0.0, 1.0}
    high = facts["p"] > 0.5
    assert facts["reward"][high].mean() == pytest.approx(0.75, abs=0.03)
    assert facts["reward"][~high].mean() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("task_id", [one for one in SESSIONS if one != "caudate/IowaGambling-v0"])
def test_7_sessions_differ(task_id: str) -> None:
    """The same for every bandit but the gambling task, whose decks of cards are given."""
    env = single(task_id)
    env.reset(seed=0)
    sessions = []
    for _ in range(4):
        rows, over = [], False
        while not over:
            _, _, _, over, info = env.step(actions_of(env.action_space, "most"))
            drawn = {"best_arm", "best_option", "p_best", "p", "reward", "gain", "loss"}
            rows.append([info[key] for key in sorted(drawn & info.keys())])
        sessions.append(rows)
        env.reset()
    assert all(one != two for i, one in enumerate(sessions) for two in sessions[:i])


# -------------------------------------------------------------------- 8: lags


@pytest.mark.parametrize("lag", [0, 1, 2, 4])
@pytest.mark.parametrize("times", [{}, {"item": 200, "gap": 100}])
def test_8_the_lag_is_the_number(lag: int, times: dict[str, Any]) -> None:
    """popgym RepeatPrevious: ``k`` is one more than the lag, so that k = 1 asks for an echo.

    Of all policies that repeat the item of some lag, one alone is right: that of ``lag``, 0 being
    the echo of what is on view.
    """
    task = RepeatPrevious(lag=lag, length=60 + lag, **times)
    window = 3 if times else 1
    score = []
    for echoed in range(lag + 4):
        batch = task.vector(20, autoreset_mode="disabled")
        obs, items, over = batch.reset(seed=0)[0], [], np.zeros(20, dtype=bool)
        step = 0
        while not over.all():
            if step % window == 0:
                items.append(obs.argmax(axis=1))
            past = items[-1 - echoed] if len(items) > echoed else np.zeros(20, dtype=int)
            obs, _, over, _, info = batch.step(past)
            step += 1
        score.append(task.score(info).mean())
    assert score[lag] == 1
    assert np.delete(score, lag) == pytest.approx(0.25, abs=0.07)
