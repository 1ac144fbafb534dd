"""Retina and log-polar fovea."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....envs.senses import LogPolar, Retina
from ....envs.senses.stimuli import draw_glyph, glyph_strokes
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .rows import above, below, near

# -- retina ------------------------------------------------------------------------------------

#: Centre's standard deviations in pixels; the kernel is sampled ever more finely.
CENTRES = (1.0, 4.0)
BACKGROUNDS = (1.0, 10.0, 100.0)
DT, TAU = 5.0, 75.0


def _kernel(center: float, size: int) -> np.ndarray:
    """Response (size, size) to a point in the middle."""
    retina = Retina((size, size), center=center)
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 1.0
    return retina.contrast(point)


def _zero_crossing(kernel: np.ndarray, center: float) -> float:
    """Distance from the middle, in standard deviations of the centre, where the kernel is 0.

    Between pixels a cubic spline; straight lines would be off by a tenth of a pixel.
    """
    from scipy.interpolate import CubicSpline

    middle = len(kernel) // 2
    roots = CubicSpline(np.arange(len(kernel)) - middle, kernel[middle]).roots()
    return float(roots[roots > 0][0]) / center


def _peak(kernel: np.ndarray, center: float) -> tuple[float, float]:
    """Frequency (cycles per standard deviation of the centre) with the largest gain, and gain."""
    padded = np.zeros((1024, 1024))
    padded[: len(kernel), : len(kernel)] = kernel
    gain = np.abs(np.fft.rfft2(padded)[0])
    place = int(gain.argmax())
    return place / 1024 * center, float(gain[place])


def measure_retina(quick: bool) -> dict[str, Any]:
    """Balance, shape, halves, adaptation, courses after a step."""
    del quick  # a second
    found: dict[str, Any] = {}
    even = Retina((40, 40), mode="both")
    even_responses = [np.abs(even(np.full((40, 40), level))).max() for level in (0.1, 0.5, 0.9)]
    found["even field"] = float(np.max(even_responses))
    for center in CENTRES:
        kernel = _kernel(center, int(60 * center) + 1)
        frequency, gain = _peak(kernel, center)
        crossing = _zero_crossing(kernel, center)
        found[f"center {center:g}"] = {"zero": crossing, "frequency": frequency, "gain": gain}
    image = np.random.default_rng(0).random((32, 32))
    still = Retina((32, 32), tau_adaptation=None, tau_sustained=0.0)
    on, off = still(image)
    signal = still.contrast(still.receptors(image, still.background))
    found["halves"] = float(np.abs(on - off - signal).max())
    found["least half"] = float(min(on.min(), off.min()))
    found["adapted"] = [_after_step(background) for background in BACKGROUNDS]
    found["courses"] = _courses()
    return found


def _after_step(background: float) -> float:
    """Photoreceptors' response to twice the background to which they have adapted."""
    retina = Retina((1, 1), dt=50.0, semisaturation=0.0, background=0.0)
    for _ in range(400):
        retina(np.full((1, 1), background))
    adaptation = retina.get_state()["adaptation"]
    return float(retina.receptors(np.array([[[2 * background]]]), adaptation).item())


def _courses() -> dict[str, Any]:
    """Sustained and transient ON cells at the bright side of an edge that appears."""
    edge = np.full((32, 32), 0.5)
    edge[:, 16:] = 1.0
    options: dict[str, Any] = {"dt": DT, "tau_adaptation": None, "tau_transient": TAU}
    retina = Retina((32, 32), mode="both", tau_sustained=15.0, **options)
    frames = np.array([retina(edge)[[0, 2], 16, 16] for _ in range(120)])
    drive = float(retina.contrast(retina.receptors(edge, retina.background))[16, 16])
    expected = drive * np.exp(-(np.arange(120) + 1) * DT / TAU)
    return {
        "sustained": frames[:, 0].tolist(),
        "transient": frames[:, 1].tolist(),
        "drive": drive,
        "off decay": float(np.abs(frames[:, 1] - expected).max()),
    }


def claim_retina(result: dict[str, Any]) -> list[Claim]:
    """Against the closed forms of a balanced difference of Gaussians with ratio 1.6."""
    ratio = 1.6
    zero = np.sqrt(4 * ratio**2 * np.log(ratio) / (ratio**2 - 1))
    peak = np.sqrt(np.log(ratio**2) / (2 * np.pi**2 * (ratio**2 - 1)))
    gain = np.exp(-2 * (np.pi * peak) ** 2) - np.exp(-2 * (np.pi * ratio * peak) ** 2)
    rows = [below("Even fields: largest response", result["even field"], 1e-10)]
    for center, share in zip(CENTRES, (0.05, 0.01), strict=True):
        one, name = result[f"center {center:g}"], f"centre of {center:g} px"
        text = f"Zero crossing of the kernel in centres, {name}"
        rows.append(near(text, one["zero"], float(zero), share))
        text = f"Preferred frequency, cycles a centre, {name}"
        rows.append(near(text, one["frequency"], float(peak), share))
        rows.append(near(f"Gain there, {name}", one["gain"], float(gain), share))
    measured, least = result["halves"], result["least half"]
    passed = measured == 0 and least >= 0
    text = "ON - OFF less centre-surround; smallest half, random picture"
    rows.append(Claim(text, "0; >= 0", f"{measured:g}; {least:g}", passed))
    off = max(abs(one - 2 / 3) for one in result["adapted"])
    text = "Step to twice a background of 1, 10, 100: receptors' response less 2/3"
    rows.append(below(text, off, 1e-3))
    courses = result["courses"]
    text = "Transient cell after a step: largest distance from exp(-t / tau)"
    rows.append(below(text, courses["off decay"], 1e-6))
    rest = abs(courses["sustained"][-1] - courses["drive"])
    rows.append(
        below("Sustained cell after a step: distance from the drive at the end", rest, 1e-6)
    )
    return rows


def draw_retina(result: dict[str, Any], folder: Path) -> list[Path]:
    """A glyph and what ON and OFF cells make of it; courses after a step."""
    figure, axes = new_figure(4, width=9.2, height=2.5)
    picture = 0.5 + 0.4 * draw_glyph(glyph_strokes(3)[2], (64, 64), half=20, width=5)
    on, off = Retina((64, 64), tau_adaptation=None, tau_sustained=0.0)(picture)
    shown = ((picture, "luminance", 1.0), (on, "ON", None), (off, "OFF", None))
    for axis, (values, title, high) in zip(axes[:3], shown, strict=True):
        axis.imshow(values, cmap="gray", vmin=0, vmax=high)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    courses = result["courses"]
    time = np.arange(len(courses["sustained"])) * DT
    for i, name in enumerate(("sustained", "transient")):
        axes[3].plot(time, courses[name], color=COLORS[i], label=name)
    axes[3].set_xlabel("ms after an edge appeared")
    axes[3].set_ylabel("ON cell beside it")
    axes[3].legend(frameon=False, fontsize=8)
    return [save(figure, folder / "retina.png")]


RETINA = Experiment(
    "retina",
    "Retina: balanced centre and surround, adaptation, two time courses",
    measure_retina,
    claim_retina,
    draw_retina,
    {"centres": CENTRES, "backgrounds": BACKGROUNDS, "dt": DT, "tau": TAU},
)

# -- log-polar fovea ---------------------------------------------------------------------------

RADIUS, ANGLES, RADII, SIDE = 64.0, 72, 48, 129
SHIFTS = (3, 6)


def _pattern(scale: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """A pattern on a ring, enlarged and turned about the middle, (129, 129) in [0, 1]."""
    place = np.arange(SIDE) - SIDE // 2
    x, y = np.meshgrid(place, place)
    distance = np.maximum(np.hypot(x, y), 1e-9) / scale
    angle = np.arctan2(y, x) - turn
    ring = np.exp(-((np.log(distance) - np.log(16.0)) ** 2) / (2 * 0.35**2))
    return ring * (2 + np.cos(3 * angle) + 0.7 * np.cos(5 * angle + 1.0)) / 3.7


def measure_log_polar(quick: bool) -> dict[str, Any]:
    """Correlations of what is seen of transformed patterns with the shifted original."""
    del quick
    eye = LogPolar((SIDE, SIDE), ANGLES, RADII, radius=RADIUS)
    original = eye(_pattern())
    found = {}
    for k in SHIFTS:
        larger = eye(_pattern(scale=RADIUS ** (k / RADII)))
        turned = eye(_pattern(turn=2 * np.pi * k / ANGLES))
        found[f"{k} columns"] = _correlation(larger[:, k:], original[:, :-k])
        found[f"{k} rows"] = _correlation(turned, np.roll(original, k, axis=0))
        found[f"{k} rows, not shifted"] = _correlation(turned, original)
    return found


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def claim_log_polar(result: dict[str, Any]) -> list[Claim]:
    """Size and turn become shifts."""
    rows = []
    for k in SHIFTS:
        text = f"Enlarged by R^({k}/W): correlation with the original, {k} columns on"
        rows.append(above(text, result[f"{k} columns"], 0.99))
        text = f"Turned by {360 * k / ANGLES:g} degrees: correlation, {k} rows on"
        rows.append(above(text, result[f"{k} rows"], 0.99))
    return rows


def draw_log_polar(result: dict[str, Any], folder: Path) -> list[Path]:
    """The pattern, larger, turned; and the same through the fovea."""
    del result
    figure, axes = new_figure(3, rows=2, width=6.2, height=4.2)
    eye = LogPolar((SIDE, SIDE), ANGLES, RADII, radius=RADIUS)
    views = (
        ("original", _pattern()),
        ("1.7 times as large", _pattern(scale=1.7)),
        ("turned by 60 degrees", _pattern(turn=np.pi / 3)),
    )
    for i, (title, picture) in enumerate(views):
        axes[i].imshow(picture, cmap="gray", vmin=0, vmax=1)
        axes[i].set_title(title, fontsize=9)
        axes[3 + i].imshow(eye(picture), cmap="gray", vmin=0, vmax=1, aspect="auto")
        axes[3 + i].set_xlabel("log radius", fontsize=8)
    axes[3].set_ylabel("angle", fontsize=8)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    return [save(figure, folder / "log-polar.png")]


LOG_POLAR = Experiment(
    "log-polar",
    "Log-polar fovea: size and turn become shifts",
    measure_log_polar,
    claim_log_polar,
    draw_log_polar,
    {"radius": RADIUS, "angles": ANGLES, "radii": RADII, "shifts": SHIFTS},
)
