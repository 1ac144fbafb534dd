"""Counted randomness: known answers, and what follows from counting."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.envs.core.random import Draws, check_seed, philox_4x32
from caudate.envs.core.time import parse_duration

ONES = 0xFFFFFFFF
# The known-answer vectors of Random123 for philox4x32, 10 rounds.
KNOWN = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(counter: list[int], key: list[int], words: list[int]) -> None:
    assert philox_4x32(np.array(counter), np.array(key)).tolist() == words


def test_vectorised_over_counters_and_keys() -> None:
    counters = np.array([one[0] for one in KNOWN]).T
    keys = np.array([one[1] for one in KNOWN]).T
    assert philox_4x32(counters, keys).T.tolist() == [one[2] for one in KNOWN]
    wide = philox_4x32(np.repeat(counters[:, :, None], 2, axis=2), keys[:, :, None])
    assert (wide == philox_4x32(counters, keys)[:, :, None]).all()


def draws(seeds: list[int], trials: list[int], stream: int = 0, ahead: int = 4) -> Draws:
    return Draws(np.array(seeds), np.array(trials), stream, ahead)


def test_rows_do_not_know_one_another() -> None:
    seeds, trials = [0, 5, 5, 2**63 - 1, 2**40], [0, 0, 1, 2**33, 7]
    together = draws(seeds, trials)
    values = [together.uniform(3), together.normal(2, 2), together.permutation(5)]
    for row, (seed, trial) in enumerate(zip(seeds, trials, strict=True)):
        alone = draws([seed], [trial])
        assert (alone.uniform(3)[0] == values[0][row]).all()
        assert (alone.normal(2, 2)[0] == values[1][row]).all()
        assert (alone.permutation(5)[0] == values[2][row]).all()
    flat = values[0].ravel()
    assert len(np.unique(flat)) == len(flat), "different seeds or trials share values"


def test_values_depend_on_the_index_alone() -> None:
    """Neither the split into calls nor how far ahead values are computed changes them."""
    whole = draws([3], [2]).uniform(40)[0]
    for ahead in (4, 8, 64):
        parts = draws([3], [2], ahead=ahead)
        pieces = [parts.uniform(n)[0] for n in (1, 2, 5, 13, 19)]
        assert (np.concatenate(pieces) == whole).all()


def test_streams_are_separate() -> None:
    base = draws([1], [1])
    first = base.uniform(8)
    other = base.stream(1).uniform(8)
    assert not np.isin(first, other).any()
    assert (base.stream(0).uniform(8) == first).all()


def test_distributions() -> None:
    many = Draws(np.arange(4000), np.zeros(4000, dtype=int))
    uniform = many.uniform(50).ravel()
    counts, _ = np.histogram(uniform, bins=100, range=(0, 1))
    expected = len(uniform) / 100
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert 60 < chi2 < 150  # 99 degrees of freedom
    assert 0 < uniform.min() < uniform.max() < 1
    normal = many.normal(50).ravel()
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
    assert abs((normal**4).mean() - 3) < 0.1
    whole = many.integers(7, 10).ravel()
    assert np.bincount(whole, minlength=7).min() > 40000 / 7 * 0.93
    assert many.bernoulli(0.3, 10).mean() == pytest.approx(0.3, abs=0.01)
    assert set(many.choice([2.5, 4.0], 3).ravel()) == {2.5, 4.0}
    orders = many.permutation(3)
    assert (np.sort(orders, axis=1) == [0, 1, 2]).all()
    assert len(np.unique(orders, axis=0)) == 6


def test_neighbouring_columns_and_trials_are_uncorrelated() -> None:
    values = Draws(np.repeat(np.arange(200), 200), np.tile(np.arange(200), 200)).uniform()
    grid = values.reshape(200, 200) - 0.5
    for neighbour in (grid[:-1] * grid[1:], grid[:, :-1] * grid[:, 1:]):
        assert abs(neighbour.mean()) < 4 / 12 / np.sqrt(neighbour.size)


def test_fixed_durations_take_no_value() -> None:
    one, two = draws([4], [4]), draws([4], [4])
    one.duration(parse_duration("x", 300, 100))
    assert one.uniform() == two.uniform()


def test_seeds() -> None:
    assert check_seed(np.int64(7)) == 7
    assert check_seed(2**63 - 1) == 2**63 - 1
    for bad in (-1, 2**63, 1.0, True, "1", None):
        with pytest.raises(ValueError, match="seed"):
            check_seed(bad)
