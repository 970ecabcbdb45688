"""Borderline: a graph twelve wide on twelve workers, of which three were at work at most."""

from tests.calibration.made import case, engine, task

CASE = case(
    5, "borderline", "3 of 12 at the same time: not one by one, and far from what the graph allows",
    engine("parsl", *(task("simulate", n, (1 + n // 3, 2 + n // 3)) for n in range(12)), workers=12),
    expected="""
        serial-loop passed
        queued-singly not-applicable
        steps-in-a-row not-applicable
        unreached-width weak
        dependent-run unknown
    """,
)  # fmt: skip
