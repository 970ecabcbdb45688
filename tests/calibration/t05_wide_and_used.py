"""Good: eight independent simulations, four places to work, four at the same time."""

from tests.calibration.made import case, engine, task

CASE = case(
    5, "good", "width 8, 4 workers, 4 at the same time: every place was used",
    engine("parsl", *(task("simulate", n, (1 + n // 4, 2 + n // 4)) for n in range(8)), workers=4),
    expected="""
        serial-loop passed
        queued-singly not-applicable
        steps-in-a-row not-applicable
        unreached-width passed
        dependent-run unknown
    """,
)  # fmt: skip
