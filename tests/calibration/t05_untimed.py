"""Borderline: eight tasks whose times the engine did not keep: how many ran at once cannot be told."""

from tests.calibration.made import case, engine, task

CASE = case(
    5, "borderline", "a graph eight wide without one time stamp",
    engine("fireworks", *(task("simulate", n, None) for n in range(8)), workers=4),
    expected="""
        serial-loop passed
        queued-singly not-applicable
        steps-in-a-row not-applicable
        unreached-width unknown
        dependent-run unknown
    """,
)  # fmt: skip
