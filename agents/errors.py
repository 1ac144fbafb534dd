"""What a user can get wrong, and what deserves a warning."""


class AgentError(ValueError):
    """A user's mistake: one sentence that names the value, what is allowed and what to do."""


class CheckpointError(AgentError):
    """A checkpoint file that cannot be used, with the reason."""


class LearningWarning(UserWarning):
    """Learning cannot work as it stands: names the cause and the option that helps."""


class NonFiniteError(AgentError):
    """Learning produced a value that is not finite; the agent holds its last good weights."""
