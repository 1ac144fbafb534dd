"""Fields, energies, relaxation, and rules that store patterns."""

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.attractors import (
    RULES,
    HopfieldNetwork,
    Program,
    all_states,
    clause_network,
    drawn,
    relax,
    relax_at_rate,
    store,
    write,
)


def patterns(n_networks, n_patterns, n_units, seed=0):
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0, 1.0], (n_networks, n_patterns, n_units))


def test_storing_one_pattern_is_the_same_by_hebb_and_storkey():
    one = patterns(2, 1, 20)
    assert store(one, "storkey") == pytest.approx(store(one, "hebb"), abs=1e-15)
    energy = HopfieldNetwork.of(store(one, "hebb")).energy(one)
    assert energy == pytest.approx(np.full((2, 1), -19 / 2))


def test_storkeys_small_example():
    two = np.array([[[1, 1, 1, 1], [1, -1, 1, -1]]])
    wanted = np.zeros((4, 4))
    wanted[[0, 2, 1, 3], [2, 0, 3, 1]] = 3 / 4
    assert store(two, "storkey")[0] == pytest.approx(wanted)
    assert store(two, "hebb")[0] == pytest.approx(wanted * 2 / 3)


def test_storkeys_rule_is_its_formula():
    e, w = patterns(1, 1, 7, seed=4)[:, 0], store(patterns(1, 3, 7), "storkey")
    change = np.zeros((7, 7))
    for i in range(7):
        for j in range(7):
            if i != j:
                h_ij = sum(w[0, i, k] * e[0, k] for k in range(7) if k not in (i, j))
                h_ji = sum(w[0, j, k] * e[0, k] for k in range(7) if k not in (i, j))
                change[i, j] = (e[0, i] * e[0, j] - e[0, i] * h_ji - h_ij * e[0, j]) / 7
    assert write(w, e)[0] - w[0] == pytest.approx(change)
    assert write(w, e, decay=1.0) == pytest.approx(store(e[:, None]))


@pytest.mark.parametrize("rule", RULES)
def test_few_patterns_are_fixed_points_and_repaired(rule):
    stored = patterns(3, 4, 60)
    net = HopfieldNetwork.of(store(stored, rule))
    assert np.array_equal(relax(net, stored).states, stored)
    hurt = stored.copy()
    hurt[..., :5] *= -1
    found = relax(net, hurt)
    assert (found.states == stored).mean() > 0.99
    assert (np.diff(found.energies, axis=0) <= 1e-9).all()
    assert found.sweeps.max() <= 5
    assert (found.arrival < found.sweeps).all()


def test_ties_are_kept_or_broken():
    net = clause_network(Program.parse("A <- B & C; D <- B; C <-").matrix[None])
    plateau = np.array([[[-1.0, 1.0, -1.0, 1.0]]])  # C and A have no field
    assert np.array_equal(relax(net, plateau).states, plateau)
    luck = drawn(np.random.default_rng(0), (1, 1, 4))
    found = relax(net, plateau, ties="random", luck=luck, until=np.array([-7 / 8]))
    assert found.energies[-1].item() == pytest.approx(-7 / 8)
    with pytest.raises(AgentError, match="do not go together"):
        relax(net, plateau, ties="random")


def test_units_all_at_once_may_alternate():
    net = HopfieldNetwork.of(np.array([[[0.0, -1.0], [-1.0, 0.0]]]))
    same = np.array([[[1.0, 1.0]]])
    assert relax(net, same, sweeps=2, synchronous=True).states.tolist() == same.tolist()
    assert relax(net, same, sweeps=1, synchronous=True).states.tolist() == (-same).tolist()
    assert relax(net, same).energies[-1].item() == -1


def test_activations_settle_unless_the_step_is_too_large():
    net = clause_network(Program.parse("A <- B; B <-").matrix[None])
    h = np.random.default_rng(0).uniform(-1, 1, (1, 20, 2))
    small, large = (relax_at_rate(net, h, rate=rate, steps=500) for rate in (2.0, 4.0))
    assert small.settled.all()
    assert (small.states == 1).all()
    assert np.median(small.steps) == pytest.approx(2 * np.median(large.steps), rel=0.2)
    assert not relax_at_rate(net, h, rate=20.5, steps=200).settled.all()
    with pytest.raises(AgentError, match="rate=0 must be above 0"):
        relax_at_rate(net, h, rate=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: store(np.zeros((1, 2, 3))), "turn bits b into 2 b - 1"),
        (lambda: store(np.ones((2, 3))), "add the missing axes"),
        (lambda: store(np.ones((1, 2, 3)), "hebbian"), "rule='hebbian'"),
        (lambda: write(np.zeros((1, 3, 3)), np.ones((1, 3)), "pseudo-inverse"), "rule="),
        (lambda: HopfieldNetwork((np.zeros((1, 3)), np.zeros((1, 3, 2)))), "must be"),
        (lambda: all_states(21), "use 1 to 20 units"),
        (
            lambda: relax(HopfieldNetwork.of(np.zeros((1, 3, 3))), np.ones((1, 1, 4))),
            "do not fit 1 networks of 3 units",
        ),
    ],
)
def test_mistakes_are_one_sentence(call, words):
    with pytest.raises(AgentError, match=words):
        call()
