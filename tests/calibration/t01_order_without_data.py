"""Borderline: the engine runs training after simulation, and no file goes from one to the other that it knows of."""

from tests.calibration.made import case, engine, task

CASE = case(
    1, "borderline", "train waits for simulate and reads nothing that simulate is known to have made",
    engine("parsl", task("simulate", 1, (1, 3)), task("train", 1, (3, 6), needs=("simulate-1",))),
    expected="""
        hidden-ai passed
        isolated-run failed
        unlinked-ai weak
        unpinned-model not-applicable
        unvalidated-model passed
        lost-results passed
        unproved-results unknown
    """,
)  # fmt: skip
