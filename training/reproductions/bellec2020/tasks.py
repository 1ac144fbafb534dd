"""The supervised tasks of the paper, in steps of 1 ms: Poisson spikes in, targets out."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from ....agents import Targets

Array = np.ndarray

CHOICE = spaces.Discrete(2)


def poisson(rng: np.random.Generator, hertz: Array) -> Array:
    """Spikes (T, n, D) of inputs with these rates, as uint8."""
    probability = (hertz / 1000).astype(np.float32)
    return (rng.random(hertz.shape, dtype=np.float32) < probability).view(np.uint8)


def groups(hertz: Array, size: int) -> Array:
    """Rates (T, n, G) of groups, as those of ``size`` inputs each."""
    return np.repeat(hertz, size, axis=2)


# -- pattern generation ------------------------------------------------------------------------

PATTERN_STEPS, PATTERN_INPUTS, PATTERN_HERTZ = 1000, 100, 50.0
PERIODS = (1000, 500, 333, 200)
PLANE = spaces.Box(-np.inf, np.inf, (1,))


def pattern(seed: int) -> Targets:
    """One frozen input pattern and a sum of four sines, begun at 0 and of largest size 1."""
    rng = np.random.default_rng(seed)
    hertz = np.full((PATTERN_STEPS, 1, PATTERN_INPUTS), PATTERN_HERTZ)
    course = np.zeros(PATTERN_STEPS)
    for period in PERIODS:
        turns = PATTERN_STEPS // period
        phase = rng.uniform(0, 2 * np.pi)
        angle = np.linspace(phase, phase + 2 * np.pi * turns, PATTERN_STEPS)
        course += rng.uniform(0.5, 2.0) * np.sin(angle)
    course -= course[0]
    course /= np.abs(course).max()
    return Targets(poisson(rng, hertz), course[:, None, None], PLANE)


# -- evidence accumulation ---------------------------------------------------------------------

CUES, SLOT, SILENCE = 7, 150, 50
EVIDENCE_STEPS, RECALL = 2250, 150
_LEFT, _RIGHT, _RECALL, _NOISE = range(4)
GROUP = 10  # inputs of a group
BIAS = 0.7  # probability of the side that is likelier in a trial


def evidence(rng: np.random.Generator, n: int) -> Targets:
    """Seven cues left or right, a delay, then the side with more of them is asked for."""
    likelier = rng.choice([1 - BIAS, BIAS], n)
    right = rng.random((CUES, n)) < likelier
    hertz = np.zeros((EVIDENCE_STEPS, n, 4))
    for k, side in enumerate(right):
        on = slice(k * SLOT + SILENCE, (k + 1) * SLOT)
        hertz[on, np.arange(n), np.where(side, _RIGHT, _LEFT)] = 40
    hertz[-RECALL:, :, _RECALL] = 40
    hertz[:, :, _NOISE] = 10
    answer = (right.sum(0) > CUES // 2).astype(int)
    mask = np.zeros((EVIDENCE_STEPS, n), bool)
    mask[-RECALL:] = True
    target = np.broadcast_to(answer, mask.shape)
    return Targets(poisson(rng, groups(hertz, GROUP)), target, CHOICE, mask)


# -- store and recall --------------------------------------------------------------------------

SLOTS, SLOT_STEPS = 12, 200
P_COMMAND = 1 / 7
RECALL_INPUTS = 25  # of a group
_STORE, _ASK = 2, 3


def commands(rng: np.random.Generator) -> tuple[Array, Array]:
    """Slots of store and recall commands in turn, from the first store to the last recall."""
    while True:
        store, recall = np.zeros((2, SLOTS), bool)
        waiting = False
        for slot in range(SLOTS):
            if slot and store[slot - 1]:
                continue  # a stored value is never recalled in the very next slot
            if rng.random() < P_COMMAND:
                (recall if waiting else store)[slot] = True
                waiting = not waiting
        if store.any() and not waiting:
            return store, recall


def store_recall(rng: np.random.Generator, n: int) -> Targets:
    """Bits go by; the one at a store command is asked for at the next recall command."""
    hertz = np.zeros((SLOTS, n, 4))
    target = np.zeros((SLOTS, n), int)
    mask = np.zeros((SLOTS, n), bool)
    for i in range(n):
        store, recall = commands(rng)
        bits = rng.integers(2, size=SLOTS)
        held = 0
        for slot in range(SLOTS):
            if store[slot]:
                held = bits[slot]
                hertz[slot, i, _STORE] = 50
            if recall[slot]:
                hertz[slot, i, _ASK] = 50
                target[slot, i], mask[slot, i] = held, True
            else:
                hertz[slot, i, bits[slot]] = 50
    hertz, target, mask = (np.repeat(a, SLOT_STEPS, axis=0) for a in (hertz, target, mask))
    return Targets(poisson(rng, groups(hertz, RECALL_INPUTS)), target, CHOICE, mask)
