"""Handwritten digits by a symmetric network that settles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....agents.contrastive import ContrastiveNet, Teacher
from ...errors import UsageError
from ...reproduction import Claim, Experiment

Array = np.ndarray

GOAL, BATCH, TEST_SHARE = 0.8, 10, 0.25
SEEDS, EPOCHS = 3, 15
#: name -> hidden units, teacher, beta, eta, steps, dt.
CASES = {
    "hard": (32, "hard", 1.0, 0.02, 20, 0.3),
    "spring": (64, "spring", 0.5, 0.005, 30, 0.5),
}


def load() -> tuple[Array, Array, Array, Array]:
    """Pictures (P, 64) within +- 1 and digits (P,): for training and for tests, a quarter of each.

    1,797 pictures of 8 x 8 pixels (Alpaydin & Kaynak 1998, doi:10.24432/C50P49), as scikit-learn
    keeps them.

    Raises:
        UsageError: scikit-learn is missing.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UsageError('The digits need scikit-learn: pip install "caudate[digits]".') from error
    pictures, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digits))
    test = np.zeros(len(digits), bool)
    for digit in range(10):
        own = order[digits[order] == digit]
        test[own[: round(TEST_SHARE * len(own))]] = True
    x = pictures / 8 - 1
    return x[~test], digits[~test], x[test], digits[test]


def measure(quick: bool) -> dict[str, Any]:
    """Share of right test answers (epochs, seeds), and how far from rest the last phases ended."""
    epochs = 2 if quick else EPOCHS
    data = load()
    return {name: _learned(name, data, epochs) for name in CASES}


def _learned(name: str, data: tuple[Array, Array, Array, Array], epochs: int) -> dict[str, Any]:
    hidden, kind, beta, eta, steps, dt = CASES[name]
    x, digits, test_x, test_digits = data
    net = ContrastiveNet.create((64, hidden, 10), range(SEEDS), steps=steps, dt=dt)
    targets = np.where(digits[:, None] == np.arange(10), GOAL, -GOAL)
    rng, right, moved = np.random.default_rng(1), [], []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for begin in range(0, len(x) - BATCH + 1, BATCH):
            rows = order[begin : begin + BATCH]
            net.learn(x[rows], Teacher(kind, targets[rows], beta), eta)
        free = net.relax(test_x)
        right.append((free.v[..., -10:].argmax(-1) == test_digits).mean(1))
        moved.append(free.moved.mean())
    return {"right": np.array(right).tolist(), "moved": np.array(moved).tolist()}


def claims(result: dict[str, Any]) -> list[Claim]:
    """Both learn."""
    rows = []
    for name, found in result.items():
        hidden, _, beta, *_ = CASES[name]
        last = found["right"][-1]
        strength = "" if name == "hard" else f", beta {beta:g}"
        rows.append(
            Claim(
                f"64-{hidden}-10, {name}{strength}: right test answers after {len(found['right'])} "
                "epochs, mean of 3 networks",
                "at least .88",
                f"{np.mean(last):.3f} ({', '.join(f'{one:.3f}' for one in last)}); "
                f"mean |du/dt| left {found['moved'][-1]:.3f}",
                bool(np.mean(last) >= 0.88),
            )
        )
    return rows


EXPERIMENT = Experiment(
    "digits",
    "Digits of 8 x 8 pixels",
    measure,
    claims,
    None,
    {"cases": CASES, "seeds": SEEDS, "epochs": EPOCHS},
)
