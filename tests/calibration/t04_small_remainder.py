"""Decoy: 6 % of the memory used, and yet nobody else could have used the rest: it is less than 2 GiB."""

from tests.calibration.made import GIB, case, engine, later, task
from tests.factory import accounting

CASE = case(
    4, "decoy", "64 MiB of 1 GiB used by the job and by the engine's task",
    later(accounting(used_memory=GIB // 16)),
    engine("nextflow", task("simulate", 1, (1, 11), cpus=1, cpu_seconds=550.0, memory=GIB, peak=GIB // 16)),
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
