"""Which ways lead in? The sbatch wrapper, the in-job hook, the local executor, adoption, the sweep."""
