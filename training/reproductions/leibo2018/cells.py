"""Simple and complex cells: the bank, contrast, phase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....envs.senses import BANDS, C1, gabor_bank
from ....envs.senses.stimuli import GREY, grating
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .rows import above, below

SIZE, FREQUENCY = 64, 1 / 6
SHOWN_BANDS = (1, 2, 3, 4)
PHASES = np.arange(0, 181, 15)
ANGLES = np.arange(0, 180, 15)


def _formula(size: int, sigma: float, wavelength: float) -> np.ndarray:
    """The bank by the formula of Serre and others (2007), equation 1."""
    place = np.arange(size) - size // 2
    x, y = np.meshgrid(place, place)
    inside = np.hypot(x, y) <= size / 2
    bank = []
    for theta in np.pi * np.arange(4) / 4:
        along, across = x * np.cos(theta) + y * np.sin(theta), y * np.cos(theta) - x * np.sin(theta)
        field = np.exp(-(along**2 + 0.09 * across**2) / (2 * sigma**2))
        field = field * np.cos(2 * np.pi * along / wavelength) * inside
        field = (field - field[inside].mean()) * inside
        bank.append(field / np.linalg.norm(field))
    return np.stack(bank)


def measure_cells(quick: bool) -> dict[str, Any]:
    """Bank against formula; selectivity, contrast, phase."""
    del quick
    means, norms, apart = [], [], []
    for band in BANDS:
        for size, sigma, wavelength in zip(*band[:3], strict=True):
            bank = gabor_bank(size, sigma, wavelength)
            means.append(float(np.abs(bank.sum(axis=(1, 2))).max()))
            norms.append(float(np.abs((bank**2).sum(axis=(1, 2)) - 1).max()))
            apart.append(float(np.abs(bank - _formula(size, sigma, wavelength)).max()))
    cells = C1((SIZE, SIZE), SHOWN_BANDS)
    found: dict[str, Any] = {"mean": max(means), "norm": max(norms), "formula": max(apart)}
    weak, strong = (grating(SIZE, 0.0, 0.3, contrast, FREQUENCY) for contrast in (0.1, 1.0))
    pair = [cells.simple(picture[None]) for picture in (weak, strong)]
    inside = slice(16, -16)
    found["contrast"] = max(
        float(np.abs(a - b).max())
        for one, other in zip(*pair, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    tuning = []
    for angle in ANGLES:
        picture = grating(SIZE, np.deg2rad(angle), 0.0, 1.0, FREQUENCY)
        seen = cells.simple(picture[None])[1][0]  # wavelength 5.6 px, the nearest to 6
        tuning.append([float(one[inside, inside].max()) for one in seen[0]])
    found["tuning"] = tuning
    return found | _phases(cells)


def _phases(cells: C1) -> dict[str, Any]:
    """Correlations with the grating at phase 0, and nearest neighbours among orientations."""
    angles = np.pi * np.arange(4) / 4
    known = grating(SIZE, angles, 0.0, 1.0, FREQUENCY)
    features = cells(known)
    course: dict[str, list[float]] = {"C1": [], "pixels": []}
    right: dict[str, list[float]] = {"C1": [], "pixels": []}
    for degrees in PHASES:
        pictures = grating(SIZE, angles, np.deg2rad(degrees), 1.0, FREQUENCY)
        seen = {"C1": (cells(pictures), features), "pixels": (pictures - GREY, known - GREY)}
        for name, (new, old) in seen.items():
            new, old = new.reshape(4, -1), old.reshape(4, -1)
            course[name].append(float(np.corrcoef(new[0], old[0])[0, 1]))
            distance = ((new[:, None] - old) ** 2).sum(axis=2)
            right[name].append(float((distance.argmin(axis=1) == np.arange(4)).mean()))
    return {"correlation": course, "right": right}


def claim_cells(result: dict[str, Any]) -> list[Claim]:
    """Invariances that pooling and normalisation give."""
    rows = [
        below("Filters of 8 bands: largest mean", result["mean"], 1e-12),
        below("... largest distance of the norm from 1", result["norm"], 1e-12),
        below("... largest distance from the formula with the table's values", result["formula"],
              1e-12),
        below("Simple cells at contrast 0.1 and 1: largest difference", result["contrast"], 1e-6),
    ]  # fmt: skip
    tuning = np.array(result["tuning"])[[0, 3, 6, 9]]  # 0, 45, 90, 135 degrees
    own = np.diag(tuning)
    others = (tuning - np.diag(own)).max()
    text = "Simple cells, gratings of four orientations: least own, largest other response"
    measured, passed = f"{own.min():.2f}, {others:.2f}", own.min() > 0.6 and others < 0.15
    rows.append(Claim(text, "> 0.6, < 0.15", measured, passed))
    at = PHASES.tolist().index(90)
    rows.append(above("Phase moved by 90 degrees: correlation of C1",
                      result["correlation"]["C1"][at], 0.99))  # fmt: skip
    pixels = abs(result["correlation"]["pixels"][at])
    rows.append(below("... size of the correlation of pixels", pixels, 0.1))
    least = min(result["right"]["C1"])
    text = "Nearest neighbour among four orientations, worst phase: C1; pixels"
    worst = min(result["right"]["pixels"])
    rows.append(Claim(text, "1; <= 0.25", f"{least:g}; {worst:g}", least == 1 and worst <= 0.25))
    return rows


def draw_cells(result: dict[str, Any], folder: Path) -> list[Path]:
    """The bank, tuning to orientation, correlations against phase."""
    figure, axes = new_figure(3, width=9.6, height=2.9)
    rows = []
    for band in BANDS[:4]:
        bank = gabor_bank(band.sizes[0], band.sigmas[0], band.lambdas[0])
        tiles = []
        for field in bank:
            tile = np.zeros((21, 21))
            start = (21 - len(field)) // 2
            tile[start : start + len(field), start : start + len(field)] = field / field.max()
            tiles.append(tile)
        rows.append(np.hstack(tiles))
    axes[0].imshow(np.vstack(rows), cmap="gray", vmin=-1, vmax=1)
    axes[0].set_xticks([10 + 21 * i for i in range(4)], ["0", "45", "90", "135 deg"])
    axes[0].set_yticks([10 + 21 * i for i in range(4)], [f"band {i + 1}" for i in range(4)])
    tuning = np.array(result["tuning"])
    for i, name in enumerate(("0", "45", "90", "135")):
        axes[1].plot(ANGLES, tuning[:, i], "o-", color=COLORS[i], ms=3, label=f"{name} deg")
    axes[1].set_xlabel("orientation of the grating (deg)")
    axes[1].set_ylabel("simple cells' best response")
    axes[1].set_ylim(0, 1.3)
    axes[1].legend(frameon=False, fontsize=7, ncols=2, loc="upper center")
    for i, (name, course) in enumerate(result["correlation"].items()):
        axes[2].plot(PHASES, course, "o-", color=COLORS[i], ms=3, label=name)
    axes[2].set_xlabel("shift of phase (deg)")
    axes[2].set_ylabel("correlation with the original")
    axes[2].legend(frameon=False, fontsize=8)
    return [save(figure, folder / "cells.png")]


CELLS = Experiment(
    "cells",
    "Simple and complex cells: contrast and phase do not matter",
    measure_cells,
    claim_cells,
    draw_cells,
    {"size": SIZE, "frequency": FREQUENCY, "bands": SHOWN_BANDS},
)
