"""Trial-level learners of bandits: a filter of what arms are worth, and a rule of choice."""
