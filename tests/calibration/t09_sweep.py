"""Decoy: four look-alikes side by side that hand nothing to each other: a sweep, no loop."""

from tests.calibration.made import campaign, case, run

CASE = case(
    9, "decoy", "four submissions within four minutes, each of ten minutes",
    campaign(*(run(str(n), n, n + 10) for n in range(4)), lookalikes=("0", "1", "2", "3")),
    expected="""
        self-submission not-applicable
        endless-loop not-applicable
        uncounted-iterations not-applicable
        built-on-failure not-applicable
        handmade-rounds not-applicable
        unrepeated-iteration not-applicable
    """,
)  # fmt: skip
