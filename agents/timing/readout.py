"""How a readout of a clock learns: from reward by the score of its actions, or from targets.

With features x, outputs y = W x + b and the policy's score s = d log p(action) / dy, the
eligibility of a readout weight is e[t] = decay e[t-1] + s[t] x[t]. What modulates it decides the
rule:

- *Policy gradient* (``modulator="condition"`` or ``"average"``): e is kept for the whole episode
  (decay 1) and W <- W + eta (R - Rbar) e at its end, with a running mean Rbar for each condition
  that the environment tells (Williams 1992, doi:10.1007/BF00992696).
- *Three factors, broadcast reward* (the same with ``eligibility_ms``): e decays, so that R - Rbar
  finds little left of actions long past (:func:`decayed_worth`).
- *Three factors, broadcast TD error* (``modulator="critic"``): a linear critic on the same
  features; e decays by gamma times lambda a step (:mod:`..advantages`).
- *Delta rule*: dW = eta (y* - y) x for targets y* (:class:`~caudate.agents.Targets`).

All are sums over the steps of a round for all columns at a time, in
:class:`..actor_critic.ActorCritic`.
"""

from __future__ import annotations

import numpy as np


def decayed_worth(worth: np.ndarray, alive: np.ndarray, decay: float) -> np.ndarray:
    """What R - Rbar at an episode's end finds of the eligibility of each of its steps, (T, B).

    Args:
        worth: (B,) return minus baseline.
        alive: (T, B) transitions that happened.
        decay: of the eligibility per step.
    """
    left = alive.sum(axis=0) - 1 - np.arange(len(alive))[:, None]
    return np.where(alive, worth * decay ** np.maximum(left, 0), 0.0)
