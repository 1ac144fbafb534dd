"""Tianshou's PPO on single environments, which Tianshou makes into a batch itself.

Tianshou steps the environments that are not done yet through an id list, so it takes callables that
make single environments; a Gymnasium vector environment does not fit.
"""

import gymnasium as gym
import numpy as np
import torch
from reporting import finish, greedy_score, say_result, say_versions
from tianshou.algorithm import PPO
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OnPolicyTrainerParams
from tianshou.utils.net.common import Net
from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic

import caudate.envs  # noqa: F401  registers the tasks

BANDIT, MATCH = "caudate/ReversalBandit-v0", "caudate/DelayedMatch-v0"
COLUMNS, STEPS, STEPS_PER_UPDATE = 16, 61_440, 2_048

np.random.seed(0)  # noqa: NPY002  Tianshou draws from NumPy's global generator
torch.manual_seed(0)
torch.set_num_threads(1)
say_versions("tianshou", "torch")


def network(env: gym.Env) -> Net:
    return Net(
        state_shape=env.observation_space.shape, hidden_sizes=[64, 64], activation=torch.nn.Tanh
    )


def make_policy(env: gym.Env) -> DiscreteActorPolicy:
    actor = DiscreteActor(
        preprocess_net=network(env), action_shape=env.action_space.n, softmax_output=False
    )
    return DiscreteActorPolicy(actor=actor, action_space=env.action_space, deterministic_eval=True)


policy = make_policy(gym.make(BANDIT))
critic = DiscreteCritic(preprocess_net=network(gym.make(BANDIT)))
algorithm = PPO(
    policy=policy,
    critic=critic,
    optim=AdamOptimizerFactory(lr=3e-3),
    gamma=0.5,
    gae_lambda=0.9,
    ent_coef=0.01,
    max_grad_norm=1.0,
)


def act(obs, memory, start):
    with torch.no_grad():
        logits, _ = policy.actor(obs)
    return logits.argmax(-1).numpy(), None


before = greedy_score(BANDIT, act)
envs = DummyVectorEnv([lambda: gym.make(BANDIT) for _ in range(COLUMNS)])
envs.seed(0)
collector = Collector(algorithm, envs, VectorReplayBuffer(2 * STEPS_PER_UPDATE, COLUMNS))
trained = algorithm.run_training(
    OnPolicyTrainerParams(
        training_collector=collector,
        max_epochs=1,
        epoch_num_steps=STEPS,
        collection_step_num_env_steps=STEPS_PER_UPDATE,
        update_step_num_repetitions=8,
        batch_size=512,
        show_progress=False,
        verbose=False,
    )
)
after = greedy_score(BANDIT, act)
say_result("PPO", BANDIT, trained.train_step, before, after)

# ---- a task that reports facts at trial ends only is collected as well
match = DummyVectorEnv([lambda: gym.make(MATCH) for _ in range(8)])
guesses = Collector(make_policy(gym.make(MATCH)), match)
collected = guesses.collect(n_episode=400, random=True, reset_before_collect=True)
print(
    f"{MATCH}: {collected.n_collected_episodes} episodes of random actions, "
    f"mean return {collected.returns.mean():.3f}"
)
finish(PPO=after > 0.6)
