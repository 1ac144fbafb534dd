"""Pictures and sounds for sensory tasks, computed from a few numbers each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Luminance of an empty field of gratings.
GREY = 0.5


def grating(
    size: int, orientation: Any, phase: Any, contrast: Any, frequency: float = 1 / 6
) -> Array:
    """Sinusoidal gratings (..., size, size) around grey, luminance in [0, 1].

    Args:
        size: rows and columns.
        orientation: direction in which luminance alternates, in radians; broadcast with the next.
        phase: at the middle, in radians.
        contrast: 0 to 1.
        frequency: cycles per pixel.
    """
    place = np.arange(size) - (size - 1) / 2
    orientation, phase, contrast = (
        np.asarray(one, dtype=np.float64)[..., None, None] for one in (orientation, phase, contrast)
    )
    along = np.cos(orientation) * place + np.sin(orientation) * place[:, None]
    return GREY * (1.0 + contrast * np.cos(2 * np.pi * frequency * along + phase))


def glyph_strokes(n: int, seed: int = 0, strokes: int = 4) -> Array:
    """Random glyphs (n, strokes, 2, 2): ends of connected strokes, as (x, y) within [-1, 1].

    Each stroke begins where the last one ended or, now and then, elsewhere on a 3 x 3 lattice, and
    ends on another place of it; no two glyphs are alike but for place and size.
    """
    random = np.random.default_rng(seed)
    lattice = np.array([(x, y) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)])
    found: list[Array] = []
    kinds: set[bytes] = set()
    while len(found) < n:
        at = int(random.integers(len(lattice)))
        lines = []
        for _ in range(strokes):
            if random.random() < 0.3:
                at = int(random.integers(len(lattice)))
            to = int(random.choice([one for one in range(len(lattice)) if one != at]))
            lines.append((min(at, to), max(at, to)))
            at = to
        glyph = lattice[np.array(lines)]
        kind = _shape_of(glyph)
        if len({*lines}) == strokes and kind not in kinds:
            kinds.add(kind)
            found.append(glyph)
    return np.stack(found)


def _shape_of(glyph: Array) -> bytes:
    """The same for glyphs that shifting and scaling make the same."""
    moved = glyph - glyph.min(axis=(0, 1))
    moved = np.round(moved / moved.max(), 6).tolist()
    return np.array(sorted(sorted(map(tuple, line)) for line in moved)).tobytes()


def draw_glyph(
    strokes: Array,
    shape: tuple[int, int],
    *,
    half: float,
    shift: Sequence[float] = (0.0, 0.0),
    width: float = 2.0,
) -> Array:
    """A glyph as a picture (rows, columns): 1 on its strokes, 0 elsewhere, soft edges.

    Args:
        strokes: (strokes, 2, 2) as of ``glyph_strokes``.
        shape: rows and columns.
        half: half of its side in pixels.
        shift: of its middle from that of the picture, (rows, columns) in pixels.
        width: of the strokes in pixels.
    """
    rows, columns = shape
    y = np.arange(rows)[:, None] - (rows - 1) / 2 - shift[0]
    x = np.arange(columns) - (columns - 1) / 2 - shift[1]
    nearest = np.full(shape, np.inf)
    for start, end in half * np.asarray(strokes):
        along = end - start
        share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along)
        share = share.clip(0.0, 1.0)
        apart = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
        nearest = np.minimum(nearest, apart)
    return (0.5 + width / 2 - nearest).clip(0.0, 1.0)


def tone(fs: float, samples: int, frequency: float, *, phase: float = 0.0, ramp: int = 40) -> Array:
    """A pure tone (samples,) of amplitude .5; it begins and ends softly, in ``ramp`` samples."""
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(samples) / fs + phase)
    edge = np.sin(0.5 * np.pi * (np.arange(ramp) + 0.5) / ramp) ** 2
    wave[:ramp] *= edge
    wave[samples - ramp :] *= edge[::-1]
    return wave


def noise_burst(random: np.random.Generator, samples: int, amplitude: float = 0.5) -> Array:
    """A click (samples,): evenly distributed noise that dies away, its mean 0."""
    burst = random.uniform(-amplitude, amplitude, samples) * np.exp(
        -4 * np.arange(samples) / samples
    )
    return burst - burst.mean()
