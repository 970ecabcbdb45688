"""Bad: half of the core-hours went into runs that failed; waits of two hours for runs of ten minutes; an engine that retries everything."""

from tests.calibration.made import campaign, case, engine, later, run, scripts, task
from tests.factory import accounting, at, attempt

RUNS = tuple(
    run(str(n), 130 + n, 140 + n, submitted=n, core_hours=1.0, state="TIMEOUT" if n % 2 else "COMPLETED") for n in range(6)
)

CASE = case(
    10, "bad", "3 of 6 timed out; 16 cores held for one task at a time; no time limit, hours of waiting",
    scripts({"run.sh": "#!/bin/bash\nsnakemake --cores 1\n"}),
    later(accounting(
        "123", attempt(0, "FAILED", started=at(130), ended=at(140)), asked_seconds=24 * 3600, used_seconds=600.0, used_cpus=16,
    )),
    campaign(*RUNS),
    engine("snakemake", *(task("simulate", n, (1 + n, 2 + n), cpus=1, tries=3, reason="exit 1") for n in range(9))),
    expected="""
        unstated-time failed
        oversized-limit failed
        wasted-attempts failed
        long-wait failed
        wasted-campaign failed
        queue-bound failed
        failing-tasks failed
        unfilled-allocation failed
        not-at-first-try unknown
    """,
)  # fmt: skip
