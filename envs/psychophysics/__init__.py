"""Psychophysics of trial tables: pure functions, fed by what tasks tell in ``info``.

A trial table is a mapping of column names to arrays with one value per trial, as
``caudate.envs.TrialRecorder`` makes it. Every analysis returns a small record with its estimates,
and has a function that plots it on the axes given or on new ones.
"""

from .bandits import (
    after_reversals,
    learning_rate,
    plot_learning_rate,
    plot_regret,
    plot_reversals,
    plot_stay,
    plot_win_stay,
    regret_curve,
    rescorla_wagner_fit,
    stay_probability,
    two_step_fit,
    win_stay_lose_shift,
)
from .choice import (
    d_prime,
    dual_task_cost,
    mean_by,
    mixture_fit,
    plot_curve,
    plot_mixture,
    plot_psychometric,
    psychometric_fit,
    sensitivity,
    serial_position,
    share_by,
)
from .common import TrialTable

__all__ = [
    "TrialTable",
    "after_reversals",
    "d_prime",
    "dual_task_cost",
    "learning_rate",
    "mean_by",
    "mixture_fit",
    "plot_curve",
    "plot_learning_rate",
    "plot_mixture",
    "plot_psychometric",
    "plot_regret",
    "plot_reversals",
    "plot_stay",
    "plot_win_stay",
    "psychometric_fit",
    "regret_curve",
    "rescorla_wagner_fit",
    "sensitivity",
    "serial_position",
    "share_by",
    "stay_probability",
    "two_step_fit",
    "win_stay_lose_shift",
]
