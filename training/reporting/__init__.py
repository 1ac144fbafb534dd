"""A comparison, a run or a folder of runs as one HTML page."""

from .page import make_report

__all__ = ["make_report"]
