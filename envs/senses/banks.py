"""Few stimuli, each sensed once: what tasks show is looked up.

A task draws numbers of stimuli; what each looks like, or what a sensor makes of it, is computed
when it is first shown and kept for all tasks with the same stimuli.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from .cochlea import Cochlea, centre_frequencies
from .hmax import BANDS, C1, HMAX, draw_templates
from .retina import Retina
from .stimuli import GREY, draw_glyph, glyph_strokes, grating, noise_burst, tone

Array = npt.NDArray[Any]

IMAGE_SENSORS = ("retina", "c1", "c2")
SOUND_SENSORS = ("cochlea",)
#: Templates of C2 and the side of each in C1 cells; a picture must be so large for them.
TEMPLATES, TEMPLATE_SIZE = 60, 4
SMALLEST = 16
#: A task's pictures have no more pixels than this together: they are kept in memory.
MOST_PIXELS = 2**25
SMALLEST_C2 = BANDS[0].pool + (TEMPLATE_SIZE - 1) * BANDS[0].step
_SEED = 7


@dataclass(frozen=True)
class Bank:
    """Stimuli as rows of numbers.

    Attributes:
        rows: (S, d) float32 what is shown of each stimulus.
        labels: (S,) int64 which class it belongs to, all classes equally often, in order.
        blank: (d,) float32 what is shown when nothing is.
    """

    rows: Array
    labels: Array
    blank: Array

    @property
    def per_class(self) -> int:
        return len(self.labels) // (int(self.labels[-1]) + 1)


@dataclass(frozen=True)
class Pictures:
    """Which pictures a task shows. Equal ones share what has been computed.

    Args:
        kind: "gratings" or "glyphs".
        n: number of classes.
        size: rows and columns.
        variants: gratings: phases, evenly spaced; glyphs: places along each side of a lattice.
        levels: gratings: contrasts; glyphs: sizes relative to the middle one.
        reach: glyphs: farthest shift in pixels.
    """

    kind: str
    n: int
    size: int
    variants: int
    levels: tuple[float, ...]
    reach: float = 0.0

    @property
    def background(self) -> float:
        """Luminance of nothing."""
        return GREY if self.kind == "gratings" else 0.0

    @property
    def pixels(self) -> int:
        """Of all pictures together."""
        places = self.variants if self.kind == "gratings" else self.variants**2
        return self.n * places * len(self.levels) * self.size**2

    def images(self) -> Array:
        """(S, size, size) float64, classes one behind another."""
        if self.kind == "gratings":
            orientation = np.pi * np.arange(self.n) / self.n
            phase = 2 * np.pi * np.arange(self.variants) / self.variants
            grid = np.meshgrid(orientation, phase, self.levels, indexing="ij")
            return grating(self.size, *grid).reshape(-1, self.size, self.size)
        steps = np.linspace(-self.reach, self.reach, self.variants) if self.variants > 1 else [0.0]
        shape, half = (self.size, self.size), 0.2 * self.size
        return np.stack(
            [
                draw_glyph(
                    strokes, shape, half=half * level, shift=(row, column), width=2.0 * level
                )
                for strokes in glyph_strokes(self.n)
                for row in steps
                for column in steps
                for level in self.levels
            ]
        )

    def sensor(self, name: str) -> Retina | C1 | HMAX:
        """The sensor of that name for these pictures."""
        shape, background = (self.size, self.size), self.background
        if name == "retina":
            # A still picture: no adaptation, nothing that changes in time.
            return Retina(shape, tau_adaptation=None, tau_sustained=0.0)
        bands = [n for n in (1, 2) if max(BANDS[n - 1].pool, BANDS[n - 1].sizes[1]) <= self.size]
        if name == "c1":
            return C1(shape, bands, background=background)
        known = self.images()
        every = max(1, len(known) // 64)
        templates = draw_templates(
            known[::every], TEMPLATES, [TEMPLATE_SIZE], bands=bands, background=background,
            seed=_SEED,
        )  # fmt: skip
        return HMAX(shape, templates, bands, background=background)

    def width(self, name: str | None) -> int:
        """Numbers that are shown of a picture."""
        if name is None:
            return self.size**2
        if name == "c2":
            return TEMPLATES
        return int(np.prod(self.sensor(name).output_shape))


@lru_cache(maxsize=32)
def picture_bank(pictures: Pictures, sensor: str | None) -> Bank:
    """All pictures, as pixels or as the sensor sees them."""
    images = pictures.images()
    labels = np.repeat(np.arange(pictures.n), len(images) // pictures.n)
    shown = np.concatenate([images, np.full((1, *images.shape[1:]), pictures.background)])
    if sensor is not None:
        organ = pictures.sensor(sensor)
        shown = np.concatenate(
            [organ(part) for part in np.array_split(shown, -(-len(shown) // 64))]
        )
    rows = shown.reshape(len(shown), -1).astype(np.float32)
    return Bank(rows[:-1], labels, rows[-1])


@dataclass(frozen=True)
class Sounds:
    """Which sounds a task plays; one step is ``chunk`` samples.

    Args:
        kind: "tones" or "clicks".
        n: number of classes.
        fs: sampling rate in Hz.
        chunk: samples of a step.
        on: steps with sound.
        steps: steps of the sound and the silence behind it.
        exemplars: sounds of each class: phases of tones, or noises that clicks are made of.
        snr_db: level of each tone over noise that is part of its exemplar; None for no noise.
    """

    kind: str
    n: int
    fs: float
    chunk: int
    on: int
    steps: int
    exemplars: int
    snr_db: float | None = None

    @property
    def cochlea(self) -> tuple[int, float, float]:
        """Channels of the ear, and its lowest and highest frequency in Hz."""
        return 2 * self.n if self.kind == "tones" else 8, 0.03 * self.fs, 0.4 * self.fs

    def frequencies(self) -> Array:
        """(n,) of the tones in Hz: centres of every second channel."""
        channels, low, high = self.cochlea
        return centre_frequencies(channels, low, high)[::2]

    def waves(self) -> Array:
        """(n * exemplars, steps * chunk) samples within [-1, 1], classes one behind another."""
        random = np.random.default_rng(_SEED)
        waves = np.zeros((self.n * self.exemplars, self.steps * self.chunk))
        on = self.on * self.chunk
        if self.kind == "clicks":
            burst = min(on, max(2, round(0.02 * self.fs)))
            for wave in waves:
                wave[:burst] = noise_burst(random, burst)
            return waves
        for row, wave in enumerate(waves):
            frequency, phase = (
                self.frequencies()[row // self.exemplars],
                random.uniform(0, 2 * np.pi),
            )
            wave[:on] = tone(self.fs, on, float(frequency), phase=phase, ramp=min(40, on // 2))
            if self.snr_db is not None:
                power = 0.125 * 10 ** (-self.snr_db / 10)
                wave[:on] += random.normal(0.0, np.sqrt(power), on)
        return waves.clip(-1.0, 1.0)

    def sensor(self) -> Cochlea:
        return _cochlea(self.fs, self.chunk, *self.cochlea)

    def width(self, name: str | None) -> int:
        """Numbers that are shown of a step."""
        return self.chunk if name is None else self.cochlea[0]


_cochlea = cache(Cochlea)


@lru_cache(maxsize=32)
def sound_bank(sounds: Sounds, sensor: str | None) -> Bank:
    """All sounds (S, steps, d), as samples or as the ear hears them when each begins in silence."""
    waves = sounds.waves()
    chunks = waves.reshape(len(waves), sounds.steps, sounds.chunk)
    labels = np.repeat(np.arange(sounds.n), sounds.exemplars)
    if sensor is not None:
        ear = sounds.sensor()
        ear.reset()
        chunks = np.stack([ear(chunks[:, step]) for step in range(sounds.steps)], axis=1)
        ear.reset()
    rows = chunks.astype(np.float32)
    return Bank(rows, labels, np.zeros(rows.shape[2], dtype=np.float32))


class Nearest:
    """Tells which of the known stimuli an observation is: the nearest one."""

    def __init__(self, rows: Array, labels: Array) -> None:
        """Remember ``rows`` (S, d) with ``labels`` (S,)."""
        self._rows = rows.astype(np.float64)
        self._labels = labels
        self._half = 0.5 * (self._rows**2).sum(axis=1)

    def __call__(self, shown: Array) -> Array:
        """(n,) labels of what is shown, (n, d)."""
        return self._labels[(shown.astype(np.float64) @ self._rows.T - self._half).argmax(axis=1)]


class Reading(Policy):
    """A policy on symbols, behind eyes or ears that turn observations into symbols."""

    def __init__(self, policy: Policy, read: Callable[[Array], Array]) -> None:
        """Make the policy; ``read`` maps observations (n, d) to those that ``policy`` knows."""
        self._policy, self._read = policy, read

    def begin(self, n: int) -> State:
        return self._policy.begin(n)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        return self._policy.act(self._read(obs), state)
