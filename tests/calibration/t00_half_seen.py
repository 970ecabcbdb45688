"""Borderline: three good runs of a campaign of five hundred: what was not looked at is not known."""

from auditor.campaign import PhaseSum, Totals
from tests.calibration.made import member, together, whole

CASE = whole(
    "borderline", "497 of 500 runs were left out of the record",
    together(
        member("a"), member("b"), member("c"),
        known=500, left=497,
        phases=(PhaseSum("train", 3, 0, 3, 0),),
        totals=Totals(
            runs=3, core_seconds=1800.0, core_seconds_of=3, cpu_seconds=1500.0, cpu_of_core_seconds=1800.0, waited=90.0, waited_of=3,
            seconds=1800.0, concurrent=3,
        ),
    ),
    expected="""
        apart-ai unknown
        carried-data unknown
        mixed-runs unknown
        idle-hours unknown
        idle-requests unknown
        unshared-time unknown
        loose-sweeps unknown
        many-environments unknown
        loose-runs unknown
        unheld-loop unknown
        lost-hours unknown
        long-queue unknown
        campaign-crumbs unknown
        unheld-runs unknown
    """,
)  # fmt: skip
