"""Which images do the workflow files of a job name? One file an engine; text is read, never run."""
