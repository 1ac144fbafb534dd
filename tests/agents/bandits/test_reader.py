import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError
from caudate.agents.bandits.reader import Reader


def reader(names=(), actions=2, size=None, **given):
    size = len(names) if size is None else size
    space = gym.spaces.Box(-1, 2, (size,), np.float32)
    return Reader("it", space, gym.spaces.Discrete(actions), {"obs_names": names}, **given)


PAST = ("prev_action_0", "prev_action_1", "prev_reward")


def test_choice_reward_and_bounds():
    one = reader(("go", *PAST))
    seen = one.read(np.array([[1, 0, 0, 0], [1, 0, 1, 0.5]], np.float32))
    assert seen.choice.tolist() == [-1, 1]
    assert seen.reward.tolist() == [0.0, 0.5]
    assert seen.place.tolist() == [0, 0]
    assert seen.starts.all()
    assert seen.forced is seen.begins is seen.left is seen.magnitude is seen.outcomes is None
    assert one.reward_bounds == (-1.0, 2.0)


def test_everything_else_that_channels_tell():
    names = ("begins", "left", "forced_0", "forced_1", "magnitude_0", "magnitude_1")
    one = reader((*names, "outcome_0", "outcome_1", *PAST))
    seen = one.read(np.array([[1, 0.5, 0, 1, 0.3, 0.7, 0, 1, 1, 0, 0]]))
    assert seen.begins is not None
    assert seen.begins.tolist() == [True]
    assert seen.left is not None
    assert seen.left.tolist() == [0.5]
    assert seen.forced is not None
    assert seen.forced.tolist() == [1]
    assert seen.magnitude is not None
    assert seen.magnitude.tolist() == [[0.3, 0.7]]
    assert seen.outcomes is not None
    assert seen.outcomes.tolist() == [[0.0, 1.0]]
    assert one.has_outcomes


def test_states_are_groups_of_channels_and_trials_begin_with_start():
    one = reader(("start", "room_0", "room_1", *PAST))
    assert (one.places, one.has_trials) == (3, True)
    seen = one.read(np.array([[1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0.0]]))
    assert seen.place.tolist() == [0, 2]
    assert seen.starts.tolist() == [True, False]
    assert reader(("start", "room_0", "room_1", *PAST), state_channels="").places == 1
    assert reader(("room_0", "room_1", *PAST)).has_trials is False


def test_channels_by_name_or_number():
    one = reader(
        ("a", "b", "c", "d"), choice_channels="b, 2", reward_channel="a", state_channels=""
    )
    seen = one.read(np.array([[0.5, 0, 1, 9]]))
    assert (seen.choice.tolist(), seen.reward.tolist()) == ([1], [0.5])
    nameless = reader(size=4, choice_channels="0,1", reward_channel="2")
    assert nameless.places == 1


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (("go",), {}, "prev_action_0 to prev_action_1, and found 0.*prev_action=True"),
        (PAST, {"actions": 3}, "in 3 channels .* and found 2"),
        (PAST[:2], {}, "channel prev_reward, and found 0.*reward_channel"),
        (PAST, {"choice_channels": "x,1"}, "no channel 'x': choose among prev_action_0"),
        (PAST, {"choice_channels": "7,8"}, "no channel '7'"),
        (("odour", *PAST), {}, "does not know what the channels odour mean.*state_channels"),
    ],
)
def test_what_is_missing_gets_one_sentence(names, given, message):
    with pytest.raises(AgentError, match=message):
        reader(names, **given)


def test_other_spaces():
    box = gym.spaces.Box(0, 1, (2,), np.float32)
    with pytest.raises(AgentError, match="it chooses among arms"):
        Reader("it", box, box, {})
    with pytest.raises(AgentError, match="vectors of channels"):
        Reader("it", gym.spaces.Discrete(3), gym.spaces.Discrete(2), {})
