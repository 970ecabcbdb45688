"""Bad: a loop of srun over independent cases, five such jobs one after another, an engine with one core for eight tasks."""

from probes.schedulers import StepRecord
from tests.calibration.made import campaign, case, engine, later, run, scripts, task
from tests.factory import accounting, attempt

STEPS = tuple(StepRecord(str(n), "COMPLETED", 0, 0, 1 << 28, 140.0, 150.0, 1, "./solve") for n in range(4))

CASE = case(
    5, "bad", "srun in a for loop on 8 cores, four steps of 150 s in a job of 600 s; four runs that never overlap",
    scripts({"run.sh": "#!/bin/bash\nfor i in 1 2 3 4; do\n  srun ./simulate --case $i\ndone\n"}),
    later(accounting("123", attempt(steps=STEPS), used_cpus=8)),
    campaign(*(run(str(n), 20 * n, 20 * n + 10) for n in range(4))),
    engine("snakemake", *(task("simulate", n, (1 + n, 2 + n)) for n in range(8)), workers=1),
    expected="""
        serial-loop failed
        queued-singly failed
        steps-in-a-row failed
        unreached-width failed
        dependent-run unknown
    """,
)  # fmt: skip
