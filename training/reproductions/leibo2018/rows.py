"""Rows of the tables."""

from __future__ import annotations

from ...reproduction import Claim


def below(text: str, measured: float, limit: float) -> Claim:
    """A number that must be below a limit."""
    return Claim(text, f"< {limit:g}", f"{measured:.2g}", measured < limit)


def above(text: str, measured: float, limit: float) -> Claim:
    """A number that must be above a limit."""
    return Claim(text, f"> {limit:g}", f"{measured:.5g}", measured > limit)


def near(text: str, measured: float, expected: float, share: float) -> Claim:
    """A number within a share of what is expected."""
    return Claim(
        text,
        f"{expected:.5g} within {100 * share:g} %",
        f"{measured:.5g}",
        abs(measured - expected) <= share * abs(expected),
    )
