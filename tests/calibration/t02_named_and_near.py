"""Good: inputs named, hashed and on a local disk; nothing is fetched while nodes are held."""

from tests.calibration.made import case, engine, task

CASE = case(
    2, "good", "one input, known by content at start; the engine moved data for one of eleven minutes",
    engine("pegasus", task("stage_in_local", 1, (1, 2)), task("simulate", 1, (2, 11))),
    expected="""
        undeclared-inputs passed
        download-in-job passed
        fetched-again not-applicable
        far-inputs passed
        unhashed-inputs passed
        dangling-pointers not-applicable
        unstaged-inputs passed
        data-dragging passed
        fetching-tasks unknown
        staging-heavy passed
        unfetchable-inputs unknown
    """,
)  # fmt: skip
