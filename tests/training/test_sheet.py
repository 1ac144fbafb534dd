"""Tables of texts."""

from __future__ import annotations

import re

from caudate.training.sheet import Sheet, console_text, markdown_text


def test_bars_in_texts_do_not_end_cells_of_markdown():
    sheet = Sheet("p(a|b)", "note", ["agent", "a|b"], [["x | y", "1"]])
    *_, head, rule, line = markdown_text(sheet, level=2).splitlines()
    assert len(rule.split("|")) == 4
    for one, cells in ((head, ["agent", r"a\|b"]), (line, [r"x \| y", "1"])):
        assert [cell.strip() for cell in re.split(r"(?<!\\)\|", one)[1:-1]] == cells
    assert "x | y" in console_text(sheet)
