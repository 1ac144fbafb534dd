"""What holds for all tests: no network, no login, one BLAS thread."""

import os

import pytest

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # before NumPy is imported


@pytest.fixture(scope="session", autouse=True)
def _no_litter(tmp_path_factory):
    """Stable-Baselines3 makes a folder for the log of every model."""
    os.environ["SB3_LOGDIR"] = str(tmp_path_factory.mktemp("sb3"))


@pytest.fixture(autouse=True)
def _no_login(monkeypatch):
    """W&B finds neither a key nor a netrc, and would stay offline if it were started."""
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent/netrc")
    monkeypatch.setenv("WANDB_MODE", "offline")
