"""Decoy: an array of one task is no array: nine of them are nine submissions."""

from tests.calibration.made import campaign, case, later, run
from tests.factory import accounting

TWINS = tuple(run(str(n), n, n + 10, job_id=f"{80 + n}_0") for n in range(8))

CASE = case(
    6, "decoy", "--array=0-0 typed nine times",
    later(accounting("79_0")),
    campaign(*TWINS, array_size=1, lookalikes=tuple(t.run_id for t in TWINS)),
    expected="""
        idle-devices not-applicable
        lookalike-submissions failed
        unbounded-array not-applicable
        tiny-tasks not-applicable
        rank-duplicates not-applicable
        unscaled-training not-applicable
        needless-barrier not-applicable
        tied-task unknown
    """,
)  # fmt: skip
