"""Stable-Baselines3 PPO and sb3-contrib RecurrentPPO behind the face of our agents.

Nothing of the algorithms is re-implemented: rollouts and updates are the libraries' own methods.
The defaults keep the rollout near 2,048 transitions whatever the number of environments (the
libraries' default grows with it, to 131,072 at 64). Building an agent sets torch to one thread;
call ``torch.set_num_threads`` afterwards for more.

The libraries draw from the global generators of torch, NumPy and Python. Each agent brings its own
state of them, so that what else runs in the process changes nothing, nor is changed.

State is kept in our own checkpoint format; the libraries' ``load`` is never called.
"""

from .algorithms import PPO, RecurrentPPO, RecurrentPPOOptions
from .on_policy import PPOOptions

__all__ = ["PPO", "PPOOptions", "RecurrentPPO", "RecurrentPPOOptions"]
