"""Tapping with a metronome and without: timeline, windows, shifts, facts and yardsticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import SyncContinuation, TaskError, make_task

from .conftest import play, single
from .trials import act_at, press_at

ID = "caudate/SyncContinuation-v0"
#: Beats on steps 2, 12, 22, 32 (heard), 42, 52, 62 (silent), taps asked for from 22 on; windows of
#: 2 steps to both sides.
FIXED: dict[str, Any] = {"periods_ms": [500], "foreperiod": 100, "n_sync": 4, "n_cont": 3}
DUE = (22, 32, 42, 52, 62)


def test_timeline() -> None:
    rewards, info, obs = act_at(single(ID, **FIXED), dict.fromkeys(DUE, 1))
    assert len(rewards) == 62 + 3
    assert np.flatnonzero(obs[:, 0]).tolist() == [2, 12, 22, 32]
    assert np.flatnonzero(obs[:, 1]).tolist() == list(range(32, 65))
    assert np.flatnonzero(obs[:, 3]).tolist() == [step + 1 for step in DUE]
    assert obs[0, 2:].tolist() == [0, 0]
    assert rewards == [0.2 * (step in DUE) for step in range(65)]
    known = {"correct": 1, "n_hits": 5, "n_extra": 0, "choice": 0, "condition": 0, "trial": 0}
    known |= {"shifted_at": -1, "shift_ms": 0, "period_ms": 500, "mean_asynchrony_ms": 0}
    known |= {"iti_mean_ms": 500, "iti_sd_ms": 0, "iti_acov1_ms2": 0}
    assert {name: info[name] for name in known} == known
    assert [info[f"tap_{beat}_ms"] for beat in range(2, 7)] == [1000, 1500, 2000, 2500, 3000]
    assert np.isnan(info["rt"])


@pytest.mark.parametrize(
    ("taps", "hits"),
    [
        ((20,), (20,)),  # two steps early, two late
        ((24,), (24,)),
        ((19,), ()),
        ((25,), ()),
        ((21, 22), (21,)),  # the first tap of a window counts, the next is one too many
        ((0, 2, 12), ()),  # foreperiod, first two beats
        ((27, 37, 64, 60), (64, 60)),  # between beats; 60 and 64 are in one window
        (tuple(range(65)), (20, 30, 40, 50, 60)),
        ((), ()),
    ],
)
def test_windows_and_extra_taps(taps: tuple[int, ...], hits: tuple[int, ...]) -> None:
    if 64 in hits:
        hits = (60,)
    rewards, info = press_at(single(ID, **FIXED), *taps)
    expected = [0.2 if step in hits else -0.02 if step in taps else 0 for step in range(65)]
    assert rewards == pytest.approx(expected)
    extra = len(taps) - len(hits)
    assert (info["n_hits"], info["n_extra"], info["correct"]) == (len(hits), extra, 0)
    task = SyncContinuation(**FIXED)
    score = task.score({"n_hits": np.array([len(hits)]), "n_extra": np.array([extra])})
    assert score == pytest.approx(max(len(hits) - extra, 0) / 5)


def test_an_extra_tap_makes_a_trial_incorrect() -> None:
    rewards, info = press_at(single(ID, **FIXED), *DUE, 12)
    assert (info["n_hits"], info["n_extra"], info["correct"]) == (5, 1, 0)
    assert sum(rewards) == pytest.approx(1 - 0.02)
    scaled = single(ID, **FIXED, rewards={"correct": 10, "extra": -5})
    rewards, _ = press_at(scaled, 12, 22)
    assert (rewards[12], rewards[22]) == (-1, 2)
    assert scaled.task.reward_range() == (-1, 2)


def test_facts_of_taps() -> None:
    _, info = press_at(single(ID, **FIXED), 24, 31, 42, 53, 61)
    taps = [info[f"tap_{beat}_ms"] for beat in range(2, 7)]
    assert taps == [1100, 1450, 2000, 2550, 2950]
    assert [info[f"asynchrony_{beat}_ms"] for beat in range(2, 7)] == [100, -50, 0, 50, -50]
    assert info["mean_asynchrony_ms"] == 25  # heard beats only
    # Intervals of the continuation: 550 and 400 ms.
    assert (info["iti_mean_ms"], info["iti_sd_ms"]) == (475, 75)
    assert info["iti_acov1_ms2"] == -(75**2)
    _, info = press_at(single(ID, **FIXED), 24, 42, 61)
    assert np.isnan([info["tap_3_ms"], info["asynchrony_3_ms"], info["tap_5_ms"]]).all()
    assert info["mean_asynchrony_ms"] == 100
    assert np.isnan([info["iti_mean_ms"], info["iti_sd_ms"], info["iti_acov1_ms2"]]).all()
    _, info = press_at(single(ID, **FIXED), 42, 53)
    assert (info["iti_mean_ms"], info["iti_sd_ms"]) == (550, 0)
    assert np.isnan([info["iti_acov1_ms2"], info["mean_asynchrony_ms"]]).all()


def beats_of(task: SyncContinuation, seed: int) -> tuple[list[int], list[int], dict[str, Any]]:
    """Steps of heard beats and of taught taps, and facts, of the first trial of a seed."""
    samples = task.sample_trials(1, seed)
    heard, taught = samples.obs[:, 0, 0], samples.target[:, 0]
    facts = {name: values[0] for name, values in samples.facts.items()}
    return np.flatnonzero(heard).tolist(), np.flatnonzero(taught).tolist(), facts


@pytest.mark.parametrize("shift", ["phase", "tempo"])
@pytest.mark.parametrize("n_sync", [3, 4, 6, 7])
def test_shifts(shift: str, n_sync: int) -> None:
    """A phase shift moves all later beats, a tempo shift changes all later intervals."""
    task = SyncContinuation(
        periods_ms=[500], n_sync=n_sync, n_cont=3, shift=shift, shift_share=0.3, foreperiod=100
    )
    middle, signs = n_sync // 2, set()
    for seed in range(12):
        heard, taught, facts = beats_of(task, seed)
        assert abs(facts["shift_ms"]) == 150
        assert facts["shifted_at"] == middle
        step = round(facts["shift_ms"] / 50)
        signs.add(step)
        beats = [2 + 10 * beat for beat in range(n_sync + 3)]
        for beat in range(middle, n_sync + 3):
            beats[beat] += step * (1 if shift == "phase" else beat - middle + 1)
        assert heard == beats[:n_sync]
        assert taught == beats[2:]
        rewards, info = press_at(task.env(), *taught, seed=seed)
        assert sum(rewards) == pytest.approx(1)
        assert info["correct"] == 1
        assert {info[f"asynchrony_{beat}_ms"] for beat in range(2, n_sync + 3)} == {0}
        assert info["tap_2_ms"] == 50 * (taught[0] - 2)
        assert len(rewards) == beats[-1] + 3
    assert signs == {3, -3}


def test_periods_are_conditions() -> None:
    task = SyncContinuation(periods_ms=[600, 400])
    samples = task.sample_trials(2000, 0)
    which = samples.facts["condition"]
    assert (samples.facts["period_ms"] == np.array([400, 600])[which]).all()
    assert which.mean() == pytest.approx(0.5, abs=0.04)
    for trial in range(20):
        heard = np.flatnonzero(samples.obs[:, trial, 0])
        assert set(np.diff(heard) * 50) == {samples.facts["period_ms"][trial]}
        assert 2 <= heard[0] <= 10  # the foreperiod


CASES: list[dict[str, Any]] = [
    {},
    {"shift": "phase", "n_sync": 3},
    {"shift": "tempo", "shift_share": 0.4},
    {"n_cont": 0, "foreperiod": 0, "trials_per_episode": 3},
    {"n_sync": 3, "n_cont": 1, "trials_per_episode": 4},
    {"periods_ms": [50, 150], "window": 0.0},  # a beat on every step
    {"dt": 400, "window": 0.49, "periods_ms": [400, 1200]},
    {"periods_ms": [200, 1600]},  # a trial's last steps hold another beat of the fast tempo
    {"shift": "phase", "shift_share": 0.0, "prev_action": False, "time": True},
]


@pytest.mark.parametrize("kwargs", CASES)
def test_optimum_is_one(kwargs: dict[str, Any]) -> None:
    task = SyncContinuation(**kwargs)
    facts = play(task.vector(32), task.oracle(), 120, seed=0)
    assert task.score(facts).min() == 1 == facts["correct"].min()


def test_windows_never_overlap() -> None:
    for window, share, shift in product((0.2, 0.34, 0.45), (0.1, 0.3, 0.5), ("phase", "tempo")):
        width, moved = int(window * 10 + 1e-9), int(share * 10 + 0.5)
        shortest = 10 - moved
        kwargs: dict[str, Any] = {**FIXED, "window": window, "shift": shift, "shift_share": share}
        if shortest <= 2 * width:
            with pytest.raises(TaskError, match="overlap"):
                SyncContinuation(**kwargs)
        else:
            SyncContinuation(**kwargs)


def test_long_sequences() -> None:
    task = SyncContinuation(n_sync=300, n_cont=300, periods_ms=[500], foreperiod=0)
    rewards, info = press_at(task.env(), *range(20, 6000, 10))
    assert sum(rewards) == pytest.approx(1)
    assert info["asynchrony_599_ms"] == 0


# -------------------------------------------------------------------- yardsticks

#: Foreperiod, beats from the first one on, half-width: all trial types of a task.
Types = Sequence[tuple[int, Sequence[int], int]]
SMALL: list[tuple[dict[str, Any], Types]] = [
    (
        {"dt": 100, "periods_ms": [200], "n_sync": 3, "n_cont": 1, "foreperiod": (0, 100)},
        [(fore, (0, 2, 4, 6), 0) for fore in (0, 1)],
    ),
    (
        {
            **{"dt": 100, "periods_ms": [300], "n_sync": 3, "n_cont": 1, "foreperiod": (0, 200)},
            "window": 0.34,
        },
        [(fore, (0, 3, 6, 9), 1) for fore in (0, 1, 2)],
    ),
    (
        {"dt": 100, "periods_ms": [200, 300], "n_sync": 3, "n_cont": 1, "foreperiod": 0},
        [(0, (0, 2, 4, 6), 0), (0, (0, 3, 6, 9), 0)],
    ),
    (
        {
            **{"dt": 100, "periods_ms": [200], "n_sync": 4, "n_cont": 0, "foreperiod": 100},
            **{"shift": "phase", "shift_share": 0.5},
        },
        [(1, (0, 2, 5, 7), 0), (1, (0, 2, 3, 5), 0)],
    ),
]


def schedule_scores(types: Types, plans: np.ndarray) -> np.ndarray:
    """Scores of taps (plans, steps) at fixed steps, by the definition."""
    total = np.zeros(len(plans))
    for fore, beats, width in types:
        due = [fore + beat for beat in beats[2:]]
        taps = plans[:, : due[-1] + max(w for *_, w in types) + 1]
        hits = sum(taps[:, max(beat - width, 0) : beat + width + 1].any(axis=1) for beat in due)
        total += np.maximum(hits - (taps.sum(axis=1) - hits), 0) / len(due)
    return total / len(types)


@pytest.mark.parametrize(("kwargs", "types"), SMALL)
def test_chance_is_the_best_schedule(kwargs: dict[str, Any], types: Types) -> None:
    steps = max(fore + beats[-1] + width + 1 for fore, beats, width in types)
    plans = (np.arange(2**steps)[:, None] >> np.arange(steps)) & 1
    best = schedule_scores(types, plans).max()
    assert SyncContinuation(**kwargs).yardsticks.chance == pytest.approx(best)


def rate_score(types: Types, n_sync: int, rate: Callable[[int], float]) -> float:
    """Exact score of tap probabilities by what is shown: nothing, beat, silence, last beat."""
    total = 0.0
    for fore, beats, width in types:
        onsets = [fore + beat for beat in beats]
        last = onsets[n_sync - 1]
        states = {(0, 0, -1): 1.0}  # hits, extra taps, window met last
        for step in range(onsets[-1] + max(w for *_, w in types) + 1):
            q = rate(int(step in onsets[:n_sync]) + 2 * int(step >= last))
            inside = [beat for beat in onsets[2:] if abs(step - beat) <= width]
            after: dict[tuple[int, int, int], float] = {}
            for (hits, extra, met), mass in states.items():
                if inside and met != inside[0]:
                    tapped = (hits + 1, extra, inside[0])
                else:
                    tapped = (hits, extra + 1, met)
                for state, share in ((tapped, q), ((hits, extra, met), 1 - q)):
                    if share:
                        after[state] = after.get(state, 0.0) + mass * share
            states = after
        asked = len(beats) - 2
        total += sum(mass * max(h - e, 0) / asked for (h, e, _), mass in states.items())
    return total / len(types)


@pytest.mark.parametrize(("kwargs", "types"), SMALL)
def test_random(kwargs: dict[str, Any], types: Types) -> None:
    exact = rate_score(types, kwargs["n_sync"], lambda shown: 0.5)
    assert SyncContinuation(**kwargs).yardsticks.random == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize(("kwargs", "types"), SMALL[1:])
def test_memoryless(kwargs: dict[str, Any], types: Types) -> None:
    """All tap probabilities by what is shown: heard beats can be answered without a memory."""
    rates = (0.0, 0.1, 0.2, 0.35, 0.5, 1.0)
    n_sync = kwargs["n_sync"]
    best = max(
        rate_score(types, n_sync, lambda shown, q=q: q[shown])
        for q in product((0.0, 0.2), (0.0, 0.5, 1.0), rates, (0.0, 1.0))
    )
    value = SyncContinuation(**kwargs, prev_action=False).yardsticks.memoryless
    assert value == pytest.approx(best, abs=0.04)


def test_memoryless_with_other_channels() -> None:
    # Both first beats cost as much as two others bring, and no silent beat is met.
    task = SyncContinuation(periods_ms=[200], window=0, n_cont=0, n_sync=16, prev_action=False)
    assert task.yardsticks.memoryless == pytest.approx((14 - 2) / 14)
    small = SMALL[0][0]
    options: list[dict[str, Any]] = [
        {},
        {"prev_action": False, "prev_reward": True},
        {"prev_action": False, "time": True},
    ]
    for kwargs in options:
        assert SyncContinuation(**small, **kwargs).yardsticks.memoryless is None


def test_variants() -> None:
    parameters = make_task("caudate/SyncContinuation-Phase-v0").parameters
    assert (parameters["shift"], parameters["n_cont"], parameters["n_sync"]) == ("phase", 0, 16)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"periods_ms": []}, "periods_ms=\\[\\]"),
        ({"periods_ms": 500}, "periods_ms=500"),
        ({"periods_ms": [0]}, "half a step"),
        ({"periods_ms": [500, 510]}, "same number of steps"),
        ({"dt": 2000}, "same number of steps|half a step"),
        ({"n_sync": 2}, "n_sync=2"),
        ({"n_cont": -1}, "n_cont=-1"),
        ({"window": 0.5}, "window=0.5"),
        ({"shift": "both"}, "shift='both'"),
        ({"shift_share": 0.6}, "shift_share=0.6"),
        ({"shift": "phase", "shift_share": 0.05}, "shift_share=0.05 of the shortest"),
        ({"foreperiod": -1}, "foreperiod=-1"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
