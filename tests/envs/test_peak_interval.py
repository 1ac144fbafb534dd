"""The peak-interval procedure: what pays, what costs, the facts of presses, and yardsticks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import PeakInterval, TaskError, make_task

from .conftest import play, single
from .trials import act_at, press_at

ID = "caudate/PeakInterval-v0"
#: The signal on from step 2, reward from step 12, over at step 32; a tenth is one step.
PAID: dict[str, Any] = {"interval": 1000, "gap": 200, "p_probe": 0}
PROBE: dict[str, Any] = {**PAID, "p_probe": 1}


def presses_in_bins(info: dict[str, Any]) -> list[int]:
    return [info[f"presses_bin_{i}"] for i in range(12)]


def test_fixed_interval_trials() -> None:
    env = single(ID, **PAID)
    rewards, info, obs = act_at(env, {12: 1})
    assert rewards == pytest.approx([0] * 12 + [0.98])
    assert obs[:, 0].tolist() == [0, 0] + [1] * 11
    assert obs[:, 1:].tolist() == [[0, 0]] + [[1, 0]] * 12
    known = {"correct": 1, "choice": 1, "rewarded": 1, "early": 0, "late": 0, "is_probe": 0}
    known |= {"condition": 0, "n_presses": 1, "rt": 1000, "t_prod_ms": 1000, "error_ms": 0}
    known |= {"t_target_ms": 1000, "trial": 0}
    assert {name: info[name] for name in known} == known
    assert np.isnan([info["start_ms"], info["stop_ms"]]).all()


@pytest.mark.parametrize(
    ("presses", "length", "first", "correct", "early", "late"),
    [
        ((2, 12), 13, 0, 0, 1, 0),
        ((10, 12), 13, 8, 0, 1, 0),
        ((11, 12), 13, 9, 1, 0, 0),  # an error of a tenth
        ((13,), 14, 11, 1, 0, 0),
        ((14,), 15, 12, 0, 0, 1),
        ((31,), 32, 29, 0, 0, 1),
    ],
)
def test_first_press_under_the_signal(
    presses: tuple[int, ...], length: int, first: int, correct: int, early: int, late: int
) -> None:
    """It decides the score; the first one after the interval is paid and ends the trial."""
    rewards, info = press_at(single(ID, **PAID), *presses)
    assert len(rewards) == length
    assert rewards == pytest.approx(
        [0.98 if step == presses[-1] else -0.02 if step in presses else 0 for step in range(length)]
    )
    assert (info["correct"], info["early"], info["late"]) == (correct, early, late)
    assert (info["rt"], info["error_ms"]) == (100 * first, 100 * first - 1000)
    assert (info["rewarded"], info["n_presses"]) == (1, len(presses))


def test_without_a_press_under_the_signal() -> None:
    rewards, info = press_at(single(ID, **PAID), 0, 1)
    assert rewards == pytest.approx([-0.02] * 2 + [0] * 30)  # presses in the gap cost as well
    assert (info["choice"], info["n_presses"], info["rewarded"]) == (0, 0, 0)
    assert (info["correct"], info["early"], info["late"]) == (0, 0, 1)
    assert np.isnan([info["rt"], info["t_prod_ms"], info["error_ms"]]).all()
    assert sum(presses_in_bins(info)) == 0


def test_probes_pay_nothing() -> None:
    presses = (0, 2, 12, 13, 14, 31)
    rewards, info = press_at(single(ID, **PROBE), *presses)
    assert rewards == pytest.approx([-0.02 * (step in presses) for step in range(32)])
    assert (info["is_probe"], info["condition"], info["rewarded"]) == (1, 1, 0)
    assert (info["n_presses"], info["rt"], info["early"]) == (5, 0, 1)
    # Steps 0, 10, 11, 12 and 29 of the signal, in quarters of 10.
    assert presses_in_bins(info) == [1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1]
    assert press_at(single(ID, **PROBE), 12)[1]["correct"] == 1
    assert np.isnan(press_at(single(ID, **PROBE), 1)[1]["start_ms"])


def test_start_and_stop() -> None:
    """The stretch that stands out most, among all of them (Church, Meck and Gibbon 1994)."""
    _, info = press_at(single(ID, **PROBE), *range(10, 16))
    assert (info["start_ms"], info["stop_ms"]) == (800, 1400)
    random, env = np.random.default_rng(0), single(ID, **PROBE)
    for share in (0.1, 0.3, 0.6, 1.0):
        press = random.random(30) < share
        press[4] = True
        _, info = press_at(env, *(2 + np.flatnonzero(press)).tolist())
        rate = press.mean()

        def index(start: int, stop: int, press: np.ndarray = press, rate: float = rate) -> float:
            parts = (press[:start], press[start:stop], press[stop:])
            signs = (-1, 1, -1)
            return float(
                sum(s * (one.sum() - rate * len(one)) for s, one in zip(signs, parts, strict=True))
            )

        best = max(index(a, b) for a in range(30) for b in range(a + 1, 31))
        found = (round(info["start_ms"] / 100), round(info["stop_ms"] / 100))
        assert 0 <= found[0] < found[1] <= 30
        assert index(*found) == pytest.approx(best)


def test_reward_scales() -> None:
    env = single(ID, **PAID, rewards={"correct": 5, "press": -1})
    assert press_at(env, 3, 12)[0][3::9] == [-1, 4]
    assert env.task.reward_range() == (-1, 4)
    assert press_at(single(ID, **PAID, rewards={"press": 0}), 3, 12)[0][3::9] == [0, 1]


@pytest.mark.parametrize("p_probe", [0.0, 0.25, 1.0])
def test_return_of_one_press_in_time(p_probe: float) -> None:
    task = PeakInterval(p_probe=p_probe)
    samples = task.sample_trials(2000, 0)
    assert samples.facts["is_probe"].mean() == pytest.approx(p_probe, abs=0.03)
    onset = samples.obs[:, :, 0].argmax(axis=0)
    assert (samples.target.sum(axis=0) == 1).all()
    assert (samples.target.argmax(axis=0) == onset + 20).all()  # on probes as well
    assert set(onset) == set(range(5, 26))
    batch = task.vector(1000, autoreset_mode="disabled")
    oracle, state, total, over = task.oracle(), None, np.zeros(1000), np.zeros(1)
    obs, _ = batch.reset(seed=0)
    while not over.all():
        actions, state = oracle.predict(obs, state)
        obs, reward, over, _, _ = batch.step(actions)
        total += reward
    assert total.mean() == pytest.approx(1 - p_probe - 0.02, abs=0.05)


def test_sessions() -> None:
    """Trials are told apart by the gap, which therefore must not be 0."""
    task = PeakInterval(trials_per_episode=5, gap=(100, 300))
    assert task.score(play(task.vector(16), task.oracle(), 200, seed=0)).min() == 1
    with pytest.raises(TaskError, match="trials run into one another"):
        PeakInterval(trials_per_episode=2, gap=(0, 300))
    facts = play(PeakInterval(gap=0).vector(8), PeakInterval(gap=0).oracle(), 50, seed=0)
    assert facts["correct"].min() == 1


# -------------------------------------------------------------------- yardsticks

#: The press 3 steps after the signal counts; the signal begins at step 0, 1 or 2 and lasts 9.
SMALL: dict[str, Any] = {"interval": 300, "gap": (0, 200), "p_probe": 0.5}


def score_of(
    press: Callable[[int, bool, int | None], float], gaps: tuple[int, ...] = (0, 1, 2)
) -> float:
    """Exact score of press probabilities by step, signal and what was done the step before."""
    total = 0.0
    for gap in gaps:
        alive: dict[int | None, float] = {None: 1.0}
        for step in range(gap + 9):
            after: dict[int | None, float] = {0: 0.0, 1: 0.0}
            for before, mass in alive.items():
                q = press(step, step >= gap, before)
                if step >= gap:
                    total += mass * q * (step - gap == 3)
                else:
                    after[1] += mass * q
                after[0] += mass * (1 - q)
            alive = after
    return total / len(gaps)


def test_chance_is_the_best_schedule() -> None:
    best = max(score_of(lambda step, *_, n=number: n >> step & 1) for number in range(2**7))
    assert PeakInterval(**SMALL).yardsticks.chance == pytest.approx(best)
    assert PeakInterval(**SMALL, prev_action=False, time=True).yardsticks.memoryless == best


def test_memoryless() -> None:
    rates = np.linspace(0, 1, 101)
    blind = max(score_of(lambda step, lit, before, q=q: q * lit) for q in rates)
    plain = PeakInterval(**SMALL, prev_action=False).yardsticks.memoryless
    assert plain == pytest.approx(blind, abs=1e-4)
    # With the last action in view, presses in the gap tell the signal's first step.
    ends = (0.0, 0.5, 1.0)
    best = 0.0
    for q, in_gap, gap_again, onset, start in product(rates, ends, ends, ends, ends):
        table = {(False, None): in_gap, (False, 0): in_gap, (False, 1): gap_again}
        table |= {(True, 0): q, (True, 1): onset, (True, None): start}
        best = max(best, score_of(lambda step, lit, before, t=table: t[lit, before], (0, 2)))
    seen = PeakInterval(**{**SMALL, "gap": ("choice", [0, 200])}).yardsticks.memoryless
    assert seen == pytest.approx(best, abs=1e-4)
    assert seen is not None
    assert plain is not None
    assert seen > plain + 0.01
    assert PeakInterval(**SMALL, prev_action=False, prev_reward=True).yardsticks.memoryless is None


def test_memoryless_with_clock_and_onset() -> None:
    """A press for the early signal must not be taken for one at the onset of the late one."""
    early_or_late: dict[str, Any] = {**SMALL, "gap": ("choice", [0, 300])}
    assert PeakInterval(**early_or_late).yardsticks.chance == 0.5
    assert PeakInterval(**early_or_late, time=True).yardsticks.memoryless == 1
    policy = score_of(
        lambda step, lit, before: float(not lit or (step in (3, 6) and before != 1)), (0, 3)
    )
    assert policy == 1


def test_random() -> None:
    task = PeakInterval(**SMALL)
    exact = score_of(lambda *_: 0.5)
    assert task.yardsticks.random == pytest.approx(exact)
    facts = play(task.vector(256), task.random_policy(0), 4000, seed=0)
    assert task.score(facts).mean() == pytest.approx(exact, abs=0.015)


def test_variants_and_long_intervals() -> None:
    task = make_task("caudate/PeakInterval-Long-v0")
    assert (task.parameters["interval"], task.dt, task.parameters["p_probe"]) == (20_000, 500, 0.25)
    long = PeakInterval(interval=120_000, gap=0)
    assert press_at(long.env(), 1200)[1]["correct"] == 1
    assert long.yardsticks.chance == 1


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"interval": 0}, "interval=0"),
        ({"interval": 100}, "single step at dt=100"),
        ({"interval": 2000, "dt": 5000}, "half a step"),
        ({"interval": None}, "interval=None"),
        ({"p_probe": 1.1}, "p_probe=1.1"),
        ({"gap": (10, 20)}, "single step"),
        ({"gap": "long"}, "gap='long'"),
        ({"rewards": {"error": 1}}, "unknown key 'error'"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
