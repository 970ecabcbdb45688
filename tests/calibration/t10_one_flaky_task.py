"""Borderline: one task in ten needed a second try; a tenth of the core-hours was lost; a third of the cores was busy."""

from tests.calibration.made import campaign, case, engine, later, run, task
from tests.factory import accounting

RUNS = tuple(run(str(n), n, n + 10, core_hours=1.0, state="FAILED" if n == 0 else "COMPLETED") for n in range(10))

CASE = case(
    10, "borderline", "1 of 10 runs failed, 1 of 10 tasks was tried twice, 3 cores for tasks of one",
    campaign(*RUNS),
    later(accounting(used_memory=3 << 28, asked_seconds=1800, used_cpus=3, used_cpu_seconds=540.0)),
    engine("snakemake", *(task("simulate", n, (1 + n, 2 + n), cpus=1, tries=2 if n == 3 else 1, reason="exit 1") for n in range(10))),
    expected="""
        unstated-time passed
        oversized-limit passed
        wasted-attempts passed
        long-wait passed
        wasted-campaign weak
        queue-bound passed
        failing-tasks weak
        unfilled-allocation weak
        not-at-first-try unknown
    """,
)  # fmt: skip
