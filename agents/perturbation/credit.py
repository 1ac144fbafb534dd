"""What perturbed episodes earned over their baseline."""

from __future__ import annotations

import numpy as np

from ..advantages import RunningBaseline

#: Baseline -> signs of the perturbation in the columns that share one: the baseline of a column is
#: the mean of an antithetic pair, the clean partner, or an average.
BASELINES: dict[str, tuple[int, ...]] = {
    "antithetic": (1, -1),
    "clean": (1, 0),
    "average": (1,),
    "condition": (1,),
    "round": (1,),
}
#: Baselines that are one number an episode: no step of it can be judged by what came after.
RUNNING = ("average", "condition")


def differences(
    earned: np.ndarray, baseline: str, running: RunningBaseline, conditions: np.ndarray
) -> np.ndarray:
    """``earned`` (T, B) minus the baseline; 0 for clean columns.

    Antithetic pairs give each column half of the pair's difference, which leaves out all even
    orders of the noise.
    """
    if baseline == "antithetic":
        pairs = earned.reshape(len(earned), -1, 2)
        out = pairs - pairs.mean(-1, keepdims=True)
    elif baseline == "clean":
        pairs = earned.reshape(len(earned), -1, 2)
        out = np.zeros_like(pairs)
        out[..., 0] = pairs[..., 0] - pairs[..., 1]
    elif baseline == "round":
        out = earned - earned.mean(1, keepdims=True)
    else:
        out = earned - running(earned[0], conditions)
    return out.reshape(earned.shape)


def signed_ranks(changes: np.ndarray) -> np.ndarray:
    """Changes (B,) as signed ranks of their sizes in [-1, 1]; ties share a rank, 0 stays 0.

    What many perturbations change a little then counts as much as what few change a lot; in
    evolution strategies this is fitness shaping (Wierstra et al. 2014, JMLR 15:949-980).
    """
    size = np.abs(changes)
    order = np.sort(size)
    rank = (np.searchsorted(order, size, "left") + np.searchsorted(order, size, "right")) / 2
    return np.sign(changes) * rank / max(len(changes), 1)
