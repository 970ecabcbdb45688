"""How is a Python environment read from disk, with nothing of it imported or run? The parts of probes.packages."""
