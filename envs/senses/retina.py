"""The retina: light adaptation, centre and surround, ON and OFF, sustained and transient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import check_number, check_one_of
from .base import Sensor, State, check_shape

Array = npt.NDArray[Any]

MODES = ("on_off", "transient", "both")


class Retina(Sensor):
    """Luminance in, activity of ON and OFF cells out.

    Each frame I (H, W) >= 0 passes through::

        r   = I^n / (I^n + (a + s0)^n)                        photoreceptors
        D   = G(center) * r - balance G(surround) * r          centre and surround
        y   = y + (1 - exp(-dt / tau_sustained)) (D - y)       sustained cells
        m   = m + (1 - exp(-dt / tau_transient)) (D - m)       transient cells: D - m
        a   = a + (1 - exp(-dt / tau_adaptation)) (I - a)      light adaptation

    and ON and OFF are the positive and the negative part. The frame is seen with the adaptation
    that it finds, so after adaptation to a background B a step to 2 B gives r = 2/3 whatever B is
    (with n = 1 and s0 = 0). Before the first frame a is ``background``, y and m are those of an
    even field, 0. Responses are within [0, 1]; with balance 1 none comes near 1, with less balance
    transients are cut off there.

    Output: (2, H, W) ON and OFF; in mode "both" (4, H, W), sustained before transient.

    Args:
        shape: rows and columns of a frame.
        dt: duration of a frame in ms.
        mode: "on_off" (sustained), "transient" or "both".
        center: standard deviation of the centre in pixels.
        ratio: that of the surround over it; 1.6 comes nearest to a Laplacian, cells have 3 to 6.
        balance: weight of the surround, 0 to 1; with 1 an even field gives no response.
        tau_adaptation: ms, None for none.
        tau_sustained: ms, 0 for none.
        tau_transient: ms.
        exponent: n.
        semisaturation: s0, in units of luminance.
        spread: standard deviation in pixels of the surroundings to which a pixel adapts; 0 for
            itself alone.
        background: luminance to which the retina is adapted at first.

    Rodieck 1965, doi:10.1016/0042-6989(65)90033-7 (difference of Gaussians); Naka and Rushton 1966,
    doi:10.1113/jphysiol.1966.sp008003; Enroth-Cugell and Robson 1966,
    doi:10.1113/jphysiol.1966.sp008107; ratio 1.6: Marr and Hildreth 1980,
    doi:10.1098/rspb.1980.0020.

    >>> retina = Retina((8, 8), dt=20.0)
    >>> retina(np.full((8, 8), 0.3)).shape, float(retina(np.full((8, 8), 0.3)).max()) < 1e-12
    ((2, 8, 8), True)
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        dt: float = 20.0,
        mode: str = "on_off",
        center: float = 1.0,
        ratio: float = 1.6,
        balance: float = 1.0,
        tau_adaptation: float | None = 500.0,
        tau_sustained: float = 15.0,
        tau_transient: float = 75.0,
        exponent: float = 1.0,
        semisaturation: float = 1e-3,
        spread: float = 0.0,
        background: float = 0.5,
    ) -> None:
        super().__init__()
        self.input_shape = check_shape(shape)
        self.mode = check_one_of("mode", mode, MODES)
        self.dt = check_number("dt", dt, low=1e-3)
        self.center = check_number("center", center, low=1e-3)
        self.ratio = check_number("ratio", ratio, low=1.0)
        self.balance = check_number("balance", balance, low=0.0, high=1.0)
        self.exponent = check_number("exponent", exponent, low=0.1, high=10.0)
        self.semisaturation = check_number("semisaturation", semisaturation, low=0.0)
        self.spread = check_number("spread", spread, low=0.0)
        self.background = check_number("background", background, low=0.0)
        self._follow = 0.0 if tau_adaptation is None else self._share(tau_adaptation)
        self._smooth = self._share(tau_sustained)
        self._fade = self._share(tau_transient)
        self.output_shape = (4 if mode == "both" else 2, *self.input_shape)

    def _share(self, tau: float) -> float:
        """How much of the way to a new value is gone in a frame."""
        tau = check_number("tau", tau, low=0.0)
        return 1.0 if tau == 0 else -math.expm1(-self.dt / tau)

    def begin(self, n: int) -> State:
        state: State = {}
        if self._follow:
            state["adaptation"] = np.full((n, *self.input_shape), self.background)
        if self.mode != "transient" and self._smooth < 1:
            state["sustained"] = np.zeros((n, *self.input_shape))
        if self.mode != "on_off":
            state["mean"] = np.zeros((n, *self.input_shape))
        return state

    def receptors(self, luminance: Array, adaptation: Array | float) -> Array:
        """Responses of photoreceptors, in [0, 1]; 0 in the dark."""
        light = np.maximum(luminance, 0.0) ** self.exponent
        half = (np.maximum(adaptation, 0.0) + self.semisaturation) ** self.exponent
        total = light + half
        return np.divide(light, total, out=np.zeros_like(total), where=total > 0)

    def contrast(self, receptors: Array) -> Array:
        """Centre minus surround (..., H, W), before rectification."""
        from scipy.ndimage import gaussian_filter

        # Far enough for tails below rounding; borders go on as they end.
        options: dict[str, Any] = {"mode": "nearest", "truncate": 6.0, "axes": (-2, -1)}
        centre = gaussian_filter(receptors, self.center, **options)
        around = gaussian_filter(receptors, self.center * self.ratio, **options)
        return centre - self.balance * around

    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        after: State = {}
        adaptation = state.get("adaptation", self.background)
        signal = self.contrast(self.receptors(stimulus, adaptation))
        if self._follow:
            after["adaptation"] = adaptation + self._follow * (self._around(stimulus) - adaptation)
        parts = []
        if self.mode != "transient":
            sustained = signal
            if self._smooth < 1:
                before = state["sustained"]
                after["sustained"] = sustained = before + self._smooth * (signal - before)
            parts.append(sustained)
        if self.mode != "on_off":
            after["mean"] = mean = state["mean"] + self._fade * (signal - state["mean"])
            parts.append(signal - mean)
        halves = [half for part in parts for half in (part, -part)]
        return np.stack(halves, axis=1).clip(0.0, 1.0), after

    def _around(self, stimulus: Array) -> Array:
        if self.spread == 0:
            return stimulus
        from scipy.ndimage import gaussian_filter

        return gaussian_filter(stimulus, self.spread, mode="nearest", axes=(-2, -1))
