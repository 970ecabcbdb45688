"""Which rules are there? One file a tip, one constant `TIP` a file."""
