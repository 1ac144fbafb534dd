"""What people chose and earned, as arrays; tables of it as CSV files.

>>> from caudate.agents.fitting import Choices
>>> data = Choices.of([0, 1, 1], [1.0, 0.0, 1.0])
>>> data.arms, data.n_trials
(2, array([3]))
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import AgentError

Array = np.ndarray

#: Columns that a file of choices has; it may have others.
COLUMNS = ("subject", "block", "trial", "choice", "reward")
#: What a cell may hold where no choice was made.
MISSING = ("", "NA")
#: More arms than this are taken for a mistake unless they are asked for.
_MOST_ARMS = 100


@dataclass(frozen=True, eq=False)
class Choices:
    """Blocks of trials of some subjects; beliefs start afresh with each block.

    Attributes:
        subjects: their names, S of them.
        subject: (B,) whose block it is.
        blocks: B names.
        choices: (T, B) arms chosen, from 0; -1 where no choice was made or the block was over.
        rewards: (T, B) what the choice brought; 0 where there was none.
        arms: how many there were to choose from.
    """

    subjects: tuple[str, ...]
    subject: Array
    blocks: tuple[str, ...]
    choices: Array
    rewards: Array
    arms: int

    @classmethod
    def of(
        cls, choices: npt.ArrayLike, rewards: npt.ArrayLike, *, arms: int | None = None
    ) -> Choices:
        """From arrays.

        Args:
            choices: (T,) of one subject, (S, T), or (S, B, T) with blocks; -1 for missed trials.
            rewards: of the same shape; ignored on missed trials.
            arms: how many there were; None for as many as were chosen, and at least two.

        Raises:
            AgentError: shapes, choices or rewards that cannot be.
        """
        chosen, earned = np.asarray(choices, dtype=np.float64), np.asarray(rewards, np.float64)
        if not 1 <= chosen.ndim <= 3 or chosen.size == 0 or chosen.shape != earned.shape:
            raise AgentError(
                f"Choices of shape {chosen.shape} and rewards of shape {earned.shape} do not make "
                "trials: pass both as (T,), (S, T) or (S, B, T), with at least one trial."
            )
        made = chosen >= 0
        if not made.any() or (chosen != np.round(chosen)).any() or (chosen < -1).any():
            raise AgentError(
                f"Choices from {chosen.min():g} to {chosen.max():g} are not arms: code them 0, 1, "
                "2, ... and missed trials -1, with at least one choice."
            )
        if not np.isfinite(earned[made]).all():
            raise AgentError("Rewards must be finite numbers wherever a choice was made.")
        arms = _arms(int(chosen.max()), arms)
        grid = chosen.reshape((1,) * (2 - min(chosen.ndim, 2)) + chosen.shape)
        grid = grid if grid.ndim == 3 else grid[:, None]
        s, b, t = grid.shape
        return cls(
            subjects=tuple(str(i + 1) for i in range(s)),
            subject=np.repeat(np.arange(s), b),
            blocks=tuple(str(j + 1) for j in range(b)) * s,
            choices=grid.reshape(s * b, t).T.astype(np.int64),
            rewards=np.where(made, earned, 0.0).reshape(s * b, t).T.copy(),
            arms=arms,
        )

    @property
    def n_trials(self) -> Array:
        """Choices of each subject, (S,), missed trials left out."""
        made = (self.choices >= 0).sum(0)
        return np.bincount(self.subject, made, len(self.subjects)).astype(np.int64)


def _arms(highest: int, arms: int | None) -> int:
    if arms is None:
        return max(highest + 1, 2)
    _check_arms(arms)
    if highest >= arms:
        raise AgentError(f"arms={arms} does not fit choices up to {highest}: arms count from 0.")
    return arms


def _check_arms(arms: int | None) -> None:
    if arms is not None and arms < 2:
        raise AgentError(f"arms={arms} leaves no choice: there must be at least two.")


# -- files -----------------------------------------------------------------------------------


def read_choices(path: str | Path, *, arms: int | None = None) -> Choices:
    """A tidy table, one line a trial, as a comma-separated file with a line of names.

    Its columns are ``subject``, ``block``, ``trial`` (a number that grows within a block),
    ``choice`` (0, 1, ...; empty or NA where the trial was missed) and ``reward`` (a number); others
    are ignored. Text is UTF-8, with or without a byte order mark, and lines end either way.

    Args:
        path: the file.
        arms: how many there were to choose from; None for as many as were chosen.

    Raises:
        AgentError: a file that is not such a table, with the line and what is wrong in it.
    """
    _check_arms(arms)
    blocks: dict[tuple[str, str], _Block] = {}
    for line in _lines(Path(path)):
        key = line["subject"], line["block"]
        blocks.setdefault(key, _Block()).add(line, arms)
    subjects = tuple(dict.fromkeys(subject for subject, _ in blocks))
    if not any(choice >= 0 for block in blocks.values() for choice in block.choices):
        raise AgentError(f"{path}: no trial has a choice, so there is nothing to fit.")
    longest = max(len(block.choices) for block in blocks.values())
    choices = np.full((longest, len(blocks)), -1, dtype=np.int64)
    rewards = np.zeros(choices.shape)
    for column, block in enumerate(blocks.values()):
        choices[: len(block.choices), column] = block.choices
        rewards[: len(block.rewards), column] = block.rewards
    return Choices(
        subjects=subjects,
        subject=np.array([subjects.index(subject) for subject, _ in blocks]),
        blocks=tuple(block for _, block in blocks),
        choices=choices,
        rewards=rewards,
        arms=_arms(int(choices.max()), arms),
    )


def write_choices(path: str | Path, data: Choices) -> None:
    """Write a table that :func:`read_choices` reads, missed trials with empty cells.

    Raises:
        AgentError: a file that cannot be written.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for column, (subject, block) in enumerate(zip(data.subject, data.blocks, strict=True)):
        made = data.choices[:, column] >= 0
        # What follows a block's last choice is padding.
        for trial in range(int(made.nonzero()[0][-1]) + 1 if made.any() else 0):
            choice, reward = data.choices[trial, column], data.rewards[trial, column]
            cells = (int(choice), float(reward)) if made[trial] else ("", "")
            writer.writerow((data.subjects[subject], block, trial + 1, *cells))
    try:
        Path(path).write_text(buffer.getvalue(), "utf-8", newline="")
    except OSError as error:
        raise AgentError(f"Cannot write {path}: {error.strerror}.") from error


class _Line:
    """A line's cells by column, and where it stands."""

    def __init__(self, path: Path, number: int, cells: dict[str, str]):
        self.path, self.number, self.cells = path, number, cells

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def wrong(self, column: str, allowed: str) -> AgentError:
        return AgentError(
            f"{self.path}, line {self.number}: {column} is {self.cells[column]!r}, but must be "
            f"{allowed}."
        )

    def number_in(self, column: str, allowed: str) -> float:
        try:
            value = float(self.cells[column])
        except ValueError:
            raise self.wrong(column, allowed) from None
        if not np.isfinite(value):
            raise self.wrong(column, allowed)
        return value

    def integer_in(self, column: str, allowed: str) -> int:
        # Tables whose columns have gaps are often written with 1.0 for 1.
        value = self.number_in(column, allowed)
        if value != int(value):
            raise self.wrong(column, allowed)
        return int(value)


class _Block:
    """Trials of one subject's block, in order."""

    def __init__(self):
        self.choices: list[int] = []
        self.rewards: list[float] = []
        self.last: int | None = None

    def add(self, line: _Line, arms: int | None) -> None:
        trial = line.integer_in("trial", "a whole number")
        if self.last is not None and trial <= self.last:
            raise line.wrong(
                "trial",
                f"greater than {self.last}, the trial before it of subject "
                f"{line['subject']}, block {line['block']}",
            )
        self.last = trial
        if line["choice"] in MISSING:
            self.choices.append(-1)
            self.rewards.append(0.0)
            return
        most = (_MOST_ARMS if arms is None else arms) - 1
        allowed = f"an arm from 0 to {most}, or empty where the trial was missed"
        choice = line.integer_in("choice", allowed)
        if not 0 <= choice <= most:
            raise line.wrong("choice", allowed)
        self.choices.append(choice)
        self.rewards.append(line.number_in("reward", "a finite number where a choice was made"))


def _lines(path: Path) -> Iterator[_Line]:
    """Lines of data; raises one sentence for what is no table."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    names: list[str] | None = None
    try:
        for cells in reader:
            if not cells:
                continue
            cells = [cell.strip() for cell in cells]
            if names is None:
                names = cells
                _check_names(path, names)
                continue
            if len(cells) != len(names):
                raise AgentError(
                    f"{path}, line {reader.line_num}: the line has {len(cells)} cells, but must "
                    f"have {len(names)} as the line of names has: {','.join(cells)!r}."
                )
            yield _Line(path, reader.line_num, dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        raise AgentError(
            f"{path}, line {reader.line_num}: {error}, so this is not a comma-separated table."
        ) from error
    if names is None or reader.line_num < 2:
        raise AgentError(
            f"{path} has no trials: it must have a line of names ({','.join(COLUMNS)}) and a line "
            "for each trial."
        )


def _check_names(path: Path, names: list[str]) -> None:
    for column in COLUMNS:
        if names.count(column) != 1:
            found = "no column" if column not in names else "more than one column"
            raise AgentError(
                f"{path}, line 1: there is {found} {column!r} among {', '.join(names)}; needed are "
                f"{', '.join(COLUMNS)}, separated by commas, each once."
            )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AgentError(f"Cannot read {path}: {error.strerror}.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AgentError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8; save the table "
            "as UTF-8 text."
        ) from error
