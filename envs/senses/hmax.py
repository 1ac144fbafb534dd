"""HMAX: simple and complex cells, features of them, and responses that tolerate place and size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int, check_number
from .base import Sensor, State, check_shape
from .extra import need

Array = npt.NDArray[Any]

ORIENTATIONS = 4
ASPECT = 0.3
#: Patches dimmer than this give no response.
_FLOOR = 1e-4


class Band(NamedTuple):
    """Two neighbouring scales and the neighbourhood over which complex cells take their maximum.

    Attributes:
        sizes: of the two filters in pixels.
        sigmas: of their Gaussian envelopes.
        lambdas: their wavelengths.
        pool: side of the neighbourhood.
        step: between neighbouring complex cells.
    """

    sizes: tuple[int, int]
    sigmas: tuple[float, float]
    lambdas: tuple[float, float]
    pool: int
    step: int


#: Serre, Wolf, Bileschi, Riesenhuber and Poggio 2007, doi:10.1109/TPAMI.2007.56, table 1.
BANDS = (
    Band((7, 9), (2.8, 3.6), (3.5, 4.6), 8, 4),
    Band((11, 13), (4.5, 5.4), (5.6, 6.8), 10, 5),
    Band((15, 17), (6.3, 7.3), (7.9, 9.1), 12, 6),
    Band((19, 21), (8.2, 9.2), (10.3, 11.5), 14, 7),
    Band((23, 25), (10.2, 11.3), (12.7, 14.1), 16, 8),
    Band((27, 29), (12.3, 13.4), (15.4, 16.8), 18, 9),
    Band((31, 33), (14.6, 15.8), (18.2, 19.7), 20, 10),
    Band((35, 37), (17.0, 18.2), (21.2, 22.8), 22, 11),
)


def gabor_bank(size: int, sigma: float, wavelength: float) -> Array:
    """Receptive fields of simple cells, (4, size, size): zero mean, unit norm, within a circle.

    Orientations are 0, 45, 90 and 135 degrees, the direction in which the field alternates.
    """
    need("skimage", "the filter bank")
    from skimage.filters import gabor_kernel

    bank = []
    places = np.arange(size) - size // 2
    inside = np.hypot(*np.meshgrid(places, places)) <= size / 2
    for number in range(ORIENTATIONS):
        theta: Any = np.pi * number / ORIENTATIONS  # a float, which its annotation forgets
        kernel = np.real(
            gabor_kernel(
                1.0 / wavelength,
                theta=theta,
                sigma_x=sigma,
                sigma_y=sigma / ASPECT,
                n_stds=5,
            )
        ).astype(np.float64)
        row, column = (side // 2 - size // 2 for side in kernel.shape)
        field = kernel[row : row + size, column : column + size] * inside
        field = (field - field[inside].mean()) * inside
        bank.append(field / np.linalg.norm(field))
    return np.stack(bank)


class C1(Sensor):
    """Complex cells: the strongest simple cell of an orientation in a neighbourhood and band.

    Simple cells are Gabor filters divided by the length of the patch that they see, so contrast
    does not matter; complex cells take the maximum over places and the two scales of a band, so
    phase and small shifts do not either. Filters are scikit-image's, pooling is PyTorch's (extra
    ``senses``), all in double precision.

    Input: (H, W) luminance. Output: (n,) in [0, 1], band after band, in each (4, rows, columns) of
    orientations and places.

    Args:
        shape: rows and columns of a picture.
        bands: which of the eight bands, 1 to 8; all must fit the picture.
        background: luminance that counts as nothing; the picture goes on with it beyond its border.

    Riesenhuber and Poggio 1999, doi:10.1038/14819; Serre, Wolf, Bileschi, Riesenhuber and Poggio
    2007, doi:10.1109/TPAMI.2007.56.

    >>> C1((32, 32), bands=(1, 2)).output_shape
    (296,)
    """

    def __init__(
        self,
        shape: tuple[int, int],
        bands: Sequence[int] = (1, 2),
        *,
        background: float = 0.5,
    ) -> None:
        super().__init__()
        self.input_shape = rows, columns = check_shape(shape)
        self.bands = check_bands(bands)
        self.background = check_number("background", background)
        #: (rows, columns) of complex cells, by band.
        self.grids = []
        for number in self.bands:
            band = BANDS[number - 1]
            if min(rows, columns) < max(band.pool, band.sizes[1]):
                raise TaskError(
                    f"shape={shape!r} is smaller than band {number}, which needs "
                    f"{max(band.pool, band.sizes[1])} pixels; use larger pictures or lower bands."
                )
            self.grids.append(tuple((n - band.pool) // band.step + 1 for n in (rows, columns)))
        self.output_shape = (sum(ORIENTATIONS * a * b for a, b in self.grids),)

    @cached_property
    def filters(self) -> list[tuple[Array, ...]]:
        """By band the fields (4, s, s) of the two scales."""
        return [
            tuple(
                gabor_bank(size, sigma, wavelength)
                for size, sigma, wavelength in zip(*BANDS[number - 1][:3], strict=True)
            )
            for number in self.bands
        ]

    def simple(self, pictures: Array) -> list[tuple[Array, ...]]:
        """Simple cells of pictures (B, H, W): by band and scale (B, 4, H, W)."""
        seen = (np.asarray(pictures, dtype=np.float64) - self.background)[:, None]
        return [tuple(self._scale(seen, bank) for bank in scales) for scales in self.filters]

    def _scale(self, seen: Array, bank: Array) -> Array:
        """Simple cells of one scale, (B, 4, H, W)."""
        from scipy.signal import fftconvolve

        half = bank.shape[-1] // 2
        rows, columns = (slice(half, half + side) for side in seen.shape[-2:])

        # Fields are the same when turned by 180 degrees, so that convolution is correlation. Mode
        # "same" would cut off the orientations, too.
        def over(values: Array, fields: Array) -> Array:
            return fftconvolve(values, fields[None], axes=(-2, -1))[..., rows, columns]

        support = (bank != 0).any(axis=0).astype(np.float64)
        response, energy = np.abs(over(seen, bank)), over(seen**2, support[None])
        return response / np.maximum(np.sqrt(np.maximum(energy, 0.0)), _FLOOR)

    def maps(self, pictures: Array) -> list[Array]:
        """Complex cells of pictures (B, H, W): by band (B, 4, rows, columns)."""
        return [one.numpy() for one in self.tensors(pictures)]

    def tensors(self, pictures: Array) -> list[Any]:
        """``maps`` as tensors."""
        need("torch", "HMAX")
        import torch

        pool, found = torch.nn.functional.max_pool2d, []
        with torch.inference_mode():
            for number, scales in zip(self.bands, self.simple(pictures), strict=True):
                band, best = BANDS[number - 1], np.maximum(*scales)
                found.append(pool(torch.from_numpy(best), band.pool, band.step))
        return found

    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        flat = [one.reshape(len(stimulus), -1) for one in self.maps(stimulus)]
        # Rounding may lift a perfect match a little above 1.
        return np.concatenate(flat, axis=1).clip(0.0, 1.0), {}


class HMAX(Sensor):
    """C2 responses: how well a picture matches each of some templates, wherever, at any scale.

    A template P is a patch of C1 responses, (4, n, n). Its S2 cell responds to a patch X by
    exp(-|X - P|^2 / (2 sharpness^2 (n / 4)^2)), and C2 is the best response over places and bands.

    Input: (H, W) luminance. Output: (K,) in [0, 1], one response per template.

    Args:
        shape: rows and columns of a picture.
        templates: groups of templates of equal size, each (k, 4, n, n); ``draw_templates`` makes
            them.
        bands, background: as in ``C1``.
        sharpness: width of the tuning; 1/3 is Mutch and Lowe's.

    Serre and others 2007, doi:10.1109/TPAMI.2007.56; this tuning: Mutch and Lowe 2008,
    doi:10.1007/s11263-007-0118-0.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        templates: Sequence[Array],
        bands: Sequence[int] = (1, 2),
        *,
        background: float = 0.5,
        sharpness: float = 1 / 3,
    ) -> None:
        super().__init__()
        self.c1 = C1(shape, bands, background=background)
        self.input_shape = self.c1.input_shape
        self.sharpness = check_number("sharpness", sharpness, low=1e-3)
        self.templates = [np.array(one, dtype=np.float64) for one in templates]
        largest = max(min(grid) for grid in self.c1.grids)
        for group in self.templates:
            if group.ndim != 4 or group.shape[1] != ORIENTATIONS or group.shape[2] > largest:
                raise TaskError(
                    f"templates have a group of shape {group.shape}; pass (k, {ORIENTATIONS}, n, n)"
                    f" with n up to {largest}, the C1 cells along the picture."
                )
        self.output_shape = (sum(len(group) for group in self.templates),)

    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        tensors = self.c1.tensors(stimulus)
        return np.concatenate([self._best(tensors, group) for group in self.templates], axis=1), {}

    def _best(self, maps: list[Any], group: Array) -> Array:
        """(B, k) best responses to a group of templates."""
        import torch

        conv = torch.nn.functional.conv2d
        n = group.shape[-1]
        kernels = torch.from_numpy(group)
        own = (kernels**2).sum(dim=(1, 2, 3))[None, :, None, None]
        ones = torch.ones((1, *group.shape[1:]), dtype=torch.float64)
        nearest = []
        with torch.inference_mode():
            for seen in maps:
                if min(seen.shape[-2:]) >= n:
                    apart = conv(seen**2, ones) - 2 * conv(seen, kernels) + own
                    nearest.append(apart.flatten(2).amin(dim=2))
            distance = torch.stack(nearest).amin(dim=0).clamp_min(0.0).numpy()
        return np.exp(-distance / (2 * (self.sharpness * n / 4) ** 2))


def draw_templates(
    pictures: Array,
    number: int,
    sizes: Sequence[int] = (4, 8),
    *,
    bands: Sequence[int] = (1, 2),
    background: float = 0.5,
    seed: int = 0,
) -> list[Array]:
    """Templates for ``HMAX``: patches of C1 responses, at random from pictures, bands and places.

    Args:
        pictures: (B, H, W) of the shape that will be seen.
        number: of templates of each size.
        sizes: n of each group.
        bands, background: as in ``C1``.
        seed: decides which.

    Returns:
        One group (number, 4, n, n) per size.
    """
    pictures = np.asarray(pictures, dtype=np.float64)
    number = check_int("number", number, 1)
    maps = C1(pictures.shape[1:], bands, background=background).maps(pictures)
    random = np.random.default_rng(seed)
    groups = []
    for n in sizes:
        fitting = [one for one in maps if min(one.shape[-2:]) >= n]
        if not fitting:
            raise TaskError(
                f"sizes={sizes!r} has {n}, more than the C1 cells along these pictures; use "
                "smaller templates or larger pictures."
            )
        group = np.empty((number, ORIENTATIONS, n, n))
        for place in range(number):
            cells = fitting[random.integers(len(fitting))]
            row, column = (random.integers(side - n + 1) for side in cells.shape[-2:])
            which = random.integers(len(cells))
            group[place] = cells[which, :, row : row + n, column : column + n]
        groups.append(group)
    return groups


def check_bands(bands: Any) -> tuple[int, ...]:
    """Numbers of bands; TaskError unless they are different and from 1 to 8."""
    given = tuple(bands) if isinstance(bands, (list, tuple, range)) else ()
    known = list(range(1, len(BANDS) + 1))
    fits = all(one in known for one in given)
    if not given or not fits or len({*given}) < len(given):
        raise TaskError(
            f"bands={bands!r} is not a list of different numbers from 1 to {len(BANDS)}; pass such."
        )
    return tuple(int(one) for one in given)
