"""Tasks as the paper has them, the network's equations, claims that can fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents import EProp
from caudate.training.reproductions import load_paper
from caudate.training.reproductions.murray2019 import identities, intervals, periodic, sequence


def test_the_target_is_a_sum_of_three_sines():
    y = periodic.sines(200).targets[:, 0, 0]
    assert len(y) == 200
    assert y[-1] == pytest.approx(0, abs=1e-12)
    assert y[49] == pytest.approx(1.0)  # a quarter: 1 + 0 + 0
    assert y[24] == pytest.approx(np.sqrt(0.5) + 0.5)


def test_the_network_step_by_step():
    options = periodic.motor_options(6, learning_rate=0.1, dtype="float64", **periodic.RFLO)
    agent = EProp(periodic.sines(20), seed=0, n_envs=1, **options)
    before = {name: w.copy() for name, w in agent.parameters.items()}
    loss = -agent.update()["return_mean"]
    w, out = before["W_rec"], before["W_out"][:1]
    h, trace = np.full(6, 0.1), np.zeros((6, 6))
    dw, dout, total = np.zeros((6, 6)), np.zeros((1, 6)), 0.0
    for y in periodic.sines(20).targets[:, 0]:
        u = w @ h
        trace = 0.9 * trace + 0.1 * np.outer(1 - np.tanh(u) ** 2, h)
        h = 0.9 * h + 0.1 * np.tanh(u)
        error = y - out @ h
        total += float(error @ error) / (2 * 20)
        dw += 0.1 / 20 * (agent.feedback[:1].T @ error)[:, None] * trace
        dout += 0.1 / 20 * np.outer(error, h)
    assert loss == pytest.approx(total)
    np.testing.assert_allclose(agent.parameters["W_rec"] - w, dw, atol=1e-14)
    np.testing.assert_allclose(agent.parameters["W_out"][:1] - out, dout, atol=1e-14)
    assert not agent.parameters["bias"].any()


def test_runs_tell_losses_and_alignment():
    options = periodic.motor_options(8, learning_rate=0.03, **periodic.RFLO)
    run = periodic.train(periodic.sines(30), 0, 40, options, records=4)
    assert len(run["losses"]) == 4
    assert len(run["alignment"]) == 5
    assert run["final"] < run["losses"][0]


def test_pulses_are_as_far_apart_as_asked():
    delays = np.array([60, 137])
    trials = intervals.trials(delays, longest=150)
    shown, target = trials.observations[..., 0], trials.targets[..., 0]
    for i, delay in enumerate(delays):
        second = intervals.FIRST + delay
        assert shown[intervals.FIRST - 1, i] == pytest.approx(1, abs=1e-3)
        assert shown[second - 1, i] == pytest.approx(1, abs=1e-3)
        assert target[:, i].argmax() == second + delay - 1
    tested = intervals._delays(150, held_out=True)
    trained = intervals._delays(150, held_out=False)
    assert tested.tolist() == [60, 80, 100, 120, 140]
    assert not set(tested) & set(trained)


def test_the_target_of_the_sequence_is_a_square_with_holds():
    velocity = sequence._target()
    assert velocity.shape == (1600, 2)
    path = np.cumsum(velocity, 0) / np.abs(np.cumsum(velocity, 0)).max()
    corners = [(1, 0), (1, 0), (1, 1), (1, 1), (0, 1), (0, 1), (0, 0), (0, 0)]
    np.testing.assert_allclose(path[199::200], corners, atol=1e-3)


def test_identities_hold():
    assert all(claim.passed for claim in identities.claims(identities.measure(True)))


def _final(value: float) -> dict[str, Any]:
    return {
        "final": [value] * 3,
        "losses": [[0.4, value]] * 3,
        "alignment": [np.linspace(0, 0.8, 20).tolist()] * 3,
    }


def _rules(local: float, exact: float, short: float, long: tuple[float, float]) -> dict[str, Any]:
    rules = zip(periodic.RULES, (local, local, exact, exact), strict=True)
    periods = {
        name: {"100": _final(short), "400": _final(value)}
        for name, value in zip(("RFLO", "BPTT"), long, strict=True)
    }
    return {"rules": {name: _final(value) for name, value in rules}, "periods": periods}


def test_claims_of_the_rules_can_fail():
    good = periodic.claims_rules(_rules(4e-3, 2e-4, 5e-4, (3e-2, 3e-4)))
    assert all(claim.passed for claim in good)
    bad = periodic.claims_rules(_rules(3e-3, 3e-3, 3e-3, (1e-3, 1e-3)))
    assert [claim.passed for claim in bad] == [False, False, False, True, False]


def test_claims_of_lesions_can_fail():
    losses = (1e-3, 3e-2, 0.3, 2e-3, 1e-3)
    values = dict(zip(periodic.LESIONS, losses, strict=True))
    good = {name: _final(value) for name, value in values.items()}
    assert all(claim.passed for claim in periodic.claims_lesions(good))
    bad = {name: _final(1e-3) for name in values} | {periodic.DALE: _final(0.1)}
    bad["all weights"] = bad["all weights"] | {"alignment": [[0.0] * 20] * 3}
    assert not any(claim.passed for claim in periodic.claims_lesions(bad))


def test_claims_of_size_intervals_and_sequence_can_fail():
    grid = {f"{n} {g}": [1 / n / g] * 3 for n in periodic.SIZES for g in periodic.GAINS}
    assert all(claim.passed for claim in periodic.claims_grid(grid))
    assert not any(c.passed for c in periodic.claims_grid({cell: [0.1] for cell in grid}))

    def matched(errors: tuple[int, int, int]) -> dict[str, Any]:
        delays = [60, 80, 100]
        return {
            case: {"delays": delays, "produced": [[d + error for d in delays]] * 3}
            for case, error in zip(intervals.CASES, errors, strict=True)
        }

    assert all(claim.passed for claim in intervals.claims(matched((5, 20, 3))))
    assert not any(claim.passed for claim in intervals.claims(matched((20, 15, 16))))
    found = {
        "right": [1.0] * 20,
        "loop errors": [1e-3],
        "RFLO errors": [0.1],
        "BPTT errors": [0.05],
    }
    assert all(claim.passed for claim in sequence.claims(found))
    worse = found | {"right": [0.9] * 20, "loop errors": [0.2]}
    assert not any(claim.passed for claim in sequence.claims(worse))


def test_the_paper_is_known():
    paper = load_paper("murray2019")
    assert [e.name for e in paper.experiments] == [
        "identities", "rules", "alignment", "size-and-gain", "intervals", "sequence",
    ]  # fmt: skip
