"""TorchRL on a single environment and on the native batch.

TorchRL accepts a vector environment whose autoreset is DISABLED or SAME_STEP, not Gymnasium's
default NEXT_STEP, so the batch is made with ``autoreset_mode="disabled"``: the collector then
resets the columns that are done through ``reset_mask``.
"""

import gymnasium as gym
import torch
from reporting import finish, greedy_score, say_result, say_versions
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.envs import GymWrapper
from torchrl.envs.utils import check_env_specs
from torchrl.modules import ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import caudate.envs  # noqa: F401  registers the tasks

BANDIT = "caudate/ReversalBandit-v0"
FRAMES, FRAMES_PER_BATCH, EPOCHS = 61_440, 2_048, 8

torch.manual_seed(0)
torch.set_num_threads(1)
say_versions("torchrl", "tensordict", "torch")

# ---- a single environment (GymEnv by id adds a frameskip argument, which our tasks refuse)
single = GymWrapper(gym.make("caudate/DelayedMatch-v0"), categorical_action_encoding=True)
check_env_specs(single)
rollout = single.rollout(100)
print(
    "single rollout:", tuple(rollout.batch_size), "return", rollout["next", "reward"].sum().item()
)

# ---- the native batch
batch = gym.make_vec(BANDIT, num_envs=16, autoreset_mode="disabled")
env = GymWrapper(batch, categorical_action_encoding=True)
env.set_seed(0)
check_env_specs(env)
env.set_seed(0)

width, actions = env.observation_spec["observation"].shape[-1], batch.single_action_space.n


def network(outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(width, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs))
    )


logits = network(actions)
actor = ProbabilisticActor(
    TensorDictModule(logits, in_keys=["observation"], out_keys=["logits"]),
    spec=env.action_spec,
    in_keys=["logits"],
    distribution_class=torch.distributions.Categorical,
    return_log_prob=True,
)
critic = ValueOperator(network(1), in_keys=["observation"])
loss = ClipPPOLoss(actor, critic, entropy_coeff=0.01, normalize_advantage=True)
advantage = GAE(gamma=0.5, lmbda=0.9, value_network=critic)
optimizer = torch.optim.Adam(loss.parameters(), 3e-3)


def act(obs, memory, start):
    with torch.no_grad():
        return logits(torch.as_tensor(obs)).argmax(-1).numpy(), None


before = greedy_score(BANDIT, act)
collector = Collector(
    env,
    actor,
    frames_per_batch=FRAMES_PER_BATCH,
    total_frames=FRAMES,
    auto_register_policy_transforms=True,
)
frames = 0
for data in collector:  # (16 columns, 128 steps)
    frames += data.numel()
    for _ in range(EPOCHS):
        with torch.no_grad():
            advantage(data)
        for piece in data.reshape(-1)[torch.randperm(data.numel())].split(512):
            losses = loss(piece)
            total = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
            optimizer.zero_grad()
            total.backward()
            nn.utils.clip_grad_norm_(loss.parameters(), 1.0)
            optimizer.step()
collector.shutdown()
after = greedy_score(BANDIT, act)
say_result("ClipPPOLoss", BANDIT, frames, before, after)
finish(PPO=after > 0.6)
