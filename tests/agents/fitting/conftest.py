"""Models, and subjects whose parameters are known."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.agents.fitting import Model, reversals, simulate

PARAMETERS = np.array([[0.3, 4.0], [0.6, 8.0], [0.15, 6.0], [0.8, 2.5], [0.45, 5.0]])


@pytest.fixture(scope="session")
def model():
    return Model.named("rescorla-wagner")


@pytest.fixture(scope="session")
def data(model):
    """Five subjects on 200 trials."""
    return simulate(model, PARAMETERS, reversals(200, 5, seed=1), seed=2)
