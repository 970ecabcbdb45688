"""Bad: 64 GiB, 16 cores and a place on the GPU partition for a script that uses 0.25 GiB, one core and no GPU."""

from tests.calibration.made import GIB, case, engine, later, scripts, start, task
from tests.factory import accounting, environment

CASE = case(
    4, "bad", "every request is a multiple of what was used, for the job and for the engine's tasks",
    scripts({"run.sh": "#!/bin/bash\npython simulate.py\n"}),
    later(accounting(asked_memory=64 * GIB, asked_cpus=16, used_cpus=16, used_cpu_seconds=590.0, partition="gpu-a100")),
    start(environment(OMP_NUM_THREADS="64")),
    engine("nextflow", task("simulate", 1, (1, 11), cpus=8, cpu_seconds=590.0, memory=32 * GIB, peak=GIB)),
    expected="""
        unstated-needs failed
        idle-memory failed
        idle-cores failed
        unseen-gpu not-applicable
        idle-gpu not-applicable
        unfit-partition failed
        overasked-tasks failed
        oversubscribed-threads failed
        bound-to-one-machine unknown
    """,
)  # fmt: skip
