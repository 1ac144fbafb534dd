"""HTML as text: whatever is not HTML already is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

_VOID = {"img", "input", "meta"}  # elements of SVG are closed


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: Any) -> Html:
    """A value as HTML that shows it; what UTF-8 cannot hold is replaced."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(str(value).encode("utf-8", "replace").decode()))


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element of HTML or SVG.

    Args:
        name: of the element.
        children: texts and elements.
        attributes: ``data_x`` stands for data-x and ``class_`` for class; None and False leave an
            attribute out, True is one without a value.
    """
    given = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        given.append(f" {key}" if value is True else f' {key}="{text(value)}"')
    start = f"<{name}{''.join(given)}>"
    return Html(start if name in _VOID else f"{start}{join(children)}</{name}>")


def join(parts: Iterable[Any]) -> Html:
    """Parts behind one another."""
    return Html("".join(map(text, parts)))
