"""Good: three quarters of the memory, nine tenths of the core, half of the time; on the partition for it."""

from tests.calibration.made import GIB, case, engine, task

CASE = case(
    4, "good", "0.75 of 1 GiB and 540 of 600 core-seconds used; the engine's tasks used 90 % of their cores",
    engine("nextflow", task("simulate", 1, (1, 11), cpus=2, cpu_seconds=1080.0, memory=4 * GIB, peak=3 * GIB)),
    expected="""
        unstated-needs passed
        idle-memory passed
        idle-cores passed
        unseen-gpu not-applicable
        idle-gpu not-applicable
        unfit-partition passed
        overasked-tasks passed
        oversubscribed-threads passed
        bound-to-one-machine unknown
    """,
)  # fmt: skip
