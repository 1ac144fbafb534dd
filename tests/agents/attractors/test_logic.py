"""Programs, clauses as synapses, and what Hebb's rule makes of their events."""

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.attractors import (
    HopfieldNetwork,
    Program,
    all_events,
    all_states,
    clause_network,
    events_network,
    forward_chain,
    is_satisfied,
    least_model_network,
    offset,
    sampled_events,
    violated,
)
from caudate.agents.attractors.clauses import least_states

EXAMPLE = Program.parse("A <- B & C; D :- B.\nC  # a fact")


def test_programs_are_read_and_written():
    assert EXAMPLE.atoms == ("A", "B", "C", "D")
    assert EXAMPLE.matrix.tolist() == [[1, -1, -1, 0], [0, -1, 0, 1], [0, 0, 1, 0]]
    assert str(Program.parse(str(EXAMPLE))) == str(EXAMPLE)
    assert EXAMPLE.least_model == {"C"}
    assert Program.parse("<- A, B", atoms=("B", "A")).matrix.tolist() == [[-1, -1]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A, B <- C", "write one head"),
        ("A <- B <- C", "write one head"),
        ("A <- 1", "'1' in"),
        ("A <- A", "always holds"),
        ("<-", "says nothing"),
    ],
)
def test_what_is_no_clause_gets_one_sentence(text, words):
    with pytest.raises(AgentError, match=words):
        Program.parse(text)


def test_atoms_must_be_known():
    with pytest.raises(AgentError, match="Atoms B are in clauses"):
        Program.parse("A <- B", atoms=("A",))


def test_energy_and_offset_count_violated_clauses():
    matrix, states = EXAMPLE.matrix[None], all_states(4)[None]
    net = clause_network(matrix)
    cost = net.energy(states) + offset(matrix)
    assert np.array_equal(cost, violated(matrix, states).sum(2))
    assert offset(matrix).tolist() == [7 / 8]
    assert is_satisfied(matrix, states).sum() == 5


def test_weights_of_clauses_are_their_costs():
    matrix, states = EXAMPLE.matrix[None], all_states(4)[None]
    weights = np.array([[1.0, 2.0, 0.5]])
    cost = clause_network(matrix, weights=weights).energy(states) + offset(matrix, weights)
    assert cost == pytest.approx((violated(matrix, states) * weights[:, None]).sum(2))


def test_hebb_over_all_events_is_the_same_and_drawn_ones_come_close():
    matrix = EXAMPLE.matrix[None]
    wanted = clause_network(matrix).synapses
    for one, other in zip(wanted, events_network(matrix, all_events(matrix)).synapses, strict=True):
        assert np.array_equal(one, other)
    events, weights = sampled_events(matrix, 3000, np.random.default_rng(0))
    assert is_satisfied(EXAMPLE.matrix[None, :1], events[:, 0]).all()
    for one, other in zip(
        wanted, events_network(matrix, events, weights=weights).synapses, strict=True
    ):
        assert one == pytest.approx(other, abs=0.05)


def test_the_least_model_is_the_one_state_of_lowest_cost():
    rng = np.random.default_rng(3)
    programs = np.zeros((20, 9, 6), np.int8)
    for program in programs:
        for row in program:
            head, *body = rng.permutation(6)[: rng.integers(1, 4)]
            row[head], row[body] = 1, -1
    states = np.broadcast_to(all_states(6), (20, 64, 6))
    energy = least_model_network(clause_network(programs)).energy(states)
    assert np.array_equal(states[0][energy.argmin(1)], least_states(programs))
    assert (forward_chain(programs) == (least_states(programs) > 0)).all()


def test_rows_of_zeros_are_no_clauses():
    matrix = np.zeros((1, 2, 3), np.int8)
    assert all((one == 0).all() for one in clause_network(matrix).synapses)
    assert not violated(matrix, all_states(3)[None]).any()
    assert isinstance(clause_network(matrix), HopfieldNetwork)
