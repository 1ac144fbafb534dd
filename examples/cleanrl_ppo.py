"""Recurrent PPO in one file, in the manner of CleanRL, on the native batch.

CleanRL's own scripts pin an old Gymnasium; this is the same algorithm on the current one. The batch
resets in the same step (``autoreset_mode="same_step"``), so every row is a real transition, and the
network's memory is cleared where an episode has begun.
"""

import gymnasium as gym
import numpy as np
import torch
from reporting import finish, greedy_score, say_result, say_versions
from torch import nn
from torch.distributions import Categorical

import caudate.envs  # noqa: F401  registers the tasks

MATCH, COLUMNS, STEPS, UPDATES = "caudate/DelayedMatch-v0", 64, 64, 150
EPOCHS, MINIBATCHES, GAMMA, LAMBDA, CLIP = 4, 4, 0.9, 0.95, 0.2
ENTROPY, VALUE, LEARNING_RATE = 0.02, 0.5, 2e-3

torch.manual_seed(0)
torch.set_num_threads(1)
say_versions("torch")


class Agent(nn.Module):
    """GRU with an actor and a critic."""

    def __init__(self, inputs: int, actions: int, hidden: int = 64) -> None:
        super().__init__()
        self.cell = nn.GRUCell(inputs, hidden)
        self.actor, self.critic = nn.Linear(hidden, actions), nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        self.hidden = hidden

    def forward(self, obs, state, begins):
        """obs (T, n, d), state (n, hidden), begins (T, n): logits, values, last state."""
        states = []
        for now, begin in zip(obs, begins, strict=True):
            state = self.cell(now, state * (1 - begin[:, None]))
            states.append(state)
        every = torch.stack(states)
        return self.actor(every), self.critic(every).squeeze(-1), state


env = gym.make_vec(MATCH, num_envs=COLUMNS, autoreset_mode="same_step")
agent = Agent(env.single_observation_space.shape[0], int(env.single_action_space.n))
optimizer = torch.optim.Adam(agent.parameters(), LEARNING_RATE, eps=1e-5)


@torch.no_grad()
def act(obs, memory, start):
    memory = torch.zeros(len(obs), agent.hidden) if memory is None else memory
    begins = torch.as_tensor(start, dtype=torch.float32)[None]
    logits, _, memory = agent(torch.as_tensor(obs)[None], memory, begins)
    return logits[0].argmax(-1).numpy(), memory


before = greedy_score(MATCH, act)
obs = torch.as_tensor(env.reset(seed=0)[0])
begin, state = torch.ones(COLUMNS), torch.zeros(COLUMNS, agent.hidden)
for update in range(UPDATES):
    # ---- play STEPS steps in every column
    first_state, played = state, []
    for _ in range(STEPS):
        with torch.no_grad():
            logits, value, state = agent(obs[None], state, begin[None])
        choice = Categorical(logits=logits[0])
        action = choice.sample()
        after_obs, reward, terminated, truncated, _ = env.step(action.numpy())
        over = np.logical_or(terminated, truncated)
        reward, over = torch.as_tensor(reward, dtype=torch.float32), torch.as_tensor(over).float()
        played.append((obs, begin, action, choice.log_prob(action), value[0], reward, over))
        obs, begin = torch.as_tensor(after_obs), over
    columns = (torch.stack(column) for column in zip(*played, strict=True))
    all_obs, begins, actions, log_probs, values, rewards, overs = columns

    # ---- generalised advantage estimation; nothing is carried over the ends of episodes. (Where a
    # task truncates, as the bandits do, add GAMMA * value of info["final_obs"] to the last reward.)
    with torch.no_grad():
        following = agent(obs[None], state, begin[None])[1][0]
    advantages, running = torch.zeros_like(rewards), torch.zeros(COLUMNS)
    for t in reversed(range(STEPS)):
        alive = 1 - overs[t]
        error = rewards[t] + GAMMA * following * alive - values[t]
        running = error + GAMMA * LAMBDA * alive * running
        advantages[t], following = running, values[t]
    targets = advantages + values

    # ---- learn from whole columns, so that the memory can be played again
    for _ in range(EPOCHS):
        for part in torch.randperm(COLUMNS).chunk(MINIBATCHES):
            logits, value, _ = agent(all_obs[:, part], first_state[part], begins[:, part])
            choice = Categorical(logits=logits)
            ratio = (choice.log_prob(actions[:, part]) - log_probs[:, part]).exp()
            gain = advantages[:, part]
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            policy_loss = -torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            value_loss = (value - targets[:, part]).pow(2).mean()
            loss = policy_loss + VALUE * value_loss - ENTROPY * choice.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    if update % 10 == 9 and (after := greedy_score(MATCH, act)) >= 0.95:
        break
say_result("recurrent PPO", MATCH, (update + 1) * STEPS * COLUMNS, before, after)
finish(PPO=after > 0.9)
