"""Decoy: three look-alikes of which two failed at once: corrections and no sweep, two seconds lost and no waste."""

from auditor.campaign import PhaseSum, Totals
from tests.calibration.made import member, together, whole

CASE = whole(
    "decoy", "two failures of a second each, then a run of ten minutes; nothing hands anything on",
    together(
        member("a", outcome="failed", seconds=1.0), member("b", outcome="failed", seconds=1.0, retry_of="a"), member("c", retry_of="b"),
        lookalikes=(("a", "b", "c"),),
        phases=(PhaseSum("train", 3, 0, 1, 2),),
        totals=Totals(
            runs=3, core_seconds=602.0, core_seconds_of=3, cpu_seconds=500.0, cpu_of_core_seconds=602.0, wasted_failed=2.0, waited=30.0,
            waited_of=3, seconds=602.0, concurrent=2,
        ),
    ),
    expected="""
        apart-ai not-applicable
        carried-data passed
        mixed-runs passed
        idle-hours passed
        idle-requests passed
        unshared-time passed
        loose-sweeps passed
        many-environments passed
        loose-runs passed
        unheld-loop not-applicable
        lost-hours passed
        long-queue passed
        campaign-crumbs passed
        unheld-runs not-applicable
    """,
)  # fmt: skip
