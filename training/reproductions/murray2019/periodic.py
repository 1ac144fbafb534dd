"""Periodic output without input: the four rules, longer periods, sizes, lesions, alignment."""

from __future__ import annotations

import itertools
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from gymnasium import spaces

from ....agents import EProp, Targets
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment

Array = np.ndarray

TRIALS, QUICK_TRIALS = 10_000, 500
#: Losses at T = 200 spread over a factor of ten, so medians there take many networks.
SEEDS, MANY_SEEDS, QUICK_SEEDS = 15, 45, 2
WINDOW = 100  # trials at the end whose median loss counts
UNITS, PERIOD = 30, 200
RFLO: dict[str, Any] = {"gradient": "local", "feedback": "random"}
BPTT: dict[str, Any] = {"gradient": "exact", "feedback": "symmetric"}
RULES: dict[str, dict[str, Any]] = {
    "RFLO (local, random feedback)": RFLO,
    "local, symmetric feedback": {"gradient": "local", "feedback": "symmetric"},
    "nonlocal, random feedback": {"gradient": "exact", "feedback": "random"},
    "BPTT (nonlocal, symmetric)": BPTT,
}
_SHORT = {"RFLO": "RFLO (local, random feedback)", "BPTT": "BPTT (nonlocal, symmetric)"}


def motor_options(units: int, gain: float = 1.5, **own: Any) -> dict[str, Any]:
    """Murray's network and plain gradient steps, as options of the agent."""
    options: dict[str, Any] = {
        "network": "rate",
        "nonlinearity": "input",
        "n_neurons": units,
        "tau_min": 10.0,
        "tau_max": 10.0,
        "recurrent_gain": gain,
        "readout_gain": 1 / np.sqrt(3),  # spread of the uniform law on [-1, 1]
        "input_gain": 1 / np.sqrt(3),
        "feedback_gain": 1.0,
        "initial_activity": 0.1,
        "biases": False,
        "optimizer": "sgd",
        "max_grad_norm": 0.0,
    }
    return options | own


def sines(period: int) -> Targets:
    """One period of three sines, no input."""
    t = 2 * np.pi * np.arange(1, period + 1) / period
    y = np.sin(t) + 0.5 * np.sin(2 * t) + 0.25 * np.sin(4 * t)
    free = spaces.Box(-np.inf, np.inf, (1,))
    return Targets(np.zeros((period, 1, 1)), y[:, None, None], free)


def train(
    targets: Targets, seed: int, trials: int, options: dict[str, Any], records: int = 50
) -> dict[str, Any]:
    """Losses on the way and at the end, alignment of readout and feedback on the way."""
    agent = EProp(targets, seed=seed, n_envs=1, **options)
    every = max(trials // records, 1)
    losses, alignment = [], [_alignment(agent)]
    for trial in range(1, trials + 1):
        losses.append(-agent.update()["return_mean"])
        if trial % every == 0:
            alignment.append(_alignment(agent))
    blocks = np.array(losses[: trials // every * every]).reshape(-1, every)
    return {
        "final": float(np.median(losses[-WINDOW:])),
        "losses": np.median(blocks, 1).tolist(),
        "alignment": alignment,
    }


def _alignment(agent: EProp) -> float:
    """Cosine of the readout and the feedback matrix."""
    a, b = (m[:-1].ravel().astype(float) for m in (agent.parameters["W_out"], agent.feedback))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def runs(
    quick: bool, options: dict[str, Any], period: int = PERIOD, seeds: int = SEEDS
) -> dict[str, Any]:
    """All seeds of one setting, as lists."""
    targets = sines(period)
    trials = QUICK_TRIALS if quick else TRIALS
    each = [
        train(targets, seed, trials, options) for seed in range(QUICK_SEEDS if quick else seeds)
    ]
    return {key: [one[key] for one in each] for key in each[0]}


def spread(values: list[float]) -> str:
    """Median and quartiles."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{middle:.1e} [{low:.1e}, {high:.1e}]"


# -- the four rules, and longer periods --------------------------------------------------------

RATE, LONG_RATES = 0.03, {"RFLO": 0.01, "BPTT": 0.03}  # at T = 200, and at 400
NOTEBOOK_PERIOD, NOTEBOOK_UNITS, NOTEBOOK_RATE = 100, 50, 0.03


def measure_rules(quick: bool) -> dict[str, Any]:
    """Losses of the four rules at 20 time constants; RFLO and BPTT at 10 and 40."""
    found: dict[str, Any] = {"rules": {}, "periods": {}}
    for rule, own in RULES.items():
        options = motor_options(UNITS, learning_rate=RATE, **own)
        found["rules"][rule] = runs(quick, options, seeds=MANY_SEEDS)
    for name, own in (("RFLO", RFLO), ("BPTT", BPTT)):
        found["periods"][name] = {
            "100": runs(
                quick,
                motor_options(NOTEBOOK_UNITS, learning_rate=NOTEBOOK_RATE, **own),
                NOTEBOOK_PERIOD,
            ),
            "400": runs(quick, motor_options(UNITS, learning_rate=LONG_RATES[name], **own), 400),
        }
    return found


def claims_rules(result: dict[str, Any]) -> list[Claim]:
    """Short periods: alike; longer ones: BPTT ahead, because of locality, not of feedback."""
    rules = {name: found["final"] for name, found in result["rules"].items()}
    rflo, local, nonlocal_, bptt = (rules[name] for name in RULES)
    of_locality = _median(rflo + local) / _median(nonlocal_ + bptt)
    short = {name: found["100"]["final"] for name, found in result["periods"].items()}
    long = {name: found["400"]["final"] for name, found in result["periods"].items()}
    ratio = _median(short["RFLO"]) / _median(short["BPTT"])
    far = _median(long["RFLO"]) / _median(long["BPTT"])
    few, many = len(short["RFLO"]), len(rflo)
    return [
        Claim(
            f"Periodic output, T = 100 (10 tau), N = 50, {few} networks: median losses",
            "both < 2e-3, RFLO / BPTT < 5",
            f"RFLO {spread(short['RFLO'])}, BPTT {spread(short['BPTT'])}, ratio {ratio:.1f}",
            max(_median(short["RFLO"]), _median(short["BPTT"])) < 2e-3 and ratio < 5,
        ),
        Claim(
            f"T = 400 (40 tau), {few} networks: BPTT is ahead",
            "RFLO at least 5 times BPTT",
            f"RFLO {spread(long['RFLO'])}, BPTT {spread(long['BPTT'])}, ratio {far:.0f}",
            far >= 5,
        ),
        Claim(
            "RFLO's loss grows with the period",
            "median at T = 400 above T = 200",
            f"{_median(long['RFLO']):.1e} and {_median(rflo):.1e}",
            _median(long["RFLO"]) > _median(rflo),
        ),
        Claim(
            f"T = 200, {many} networks a rule: random feedback costs little",
            "at most 3 times the loss with symmetric feedback, nonlocal and local",
            f"{spread(nonlocal_)} over {spread(bptt)}: {_median(nonlocal_) / _median(bptt):.1f}; "
            f"{spread(rflo)} over {spread(local)}: {_median(rflo) / _median(local):.1f}",
            _median(nonlocal_) < 3 * _median(bptt) and _median(rflo) < 3 * _median(local),
        ),
        Claim(
            "T = 200: locality costs",
            "local rules at least 5 times the nonlocal ones (medians, both kinds of feedback "
            "together)",
            f"{_median(rflo + local):.1e} and {_median(nonlocal_ + bptt):.1e}: {of_locality:.1f} "
            f"(random feedback {_median(rflo) / _median(nonlocal_):.1f}, symmetric "
            f"{_median(local) / _median(bptt):.1f})",
            of_locality >= 5,
        ),
    ]


def _median(values: list[float]) -> float:
    return float(np.median(values))


def draw_rules(result: dict[str, Any], folder: Path) -> list[Path]:
    """Learning curves of the four rules; losses at the end against the period."""
    figure, (curves, periods) = new_figure(2)
    for i, (rule, found) in enumerate(result["rules"].items()):
        losses = np.array(found["losses"])
        x = np.linspace(0, TRIALS, losses.shape[1] + 1)[1:]
        low, middle, high = np.quantile(losses, (0.25, 0.5, 0.75), axis=0)
        curves.plot(x, middle, color=COLORS[i], lw=1.4, label=rule)
        curves.fill_between(x, low, high, color=COLORS[i], alpha=0.15, lw=0)
    for i, name in ((0, "RFLO"), (3, "BPTT")):
        lasts = [
            result["periods"][name]["100"]["final"],
            result["rules"][_SHORT[name]]["final"],
            result["periods"][name]["400"]["final"],
        ]
        shift = 0.97 if name == "RFLO" else 1.03
        for period, values in zip((100, 200, 400), lasts, strict=True):
            periods.plot(
                [period * shift] * len(values), values, ".", color=COLORS[i], alpha=0.5, ms=4
            )
        medians = [np.median(values) for values in lasts]
        periods.plot((100, 200, 400), medians, color=COLORS[i], lw=1.4, label=name)
    for axis in (curves, periods):
        axis.set_yscale("log")
        axis.legend(frameon=False, fontsize=7)
    curves.set_xlabel("trials, T = 200")
    curves.set_ylabel("loss")
    periods.set_xlabel("period T (steps; tau = 10)")
    periods.set_xscale("log")
    periods.set_xticks((100, 200, 400), ("100", "200", "400"))
    periods.minorticks_off()
    return [save(figure, folder / "rules.png")]


# -- alignment and lesions ---------------------------------------------------------------------

DALE, DALE_BPTT = "Dale's law, half excitatory", "BPTT under Dale's law"
#: Options and networks.
LESIONS: dict[str, tuple[dict[str, Any], int]] = {
    "all weights": (RFLO, MANY_SEEDS),
    "readout only": (RFLO | {"gradient": "none"}, SEEDS),
    "recurrent only": (RFLO | {"readout_learning_rate": 0.0}, SEEDS),
    DALE: (RFLO | {"excitatory": 0.5}, MANY_SEEDS),
    DALE_BPTT: (BPTT | {"excitatory": 0.5}, SEEDS),
}


def measure_lesions(quick: bool) -> dict[str, Any]:
    """RFLO whole, in parts, and with signs that neurons keep."""
    return {
        name: runs(quick, motor_options(UNITS, learning_rate=RATE, **own), seeds=seeds)
        for name, (own, seeds) in LESIONS.items()
    }


def claims_lesions(result: dict[str, Any]) -> list[Claim]:
    """The readout turns towards the feedback, if both readout and network learn."""
    final = {name: _median(found["final"]) for name, found in result.items()}
    whole = np.array(result["all weights"]["alignment"])
    start, end = np.median(whole[:, 0]), np.median(whole[:, -1])
    smooth = np.convolve(np.median(whole, 0), np.full(10, 0.1), "valid")
    untrained = float(np.median([run[0] for run in result["recurrent only"]["losses"]]))
    joint = final["all weights"]
    return [
        Claim(
            "Feedback alignment: cosine of readout and feedback, median over networks",
            "starts near 0 (below 0.4), ends above 0.5, grows when smoothed",
            f"{start:.2f}, then {end:.2f}; largest fall of the smoothed course "
            f"{max(0.0, float(-np.diff(smooth).min())):.3f}",
            bool(abs(start) < 0.4 and end > 0.5 and np.diff(smooth).min() > -0.01),
        ),
        Claim(
            "Both must learn: median losses with one of them fixed",
            "recurrent only above half of the untrained loss; both above 5 times the joint loss",
            f"readout only {final['readout only']:.1e}, recurrent only "
            f"{final['recurrent only']:.1e}, untrained {untrained:.1e}, joint {joint:.1e}",
            final["recurrent only"] > 0.5 * untrained
            and min(final["readout only"], final["recurrent only"]) > 5 * joint,
        ),
        Claim(
            "Dale's law",
            "median loss within 5 times that without it",
            f"{spread(result[DALE]['final'])}, without {spread(result['all weights']['final'])}: "
            f"{final[DALE] / joint:.0f} times; BPTT under the law "
            f"{spread(result[DALE_BPTT]['final'])}",
            final[DALE] < 5 * joint,
        ),
    ]


def draw_lesions(result: dict[str, Any], folder: Path) -> list[Path]:
    """Alignment on the way; losses of the lesions."""
    figure, (alignment, losses) = new_figure(2)
    for i, (name, found) in enumerate(result.items()):
        courses = np.array(found["alignment"])
        x = np.linspace(0, TRIALS, courses.shape[1])
        low, middle, high = np.quantile(courses, (0.25, 0.5, 0.75), axis=0)
        alignment.plot(x, middle, color=COLORS[i], lw=1.4, label=name)
        alignment.fill_between(x, low, high, color=COLORS[i], alpha=0.15, lw=0)
        jitter = np.linspace(-0.15, 0.15, len(found["final"]))
        losses.plot(i + jitter, found["final"], ".", color=COLORS[i], ms=5)
        losses.plot([i - 0.25, i + 0.25], [np.median(found["final"])] * 2, color=COLORS[i], lw=2)
    alignment.axhline(0, **AXIS)
    alignment.set_xlabel("trials")
    alignment.set_ylabel("cosine of readout and feedback")
    alignment.legend(frameon=False, fontsize=7)
    losses.set_yscale("log")
    losses.set_ylabel("loss after learning")
    losses.set_xticks(range(len(result)), [fill(name, 12) for name in result], fontsize=7)
    return [save(figure, folder / "alignment.png")]


# -- size and gain -----------------------------------------------------------------------------

SIZES, GAINS = (15, 30, 60), (0.5, 1.0, 1.5)
GRID_SEEDS = 7


def measure_grid(quick: bool) -> dict[str, Any]:
    """RFLO with more units and stronger initial recurrence."""
    return {
        f"{units} {gain}": runs(
            quick,
            motor_options(units, gain, learning_rate=RATE, readout_gain=gain / np.sqrt(3), **RFLO),
            seeds=GRID_SEEDS,
        )["final"]
        for units in SIZES
        for gain in GAINS
    }


def claims_grid(result: dict[str, Any]) -> list[Claim]:
    """Larger and livelier networks do better."""
    by_size = [float(np.median(result[f"{units} 1.5"])) for units in SIZES]
    by_gain = [float(np.median(result[f"30 {gain}"])) for gain in GAINS]

    def falls(values: list[float]) -> bool:
        return all(b < a for a, b in itertools.pairwise(values))

    def text(values: list[float]) -> str:
        return ", ".join(f"{value:.1e}" for value in values)

    return [
        Claim(
            "More units help: medians at N = 15, 30, 60 (g = 1.5)",
            "falling",
            text(by_size),
            falls(by_size),
        ),
        Claim(
            "Stronger recurrence helps: medians at g = 0.5, 1, 1.5 (N = 30)",
            "falling",
            text(by_gain),
            falls(by_gain),
        ),
    ]


def draw_grid(result: dict[str, Any], folder: Path) -> list[Path]:
    """Losses against size, a line for each gain."""
    figure, (axis,) = new_figure(1, width=4.4)
    for i, gain in enumerate(GAINS):
        values = np.array([result[f"{units} {gain}"] for units in SIZES])
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
        axis.errorbar(
            np.array(SIZES) * (0.97 + 0.03 * i),
            middle,
            (middle - low, high - middle),
            color=COLORS[i],
            marker="o",
            ms=4,
            lw=1.4,
            label=f"g = {gain}",
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(SIZES, [str(n) for n in SIZES])
    axis.minorticks_off()
    axis.set_xlabel("units N")
    axis.set_ylabel("loss after learning")
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "size-and-gain.png")]


_COMMON = {"trials": TRIALS, "seeds": [SEEDS, MANY_SEEDS]}
EXPERIMENTS = (
    Experiment(
        "rules",
        "Periodic output by the four rules",
        measure_rules,
        claims_rules,
        draw_rules,
        _COMMON
        | {
            "rates": [RATE, LONG_RATES],
            "notebook": [NOTEBOOK_PERIOD, NOTEBOOK_UNITS, NOTEBOOK_RATE],
        },
    ),
    Experiment(
        "alignment",
        "Alignment, lesions, Dale's law",
        measure_lesions,
        claims_lesions,
        draw_lesions,
        _COMMON | {"lesions": LESIONS},
    ),
    Experiment(
        "size-and-gain",
        "Size and gain",
        measure_grid,
        claims_grid,
        draw_grid,
        {"trials": TRIALS, "seeds": GRID_SEEDS, "sizes": SIZES, "gains": GAINS},
    ),
)
