"""Decoy: two runs ended by their time limit, and the next ones went on from their checkpoints: nothing was lost."""

from tests.calibration.made import campaign, case, link, run

RUNS = (
    run("a", -60, -40, core_hours=4.0, state="TIMEOUT"), run("b", -39, -20, core_hours=4.0, state="TIMEOUT"),
    run("c", -19, -10, core_hours=2.0),
)  # fmt: skip

CASE = case(
    10, "decoy", "a and b timed out, and their checkpoints were read by the run after",
    campaign(*RUNS, links=(link("a", "b", "ckpt.pt"), link("b", "c", "ckpt2.pt"))),
    expected="""
        unstated-time passed
        oversized-limit passed
        wasted-attempts passed
        long-wait passed
        wasted-campaign passed
        queue-bound passed
        failing-tasks not-applicable
        unfilled-allocation not-applicable
        not-at-first-try unknown
    """,
)  # fmt: skip
