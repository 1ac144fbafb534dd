"""Every task's docstring tells what a user needs to know of it."""

from __future__ import annotations

import dataclasses
import inspect
import re

import pytest

import caudate.envs
from caudate.envs import Task

CLASSES = {type(caudate.envs.make_task(one)): one for one in reversed(caudate.envs.task_ids())}
COMMON = {field.name for field in dataclasses.fields(Task)}


def without_numbers(name: str) -> str:
    return re.sub(r"\d+", "", name).strip("_")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_docstring_is_complete(kind: type[Task]) -> None:
    task = caudate.envs.make_task(CLASSES[kind])
    text = inspect.getdoc(kind) or ""
    for part in ("Timeline", "Actions", "Reward", "Info at", "Score", "Yardsticks", "Versions"):
        assert part in text, f"{part} is missing"
    assert re.search(r"doi(\.org/|:)10\.\d+|arXiv:\d+", text), "a paper is missing"
    assert re.search(rf'>>> .*gym\.make\("caudate/{task.name}-', text), "the example is missing"
    # Names with numbers stand for their like: ``tap_2_ms`` ... tells of all taps.
    quoted = set(re.findall(r"``([A-Za-z_0-9]+)``", text))
    known = quoted | {without_numbers(name) for name in quoted}
    shown = [channel.name for channel in task.channels]
    for name in (*shown, *task.int_facts, *task.float_facts):
        assert name in known or without_numbers(name) in known, f"{name} is not told"
    arguments = text[text.index("Args:") :]
    for field in dataclasses.fields(kind):
        if field.name not in COMMON:
            assert re.search(rf"^    (\w+, )*{field.name}(, \w+)*: ", arguments, re.M), field.name
    for variant in caudate.envs.task_ids():
        other = caudate.envs.make_task(variant)
        if type(other) is kind and variant != f"caudate/{task.name}-v0":
            label = variant.removeprefix(f"caudate/{task.name}-").removesuffix("-v0")
            assert f"-{label}" in text, f"the variant {label} is not told"
