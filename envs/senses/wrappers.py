"""A wrapper for each sensor, around single environments and, with ``Vector``, around batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from ..core.errors import TaskError
from .base import Cached, Sensor
from .cochlea import Cochlea
from .hmax import C1, HMAX
from .log_polar import LogPolar
from .observation import Make, SensorObservation, VectorSensorObservation
from .retina import Retina

Array = npt.NDArray[Any]


def retina(env: Any, mode: str, options: dict[str, Any]) -> Make:
    """Maker of a retina; a frame lasts as long as a step of the task, if it has one."""
    info = getattr(_base(env), "task_info", {})
    settings = {"dt": info["dt_ms"], **options} if "dt_ms" in info else options

    def make(shape: Any) -> Sensor:
        sensor = Retina(shape, mode=mode, **settings)
        return sensor if sensor.remembers else Cached(sensor)

    return make


def log_polar(n_angle: int, n_radius: int, options: dict[str, Any]) -> Make:
    """Maker of a log-polar fovea."""
    return lambda shape: LogPolar(shape, n_angle, n_radius, **options)


def complex_cells(bands: Sequence[int], background: float) -> Make:
    """Maker of C1 cells."""
    return lambda shape: Cached(C1((shape[0], shape[1]), bands, background=background))


def hmax(templates: Sequence[Array], bands: Sequence[int], background: float) -> Make:
    """Maker of C2 cells."""

    def make(shape: tuple[int, ...]) -> Sensor:
        sensor = HMAX((shape[0], shape[1]), templates, bands, background=background)
        return Cached(sensor)

    return make


def cochlea(env: Any, fs: float | None, n_channels: int, options: dict[str, Any]) -> Make:
    """Maker of a cochlea, at the task's sampling rate if it has one."""
    rate = getattr(getattr(_base(env), "task", None), "fs", None) if fs is None else fs
    if rate is None:
        raise TaskError("fs=None leaves the sampling rate open; pass it in Hz.")
    settings = {"low": 0.03 * rate, "high": 0.4 * rate, **options}
    return lambda shape: Cochlea(rate, shape[0], n_channels, **settings)


def _base(env: Any) -> Any:
    """The innermost environment, or that of a batch's first column."""
    base = env.unwrapped
    return base.envs[0].unwrapped if hasattr(base, "envs") else base


class _Recorded(SensorObservation):
    """Keeps the arguments of the subclass, not those of ``SensorObservation``."""

    def __init__(self, env: gym.Env[Any, Any], make: Make, sound: bool, **given: Any) -> None:
        RecordConstructorArgs.__init__(self, **given)  # the first call counts
        super().__init__(env, make, sound=sound)


class RetinaObservation(_Recorded):
    """Pictures through a ``Retina``: (2, H, W) ON and OFF, (4, H, W) in mode "both".

    Observations of this library's tasks stay flat, other channels behind.

    Args:
        env: environment whose observations are pictures, see ``Front``.
        mode: "on_off", "transient" or "both".
        options: of ``Retina``; ``dt`` is that of the task, if it has one.

    >>> import gymnasium as gym, caudate.envs
    >>> env = RetinaObservation(gym.make("caudate/Pong-v0"), mode="transient")
    >>> env.observation_space.shape, env.reset(seed=0)[0].dtype
    ((2, 10, 12), dtype('float32'))
    """

    def __init__(self, env: gym.Env[Any, Any], mode: str = "on_off", **options: Any) -> None:
        super().__init__(env, retina(env, mode, options), False, mode=mode, **options)


class LogPolarObservation(_Recorded):
    """Pictures through a ``LogPolar`` fovea: (n_angle, n_radius).

    Args:
        env: environment whose observations are pictures, see ``Front``.
        n_angle, n_radius: rows and columns.
        options: of ``LogPolar``.
    """

    def __init__(
        self, env: gym.Env[Any, Any], n_angle: int = 36, n_radius: int = 24, **options: Any
    ) -> None:
        make = log_polar(n_angle, n_radius, options)
        super().__init__(env, make, False, n_angle=n_angle, n_radius=n_radius, **options)


class C1Observation(_Recorded):
    """Pictures through ``C1`` cells: (n,).

    Responses to the pictures seen last are kept, so few stimuli cost little.

    Args:
        env: environment whose observations are pictures, see ``Front``.
        bands: which of the eight.
        background: luminance that counts as nothing, pictures being within [0, 1].
    """

    def __init__(
        self, env: gym.Env[Any, Any], bands: Sequence[int] = (1, 2), background: float = 0.5
    ) -> None:
        make = complex_cells(bands, background)
        super().__init__(env, make, False, bands=bands, background=background)


class HMAXObservation(_Recorded):
    """Pictures through ``HMAX``: (K,), the C2 responses to K templates.

    Responses to the pictures seen last are kept, so few stimuli cost little.

    Args:
        env: environment whose observations are pictures, see ``Front``.
        templates: groups of them, as of ``draw_templates``.
        bands, background: as in ``C1Observation``.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        templates: Sequence[Array],
        bands: Sequence[int] = (1, 2),
        background: float = 0.5,
    ) -> None:
        make = hmax(templates, bands, background)
        given = {"templates": [np.asarray(one).tolist() for one in templates]}
        super().__init__(env, make, False, **given, bands=bands, background=background)


class CochleaObservation(_Recorded):
    """Sound through a ``Cochlea``: (n_channels,), one frame a step.

    Args:
        env: environment whose observations are chunks of sound, see ``Front``.
        fs: sampling rate in Hz; None for that of the task.
        n_channels: number of channels.
        options: of ``Cochlea``; frequencies reach from .03 to .4 of ``fs`` by default.

    >>> import gymnasium as gym, caudate.envs
    >>> env = CochleaObservation(gym.make("caudate/ToneSequence-v0"), n_channels=8)
    >>> env.observation_space.shape, env.obs_names[-1]
    ((9,), 'recall')
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        fs: float | None = None,
        n_channels: int = 16,
        **options: Any,
    ) -> None:
        make = cochlea(env, fs, n_channels, options)
        super().__init__(env, make, True, fs=fs, n_channels=n_channels, **options)


class VectorRetinaObservation(VectorSensorObservation):
    """``RetinaObservation`` for a vector environment."""

    def __init__(self, env: VectorEnv, mode: str = "on_off", **options: Any) -> None:
        super().__init__(env, retina(env, mode, options))


class VectorLogPolarObservation(VectorSensorObservation):
    """``LogPolarObservation`` for a vector environment."""

    def __init__(
        self, env: VectorEnv, n_angle: int = 36, n_radius: int = 24, **options: Any
    ) -> None:
        super().__init__(env, log_polar(n_angle, n_radius, options))


class VectorC1Observation(VectorSensorObservation):
    """``C1Observation`` for a vector environment."""

    def __init__(
        self, env: VectorEnv, bands: Sequence[int] = (1, 2), background: float = 0.5
    ) -> None:
        super().__init__(env, complex_cells(bands, background))


class VectorHMAXObservation(VectorSensorObservation):
    """``HMAXObservation`` for a vector environment."""

    def __init__(
        self,
        env: VectorEnv,
        templates: Sequence[Array],
        bands: Sequence[int] = (1, 2),
        background: float = 0.5,
    ) -> None:
        super().__init__(env, hmax(templates, bands, background))


class VectorCochleaObservation(VectorSensorObservation):
    """``CochleaObservation`` for a vector environment."""

    def __init__(
        self, env: VectorEnv, fs: float | None = None, n_channels: int = 16, **options: Any
    ) -> None:
        super().__init__(env, cochlea(env, fs, n_channels, options), sound=True)
