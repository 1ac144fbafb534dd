"""RLlib's PPO on an id of this library.

The id carries the module that registers it (``caudate.envs:caudate/...``), so that RLlib's worker
processes find the task too. RLlib reads Gymnasium's default autoreset mode, NEXT_STEP, rightly: it
takes the native batch as it is. It pins Gymnasium 1.2.2.
"""

import os

import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from reporting import finish, greedy_score, say_result, say_versions

import caudate.envs

BANDIT = "caudate/ReversalBandit-v0"
BATCH, ITERATIONS = 4_096, 20

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
torch.set_num_threads(1)
say_versions("ray", "torch")
ray.init(num_cpus=1, include_dashboard=False, logging_level="error", log_to_driver=False)

config = (
    PPOConfig()
    .environment(f"caudate.envs:{BANDIT}")
    .env_runners(
        num_env_runners=0,
        num_envs_per_env_runner=16,
        gym_env_vectorize_mode="vector_entry_point",  # the native batch
    )
    .learners(num_learners=0)
    .training(
        train_batch_size_per_learner=BATCH,
        minibatch_size=512,
        num_epochs=8,
        lr=3e-3,
        gamma=0.5,
        lambda_=0.9,
        entropy_coeff=0.01,
        vf_clip_param=100.0,
        use_kl_loss=False,
    )
    .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[64, 64]))
    .debugging(seed=0)
)
algorithm = config.build_algo()


def act(obs, memory, start):
    with torch.no_grad():
        outputs = algorithm.get_module().forward_inference({"obs": torch.as_tensor(obs)})
    return outputs["action_dist_inputs"].argmax(-1).numpy(), None


assert isinstance(algorithm.env_runner.env.unwrapped, caudate.envs.TaskVectorEnv)
before = greedy_score(BANDIT, act)
steps = 0
for _ in range(ITERATIONS):
    result = algorithm.train()
    steps = int(result["num_env_steps_sampled_lifetime"])
after = greedy_score(BANDIT, act)
say_result("PPO", BANDIT, steps, before, after)
print(f"mean return of its own episodes: {result['env_runners']['episode_return_mean']:.1f}")
algorithm.stop()
ray.shutdown()
finish(PPO=after > 0.6)
