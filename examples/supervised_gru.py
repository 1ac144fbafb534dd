"""Supervised training of a GRU on whole trials, without reinforcement learning.

``TrialDataset`` hands out ``sample_trials`` as tensors; a ``DataLoader`` would do the same with
several workers. The trained network is scored as a policy in the environment.
"""

import torch
from reporting import finish, greedy_score, say_result, say_versions
from torch import nn

from caudate.envs import make_task
from caudate.envs.torch_dataset import TrialDataset

MATCH, BATCHES, BATCH_SIZE = "caudate/DelayedMatch-v0", 3_000, 64

torch.manual_seed(0)
torch.set_num_threads(1)
say_versions("torch")

task = make_task(MATCH)


class Network(nn.Module):
    """A GRU with a linear readout, over (T, n, d) or, step by step, (1, n, d)."""

    def __init__(self, inputs: int, hidden: int, actions: int) -> None:
        super().__init__()
        self.gru, self.readout = nn.GRU(inputs, hidden), nn.Linear(hidden, actions)

    def forward(self, obs, state=None):
        hidden, state = self.gru(obs, state)
        return self.readout(hidden), state


network = Network(len(task.obs_names), 64, int(task.action_space.n))


@torch.no_grad()
def act(obs, memory, start):
    logits, memory = network(torch.as_tensor(obs)[None], memory)
    return logits[0].argmax(-1).numpy(), memory


before = greedy_score(MATCH, act)
optimizer = torch.optim.Adam(network.parameters(), 3e-3)
trials = TrialDataset(task, batch_size=BATCH_SIZE, batches=BATCHES, seed=0)
steps = 0
for number, (obs, target, mask) in enumerate(trials, start=1):
    logits, _ = network(obs)
    loss = nn.functional.cross_entropy(logits[mask], target[mask])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    steps += int(mask.sum())
    if number % 100 == 0 and (after := greedy_score(MATCH, act)) >= 0.99:
        break
say_result("supervised GRU", MATCH, steps, before, after)
finish(GRU=after >= 0.95)
