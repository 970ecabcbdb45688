"""How do findings become a scorecard? The runner, levels, rungs, drift, and what the pictures show."""
