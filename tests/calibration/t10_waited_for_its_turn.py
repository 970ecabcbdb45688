"""Decoy: runs that waited for hours because they depend on each other, not because the queue was long; tasks on nodes of their own."""

from tests.calibration.made import campaign, case, engine, later, run, task
from tests.factory import accounting

RUNS = tuple(run(str(n), 100 * n, 100 * n + 10, submitted=0, core_hours=0.2, dependency=f"afterok:{n}") for n in range(1, 5))

CASE = case(
    10, "decoy", "four runs chained by dependencies, submitted at noon; the engine's tasks ran as jobs of their own",
    campaign(*RUNS),
    later(accounting(used_memory=3 << 28, asked_seconds=1800, used_cpus=16)),
    engine("snakemake", *(task("simulate", n, (1 + n, 2 + n), cpus=4, native=f"80{n}") for n in range(4))),
    expected="""
        unstated-time passed
        oversized-limit passed
        wasted-attempts passed
        long-wait passed
        wasted-campaign passed
        queue-bound not-applicable
        failing-tasks passed
        unfilled-allocation not-applicable
        not-at-first-try unknown
    """,
)  # fmt: skip
