"""Delayed match to sample with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int, check_number, check_one_of
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.table import Trials
from ..core.task import Channel
from ..senses.banks import (
    IMAGE_SENSORS,
    MOST_PIXELS,
    SMALLEST,
    SMALLEST_C2,
    Bank,
    Nearest,
    Pictures,
    Reading,
    picture_bank,
)
from ..working_memory.delayed_match import DelayedMatch
from ..working_memory.match_observer import MatchObserver

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class VisualDelayedMatch(DelayedMatch):
    """Hold a picture in mind over a delay and say whether the next one shows the same thing.

    Timeline: fixation -> sample -> delay (an empty field) -> decision (test shown). What counts is
    the orientation of a grating, or which glyph it is. Phase and contrast of each grating, place
    and size of each glyph are drawn anew at every presentation, so sample and test hardly ever
    are the same pixels.

    Defaults: dt 100 ms, fixation 100 ms, sample 200 ms, delay 300 to 500 ms, decision 200 ms; 4
    orientations, 16 phases, 4 contrasts, 32 x 32 pixels.

    =====================  =========  ============================================================
    Observation            Range      Meaning
    =====================  =========  ============================================================
    ``pixel_0_0``, ...     0 to 1     luminance, rows from above one after the other; an empty
                                      field is grey (.5) among gratings and black (0) among glyphs
    ``sense_0``, ...       0 to 1     with a ``sensor``, its responses in place of the pixels
    ``fixation``           0, 1       1 until the decision period: withhold
    =====================  =========  ============================================================

    Actions: 0 withhold, 1 "match" (the rule holds), 2 "non-match".

    Reward: ``correct`` (1) or ``error`` (0) for the first answer in the decision period;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the onset of the test, NaN without an answer), ``condition`` (2 * sample + is_match),
    ``sample``, ``test`` (orientations or glyphs), ``is_match`` (the rule holds),
    ``fixation_break``, ``delay_ms``.

    Score: share of correct trials. Yardsticks: chance .5 (a constant answer); memoryless from the
    distribution of pairs given the test (.5); optimum 1, reached by a nearest neighbour among all
    pictures, seen as the sensor shows them: those of different classes never look alike. One that
    compares the pixels of sample and test is at chance.

    Args:
        rule, n_stim, fixation, sample, delay, decision, n_distractors, abort: as in
            ``caudate/DelayedMatch-v0``; ``n_stim`` orientations evenly spaced, or glyphs.
        sigma: must be 0 here; ``ObservationNoise`` makes pixels noisy.
        stimuli: "gratings" (6 pixels a cycle) or "glyphs" (four random strokes, drawn once and for
            all).
        size: rows and columns, 16 to 64.
        phases: of gratings, evenly spaced.
        contrasts: of gratings, .05 to 1.
        positions: places of glyphs along each side of a lattice.
        jitter: farthest shift of a glyph from the middle in pixels.
        scales: sizes of glyphs, 1 for .4 of the picture's side.
        sensor: None (pixels), "retina" (ON and OFF cells of a still picture), "c1" (complex cells
            of the first two bands) or "c2" (60 templates); the last two need the extra ``senses``.

    The task of Fuster and Alexander 1971 (doi:10.1126/science.173.3997.652) with stimuli that take
    a visual system: Riesenhuber and Poggio 1999 (doi:10.1038/14819); Leibo and Poggio 2018 (in
    Living Machines, Oxford University Press, ISBN 9780199674923).

    Versions: v0, first release. ``VisualDelayedMatch-C1-v0``: seen by complex cells.
    ``VisualDelayedMatch-Glyphs-v0``: 4 glyphs. ``VisualDelayedMatch-GlyphsC2-v0``: these seen by
    C2 cells.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/VisualDelayedMatch-v0", size=16)
    >>> obs, info = env.reset(seed=0)
    >>> obs[:-1].reshape(16, 16).max(), obs[-1]
    (np.float32(0.5), np.float32(1.0))
    """

    delay: Any = (300.0, 500.0)
    n_stim: int = 4
    stimuli: str = "gratings"
    size: int = 32
    phases: int = 16
    contrasts: Sequence[float] = (0.25, 0.5, 0.75, 1.0)
    positions: int = 5
    jitter: float = 6.0
    scales: Sequence[float] = (0.71, 1.0, 1.41)
    sensor: str | None = None

    name: ClassVar[str] = "VisualDelayedMatch"
    family: ClassVar[str] = "other"
    measures = "accuracy with a sensor and without, generalisation over phase, contrast and place"

    def prepare(self) -> None:
        self.stimuli = check_one_of("stimuli", self.stimuli, ("gratings", "glyphs"))
        self.phases = check_int("phases", self.phases, 1, 64)
        self.positions = check_int("positions", self.positions, 1, 33)
        self.sensor, self.size = check_seen(self.sensor, self.size)
        self.contrasts = check_levels("contrasts", self.contrasts, 0.05, 1.0)
        self.scales = check_levels("scales", self.scales, 0.2, 2.0)
        self.jitter = check_number("jitter", self.jitter, low=0.0, high=self.size / 2)
        if check_number("sigma", self.sigma, low=0.0):
            raise TaskError(
                f"sigma={self.sigma!r} is not 0, as it must be here; wrap the environment in "
                "ObservationNoise for noisy pixels."
            )
        super().prepare()
        self.check_fits("pixels in all pictures", self.pictures.pixels, MOST_PIXELS)

    @cached_property
    def pictures(self) -> Pictures:
        """What is shown."""
        if self.stimuli == "gratings":
            levels = tuple(self.contrasts)
            return Pictures("gratings", self.n_stim, self.size, self.phases, levels)
        levels = tuple(self.scales)
        return Pictures("glyphs", self.n_stim, self.size, self.positions, levels, self.jitter)

    @property
    def bank(self) -> Bank:
        """All pictures as they are shown, computed when first asked for."""
        return picture_bank(self.pictures, self.sensor)

    def _set_channels(self) -> None:
        self._cue = self.pictures.width(self.sensor)
        self.frame = None if self.sensor else (self.size, self.size)
        self.channels = (*seen_channels(self.frame, self._cue), Channel("fixation"))

    def draw(self, draws: Draws, trials: Trials) -> None:
        trials.patterns[:, :, : self._cue] = self.bank.blank
        super().draw(draws, trials)

    def _show(self, draws: Draws, patterns: Array, where: tuple[Any, Any], stimuli: Array) -> None:
        bank = self.bank
        which = stimuli * bank.per_class + draws.integers(bank.per_class, *stimuli.shape[1:])
        patterns[(*where, slice(self._cue))] = bank.rows[which]

    def oracle(self) -> Policy:
        bank, width = self.bank, self._cue
        # An empty field is a stimulus of its own.
        nearest = Nearest(np.vstack([bank.rows, bank.blank]), np.append(bank.labels, self.n_stim))
        symbols = np.eye(self.n_stim + 1)[:, : self.n_stim]

        def read(obs: Array) -> Array:
            shown = symbols[nearest(obs[:, :width])]
            return np.concatenate([obs[:, width : width + 1], shown], axis=1)

        return Reading(MatchObserver(self), read)


def check_seen(sensor: Any, size: Any) -> tuple[str | None, int]:
    """Sensor and side of a picture; TaskError unless they go together."""
    if sensor is not None:
        sensor = check_one_of("sensor", sensor, IMAGE_SENSORS)
    size = check_int("size", size, SMALLEST, 64)
    if sensor == "c2" and size < SMALLEST_C2:
        raise TaskError(
            f"size={size} is too small for sensor='c2'; use pictures of {SMALLEST_C2} pixels or "
            "more."
        )
    return sensor, size


def check_levels(name: str, values: Any, low: float, high: float) -> tuple[float, ...]:
    """Different numbers within bounds as a tuple; TaskError if they are not such."""
    given = values if isinstance(values, (list, tuple)) else ()
    checked = tuple(check_number(name, one, low=low, high=high) for one in given)
    if not checked or len({*checked}) < len(checked):
        raise TaskError(f"{name}={values!r} is no list of different numbers; pass such one.")
    return checked


def seen_channels(frame: tuple[int, int] | None, width: int) -> list[Channel]:
    """Channels of a picture, or of what a sensor makes of it."""
    if frame is None:
        return [Channel(f"sense_{i}") for i in range(width)]
    return [
        Channel(f"pixel_{row}_{column}") for row in range(frame[0]) for column in range(frame[1])
    ]


register(VisualDelayedMatch)
register(VisualDelayedMatch, "C1", sensor="c1")
register(VisualDelayedMatch, "Glyphs", stimuli="glyphs")
register(VisualDelayedMatch, "GlyphsC2", stimuli="glyphs", sensor="c2")
