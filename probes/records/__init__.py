"""How are other programs' records read: databases, logs, YAML, times? Bounded in memory and time, and nothing in them is run."""
