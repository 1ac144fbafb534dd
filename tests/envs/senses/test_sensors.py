"""Sensors alone: closed forms, memory by column, bad input."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, make_task
from caudate.envs.senses import (
    C1,
    HMAX,
    Cached,
    Cochlea,
    LogPolar,
    Retina,
    beat_interval,
    centre_frequencies,
    draw_templates,
    erb,
    erb_rate,
    frequency_at,
    gabor_bank,
)
from caudate.envs.senses.stimuli import draw_glyph, glyph_strokes, grating, noise_burst, tone

STILL: dict[str, Any] = {"tau_adaptation": None, "tau_sustained": 0.0}


@pytest.fixture(autouse=True)
def _extra() -> None:
    pytest.importorskip("skimage")
    pytest.importorskip("torch")


def sensors() -> list[Any]:
    templates = [np.random.default_rng(0).random((3, 4, 2, 2))]
    return [
        Retina((9, 7), mode="both"),
        Retina((9, 7), **STILL),
        LogPolar((9, 7), 4, 3),
        LogPolar((2, 9, 7), 4, 3),
        C1((20, 18), [1, 2]),
        HMAX((20, 18), templates),
        Cached(C1((20, 18), [1]), most=2),
        Cochlea(8000, 80, 4, 100, 3000),
    ]


@pytest.mark.parametrize("sensor", sensors(), ids=lambda one: type(one).__name__)
def test_columns_do_not_know_of_each_other(sensor: Any) -> None:
    random = np.random.default_rng(1)
    stimuli = random.random((4, 3, *sensor.input_shape))
    together = [sensor(one) for one in stimuli]
    assert together[0].shape == (3, *sensor.output_shape)
    assert all((one >= sensor.low).all() and (one <= sensor.high).all() for one in together)
    for column in range(3):
        sensor.reset()
        for stimulus, expected in zip(stimuli, together, strict=True):
            alone = sensor(stimulus[column])
            assert alone.shape == sensor.output_shape
            np.testing.assert_allclose(alone, expected[column], atol=1e-12)


@pytest.mark.parametrize("sensor", sensors(), ids=lambda one: type(one).__name__)
def test_some_columns_state_and_reset(sensor: Any) -> None:
    sensor.reset()
    stimuli = np.random.default_rng(1).random((4, 3, *sensor.input_shape))
    first = sensor(stimuli[0])
    sensor(stimuli[1])
    state = sensor.get_state()
    expected = sensor(stimuli[2])
    sensor.set_state(state)
    np.testing.assert_array_equal(sensor(stimuli[2, 1:2], np.array([1])), expected[1:2])
    sensor.set_state(state)
    sensor.reset(np.array([False, True, False]))
    again = sensor(stimuli[0])
    np.testing.assert_allclose(again[1], first[1], atol=1e-12)
    if sensor.remembers:
        assert not np.allclose(again[0], first[0])
        with pytest.raises(TaskError, match="remembers 3"):
            sensor(stimuli[0, :2])
        with pytest.raises(TaskError, match="state"):
            sensor.set_state({"other": np.zeros(3)})
    with pytest.raises(TaskError, match="shape"):
        sensor(np.zeros(1))
    with pytest.raises(TaskError, match="finite"):
        sensor(np.full(sensor.input_shape, np.nan))


# -------------------------------------------------------------------- retina


def test_even_fields_give_nothing_and_halves_make_the_whole() -> None:
    assert Retina((20, 20), mode="both")(np.full((20, 20), 0.8)).max() < 1e-12
    retina, image = Retina((20, 20), **STILL), np.random.default_rng(0).random((20, 20))
    on, off = retina(image)
    signal = retina.contrast(retina.receptors(image, 0.5))
    np.testing.assert_array_equal(on - off, signal)
    assert (np.minimum(on, off) == 0).all()


def test_adaptation_hides_the_background() -> None:
    for background in (1.0, 10.0, 100.0):
        retina = Retina((1, 1), dt=50.0, semisaturation=0.0, background=background)
        adapted = retina.begin(1)["adaptation"]
        assert retina.receptors(np.full((1, 1, 1), 2 * background), adapted).item() == (
            pytest.approx(2 / 3)
        )
    around = Retina((9, 9), spread=3.0)
    around(np.eye(9))
    assert np.ptp(around.get_state()["adaptation"]) < np.ptp(0.5 + np.eye(9) / 26)
    assert Retina((1, 1), semisaturation=0.0).receptors(np.zeros((1, 1)), 0.0).item() == 0


def test_transients_fade_and_sustained_cells_stay() -> None:
    options: dict[str, Any] = {"tau_adaptation": None, "dt": 5.0}
    retina = Retina((16, 16), mode="both", tau_sustained=15.0, tau_transient=75.0, **options)
    edge = np.repeat([[0.5, 1.0]], 8, axis=1).repeat(16, axis=0)
    drive = retina.contrast(retina.receptors(edge, 0.5))[8, 8]
    seen = np.array([retina(edge)[[0, 2], 8, 8] for _ in range(100)])
    np.testing.assert_allclose(seen[:, 1], drive * np.exp(-(np.arange(100) + 1) / 15), atol=1e-9)
    assert seen[-1, 0] == pytest.approx(drive)


# -------------------------------------------------------------------- log-polar


def test_turning_shifts_rows() -> None:
    place = np.arange(65) - 32
    x, y = np.meshgrid(place, place)
    ring = np.exp(-((np.log(np.maximum(np.hypot(x, y), 1e-9)) - 2.3) ** 2) / 0.2)
    eye = LogPolar((65, 65), 36, 20, radius=32.0)
    first, turned = (eye(ring * (1 + np.cos(3 * np.arctan2(y, x) - 3 * a))) for a in (0, np.pi / 6))
    assert np.corrcoef(np.roll(first, 3, axis=0).ravel(), turned.ravel())[0, 1] > 0.99


def test_the_gaze_moves() -> None:
    spot = np.zeros((21, 21))
    spot[4:7, 14:17] = 1.0
    eye = LogPolar((21, 21), 8, 6)
    assert eye(spot)[:, 0].max() == 0
    eye.look_at(5, 15)
    assert eye(spot)[:, 0].min() > 0.9
    assert LogPolar((21, 21), gaze=(0, 0), outside=0.5)(spot).max() == pytest.approx(0.5)


# -------------------------------------------------------------------- cochlea


def test_formulas() -> None:
    assert erb([100, 500, 1000, 4000]) == pytest.approx([35.494, 78.669, 132.639, 456.456], 1e-4)
    assert erb_rate([100, 500, 1000, 4000]) == pytest.approx([3.37, 10.767, 15.621, 27.107], 1e-3)
    assert frequency_at(erb_rate(777.0)) == pytest.approx(777.0)
    assert centre_frequencies(16, 100, 6000)[[0, 7, 15]] == pytest.approx([100, 1068.7, 6000], 1e-3)


def test_chunks_are_the_whole_and_tones_find_their_channel() -> None:
    ear = Cochlea(8000, 80, 8, 150, 3000)
    noise = np.random.default_rng(0).uniform(-1, 1, 800)
    parts = np.array([ear(chunk) for chunk in noise.reshape(-1, 80)])
    np.testing.assert_array_equal(parts, ear.cochleagram(noise))
    assert len(ear.cochleagram(noise[:90])) == 2
    for channel, frequency in enumerate(ear.frequencies):
        frames = ear.cochleagram(tone(8000, 1600, float(frequency)))
        assert frames[5:].mean(axis=0).argmax() == channel
    quiet, loud = (ear.cochleagram(g * tone(8000, 3200, 1000.0))[-20:-5].mean(0) for g in (0.1, 1))
    np.testing.assert_allclose(20 * np.log10(loud / quiet), 6.0, atol=0.02)


def test_no_sound_passes_the_bound() -> None:
    ear = Cochlea(8000, 80, 8, 150, 3000)
    worst = np.sign(np.random.default_rng(0).normal(size=(50, 80)))
    assert max(ear(chunk).max() for chunk in worst) <= ear.high < 2


def test_tempo_of_clicks() -> None:
    random, ear = np.random.default_rng(0), Cochlea(8000, 80, 6, 150, 3000)
    for interval in (0.25, 0.6):
        sound = np.zeros(20_000)
        for start in range(0, len(sound) - 160, int(8000 * interval)):
            sound[start : start + 160] = noise_burst(random, 160)
        assert abs(beat_interval(ear.cochleagram(sound), 20, 100) - 100 * interval) <= 1
    with pytest.raises(TaskError, match="frames"):
        beat_interval(np.zeros((10, 2)), 2, 9)


# -------------------------------------------------------------------- HMAX


def test_simple_cells_are_normalised_correlations() -> None:
    cells = C1((20, 20), (1,), background=0.5)
    picture = np.random.default_rng(0).random((1, 20, 20))
    for size, bank, seen in zip((7, 9), cells.filters[0], cells.simple(picture)[0], strict=True):
        assert np.abs(bank.sum(axis=(1, 2))).max() < 1e-12
        np.testing.assert_allclose((bank**2).sum(axis=(1, 2)), 1)
        np.testing.assert_allclose(bank, bank[:, ::-1, ::-1], atol=1e-12)
        half, patch = size // 2, (picture[0] - 0.5)
        patch = patch[8 - half : 9 + half, 9 - half : 10 + half]
        length = np.linalg.norm(patch * (bank != 0).any(axis=0))
        expected = np.abs((bank * patch).sum(axis=(1, 2))) / length
        np.testing.assert_allclose(seen[0, :, 8, 9], expected)


def test_complex_cells_are_maxima() -> None:
    cells = C1((24, 20), (1, 2))
    picture = np.random.default_rng(0).random((2, 24, 20))
    simple, maps = cells.simple(picture), cells.maps(picture)
    assert [one.shape for one in maps] == [(2, 4, 5, 4), (2, 4, 3, 3)]
    both = np.maximum(*simple[0])
    assert maps[0][1, 2, 1, 3] == both[1, 2, 4:12, 12:20].max()
    assert cells(picture).shape == (2, 4 * 20 + 4 * 9) == (2, *cells.output_shape)


def test_contrast_and_phase_do_not_matter() -> None:
    cells = C1((32, 32))
    one, weak, shifted = (
        cells(grating(32, 0.0, p, c)) for p, c in ((0, 1), (0, 0.1), (np.pi / 2, 1))
    )
    np.testing.assert_allclose(one, weak, atol=1e-9)
    assert np.corrcoef(one, shifted)[0, 1] > 0.98
    assert C1((32, 32))(np.full((32, 32), 0.5)).max() < 1e-9


def test_a_template_finds_itself() -> None:
    pictures = np.stack([draw_glyph(one, (32, 32), half=8) for one in glyph_strokes(3)])
    templates = draw_templates(pictures, 4, (3, 4), background=0.0, seed=1)
    assert [one.shape for one in templates] == [(4, 4, 3, 3), (4, 4, 4, 4)]
    eye = HMAX((32, 32), templates, background=0.0)
    np.testing.assert_allclose(eye(pictures).max(axis=0), 1.0)
    assert eye(np.zeros((32, 32))).max() < 0.5


def test_kept_responses_are_the_same() -> None:
    counted, calls = C1((16, 16), (1,)), []
    plain = counted.sense
    counted.sense = lambda x, s: (calls.append(len(x)), plain(x, s))[1]  # type: ignore[method-assign]
    kept, pictures = Cached(counted, most=2), np.random.default_rng(0).random((3, 16, 16))
    for shown in (pictures[[0, 0, 1]], pictures[[1, 0]], pictures, pictures[[0]], pictures[[2]]):
        np.testing.assert_allclose(kept(shown), plain(shown, {})[0], atol=1e-12)
    assert calls == [2, 1, 1]
    with pytest.raises(TaskError, match="came before"):
        Cached(Retina((4, 4)))


def test_glyphs_differ_in_more_than_place_and_size() -> None:
    glyphs = glyph_strokes(20)
    assert glyphs.shape == (20, 4, 2, 2)
    kinds = set()
    for glyph in glyphs:
        moved = glyph - glyph.min(axis=(0, 1))
        kinds.add(str(sorted(sorted(map(tuple, line)) for line in (moved / moved.max()).tolist())))
    assert len(kinds) == 20


# -------------------------------------------------------------------- bad input and packaging


def test_bad_parameters() -> None:
    for make, words in [
        (lambda: Retina((0, 3)), "shape"),
        (lambda: Retina((3, 3), mode="off"), "mode='off'"),
        (lambda: Retina((3, 3), balance=2), "balance"),
        (lambda: LogPolar((3,)), "shape"),
        (lambda: LogPolar((3, 3), 0), "n_angle"),
        (lambda: LogPolar((1, 1)), "radius"),
        (lambda: Cochlea(8000, low=10), "low"),
        (lambda: Cochlea(8000, high=4000), "high"),
        (lambda: Cochlea(8000, chunk=0, high=3000), "chunk"),
        (lambda: Cochlea(8000, high=3000, compression=0), "compression"),
        (lambda: C1((32, 32), bands=[9]), "bands"),
        (lambda: C1((32, 32), bands=[1, 1]), "bands"),
        (lambda: C1((32, 32), bands=[[1]]), "bands"),  # type: ignore[list-item]
        (lambda: C1((12, 32), bands=[1, 2]), "smaller than band 2"),
        (lambda: HMAX((16, 16), [np.zeros((2, 4, 4, 4))], [1]), "group of shape"),
        (lambda: draw_templates(np.zeros((1, 16, 16)), 3, (9,), bands=(1,)), "sizes"),
    ]:
        with pytest.raises(TaskError, match=words) as error:
            make()
        assert "\n" not in str(error.value)


def test_the_missing_extra_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    for module, use in (
        ("skimage", lambda: gabor_bank(7, 2.8, 3.5)),
        ("skimage", lambda: LogPolar((9, 9))(np.zeros((9, 9)))),
        ("torch", lambda: C1((16, 16), (1,))(np.zeros((16, 16)))),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(
                "caudate.envs.senses.extra.find_spec",
                lambda name, module=module: None if name == module else find(name),
            )
            with pytest.raises(TaskError, match=r'pip install "caudate\[senses\]"'):
                use()


def test_tasks_can_be_listed_without_the_extra() -> None:
    """Making a task, its description and its yardsticks load nothing heavy."""
    code = (
        "import sys, caudate.envs as e; "
        "tasks = [e.make_task(f'caudate/{one}-v0') for one in ('VisualDelayedMatch-C1', "
        "'VisualDelayedMatch-GlyphsC2', 'ImageBandit-C1', 'ToneSequence-Cochlea')]; "
        "[(one.task_info, one.yardsticks) for one in tasks]; "
        "print([m for m in ('torch', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sensory_tasks_refuse_what_does_not_fit() -> None:
    for task, parameters, words in [
        ("VisualDelayedMatch", {"sigma": 0.1}, "sigma"),
        ("VisualDelayedMatch", {"sensor": "nose"}, "sensor='nose'"),
        ("VisualDelayedMatch", {"stimuli": "faces"}, "stimuli"),
        ("VisualDelayedMatch", {"size": 8}, "size"),
        ("VisualDelayedMatch", {"size": 16, "sensor": "c2"}, "too small"),
        ("VisualDelayedMatch", {"stimuli": "glyphs", "positions": 33, "n_stim": 32}, "memory"),
        ("VisualDelayedMatch", {"contrasts": [0.0]}, "contrasts"),
        ("VisualDelayedMatch", {"contrasts": [0.5, 0.5]}, "contrasts"),
        ("ToneSequence", {"fs": 4001}, "whole number"),
        ("ToneSequence", {"sensor": "c1"}, "sensor"),
        ("ToneSequence", {"n_symbols": 17}, "n_symbols"),
        ("TempoContinuation", {"exemplars": 0}, "exemplars"),
        ("ImageBandit", {"p": 0.2}, "p=0.2"),
        ("ImageBandit", {"rewards": {"reward": 0.0}}, "rewards"),
    ]:
        with pytest.raises(TaskError, match=words):
            make_task(f"caudate/{task}-v0", **parameters)
