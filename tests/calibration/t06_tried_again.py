"""Decoy: three look-alikes, of which the first three failed and were submitted again: corrections, not a sweep."""

from tests.calibration.made import campaign, case, run

TRIES = tuple(run(str(n), 20 * n, 20 * n + 2, state="FAILED") for n in range(3))

CASE = case(
    6, "decoy", "three failures of the same script, each submitted after the one before had ended; the fourth went well",
    campaign(*TRIES, lookalikes=tuple(t.run_id for t in TRIES)),
    expected="""
        idle-devices not-applicable
        lookalike-submissions passed
        unbounded-array not-applicable
        tiny-tasks not-applicable
        rank-duplicates not-applicable
        unscaled-training not-applicable
        needless-barrier not-applicable
        tied-task unknown
    """,
)  # fmt: skip
