"""Tables of choices: what is read, what is written, and what is wrong with a file."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.fitting import Choices, read_choices, write_choices

HEAD = "subject,block,trial,choice,reward\n"
TABLE = (
    HEAD + "anna,1,1,0,1\nanna,1,2,1,0\nanna,1,3,,\nbert,1,1,1,0.5\nanna,2,1,1,1\nanna,1,4,0,-2\n"
)


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "choices.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def expect_table(data: Choices) -> None:
    assert data.subjects == ("anna", "bert")
    assert data.subject.tolist() == [0, 1, 0]
    assert data.blocks == ("1", "1", "2")
    assert data.choices.T.tolist() == [[0, 1, -1, 0], [1, -1, -1, -1], [1, -1, -1, -1]]
    assert data.rewards.T.tolist() == [[1, 0, 0, -2], [0.5, 0, 0, 0], [1, 0, 0, 0]]
    assert data.arms == 2
    assert data.n_trials.tolist() == [4, 1]


def test_a_table_is_read(file):
    expect_table(read_choices(file(TABLE)))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE.rstrip("\n"),
        TABLE.replace("anna,1,3,,", "anna,1,3,NA,NA"),
        TABLE.replace("anna,1,3,,", "anna,1,3,,0"),
        TABLE.replace("anna,1,3,,", "\nanna,1,3,,\n"),
        TABLE.replace(",0,1\n", ",0.0,1.0\n", 1),
        TABLE.replace(",", ", "),
        TABLE.replace("anna", '"anna"'),
        "rt," + TABLE.rstrip("\n").replace("\n", "\n300,"),
        "reward,choice,trial,block,subject\n"
        + "".join(",".join(line.split(",")[::-1]) + "\n" for line in TABLE.splitlines()[1:]),
    ],
    ids=["bom", "crlf", "no end", "NA", "reward of a missed trial", "blank lines", "1.0 for 1",
         "spaces", "quotes", "more columns", "order of columns"],
)  # fmt: skip
def test_other_ways_to_write_it(file, content):
    expect_table(read_choices(file(content)))


def test_arms_may_be_told(file):
    assert read_choices(file(TABLE), arms=4).arms == 4
    assert read_choices(file(HEAD + "a,1,1,0,1\n")).arms == 2
    assert read_choices(file(HEAD + "a,1,1,3,1\n")).arms == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["no trials"]),
        (HEAD, ["no trials"]),
        (HEAD + "a,1,1,,\n", ["no trial has a choice"]),
        ("subject,block,trial,choise,reward\na,1,1,0,1\n", ["line 1", "no column 'choice'"]),
        (HEAD.replace(",", ";") + "a;1;1;0;1\n", ["line 1", "commas"]),
        ("subject,subject,block,trial,choice,reward\n", ["line 1", "more than one", "'subject'"]),
        (HEAD + "a,1,1,0\n", ["line 2", "4 cells", "5"]),
        (HEAD + "a,1,1,0,1\na,1,2,0,1,7\n", ["line 3", "6 cells", "5"]),
        (HEAD + "a,1,1,left,1\n", ["line 2", "choice is 'left'", "0 to 99"]),
        (HEAD + "a,1,1,0.5,1\n", ["line 2", "choice is '0.5'"]),
        (HEAD + "a,1,1,-1,1\n", ["line 2", "choice is '-1'"]),
        (HEAD + "a,1,1,400,1\n", ["line 2", "choice is '400'"]),
        (HEAD + "a,1,1,nan,1\n", ["line 2", "choice is 'nan'"]),
        (HEAD + "a,1,1,0,much\n", ["line 2", "reward is 'much'", "finite"]),
        (HEAD + "a,1,1,0,\n", ["line 2", "reward is ''", "finite"]),
        (HEAD + "a,1,1,0,inf\n", ["line 2", "reward is 'inf'", "finite"]),
        (HEAD + "a,1,one,0,1\n", ["line 2", "trial is 'one'", "whole number"]),
        (HEAD + "a,1,2,0,1\n\na,1,2,0,1\n", ["line 4", "trial is '2'", "greater than 2"]),
        (HEAD + "a,1,2,0,1\na,1,1,0,1\n", ["line 3", "trial is '1'", "subject a, block 1"]),
        (HEAD.encode() + "jörg,1,1,0,1\n".encode("latin-1"), ["line 2", "0xf6", "UTF-8"]),
        (TABLE.encode("utf-16"), ["line 1", "UTF-8"]),
        (HEAD + 'a,1,1,"0,1\n', ["line 2"]),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_sentence(file, content, words):
    with pytest.raises(AgentError) as caught:
        read_choices(file(content))
    message = str(caught.value)
    assert "choices.csv" in message
    assert message.endswith(".")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_choice_beyond_the_arms_that_were_told(file):
    with pytest.raises(AgentError, match=r"line 2: choice is '2'.*0 to 1"):
        read_choices(file(HEAD + "a,1,1,2,1\n"), arms=2)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AgentError, match="Cannot read"):
        read_choices(tmp_path / "none.csv")
    with pytest.raises(AgentError, match="Cannot read"):
        read_choices(tmp_path)


def test_what_is_written_is_read_again(file, tmp_path):
    data = read_choices(file(TABLE))
    write_choices(tmp_path / "again.csv", data)
    again = read_choices(tmp_path / "again.csv")
    expect_table(again)
    noisy = np.random.default_rng(0).normal(size=(3, 20))
    data = Choices.of(np.tile([0, 1, 2, -1], (3, 5)), noisy)
    write_choices(tmp_path / "noise.csv", data)
    again = read_choices(tmp_path / "noise.csv")
    assert (again.choices == data.choices[:-1]).all()  # a last trial that was missed is padding
    assert (again.rewards == data.rewards[:-1]).all()
    with pytest.raises(AgentError, match="Cannot write"):
        write_choices(tmp_path / "none" / "x.csv", data)


def test_arrays_of_one_of_many_and_of_blocks():
    one = Choices.of([0, 1, -1], [1, 0, np.nan])
    assert one.choices.shape == (3, 1)
    assert one.rewards[2, 0] == 0
    many = Choices.of([[0, 1], [1, 2]], [[1, 0], [0, 1]])
    assert (many.arms, many.choices.T.tolist()) == (3, [[0, 1], [1, 2]])
    blocks = Choices.of(np.zeros((2, 3, 4)), np.ones((2, 3, 4)))
    assert blocks.subject.tolist() == [0, 0, 0, 1, 1, 1]
    assert blocks.blocks == ("1", "2", "3") * 2
    assert blocks.n_trials.tolist() == [12, 12]


@pytest.mark.parametrize(
    ("choices", "rewards", "arms", "words"),
    [
        ([0, 1], [1.0], None, "shape"),
        (0, 1, None, "shape"),
        ([], [], None, "shape"),
        ([0.5, 1], [1, 1], None, "not arms"),
        ([-2, 1], [1, 1], None, "not arms"),
        ([-1, -1], [1, 1], None, "at least one choice"),
        ([np.nan, 1], [1, 1], None, "not arms"),
        ([0, 1], [1, np.nan], None, "finite"),
        ([0, 2], [1, 1], 2, "arms=2"),
        ([0, 0], [1, 1], 1, "arms=1"),
    ],
)
def test_arrays_that_cannot_be(choices, rewards, arms, words):
    with pytest.raises(AgentError, match=words):
        Choices.of(choices, rewards, arms=arms)
