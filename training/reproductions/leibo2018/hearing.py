"""Cochlea: filters, hair cells, and the tempo of clicks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....envs.senses import Cochlea, beat_interval, centre_frequencies, erb, erb_rate
from ....envs.senses.stimuli import noise_burst, tone
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .rows import above, below, near

FS, FINE_FS = 16_000, 48_000
#: Values from the formulas by hand: frequency in Hz -> bandwidth in Hz, bandwidths below it.
KNOWN = {
    100: (35.494, 3.370), 500: (78.669, 10.767), 1000: (132.639, 15.621), 4000: (456.456, 27.107),
}  # fmt: skip
CENTRES = (
    100, 171.2, 257.9, 363.4, 491.6, 647.7, 837.6, 1068.7, 1349.8, 1691.8, 2107.8, 2614.0, 3229.9,
    3979.2, 4890.9, 6000,
)  # fmt: skip
LOCKING = (200, 500, 1000, 2000, 4000)


def measure_cochlea(quick: bool) -> dict[str, Any]:
    """Formulas, filters, tonotopy, compression, phase locking, chunks."""
    del quick
    ear = Cochlea(FS)
    found: dict[str, Any] = {
        "erb": [float(erb(f)) for f in KNOWN],
        "rate": [float(erb_rate(f)) for f in KNOWN],
        "centres": centre_frequencies(16, 100.0, 6000.0).tolist(),
    }
    found |= _filters(ear)
    loudest = []
    for frequency in ear.frequencies:
        ear.reset()
        loudest.append(int(ear.cochleagram(_tone(FS, frequency, 0.2))[10:].mean(axis=0).argmax()))
    found["loudest"] = loudest
    levels = []
    for amplitude in (0.05, 0.5):
        frames = ear.cochleagram(amplitude * _tone(FS, ear.frequencies[7], 0.4))
        levels.append(float(frames[30:, 7].mean()))
    found["growth"] = 20 * np.log10(levels[1] / levels[0])
    found["locking"] = [_locking(frequency) for frequency in LOCKING]
    found["chunks"] = _chunks()
    return found


def _tone(fs: float, frequency: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(fs * seconds)) / fs)


def _filters(ear: Cochlea) -> dict[str, Any]:
    """Gain at the centre frequencies in dB, and widths at -3 dB in bandwidths."""
    from scipy import signal

    freqz: Any = signal.freqz  # frequencies may be arrays, which its annotation forgets
    gains, widths, curves = [], [], []
    grid = np.linspace(20, 7900, 16_000)
    for f, b, a in zip(ear.frequencies, ear.numerators, ear.denominators, strict=True):
        gains.append(float(20 * np.log10(np.abs(freqz(b, a, [f], fs=ear.fs)[1][0]))))
        near_f = f + np.linspace(-2, 2, 4001) * erb(f)
        near_f = near_f[(near_f > 0) & (near_f < ear.fs / 2)]
        high = near_f[np.abs(freqz(b, a, near_f, fs=ear.fs)[1]) ** 2 >= 0.5]
        widths.append(float((high[-1] - high[0]) / erb(f)))
        curves.append(20 * np.log10(np.abs(freqz(b, a, grid[::40], fs=ear.fs)[1]) + 1e-6))
    return {"gains": gains, "widths": widths, "curves": np.round(curves, 2).tolist(),
            "grid": np.round(grid[::40], 1).tolist()}  # fmt: skip


def _locking(frequency: float) -> float:
    """First harmonic of a hair cell's response to a tone, over its mean."""
    ear = Cochlea(FINE_FS, 480, 1, frequency, frequency, compression=1.0) if frequency >= 300 else (
        Cochlea(FINE_FS / 2, 240, 1, frequency, frequency, compression=1.0)
    )  # fmt: skip
    sound = _tone(ear.fs, frequency, 0.5)
    activity = ear.cells(sound[None], ear.begin(1))[0][0, 0, len(sound) // 2 :]
    phase = 2j * np.pi * frequency * np.arange(len(activity)) / ear.fs
    return float(2 * np.abs((activity * np.exp(-phase)).mean()) / activity.mean())


def _chunks() -> float:
    """Largest difference between noise heard in chunks and as a whole."""
    noise = np.random.default_rng(0).uniform(-1, 1, FS // 5)
    ear, whole = Cochlea(FS), Cochlea(FS).cochleagram(noise)
    parts = np.array([ear(chunk) for chunk in noise.reshape(-1, ear.chunk)])
    return float(np.abs(parts - whole).max())


def claim_cochlea(result: dict[str, Any]) -> list[Claim]:
    """Against the formulas, and what follows from the parts."""
    known = np.array(list(KNOWN.values()))
    off = np.abs(np.array([result["erb"], result["rate"]]).T / known - 1).max()
    rows = [below("Bandwidths and bandwidth rates at four frequencies: relative error", off, 1e-3)]
    off = np.abs(np.array(result["centres"]) / np.array(CENTRES) - 1).max()
    rows.append(below("16 centre frequencies, 100 to 6,000 Hz: relative error", off, 1e-3))
    gain = max(map(abs, result["gains"]))
    rows.append(below("Gain at the centre frequencies: largest distance from 0 dB", gain, 0.1))
    width = 2 * 1.019 * np.sqrt(2**0.25 - 1)
    for name, pick in (("narrowest", min), ("widest", max)):
        text = f"Width at -3 dB in bandwidths, {name}"
        rows.append(near(text, pick(result["widths"]), float(width), 0.02))
    hits = sum(k == one for k, one in enumerate(result["loudest"]))
    text = "Tones at the centre frequencies that are loudest in their channel"
    rows.append(Claim(text, "16 of 16", f"{hits} of 16", hits == 16))
    growth = result["growth"]
    text = "Compression: growth of the response to a tone 20 dB louder"
    rows.append(Claim(text, "6 dB +- 0.1", f"{growth:.4f} dB", abs(growth - 6) < 0.1))
    locking = dict(zip(LOCKING, result["locking"], strict=True))
    rows.append(above("Phase locking (first harmonic over mean) at 0.5 kHz", locking[500], 1.0))
    rows.append(below("Phase locking at 4 kHz", locking[4000], 0.15))
    rows.append(below("Noise in chunks and as a whole: difference", result["chunks"], 1e-12))
    return rows


def draw_cochlea(result: dict[str, Any], folder: Path) -> list[Path]:
    """Filters, a cochleagram of a tone, a glide and clicks, and phase locking."""
    figure, axes = new_figure(3, width=9.6, height=2.9)
    for i, curve in enumerate(result["curves"]):
        axes[0].plot(result["grid"], curve, color=COLORS[i % 2], lw=0.9)
    axes[0].set_xscale("log")
    axes[0].set_xlim(60, 8000)
    axes[0].set_ylim(-50, 3)
    axes[0].set_xlabel("frequency (Hz)")
    axes[0].set_ylabel("gain (dB)")
    ear = Cochlea(FS, n_channels=40)
    frames = ear.cochleagram(_scene())
    axes[1].imshow(
        frames.T, origin="lower", aspect="auto", cmap="magma", extent=(0, 10 * len(frames), 0, 40)
    )
    ticks = [0, 10, 20, 30, 39]
    axes[1].set_yticks(
        [one + 0.5 for one in ticks], [f"{ear.frequencies[one]:.0f}" for one in ticks]
    )
    axes[1].set_xlabel("ms: tones, a glide, clicks")
    axes[1].set_ylabel("channel (Hz)")
    axes[2].plot(LOCKING, result["locking"], "o-", color=COLORS[0], ms=4)
    axes[2].set_xscale("log")
    axes[2].set_xticks(LOCKING, [f"{one:,}" for one in LOCKING])
    axes[2].minorticks_off()
    axes[2].set_xlabel("tone (Hz)")
    axes[2].set_ylabel("first harmonic / mean")
    axes[2].set_ylim(0, None)
    return [save(figure, folder / "cochlea.png")]


def _scene() -> np.ndarray:
    """Two tones together, a glide, five clicks: 1.2 s."""
    random = np.random.default_rng(1)
    both = 0.5 * (tone(FS, 4800, 400.0) + tone(FS, 4800, 2000.0))
    place = np.arange(6400) / FS
    glide = 0.4 * np.sin(2 * np.pi * 300 * 0.4 / np.log(12) * (12 ** (place / 0.4) - 1))
    clicks = np.zeros(6400)
    for start in range(0, 6400, 1280):
        clicks[start : start + 160] = noise_burst(random, 160)
    silence = np.zeros(800)
    return np.concatenate([both, silence, glide, silence, clicks])


COCHLEA = Experiment(
    "cochlea",
    "Cochlea: bandwidths, filters, hair cells",
    measure_cochlea,
    claim_cochlea,
    draw_cochlea,
    {"fs": FS, "fine": FINE_FS, "locking": LOCKING},
)

# -- tempo -------------------------------------------------------------------------------------

FRAME_MS = 10
INTERVALS_MS = tuple(range(250, 801, 50))


def measure_tempo(quick: bool) -> dict[str, Any]:
    """Intervals found in frames of click trains of 4 s."""
    found = []
    random = np.random.default_rng(0)
    ear = Cochlea(FS)
    for interval in INTERVALS_MS[:: 4 if quick else 1]:
        sound = np.zeros(4 * FS)
        for start in range(0, len(sound) - 320, interval * FS // 1000):
            sound[start : start + 320] = noise_burst(random, 320)
        frames = ear.cochleagram(sound)
        found.append([interval, FRAME_MS * beat_interval(frames, 20, 100)])
    return {"found": found}


def claim_tempo(result: dict[str, Any]) -> list[Claim]:
    """To one frame."""
    off = max(abs(true - found) for true, found in result["found"])
    text = f"Intervals of {len(result['found'])} click trains, 250 to 800 ms: largest error"
    return [Claim(text, "<= 10 ms (one frame)", f"{off:g} ms", off <= FRAME_MS)]


TEMPO = Experiment(
    "tempo",
    "The tempo of clicks, from the autocorrelation of onsets",
    measure_tempo,
    claim_tempo,
    settings={"intervals": INTERVALS_MS, "fs": FS},
)
