"""Fitting trial-level learners to choices, and telling which of them made the choices.

:class:`Model` joins a filter and a choice rule, :func:`fit` finds the parameters of every subject,
:func:`select_models` compares models; :func:`recover` and :func:`confusion` tell how far to trust
both.
"""

from .choices import Choices, read_choices, write_choices
from .discrimination import Confusion, confusion
from .estimation import fit
from .likelihood import choice_probabilities, log_likelihood
from .model import Model
from .recovery import Recovery, draw_parameters, profile, recover, schedule
from .result import Fit
from .selection import Selection, exceedance_probabilities, select_models
from .simulation import reversals, simulate, volatile_odds

__all__ = [
    "Choices",
    "Confusion",
    "Fit",
    "Model",
    "Recovery",
    "Selection",
    "choice_probabilities",
    "confusion",
    "draw_parameters",
    "exceedance_probabilities",
    "fit",
    "log_likelihood",
    "profile",
    "read_choices",
    "recover",
    "reversals",
    "schedule",
    "select_models",
    "simulate",
    "volatile_odds",
    "write_choices",
]
