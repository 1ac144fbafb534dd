"""Pulses and cues are found by the names of channels."""

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.timing.cues import CueReader


def reader(names, **options):
    return CueReader("agent", tuple(names.split()), **options)


def read(found, *row):
    return found.read(np.array([row], float))


@pytest.mark.parametrize(
    ("names", "pulses", "n_cues", "shown"),
    [
        ("set cue_0 cue_1", ("set",), 2, 0),
        ("ready set context_0", ("ready", "set"), 1, 0),
        ("beat continue prev_action_0 prev_action_1", ("beat",), 1, 1),
        ("go tempo prev_action_0 prev_action_1", ("go",), 4, 0),
        ("waveform blank", ("blank",), 1, 1),
        ("set cue prev_reward", ("set",), 4, 0),
    ],
)
def test_channels_by_their_names(names, pulses, n_cues, shown):
    found = reader(names)
    assert (found.pulses, found.n_cues, found.n_shown) == (pulses, n_cues, shown)


def test_what_is_read():
    found = reader("set cue_0 cue_1 light prev_action_0 prev_action_1")
    seen = read(found, 1, 0, 1, 0.5, 0, 1)
    assert seen.lit.tolist() == [[True]]
    assert (seen.cue.tolist(), seen.pressed.tolist()) == ([1], [True])
    assert seen.shown.tolist() == [[0.5]]
    assert not read(found, 0, 1, 0, 0, 1, 0).pressed


def test_a_cue_as_a_number_counts_as_the_nearest():
    found = reader("go tempo", values="0.6,1")
    assert found.n_cues == 2
    assert [int(read(found, 0, x).cue[0]) for x in (0.0, 0.7, 0.9)] == [0, 0, 1]
    with pytest.raises(AgentError, match=r"cue_values='a' must be numbers"):
        reader("go tempo", values="a")


def test_channels_that_are_named():
    found = reader("a b c", cues="b,2", identity="a", values="0,1")
    assert found.pulses == ("b", "c")
    assert found.n_cues == 2
    assert reader("set cue_0 cue_1", identity="").n_cues == 1
    with pytest.raises(AgentError, match="no channel 'd': choose among a, b, c"):
        reader("a b c", cues="d")
    with pytest.raises(AgentError, match=r"starts its clock at pulses .* shows a, b.* in cues"):
        reader("a b")


def test_what_a_pulse_holds():
    assert reader("waveform blank", analog=[0]).n_course == 1
    assert reader("waveform go", analog=[0]).n_course == 0
    assert reader("waveform blank", analog=[0], held="").n_course == 0
    assert reader("waveform go", held="waveform").n_course == 1
