"""What all tasks share: randomness, trial tables, engines, faces."""
