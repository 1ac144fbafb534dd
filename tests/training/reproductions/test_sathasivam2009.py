"""Sathasivam et al. (2009): the identities, and their picture."""

from caudate.training.reproduction import reproduce


def test_clauses_are_energies(tmp_path):
    found = reproduce("sathasivam2009", out=tmp_path, quick=True, only=["clauses"], say=[].append)
    assert [claim.text for claim in found.claims if not claim.passed] == []
    assert (found.path / "figures/clauses.png").stat().st_size > 1000
