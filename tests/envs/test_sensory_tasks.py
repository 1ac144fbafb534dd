"""Tasks for eyes and ears: what is shown, oracles with other parameters, nothing that leaks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import make_task
from caudate.envs.senses.banks import Nearest

from .conftest import play, same

pytest.importorskip("skimage")
pytest.importorskip("torch")

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("VisualDelayedMatch", {"rule": "category", "n_stim": 6, "size": 16}),
    ("VisualDelayedMatch", {"size": 20, "n_distractors": 1, "delay": 600.0}),
    ("VisualDelayedMatch", {"sensor": "retina", "size": 16, "trials_per_episode": 3}),
    ("VisualDelayedMatch", {"sensor": "c1", "n_stim": 8}),
    ("VisualDelayedMatch", {"stimuli": "glyphs", "n_stim": 8, "sensor": "c1"}),
    ("ToneSequence", {"order": "backward", "snr_db": 0.0, "sensor": "cochlea"}),
    ("ToneSequence", {"order": "probed", "length": [2, 4], "n_symbols": 8, "gap": 0.0}),
    ("ToneSequence", {"repeats": True, "item": 50.0, "sensor": "cochlea", "time": True}),
    ("TempoContinuation", {"shift": "phase", "n_cont": 0, "sensor": "cochlea"}),
    ("TempoContinuation", {"dt": 25.0, "periods_ms": [200.0, 325.0]}),
    ("ImageBandit", {"p": 1.0, "sensor": "retina"}),
    ("ImageBandit", {"p": 0.7, "trials_per_episode": 20, "time": True}),
    ("ImageBandit", {"prev_reward": False, "trials_per_episode": 5}),
]


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_oracle_reaches_the_optimum(name: str, parameters: dict[str, Any]) -> None:
    task = make_task(f"caudate/{name}-v0", **parameters)
    trials = 200 * (task.trials_per_episode if name == "ImageBandit" else 1)
    facts = play(task.vector(50, autoreset_mode="next_step"), task.oracle(), trials, seed=9)
    score = task.score(facts)
    if name == "ImageBandit":  # trials of a session hang together
        whole = facts["trial"] < (facts["trial"].max() + 1) // task.trials_per_episode * 10**9
        score = np.bincount(facts["column"][whole], score[whole]) / np.bincount(facts["column"])
    tolerance = 5 * max(score.std(), 0.004) / np.sqrt(len(score))
    assert abs(score.mean() - task.yardsticks.optimum) < tolerance


def shown(task: Any, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Pictures of sample and test (n, d), and the facts of these trials."""
    samples = task.sample_trials(n, seed)
    width, every = len(task.channels) - 1, np.arange(n)
    first = round(task.fixation / task.dt)
    return (
        samples.obs[first, :, :width],
        samples.obs[samples.lengths - 1, every, :width],
        samples.facts,
    )


def test_pixels_of_a_match_are_hardly_ever_the_same() -> None:
    """One that compares pixels is at chance; one that compares C1 is not."""
    right = {}
    for sensor in (None, "c1"):
        task: Any = make_task("caudate/VisualDelayedMatch-v0", sensor=sensor)
        sample, test, facts = shown(task, 400, seed=3)
        apart = np.linalg.norm(sample - test, axis=1)
        says = apart < np.median(apart)
        right[sensor] = (says == facts["is_match"]).mean()
    assert abs(right[None] - 0.5) < 0.1
    assert right["c1"] > 0.9


def test_nothing_tells_the_condition_before_the_test() -> None:
    """A nearest neighbour that learns from one set of trials is at chance on another."""
    task: Any = make_task("caudate/VisualDelayedMatch-C1-v0")
    for place in (0, 1):
        one, other = shown(task, 300, 1), shown(task, 300, 2)
        known, new = (one[0], other[0]) if place == 0 else (one[1], other[1])
        facts, truth = one[2], other[2]
        guess = Nearest(known, facts["is_match"])(new)
        assert abs((guess == truth["is_match"]).mean() - 0.5) < 0.13
        random = np.random.default_rng(0)
        shuffled = [Nearest(known, random.permutation(facts["sample"]))(new) for _ in range(30)]
        assert abs(np.mean([guess == truth["sample"] for guess in shuffled]) - 0.25) < 0.06


def test_phases_and_contrasts_are_drawn_at_each_presentation() -> None:
    task: Any = make_task("caudate/VisualDelayedMatch-v0", n_stim=2)
    sample, test, facts = shown(task, 300, seed=0)
    same = (sample == test).all(axis=1)
    assert same[facts["is_match"] == 1].mean() < 0.1
    contrast = 2 * np.abs(sample - 0.5).max(axis=1)
    assert len({*np.round(contrast, 2)}) >= 4


def test_tones_carry_their_frequency_and_begin_at_any_phase() -> None:
    task: Any = make_task("caudate/ToneSequence-v0")
    samples = task.sample_trials(40, seed=2)
    waves = samples.obs[:2, :, : task.chunk].transpose(1, 0, 2).reshape(40, -1)
    assert (samples.obs[2, :, : task.chunk] == 0).all()  # the gap
    spectrum = np.abs(np.fft.rfft(waves, axis=1))
    peaks = np.fft.rfftfreq(waves.shape[1], 1 / task.fs)[spectrum.argmax(axis=1)]
    nearest = np.abs(peaks[:, None] - task.sounds.frequencies()).argmin(axis=1)
    recall = samples.target[np.argmax(samples.obs[:, :, task.chunk] > 0.5, axis=0), np.arange(40)]
    np.testing.assert_array_equal(nearest, recall)
    assert len(np.unique(waves.round(3), axis=0)) > 20


def test_clicks_have_no_mean_and_come_on_the_beat() -> None:
    task: Any = make_task("caudate/TempoContinuation-v0", foreperiod=100.0)
    samples = task.sample_trials(20, seed=2)
    loud = np.abs(samples.obs[:, :, : task.chunk]).max(axis=2) > 0
    for trial, period in enumerate(samples.facts["period_ms"]):
        expected = 2 + np.arange(task.n_sync) * int(period / task.dt)
        np.testing.assert_array_equal(loud[:, trial].nonzero()[0], expected)
    assert np.abs(samples.obs[:, :, : task.chunk].mean(axis=2)).max() < 1e-6


def test_a_click_does_not_ring_into_the_next_trial() -> None:
    times = {"n_cont": 0, "window": 0.1, "periods_ms": [300.0, 400.0], "foreperiod": 100.0}
    task = make_task("caudate/TempoContinuation-v0", trials_per_episode=3, **times)
    trials = task.sample_trials(9, 0)
    begins = trials.obs[0]
    assert same(begins, np.zeros_like(begins))
    batch = task.vector(4)
    batch.reset(seed=0)
    single = task.env()
    single.reset(seed=0)
    for _ in range(200):
        obs = batch.step(np.zeros(4, int))[0]
        mine = single.step(0)
        assert same(mine[0], obs[0])
        if mine[2] or mine[3]:
            break


def test_tables_of_pictures_stay_small() -> None:
    batch = make_task("caudate/VisualDelayedMatch-v0").vector(64)
    batch.reset(seed=0)
    for _ in range(300):
        batch.step(np.zeros(64, dtype=np.int64))
    table: Any = batch._engine._known  # type: ignore[attr-defined]
    assert table.obs.size < 2**25
