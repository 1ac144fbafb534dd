"""The pieces of the reproduction: what is measured is what the claims speak of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.training.reproductions import load_paper
from caudate.training.reproductions.leibo2018 import (
    cells,
    contract,
    hearing,
    invariance,
    learning,
    seeing,
)

pytest.importorskip("skimage")
pytest.importorskip("torch")


@pytest.mark.parametrize(
    "experiment",
    [seeing.RETINA, seeing.LOG_POLAR, hearing.TEMPO, cells.CELLS, contract.CONTRACT],
    ids=lambda one: one.name,
)
def test_claims_hold_and_figures_are_drawn(experiment: Any, tmp_path: Any) -> None:
    result = experiment.measure(True)
    assert all(claim.passed for claim in experiment.claims(result))
    if experiment.draw is not None:
        assert all(path.stat().st_size > 5000 for path in experiment.draw(result, tmp_path))


def test_the_paper_has_every_experiment_once() -> None:
    paper = load_paper("leibo2018")
    names = [one.name for one in paper.experiments]
    assert len(names) == len({*names}) == 9


def test_the_bank_of_the_formula_is_another_computation() -> None:
    bank = cells._formula(9, 3.6, 4.6)
    assert np.abs(bank.sum(axis=(1, 2))).max() < 1e-12
    np.testing.assert_allclose(bank[2], bank[0].T, atol=1e-12)


def test_phase_locking_of_a_half_wave() -> None:
    """Far below the cutoff the response is half a sine: its first harmonic is pi/2 of its mean."""
    assert hearing._locking(200) == pytest.approx(np.pi / 2 / (1 + 0.2**2), rel=5e-3)


def test_pooling_over_a_part_of_the_orbit_would_not_do() -> None:
    assert invariance._orbit() < 1e-12


def test_a_sensor_that_remembers_over_resets_is_found() -> None:
    class Sticky:
        count = 0.0

        def reset(self, seed: int) -> Any:
            return np.array([self.count]), {}

        def step(self, action: int) -> Any:
            self.count += 1
            return np.array([self.count]), 0.0, True, False, {}

    assert not contract._forgets(Sticky())


def test_claims_of_learning() -> None:
    def runs(*ends: float) -> dict[str, Any]:
        each = [[[0.0, 1.0], [end / 2, end]] for end in ends]
        return {"marks": {"chance": 0.5, "optimum": 1.0}, "runs": each}

    seen, names = learning.SEEN, [case.label for case in learning.SEEN.cases]
    result = dict(zip(names, (runs(1.3, 1.3), runs(0.5, 0.6), runs(1.3, 1.3)), strict=True))
    assert [claim.passed for claim in learning.claim_trial(seen, result)] == [True] * 3
    result[names[1]] = runs(0.5, 0.9)
    assert [claim.passed for claim in learning.claim_trial(seen, result)] == [True, False, True]
    names = [case.label for case in learning.HEARD.cases]
    for plain, passed in ((0.5, True), (1.4, False)):
        result = dict(zip(names, (runs(1.3, 1.3), runs(0.5, plain)), strict=True))
        assert learning.claim_trial(learning.HEARD, result)[1].passed == passed
