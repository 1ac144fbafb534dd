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
from .bayesian import bayesian_timer, plot_bayesian_timer
from .bisecting import bisection, plot_bisection
from .choice import (
    d_prime,
    dual_task_cost,
    mean_by,
    plot_curve,
    plot_psychometric,
    psychometric_fit,
    sensitivity,
    serial_position,
    share_by,
)
from .common import TrialTable
from .mixture import mixture_fit, plot_mixture
from .presses import (
    bin_times,
    inter_response_times,
    peak_interval,
    plot_inter_response_times,
    plot_peak_interval,
    start_stop,
)
from .tapping import (
    asynchrony,
    phase_correction,
    plot_asynchrony,
    plot_phase_correction,
    plot_wing_kristofferson,
    wing_kristofferson,
)
from .timing import plot_reproduction, plot_scalar_property, reproduction, scalar_property

__all__ = [
    "TrialTable",
    "after_reversals",
    "asynchrony",
    "bayesian_timer",
    "bin_times",
    "bisection",
    "d_prime",
    "dual_task_cost",
    "inter_response_times",
    "learning_rate",
    "mean_by",
    "mixture_fit",
    "peak_interval",
    "phase_correction",
    "plot_asynchrony",
    "plot_bayesian_timer",
    "plot_bisection",
    "plot_curve",
    "plot_inter_response_times",
    "plot_learning_rate",
    "plot_mixture",
    "plot_peak_interval",
    "plot_phase_correction",
    "plot_psychometric",
    "plot_regret",
    "plot_reproduction",
    "plot_reversals",
    "plot_scalar_property",
    "plot_stay",
    "plot_win_stay",
    "plot_wing_kristofferson",
    "psychometric_fit",
    "regret_curve",
    "reproduction",
    "rescorla_wagner_fit",
    "scalar_property",
    "sensitivity",
    "serial_position",
    "share_by",
    "start_stop",
    "stay_probability",
    "two_step_fit",
    "win_stay_lose_shift",
    "wing_kristofferson",
]
