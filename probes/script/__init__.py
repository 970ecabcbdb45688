"""What can be read from a script without running it? Helpers that several probes share; none of these files is a probe."""
