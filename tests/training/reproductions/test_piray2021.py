"""Schedules as the paper's simulations have them, measures of behaviour, claims that can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caudate.training.reproduction import Claim, Experiment
from caudate.training.reproductions import load_paper
from caudate.training.reproductions.piray2021 import (
    amygdala,
    blocks,
    choices,
    conditioning,
    factorial,
    learner,
    prediction,
    schedules,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# ---------------------------------------------------------------- schedules


def test_random_walks_start_at_0_and_have_both_noises() -> None:
    walk = schedules.random_walk(rng(), 4000, 60, 0.5, 3.0)
    assert walk[0].var() == pytest.approx(3.0, rel=0.1)
    steps = np.diff(walk, axis=0)
    assert steps.var() == pytest.approx(0.5 + 2 * 3.0, rel=0.03)
    assert (steps[1:] * steps[:-1]).mean() == pytest.approx(-3.0, rel=0.03)


def test_shares_are_exact_and_orders_differ() -> None:
    drawn = schedules.shuffled(rng(), 50, 40, 0.7)
    np.testing.assert_array_equal(drawn.sum(0), 28)
    assert len(np.unique(drawn, axis=1).T) == 50


def test_the_volatility_task_is_stable_and_then_switches() -> None:
    graded = schedules.volatility_task(rng(), 500)
    means = graded.mean(1).reshape(11, 20).mean(1)
    np.testing.assert_allclose(means, schedules.VOLATILITY_MEANS, atol=0.01)
    binary = np.rint(schedules.binary_volatility_task(rng(), 50)).clip(0, 1)
    np.testing.assert_array_equal(binary[:120].sum(0), 90)
    np.testing.assert_array_equal(binary[120:140].sum(0), 4)
    assert graded.shape[0] == binary.shape[0] == schedules.VOLATILE.stop == 220


def test_switching_windows() -> None:
    judged, stable, volatile = choices.switching_windows()
    assert len(judged) == 120
    assert (judged.sum(), stable.sum(), volatile.sum()) == (90, 50, 30)
    assert not (stable & volatile).any()
    chances = schedules.switching_chances()
    switches = np.flatnonzero(np.diff(chances[judged]))
    np.testing.assert_array_equal(switches + 1, [30, 45, 60])
    outcomes = schedules.switching_task(rng(), 2000)
    np.testing.assert_allclose(outcomes.mean(1), chances, atol=0.06)


def test_the_blocks_of_huang_have_their_shares() -> None:
    outcomes = schedules.huang_task(rng(), 100)
    assert outcomes.shape == (270, 100)
    middle = outcomes.mean(1)
    for block in (0, 3, 6):
        inner = slice(30 * block + 8, 30 * block + 22)
        assert middle[inner].mean() == pytest.approx(schedules.HUANG_SHARES[block], abs=0.04)


def test_shocks_rewards_and_tones() -> None:
    shocks = schedules.suppression(rng(), 200, 5).mean(1)
    np.testing.assert_allclose(shocks, [-0.3] * 100 + [0.0] * 5 + [-1.0] * 20, atol=0.05)
    full = schedules.reinforcement(rng(), 10, partial=False)
    np.testing.assert_allclose(full.mean(1), np.r_[np.ones(100), np.zeros(10)], atol=0.02)
    partial = np.rint(schedules.reinforcement(rng(), 10, partial=True))
    np.testing.assert_array_equal((partial[:100] == 2).sum(0), 50)
    np.testing.assert_array_equal(partial[100:], 0)
    for shift in (False, True):
        tone, food = np.moveaxis(np.rint(schedules.serial_prediction(rng(), 10, shift=shift)), 2, 0)
        np.testing.assert_array_equal(tone[:200], 1)
        np.testing.assert_array_equal(tone[200:], food[200:] if shift else 1)
        np.testing.assert_array_equal(food[200:].sum(0), 50)


def test_reversals_turn_the_shares_round() -> None:
    outcomes = np.rint(schedules.reversal(rng(), 10, 0.6))
    np.testing.assert_array_equal((outcomes[:40] == 1).sum(0), 24)
    np.testing.assert_array_equal((outcomes[40:] == 1).sum(0), 16)
    assert set(np.unique(outcomes)) == {-1.0, 1.0}


def test_states_jump_where_they_are_said_to() -> None:
    states, jumps = schedules.change_points(rng(), 40, trials=2000)
    np.testing.assert_array_equal(np.diff(states, axis=0) != 0, jumps[1:])
    gaps = np.concatenate([np.diff(np.flatnonzero(column)) for column in jumps.T])
    assert gaps.min() >= 6
    assert gaps.mean() == pytest.approx(5 + 20.5, abs=1)
    assert states.min() >= 0
    assert states.max() <= 10


def test_means_around_change_points() -> None:
    jumps = np.zeros((60, 2), bool)
    jumps[[2, 10, 30, 55], 0] = True
    values = np.arange(120.0).reshape(60, 2)
    found = prediction.around(values, jumps)
    np.testing.assert_allclose(found[0], 40 + 2 * np.arange(-4, 21))
    assert np.isnan(found[1]).all()


def test_stay_and_shift() -> None:
    chosen = np.array([[1, 1, 0, 0, 1]], bool).T
    won = np.array([[1, 0, 1, 0, 1]], bool).T
    stay, shift = choices.stay_and_shift(chosen, won)
    assert (stay[0], shift[0]) == (1.0, 1.0)
    stay, shift = choices.stay_and_shift(chosen, ~won)
    assert (stay[0], shift[0]) == (0.0, 0.0)


def test_drifts_of_subjects_have_the_traits_of_their_thirds() -> None:
    volatility, stochasticity = choices.subjects(rng(), 500)
    ratio = (stochasticity / volatility).reshape(500, 3, 10)
    np.testing.assert_allclose(ratio.mean((0, 2)), (2.0, 1.0, 1 / 3), rtol=0.03)
    assert (volatility / stochasticity).max() <= 4.0001


def test_the_gain_of_known_noises() -> None:
    gains = [factorial.known(v, s) for v, s in factorial.CELLS]
    np.testing.assert_allclose(gains, (0.5, 0.686141, 1 / 3, 0.5), atol=1e-6)


# ---------------------------------------------------------------- numbers


def test_numbers_have_standard_errors() -> None:
    values = rng().normal(3, 2, 10_000)
    mean, error = learner.number(values)
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(0.02, rel=0.05)
    middle, error = learner.median(values)
    assert middle == pytest.approx(np.median(values))
    assert error == pytest.approx(0.02 * np.sqrt(np.pi / 2), rel=0.3)
    assert learner.difference([1.0, 0.3], [0.5, 0.4]) == [0.5, pytest.approx(0.5)]
    assert learner.text([0.12345, 0.0123]) == "0.123 +- 0.012"
    assert learner.text([0.5, 0.0]) == "0.500 +- 0.000"


def test_rows_of_numbers_hold_within_their_tolerances() -> None:
    row = learner.near("x", [[0.5, 0.01], [1.0, 0.01]], (0.51, 1.1), (0.02, 0.2))
    assert row.passed
    assert row.expected == "0.51, 1.1 (within 0.02, 0.2)"
    assert not learner.near("x", [[0.5, 0.01]], (0.51,), 0.005).passed
    assert learner.between("x", [0.5, 0.01], 0.4, 0.6).expected == "above 0.4 and below 0.6"
    assert not learner.between("x", [0.5, 0.01], 0.6).passed


# ---------------------------------------------------------------- experiments

SMALL = ("blocks", "switching", "reversal")


def experiments() -> dict[str, Experiment]:
    return {one.name: one for one in load_paper("piray2021").experiments}


@pytest.mark.parametrize("name", SMALL)
def test_small_experiments_run_and_draw(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(choices, "RUNS", 20)
    monkeypatch.setattr(blocks, "RUNS", 20)
    monkeypatch.setattr(amygdala, "REVERSAL_RUNS", 20)
    experiment = experiments()[name]
    result = experiment.measure(True)
    assert all(isinstance(claim, Claim) for claim in experiment.claims(result))
    assert experiment.draw is not None
    for picture in experiment.draw(result, tmp_path):
        assert picture.stat().st_size > 1000


def test_the_paper_is_known() -> None:
    paper = load_paper("piray2021")
    assert paper.budget_minutes == 15
    assert list(experiments()) == [
        "factorial", "blocks", "suppression", "extinction", "switching", "stay-and-shift", "trait",
        "serial-prediction", "reversal", "change-points",
    ]  # fmt: skip


# ---------------------------------------------------------------- claims from made-up results


def pairs(*values: float) -> list[list[float]]:
    return [[value, 0.001] for value in values]


def _factorial(**columns: tuple[float, ...]) -> dict[str, Any]:
    """Results of all learners: columns by learner and measure, the others as expected."""
    cells = [f"{v:g} {s:g}" for v, s in factorial.CELLS]
    expected = {
        "healthy__learning rate": (0.53, 0.681, 0.386, 0.53),
        "healthy__volatility": (0.483, 1.387, 0.503, 1.414),
        "healthy__stochasticity": (0.865, 0.769, 2.677, 2.524),
        "no stochasticity__learning rate": (0.351, 0.518, 0.502, 0.648),
        "no stochasticity__volatility": (0.284, 0.956, 0.862, 2.166),
        "no volatility__learning rate": (0.652, 0.576, 0.448, 0.413),
        "no volatility__stochasticity": (0.711, 1.197, 2.617, 3.292),
        "log-normal__learning rate": (0.519, 0.686, 0.358, 0.515),
        "published__learning rate": (0.535, 0.685, 0.387, 0.533),
        "outcomes__spread": (3.93, 6.69, 4.20, 6.85),
        "outcomes__correlation": (0.875, 0.932, 0.751, 0.877),
    } | columns
    found: dict[str, Any] = {}
    for key, values in expected.items():
        who, what = key.split("__")
        for cell, value in zip(cells, values, strict=True):
            found.setdefault(who, {}).setdefault(cell, {})[what] = [value, 0.001]
    return found


def test_claims_of_the_factorial_design_can_fail(tmp_path: Path) -> None:
    assert all(claim.passed for claim in factorial.claims(_factorial()))
    assert factorial.draw(_factorial(), tmp_path)[0].is_file()
    flat = dict.fromkeys(_keys(_factorial()), (0.5,) * 4)
    assert not any(claim.passed for claim in factorial.claims(_factorial(**flat)) if _fails(claim))


def _keys(result: dict[str, Any]) -> list[str]:
    return [
        f"{who}__{what}" for who, cells in result.items() for what in next(iter(cells.values()))
    ]


def _fails(claim: Claim) -> bool:
    """Whether the claim fails when all numbers are equal: all but that of equal volatilities."""
    return not claim.text.startswith("More stochasticity is not taken")


def _blocks(*rates: float) -> dict[str, Any]:
    return {
        name: {"stable": [a, 0.001], "volatile": [b, 0.001]}
        for name, a, b in zip(blocks.LEARNERS, rates[::2], rates[1::2], strict=True)
    }


def test_claims_of_blocks_can_fail() -> None:
    good = blocks.claims(_blocks(0.402, 0.684, 0.931, 0.962, 0.441, 0.715))
    assert all(claim.passed for claim in good)
    assert not any(c.passed for c in blocks.claims(_blocks(0.5, 0.5, 0.5, 0.7, 0.4, 0.4)))


def _conditioned(**rows: tuple[float, float]) -> dict[str, Any]:
    """Filter__measure=(first group, second group)."""
    found: dict[str, Any] = {}
    for key, values in rows.items():
        who, what = key.split("__")
        for group, value in zip(("control", "omission"), values, strict=True):
            found.setdefault(who, {}).setdefault(group, {})[what.replace("_", " ")] = [value, 1e-5]
    return found


def test_claims_of_suppression_can_fail() -> None:
    rest = {"exact__volatility": (0.0, 0.0), "exact__stochasticity": (0.0, 0.0)}
    good = _conditioned(
        exact__learning_rate=(0.195, 0.255),
        larger__learning_rate=(0.16, 0.22),
        published__learning_rate=(0.213, 0.275),
        published__volatility=(0.0004, 0.002),
        published__stochasticity=(0.0078, 0.0091),
        **rest,
    )
    assert all(claim.passed for claim in conditioning.claims_suppression(good))
    bad = _conditioned(
        exact__learning_rate=(0.25, 0.25),
        larger__learning_rate=(0.2, 0.2),
        published__learning_rate=(0.25, 0.25),
        published__volatility=(0.001, 0.001),
        published__stochasticity=(0.001, 0.001),
        **rest,
    )
    assert not any(claim.passed for claim in conditioning.claims_suppression(bad))


def _extinguished(
    rates: tuple[float, ...], noise: tuple[float, float], full: float, kept: float, published: float
) -> dict[str, Any]:
    def group(rate: float, stochasticity: float, responding: list[float]) -> dict[str, Any]:
        return {
            "learning rate": [rate, 0.001],
            "stochasticity": [stochasticity, 0.001],
            "responding": responding,
        }

    courses = {"exact": kept, "floor": full, "published": full}
    partial = [1.0, 0.974, 0.931, 0.864]
    return {
        name: {
            "full": group(rates[2 * (name == "floor")], noise[0], [1.0] + [course] * 3),
            "partial": group(
                published if name == "published" else rates[1 + 2 * (name == "floor")],
                noise[1],
                [x * (published == 0.284) for x in partial] if name == "published" else partial,
            ),
        }
        for name, course in courses.items()
    }


def test_claims_of_extinction_can_fail() -> None:
    good = _extinguished((0.34, 0.22, 0.421, 0.226), (1e-4, 0.86), 0.5, 0.98, 0.284)
    assert all(claim.passed for claim in conditioning.claims_extinction(good))
    bad = _extinguished((0.22, 0.22, 0.3, 0.3), (0.1, 0.2), 0.99, 0.5, 0.4)
    assert not any(claim.passed for claim in conditioning.claims_extinction(bad))


def test_claims_of_choices_can_fail() -> None:
    groups = list(choices.GROUPS)
    good = dict(zip(groups, [pairs(0.88, 0.767), pairs(0.78, 0.767)] * 2, strict=True))
    assert all(claim.passed for claim in choices.claims_switching(good))
    bad = dict.fromkeys(groups, pairs(0.7, 0.6))
    assert not any(claim.passed for claim in choices.claims_switching(bad))

    def stays(control: tuple[float, ...], anxious: tuple[float, ...]) -> dict[str, Any]:
        return {
            group: {
                "by sign": pairs(*values[:2]),
                "by pay": pairs(*values[:2]),
                "learning rate": [values[2], 0.001],
            }
            for group, values in zip(groups, (control, anxious) * 2, strict=True)
        }

    good = stays((0.787, 0.348, 0.348), (0.810, 0.488, 0.763))
    good["control"]["learning rate"] = [0.331, 0.001]
    good["control, published"]["learning rate"] = [0.36, 0.001]
    good["control, published"]["by sign"] = pairs(0.79, 0.347)
    assert all(claim.passed for claim in choices.claims_huang(good))
    assert not any(c.passed for c in choices.claims_huang(stays((0.5,) * 3, (0.6, 0.55, 0.5))))
    assert choices.claims_trait({"correlation": [-0.46, 0.01]})[0].passed
    assert not choices.claims_trait({"correlation": [0.0, 0.01]})[0].passed


def _serial(**lasts: tuple[float, ...]) -> dict[str, Any]:
    names = {
        "exact": "exact",
        "many": "exact, 1000 particles",
        "floor": "floor",
        "old": "published",
    }
    found = {}
    for key, values in lasts.items():
        places = [(lesion, c) for lesion in amygdala.SERIAL_LESIONS for c in amygdala.CONDITIONS]
        for (lesion, condition), value in zip(places, values, strict=False):
            found[f"{names[key]}: {lesion} {condition}"] = {"last": [value, 0.001]}
    return found


def test_claims_of_the_amygdala_can_fail() -> None:
    good = _serial(
        exact=(0.2, 0.23, 0.41, 0.0),
        many=(0.15, 0.21),
        floor=(0.207, 0.489, 0.405, 0.312),
        old=(0.283, 0.427, 0.419, 0.146),
    )
    assert all(claim.passed for claim in amygdala.claims_serial(good))
    bad = _serial(exact=(0.3,) * 4, many=(0.2, 0.2), floor=(0.3,) * 4, old=(0.3,) * 4)
    assert not any(claim.passed for claim in amygdala.claims_serial(bad))

    def reversed_(control: tuple[float, ...], lesion: tuple[float, ...]) -> dict[str, Any]:
        rows = {"control": control, "lesion": lesion}
        return {
            f"{name}: {who}": [pairs(*values[i : i + 2]) for i in range(0, 8, 2)]
            for name in ("exact", "published")
            for who, values in rows.items()
        }

    published = amygdala._PUBLISHED
    good = reversed_(published["control"], published["lesion"])
    assert all(claim.passed for claim in amygdala.claims_reversal(good))
    bad = reversed_((0.8,) * 7 + (0.7,), (0.8,) * 8)
    assert not any(claim.passed for claim in amygdala.claims_reversal(bad))


def test_claims_of_change_points_can_fail() -> None:
    def found(medians: tuple[float, ...], rises: tuple[float, float]) -> dict[str, Any]:
        names = ("exact 1", "exact 9", "published 1", "published 9")
        around = pairs(*[medians[2] - 0.008] * 4, *[0.656] * 21)
        return {
            name: {"median": [middle, 0.001], "rise": [rise, 0.001], "around": around}
            for name, middle, rise in zip(names, medians, rises * 2, strict=True)
        }

    good = prediction.claims(found((0.482, 0.367, 0.542, 0.427), (0.16, 0.05)))
    assert all(claim.passed for claim in good)
    bad = prediction.claims(found((0.4, 0.4, 0.4, 0.4), (0.05, 0.05)))
    assert not any(claim.passed for claim in bad)
