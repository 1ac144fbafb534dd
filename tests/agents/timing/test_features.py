"""From observations to features: what is held, what starts the clock anew."""

import numpy as np

from caudate.agents.timing.clocks import OracleClock
from caudate.agents.timing.cues import CueReader
from caudate.agents.timing.features import TimeFeatures

DT = 50.0


def features(names, longest=500.0, **options):
    reader_options = {k: options.pop(k) for k in ("values", "analog") if k in options}
    reader = CueReader("agent", tuple(names.split()), **reader_options)
    kinds = {"measures": False, "presses": False, "places": 0, "course_units": 3}
    return TimeFeatures(
        reader, OracleClock(DT, longest, 6), dtype=np.dtype("float64"), **(kinds | options)
    )


def play(found, rows):
    """Features (T, D) and states on observations (T, d) of one column."""
    state, out, states = found.initial_state(1), [], []
    for row in rows:
        x, state = found.step(None, state, np.array([row], float))
        out.append(x[0])
        states.append(state)
    return np.array(out), states


def since(found, states):
    return [float(found.since(state)[0]) for state in states]


def test_a_pulse_starts_the_clock_at_its_onset():
    found = features("set")
    x, states = play(found, [[0], [1], [1], [0], [1]])
    assert since(found, states) == [-1, 0, DT, 2 * DT, 0]
    assert x[:, 0].tolist() == [1, 0, 0, 0, 0]  # before the first pulse
    assert x[:, 1].tolist() == [0, 1, 0, 0, 1]  # the pulse itself
    assert x[:, 2:].argmax(axis=1).tolist() == [0, 0, 1, 2, 0]


def test_cues_gate_the_clock_and_stay_after_the_pulse():
    found = features("set cue_0 cue_1")
    assert found.n_units == 1 + 2 * found.n_time
    x, _ = play(found, [[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    assert not x[:, 1 : 1 + found.n_time].any()
    assert (x[:, 1 + found.n_time :].sum(axis=1) == [2, 1, 1]).all()


def test_other_channels_are_passed_on():
    found = features("set light")
    x, _ = play(found, [[0, 0.25], [1, 0.5]])
    assert x[:, 1].tolist() == [0.25, 0.5]


def test_the_interval_between_two_pulses_is_held():
    found = features("ready set", measures=True)
    rows = [[1, 0], [0, 0], [0, 0], [0, 1], [0, 0], [0, 0]]
    x, states = play(found, rows)
    held = x[:, 1:].reshape(len(rows), found.n_held, found.n_time).sum(axis=2) > 0
    assert held[:3, 0].all()
    assert not held[:3, 1:].any()
    assert not held[3:, 0].any()
    code = found.clock.code((np.array([3 * DT]),))[0]
    for t in (3, 5):
        np.testing.assert_allclose(states[t][2][0], [0, *code])
    assert since(found, states) == [0, DT, 2 * DT, 0, DT, 2 * DT]


def test_a_press_starts_the_clock_anew():
    names = "beat prev_action_0 prev_action_1"
    rows = [[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    found = features(names, presses=True, measures=True)
    # The third observation was answered by a press: at the fourth it was a step ago.
    assert since(found, play(found, rows)[1]) == [0, DT, 2 * DT, DT, 2 * DT]
    assert since(found, play(features(names), rows)[1]) == [0, DT, 2 * DT, 3 * DT, 4 * DT]


def test_presses_between_pulses_spoil_the_measure():
    found = features("beat prev_action_0 prev_action_1", presses=True, measures=True)
    first = [[1, 1, 0], [0, 1, 0], [0, 1, 0], [1, 1, 0]]
    code = play(found, first)[1][-1][2]
    pressed = [[0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 1, 0]]
    states = play(found, first + pressed)[1]
    # The press at the beat itself finds the clock at 0 and spoils nothing.
    assert since(found, states)[4:] == [DT, 2 * DT, DT, 2 * DT, 0]
    np.testing.assert_array_equal(states[-1][2], code)
    clean = [[0, 0, 1], [0, 1, 0], [0, 1, 0], [0, 1, 0], [1, 1, 0]]
    assert (play(found, first + clean)[1][-1][2] != code).any()


def test_presses_are_counted():
    found = features("go prev_action_0 prev_action_1", places=3)
    rows = [[1, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 0, 1], [1, 1, 0]]
    x, states = play(found, rows)
    assert [int(state[3][0]) for state in states] == [0, 1, 1, 2, 3, 0]
    held = x[:, 1:].reshape(len(rows), 3, found.n_time).any(axis=2)
    assert held.argmax(axis=1).tolist() == [0, 1, 1, 2, 2, 0]


def test_the_course_of_a_channel_is_held():
    found = features("waveform blank", analog=[0], course_units=3)
    wave = np.sin(np.arange(12))
    rows = [[w, 0] for w in wave] + [[0, 1]] * 3
    x, states = play(found, rows)
    keep = np.exp(-DT / np.geomspace(50.0, 2000.0, 3))
    averages = np.zeros(3)
    for w in wave:
        averages = keep * averages + (1 - keep) * w
    np.testing.assert_allclose(states[-1][5][0, 3:], averages)
    bands = np.diff(averages, append=0)
    product = x[-1, 2:].reshape(3, found.n_time)
    np.testing.assert_allclose(product, np.outer(bands, [0] + [0, 0, 1] + [0] * 8), atol=1e-12)


def test_columns_go_on_alone():
    found = features("ready set prev_action_0 prev_action_1", measures=True, presses=True)
    rng = np.random.default_rng(0)
    rows = (rng.random((20, 4, 4)) < 0.2).astype(float)
    state = found.initial_state(4)
    for t in range(20):
        x, state = found.step(None, state, rows[t])
    for column in range(4):
        alone, _ = play(found, rows[:, column])
        np.testing.assert_array_equal(alone[-1], x[column])
