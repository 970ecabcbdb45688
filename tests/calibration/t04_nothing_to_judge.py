"""Decoy: an engine measured its tasks, and all of them together took less than a second."""

from tests.calibration.made import case, engine, task

CASE = case(
    4, "decoy", "four tasks of 0.6 s on 2 cores, 0 core-seconds used of 4.8 by their benchmarks: start-up, and nothing to judge",
    engine("snakemake", *(task("train", n, (n, n + 0.01), cpus=2, cpu_seconds=0.0) for n in range(1, 5))),
    expected="""
        unstated-needs passed
        idle-memory passed
        idle-cores passed
        unseen-gpu not-applicable
        idle-gpu not-applicable
        unfit-partition passed
        overasked-tasks not-applicable
        oversubscribed-threads passed
        bound-to-one-machine unknown
    """,
)  # fmt: skip
