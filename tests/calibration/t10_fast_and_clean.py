"""Good: six runs of ten minutes, each began a minute after its submission, all ended well; the allocation is full of tasks."""

from tests.calibration.made import campaign, case, engine, run, task

CASE = case(
    10, "good", "six of six well, waits of a minute, an engine that keeps one core busy for ten minutes",
    campaign(*(run(str(n), n, n + 10, submitted=n - 1, core_hours=0.2) for n in range(5))),
    engine("snakemake", *(task("simulate", n, (1 + 2 * n, 3 + 2 * n), cpus=1) for n in range(5))),
    expected="""
        unstated-time passed
        oversized-limit passed
        wasted-attempts passed
        long-wait passed
        wasted-campaign passed
        queue-bound passed
        failing-tasks passed
        unfilled-allocation passed
        not-at-first-try unknown
    """,
)  # fmt: skip
