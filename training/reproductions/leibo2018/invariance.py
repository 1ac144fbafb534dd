"""C2 responses to glyphs that move and change size; pooling over a whole orbit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....envs.senses import HMAX, draw_templates
from ....envs.senses.stimuli import draw_glyph, glyph_strokes
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .rows import above, below

SIDE, HALF, WIDTH = 96, 14.0, 3.0
BANDS = tuple(range(1, 9))
SETS, GLYPHS, OTHERS, TEMPLATES = 5, 8, 20, 60
SIZES = (4, 8)
SHIFTS = (0, 4, 8, 16, 24)
SCALES = (0.6, 0.71, 0.8, 1.0, 1.25, 1.41, 1.7)
WITHIN = (0.71, 0.8, 1.25, 1.41)


def _pictures(strokes: np.ndarray, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    shape, place = (SIDE, SIDE), (0.0, shift)
    return np.stack(
        [
            draw_glyph(one, shape, half=HALF * scale, shift=place, width=WIDTH * scale)
            for one in strokes
        ]
    )


def measure(quick: bool) -> dict[str, Any]:
    """Nearest neighbours and correlations under shifts and scales, mean over sets of glyphs."""
    sets = [
        _measure_set(seed, BANDS[:4] if quick else BANDS) for seed in range(1 if quick else SETS)
    ]
    found: dict[str, Any] = {
        name: {key: np.mean([one[name][key] for one in sets], axis=0).tolist() for key in values}
        for name, values in sets[0].items()
    }
    return found | {"sets": len(sets), "orbit": _orbit()}


def _measure_set(seed: int, bands: tuple[int, ...]) -> dict[str, Any]:
    """The same for one set, templates of C2 from other glyphs, whole and with shuffled entries."""
    glyphs, other = np.split(glyph_strokes(GLYPHS + OTHERS, seed=seed), [GLYPHS])
    templates = draw_templates(
        _pictures(other), TEMPLATES, SIZES, bands=bands, background=0.0, seed=seed
    )
    random = np.random.default_rng(seed)
    shuffled = [random.permuted(one.reshape(len(one), -1), axis=1).reshape(one.shape)
                for one in templates]  # fmt: skip
    shape = (SIDE, SIDE)
    eyes = {
        "C2": HMAX(shape, templates, bands, background=0.0),
        "C2, shuffled templates": HMAX(shape, shuffled, bands, background=0.0),
    }
    known = _seen(eyes, _pictures(glyphs))
    found: dict[str, Any] = {name: {"shift": [], "scale": []} for name in known}
    for shift in SHIFTS:
        _note(found, "shift", _seen(eyes, _pictures(glyphs, shift=shift)), known)
    for scale in SCALES:
        _note(found, "scale", _seen(eyes, _pictures(glyphs, scale=scale)), known)
    for name, values in known.items():
        pairs = np.triu_indices(GLYPHS, 1)
        apart = np.linalg.norm(values[:, None] - values, axis=2)[pairs]
        found[name]["distance"] = float(apart.mean())
    return found


def _seen(eyes: dict[str, HMAX], pictures: np.ndarray) -> dict[str, np.ndarray]:
    seen = {name: eye(pictures) for name, eye in eyes.items()}
    return seen | {"pixels": pictures.reshape(len(pictures), -1)}


def _note(found: dict[str, Any], change: str, seen: dict[str, np.ndarray], known: Any) -> None:
    """Add accuracy of the nearest neighbour, and mean correlation with the original."""
    for name, values in seen.items():
        distance = ((values[:, None] - known[name]) ** 2).sum(axis=2)
        right = float((distance.argmin(axis=1) == np.arange(GLYPHS)).mean())
        pairs = zip(values, known[name], strict=True)
        alike = [float(np.corrcoef(new, old)[0, 1]) for new, old in pairs]
        found[name][change].append([right, float(np.mean(alike))])


def _orbit() -> float:
    """Largest change of pooled responses when a ring of 60 numbers is turned."""
    random = np.random.default_rng(0)
    signal, templates = random.normal(size=60), random.normal(size=(10, 60))
    turned = np.stack([np.roll(templates, k, axis=1) for k in range(60)])

    def pooled(values: np.ndarray) -> np.ndarray:
        inner = turned @ values
        return np.concatenate([np.maximum(inner, 0).mean(axis=0), inner.max(axis=0)])

    changes = [np.abs(pooled(np.roll(signal, k)) - pooled(signal)).max() for k in range(60)]
    return float(max(changes))


def claims(result: dict[str, Any]) -> list[Claim]:
    """Tolerance to place and size; what templates are for."""
    c2, pixels = result["C2"], result["pixels"]
    at = SHIFTS.index(16)
    (right, alike), (plain, apart) = c2["shift"][at], pixels["shift"][at]
    rows = [
        Claim(
            f"{GLYPHS} glyphs moved by 16 of {SIDE} px, nearest original, mean of {result['sets']} "
            "sets: C2; pixels",
            ">= 0.9; <= 0.4",
            f"{right:.3g}; {plain:.3g} (correlations {alike:.2f}; {apart:.2f})",
            right >= 0.9 and plain <= 0.4,
        )
    ]
    within = [(scale, SCALES.index(scale)) for scale in WITHIN]
    least = min(c2["scale"][one][0] for _, one in within)
    higher = min(c2["scale"][one][1] - pixels["scale"][one][1] for _, one in within)
    each = ", ".join(f"{scale:g}: {c2['scale'][one][0]:.3g}" for scale, one in within)
    text = "Scales 0.71 to 1.41: accuracy of C2"
    rows.append(Claim(text, ">= 0.9 at each", each, least >= 0.9))
    text = "... correlation with the original, C2 less pixels, least"
    rows.append(above(text, higher, 0.0))
    shuffled = result["C2, shuffled templates"]
    text = "Templates with shuffled entries: distance between glyphs, share of the whole ones'"
    rows.append(below(text, shuffled["distance"] / c2["distance"], 1 / 3))
    text = "... still invariant: correlation at a shift of 16 px"
    rows.append(above(text, shuffled["shift"][at][1], 0.9))
    rows.append(below("Pooling over all turns of a ring: largest change", result["orbit"], 1e-12))
    return rows


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Glyphs, and accuracy and correlation against shift and scale."""
    figure, axes = new_figure(3, width=9.6, height=2.9)
    glyphs = glyph_strokes(GLYPHS + OTHERS)[:GLYPHS]
    middle = slice(24, 72)
    rows = _pictures(glyphs)[:, middle, middle].reshape(2, 4, 48, 48)
    axes[0].imshow(np.vstack([np.hstack(list(row)) for row in rows]), cmap="gray")
    axes[0].set_title("the glyphs", fontsize=9)
    axes[0].set_axis_off()
    for axis, change, values in ((axes[1], "shift", SHIFTS), (axes[2], "scale", SCALES)):
        for i, name in enumerate(("C2", "pixels")):
            course = np.array(result[name][change])
            axis.plot(values, course[:, 0], "o-", color=COLORS[i], ms=4, label=f"{name}, right")
            axis.plot(values, course[:, 1], "s:", color=COLORS[i], ms=3, mfc="white",
                      label=f"{name}, correlation")  # fmt: skip
        axis.axhline(1 / GLYPHS, **AXIS)
        axis.set_ylim(-0.1, 1.08)
    axes[1].set_xlabel("shift (px)")
    axes[2].set_xlabel("size / original")
    axes[1].set_ylabel("nearest original; correlation")
    axes[1].legend(frameon=False, fontsize=7, loc="center right")
    return [save(figure, folder / "invariance.png")]


INVARIANCE = Experiment(
    "invariance",
    "C2 responses tolerate place and size",
    measure,
    claims,
    draw,
    {"side": SIDE, "half": HALF, "bands": BANDS, "templates": TEMPLATES, "shifts": SHIFTS,
     "scales": SCALES, "sizes": SIZES, "glyphs": GLYPHS, "sets": SETS},
)  # fmt: skip
