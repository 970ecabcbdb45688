"""Decoy: the same job number three times: Slurm put it back in the queue after a node was lost. No loop."""

from tests.calibration.made import case, later
from tests.factory import accounting, at, attempt

CASE = case(
    9, "decoy", "one submission, three attempts: NODE_FAIL, PREEMPTED, COMPLETED",
    later(accounting(
        "123", attempt(0, "NODE_FAIL", ended=at(3)), attempt(1, "PREEMPTED", started=at(4), ended=at(5)), attempt(2, started=at(6)),
    )),
    expected="""
        self-submission not-applicable
        endless-loop not-applicable
        uncounted-iterations not-applicable
        built-on-failure not-applicable
        handmade-rounds not-applicable
        unrepeated-iteration not-applicable
    """,
)  # fmt: skip
