"""Low rates of pressing: when a press pays, the facts of a session, and the yardsticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import DRL, TaskError, make_task, noisy_clock_aim

from .conftest import play, single
from .trials import act_at, press_at

ID = "caudate/DRL-v0"
#: A wait of 6 steps in a session of 30: at most 4 rewards.
SMALL: dict[str, Any] = {"wait": 600, "session": 3000}


def paid(presses: Sequence[int], wait: int, hold: float = np.inf) -> list[int]:
    """Rewarded presses by the definition: every press restarts the wait."""
    gaps = np.diff((0, *presses))
    return [press for press, gap in zip(presses, gaps, strict=True) if wait <= gap <= wait + hold]


@pytest.mark.parametrize(
    "presses",
    [
        (6, 12, 18, 24),
        (5, 11, 12, 18),  # too early; then right; restarted by a burst
        (0, 6),
        (7, 20, 29),
        (3, 8, 13, 18, 23, 28),  # always one step too early: nothing
        tuple(range(30)),
    ],
)
@pytest.mark.parametrize("hold", [None, 200])
def test_rewards(presses: tuple[int, ...], hold: float | None) -> None:
    rewards, info, obs = act_at(single(ID, **SMALL, hold=hold), dict.fromkeys(presses, 1))
    assert len(rewards) == 30
    right = paid(presses, 6, np.inf if hold is None else 2)
    assert rewards == [0.25 * (step in right) for step in range(30)]
    assert (info["n_presses"], info["n_rewarded"]) == (len(presses), len(right))
    assert info["correct"] == (len(right) == 4)
    assert info["efficiency"] == pytest.approx(len(right) / len(presses))
    assert (info["choice"], info["condition"]) == (0, 0)
    assert np.isnan(info["rt"])
    # The light, and what was done on the step before.
    assert (obs[:, 0] == 1).all()
    assert obs[0, 1:].tolist() == [0, 0]
    assert obs[1:, 2].tolist() == [float(step in presses) for step in range(29)]


def test_limited_hold() -> None:
    env = single(ID, **SMALL, hold=200)
    for first, pays in ((5, 0), (6, 1), (8, 1), (9, 0)):
        rewards, info = press_at(env, first)
        assert rewards[first] == 0.25 * pays
        assert info["n_rewarded"] == pays
    # A press that comes too late restarts the wait too.
    assert press_at(env, 9, 15)[1]["n_rewarded"] == 1
    exact = single(ID, **SMALL, hold=0)
    assert [press_at(exact, step)[1]["n_rewarded"] for step in (5, 6, 7)] == [0, 1, 0]


def test_facts_of_inter_response_times() -> None:
    # Times of 7, 1, 6, 3, 13 steps: sixths of the wait are single steps.
    _, info = press_at(single(ID, **SMALL), 7, 8, 14, 17, 29)
    bins = [info[f"irt_bin_{i}"] for i in range(12)]
    assert bins == [0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1]
    times = np.array([7, 1, 6, 3, 12]) * 100
    assert info["irt_mean_ms"] == pytest.approx(times.mean())
    assert info["irt_sd_ms"] == pytest.approx(times.std())
    assert info["n_bursts"] == 0
    _, info = press_at(single(ID, **SMALL))
    assert np.isnan([info[name] for name in ("irt_mean_ms", "irt_sd_ms", "efficiency")]).all()
    assert (info["n_presses"], info["n_bursts"], info["correct"]) == (0, 0, 0)


def test_bursts_follow_another_press() -> None:
    """With a wait of 18 steps a burst is a press 1 or 2 steps after another."""
    env = single(ID, wait=1800, session=6000)
    for presses, bursts in (((0,), 0), ((2,), 0), ((0, 1, 3), 2), ((5, 8), 0), ((20, 22, 25), 1)):
        _, info = press_at(env, *presses)
        assert info["n_bursts"] == bursts, presses
    assert press_at(env, 0, 1, 3)[1]["irt_bin_0"] == 3  # the first one runs from the start
    assert press_at(env, 59)[1]["irt_bin_11"] == 1  # the last bin is open


def test_reward_scales() -> None:
    rewards, _ = press_at(single(ID, **SMALL, rewards={"correct": 8}), 6, 12)
    assert (rewards[6], rewards[12], sum(rewards)) == (2, 2, 4)
    assert single(ID, **SMALL, rewards={"correct": 8}).task.reward_range() == (0, 2)


@pytest.mark.parametrize("session", [700, 1200, 1201, 1300, 3000])
def test_most_rewards_of_a_session(session: float) -> None:
    task = DRL(wait=600, session=session)
    steps = round(session / 100)
    best = (steps - 1) // 6
    if steps <= 13:  # all sets of presses
        every = (np.flatnonzero(row).tolist() for row in product([0, 1], repeat=steps))
        assert best == max(len(paid(presses, 6)) for presses in every) == task.most
    facts = play(task.vector(2), task.oracle(), 4, seed=0)
    assert (facts["n_rewarded"] == best).all()
    assert task.score(facts).tolist() == [1] * len(facts["trial"])
    target = task.sample_trials(1, 0).target[:, 0]
    assert len(paid(np.flatnonzero(target).tolist(), 6)) == best == target.sum()


def test_sessions_follow_one_another() -> None:
    """The wait starts anew with each, and the oracle knows how long they last."""
    task = DRL(**SMALL, trials_per_episode=3)
    assert task.score(play(task.vector(4), task.oracle(), 24, seed=0)).min() == 1
    env = task.env()
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(90)]
    assert [step for step, end in enumerate(ends) if any(end)] == [89]
    assert ends[-1] == (False, True)
    env.reset(seed=0)
    rewards = [env.step(int(step in (28, 35, 36)))[1] for step in range(60)]
    assert [step for step, reward in enumerate(rewards) if reward] == [28]  # 35 restarts the wait
    env.reset(seed=0)
    rewards = [env.step(int(step in (28, 36)))[1] for step in range(60)]
    assert [step for step, reward in enumerate(rewards) if reward] == [28, 36]


# -------------------------------------------------------------------- yardsticks


def score_of(
    press: Callable[[int, int, bool, bool], float],
    wait: int,
    steps: int,
    hold: float = np.inf,
    shown: bool = False,
) -> float:
    """Exact score, over all histories, of press probabilities.

    These may depend on the step, and on whether the step before had a press, a rewarded press.
    """
    states = {(0, False, False): 1.0}  # waited, pressed, paid
    total = 0.0
    for step in range(steps):
        after: dict[tuple[int, bool, bool], float] = {}
        for (waited, pressed, was_paid), mass in states.items():
            q = press(step, waited, pressed, was_paid)
            pays = wait <= waited <= wait + hold
            total += mass * q * pays
            for state, share in (((1, True, pays), q), ((waited + 1, False, False), 1 - q)):
                if share:
                    after[state] = after.get(state, 0.0) + mass * share
        states = after
    return total / ((steps - 1) // wait)


RATES = np.linspace(0, 1, 101)
SETTINGS = [(3, 14, None), (3, 14, 0), (2, 9, 1), (1, 8, None), (1, 8, 0), (6, 30, 2)]


@pytest.mark.parametrize(("wait", "steps", "hold"), SETTINGS)
def test_random_and_chance(wait: int, steps: int, hold: int | None) -> None:
    upper = np.inf if hold is None else hold
    task = DRL(wait=100 * wait, session=100 * steps, hold=None if hold is None else 100 * hold)
    yardsticks = task.yardsticks
    assert yardsticks.random == pytest.approx(score_of(lambda *_: 0.5, wait, steps, upper))
    best = max(score_of(lambda *_, q=q: q, wait, steps, upper) for q in RATES)
    assert yardsticks.chance == pytest.approx(best, abs=1e-3)
    assert yardsticks.chance >= best - 1e-12


@pytest.mark.parametrize(("wait", "steps", "hold"), SETTINGS[:5])
def test_memoryless(wait: int, steps: int, hold: int | None) -> None:
    """All press probabilities on a grid, by what is seen of the step before."""
    kwargs: dict[str, Any] = {"wait": 100 * wait, "session": 100 * steps}
    kwargs["hold"] = None if hold is None else 100 * hold
    upper = np.inf if hold is None else hold
    coarse = np.linspace(0, 1, 11)

    def best(sees: str, rates: np.ndarray, others: np.ndarray) -> float:
        scores = []
        for q, first, p in product(rates, others if sees == "action" else [None], others):

            def press(
                step: int, waited: int, pressed: bool, was_paid: bool, q: Any = q, f: Any = first
            ) -> float:
                if step == 0 and f is not None:
                    return f
                return p if (pressed if sees == "action" else was_paid) else q  # noqa: B023

            scores.append(score_of(press, wait, steps, upper))
        return max(scores)

    for sees in ("action", "reward"):
        options: dict[str, Any] = {"prev_action": sees == "action", "prev_reward": sees == "reward"}
        value = DRL(**kwargs, **options).yardsticks.memoryless
        assert value is not None
        assert value >= best(sees, coarse, coarse) - 1e-12
        # The best ones are at the ends of the range, but for the rate itself.
        assert value == pytest.approx(best(sees, RATES, np.array([0.0, 1.0])), abs=2e-3)


def test_memoryless_with_other_channels() -> None:
    nothing = DRL(**SMALL, prev_action=False).yardsticks
    assert nothing.memoryless == nothing.chance
    useless = DRL(**SMALL, prev_action=False, prev_reward=True, rewards={"correct": 0}).yardsticks
    assert useless.memoryless == useless.chance
    # Who sees the time of the session presses by it.
    assert DRL(**SMALL, time=True).yardsticks.memoryless == 1
    samples = DRL(**SMALL, time=True).sample_trials(1, 0)
    assert len(set(samples.obs[:, 0, 1])) == 30
    assert DRL(**SMALL, trials_per_episode=2).yardsticks.memoryless is None


def test_simulated_play() -> None:
    task = DRL(wait=300, session=1400)
    facts = play(task.vector(256), task.random_policy(0), 4000, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.01)


def test_aim_with_a_noisy_clock() -> None:
    """Against simulated waits."""
    aim = noisy_clock_aim(0.15)
    z = np.random.default_rng(0).standard_normal(200_000)

    def rate(ratio: float) -> tuple[float, float]:
        waits = ratio * (1 + 0.15 * z)
        return float((waits >= 1).mean()), float((waits >= 1).sum() / waits.sum())

    rewarded, per_wait = rate(aim.ratio)
    assert aim.rewarded == pytest.approx(rewarded, abs=0.005)
    assert aim.rate == pytest.approx(per_wait, abs=0.005)
    assert (aim.ratio, aim.rewarded) == pytest.approx((1.25, 0.91), abs=0.011)
    assert max(rate(ratio)[1] for ratio in np.arange(1.0, 1.6, 0.05)) <= aim.rate + 0.005
    with pytest.raises(TaskError, match="weber=0"):
        noisy_clock_aim(0)


def test_long_sessions_and_variants() -> None:
    task = DRL(session=600_000)
    _, info = press_at(task.env(), *range(20, 6000, 20))
    assert (info["n_rewarded"], info["correct"]) == (299, 1)
    long = make_task("caudate/DRL-10s-v0").parameters
    assert (long["wait"], long["session"], long["dt"]) == (10_000, 120_000, 500)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"wait": 0}, "wait=0"),
        ({"wait": 40}, "half a step"),
        ({"wait": "long"}, "wait='long'"),
        ({"hold": -1}, "hold=-1"),
        ({"hold": 20}, "half a step"),
        ({"session": 2040}, "longer session"),
        ({"session": float("inf")}, "session=inf"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
