"""Stable-Baselines3 and sb3-contrib on the native batch.

``to_sb3()`` turns a native batch into a Stable-Baselines3 ``VecEnv``. PPO without memory does what
can be done from the last choice and its reward (win-stay, lose-shift); RecurrentPPO remembers the
sample over the delay.
"""

import gymnasium as gym
import torch
from reporting import finish, greedy_score, say_result, say_versions
from sb3_contrib import RecurrentPPO
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy

import caudate.envs  # noqa: F401  registers the tasks

BANDIT, MATCH = "caudate/ReversalBandit-v0", "caudate/DelayedMatch-Bench-v0"

torch.set_num_threads(1)
say_versions("stable_baselines3", "sb3_contrib", "torch")

# ---- PPO on 16 sessions of a bandit at once
batch = gym.make_vec(BANDIT, num_envs=16).unwrapped.to_sb3()
ppo = PPO("MlpPolicy", batch, n_steps=128, batch_size=256, learning_rate=1e-3, gamma=0.5, seed=0)


def ppo_act(obs, memory, start):
    return ppo.predict(obs, deterministic=True)


before = greedy_score(BANDIT, ppo_act)
ppo.learn(60_000)
after_ppo = greedy_score(BANDIT, ppo_act)
say_result("PPO", BANDIT, ppo.num_timesteps, before, after_ppo)

# ---- RecurrentPPO on 64 copies of a memory task
batch = gym.make_vec(MATCH, num_envs=64).unwrapped.to_sb3()
recurrent = RecurrentPPO(
    "MlpLstmPolicy",
    batch,
    n_steps=32,
    batch_size=512,
    n_epochs=10,
    learning_rate=1e-3,
    gamma=0.9,
    ent_coef=0.01,
    policy_kwargs={"lstm_hidden_size": 64},
    seed=0,
)


def recurrent_act(obs, memory, start):
    return recurrent.predict(obs, memory, start, deterministic=True)


before = greedy_score(MATCH, recurrent_act)
while (after_recurrent := greedy_score(MATCH, recurrent_act)) < 0.95:
    if recurrent.num_timesteps >= 120_000:
        break
    recurrent.learn(10_000, reset_num_timesteps=False)
say_result("RecurrentPPO", MATCH, recurrent.num_timesteps, before, after_recurrent)

# ---- the library's own tools work on the batch as well
mean, spread = evaluate_policy(recurrent, batch, n_eval_episodes=200, warn=False)
print(f"evaluate_policy: mean return {mean:.3f}, standard deviation {spread:.3f}")

finish(PPO=after_ppo > 0.6, RecurrentPPO=after_recurrent > 0.9)
