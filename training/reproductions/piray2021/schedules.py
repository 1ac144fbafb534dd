"""What the learners of the paper watch: outcomes (T, n) of n runs, noise included.

Trials and amounts are those of the authors' simulations; random parts are drawn anew for each run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray
Rng = np.random.Generator

#: Means of the volatility task, 20 trials each, and its windows.
VOLATILITY_MEANS = (0.75,) * 6 + (0.2, 0.8, 0.2, 0.8, 0.2)
BLOCK = 20
STABLE, VOLATILE = slice(BLOCK, 6 * BLOCK), slice(6 * BLOCK, 11 * BLOCK)
#: Chance of outcome 1 and trials of it, in turn (Piray, Ly, Roelofs, Cools & Toni 2019).
SWITCHING = (
    (0.5, 4), (0.2, 12), (0.5, 6), (0.2, 18), (0.5, 4), (0.8, 15),
    (0.5, 6), (0.2, 15), (0.5, 2), (0.8, 12), (0.5, 8), (0.8, 18),
)  # fmt: skip
#: Share of ones in each block of the task of Huang, Thompson & Paulus (2017).
HUANG_SHARES = tuple(k / 13 for k in (1, 3, 9, 9, 1, 3, 9, 3, 1, 1))
HUANG_TRIALS = 270


def noisy(rng: Rng, means: Array, variance: float) -> Array:
    """Means with normal noise."""
    return means + np.sqrt(variance) * rng.standard_normal(means.shape)


def random_walk(rng: Rng, n: int, trials: int, volatility: float, stochasticity: float) -> Array:
    """A random walk from 0, seen through noise."""
    steps = np.sqrt(volatility) * rng.standard_normal((trials, n))
    steps[0] = 0
    return noisy(rng, steps.cumsum(0), stochasticity)


def shuffled(rng: Rng, n: int, trials: int, share: float) -> Array:
    """0 and 1, (trials, n), with exactly the share of ones, each run in an order of its own."""
    ones = round(share * trials)
    values = np.repeat([1.0, 0.0], [ones, trials - ones])
    return rng.permuted(np.tile(values[:, None], (1, n)), axis=0)


def volatility_task(rng: Rng, n: int) -> Array:
    """Block means as graded outcomes."""
    means = np.repeat(VOLATILITY_MEANS, BLOCK)[:, None]
    return noisy(rng, np.tile(means, (1, n)), 0.01)


def binary_volatility_task(rng: Rng, n: int) -> Array:
    """The same with outcomes 0 and 1 in exact shares: of the six stable blocks, of each other."""
    blocks = [shuffled(rng, n, 6 * BLOCK, VOLATILITY_MEANS[0])]
    blocks += [shuffled(rng, n, BLOCK, mean) for mean in VOLATILITY_MEANS[6:]]
    return noisy(rng, np.concatenate(blocks), 0.01)


def switching_chances() -> Array:
    """Chance of outcome 1 on each of 120 trials."""
    return np.repeat([chance for chance, _ in SWITCHING], [trials for _, trials in SWITCHING])


def switching_task(rng: Rng, n: int) -> Array:
    """Outcomes 0 and 1 by those chances."""
    ones = rng.random((120, n)) < switching_chances()[:, None]
    return noisy(rng, ones.astype(float), 0.01)


def huang_task(rng: Rng, n: int) -> Array:
    """Ten blocks of about 30 trials, cut at 270; 0 and 1 in exact shares of each block."""
    runs = np.empty((HUANG_TRIALS, n))
    for i in range(n):
        lengths = np.rint(rng.normal(30, 1, len(HUANG_SHARES))).astype(int)
        blocks = [
            shuffled(rng, 1, length, share)
            for length, share in zip(lengths, HUANG_SHARES, strict=True)
        ]
        runs[:, i] = np.concatenate(blocks)[:HUANG_TRIALS, 0]
    return noisy(rng, runs, 0.01)


def suppression(rng: Rng, n: int, omissions: int) -> Array:
    """100 weak shocks, trials without one, 20 strong shocks."""
    means = np.repeat([-0.3, 0.0, -1.0], [100, omissions, 20])[:, None]
    return noisy(rng, np.tile(means, (1, n)), 0.01)


def reinforcement(rng: Rng, n: int, *, partial: bool) -> Array:
    """100 rewards of 1, or 2 on half of the trials; then 10 without."""
    trained = 2 * shuffled(rng, n, 100, 0.5) if partial else np.ones((100, n))
    return noisy(rng, np.concatenate([trained, np.zeros((10, n))]), 1e-4)


def serial_prediction(rng: Rng, n: int, *, shift: bool) -> Array:
    """Tone and food, (300, n, 2): food on half of the trials, after 200 the tone with it or not."""
    food = np.concatenate([shuffled(rng, n, 200, 0.5), shuffled(rng, n, 100, 0.5)])
    tone = np.ones((300, n))
    if shift:
        tone[200:] = food[200:]
    return noisy(rng, np.stack([tone, food], -1), 1e-6)


def reversal(rng: Rng, n: int, share: float) -> Array:
    """40 trials with that share of rewards (1, else -1), 40 with what is left of it."""
    parts = [shuffled(rng, n, 40, one) for one in (share, 1 - share)]
    return noisy(rng, 2 * np.concatenate(parts) - 1, 1e-6)


def change_points(rng: Rng, n: int, trials: int = 300) -> tuple[Array, Array]:
    """States uniform on [0, 10] with jumps 5 + ceil(Exp(20)) trials apart, and where they jump.

    Returns:
        States (trials, n), jumps (trials, n) bool.
    """
    jumps = np.zeros((trials, n), bool)
    for i in range(n):
        # More gaps than can be needed: each is at least 6.
        places = np.cumsum(5 + np.ceil(rng.exponential(20, trials // 6)).astype(int)) - 1
        jumps[places[places < trials], i] = True
    epoch = jumps.cumsum(0)
    values = 10 * rng.random((int(epoch.max()) + 1, n))
    return np.take_along_axis(values, epoch, 0), jumps


def reported_autocorrelation(outcomes: Array) -> Array:
    """Lag-1 autocorrelation of each run (n,), deviations from the run's mean over all trials."""
    away = outcomes - outcomes.mean(0)
    return (away[1:] * away[:-1]).sum(0) / (away**2).sum(0)


def blocks_after(switches: Sequence[int] | Array, trials: int, length: int) -> Array:
    """Which trials (trials,) bool lie within ``length`` trials from a switch on."""
    late = np.zeros(trials, bool)
    for switch in switches:
        late[switch : switch + length] = True
    return late
