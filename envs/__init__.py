"""Tasks from neuroscience as Gymnasium environments, single and natively batched."""
from .core.errors import TaskError
from .core.registration import register, task_ids, make_task
from .working_memory.delayed_match import DelayedMatch
from .motor_timing.interval_reproduction import IntervalReproduction
from .bandits.reversal_bandit import ReversalBandit

register(DelayedMatch)
register(DelayedMatch, "Bench", fixation=0, sample=100, delay=500, decision=100, rewards={"fixation_break": 0})
register(IntervalReproduction)
register(ReversalBandit)
