"""Bad: the engine spends more time on moving files than on work."""

from tests.calibration.made import case, engine, task

CASE = case(
    2, "bad", "twelve minutes of stage-in and stage-out for six minutes of simulation",
    engine(
        "pegasus", task("stage_in_remote", 1, (1, 9)), task("simulate", 1, (9, 15)), task("stage_out_remote", 1, (15, 19)),
    ),
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
        staging-heavy failed
        unfetchable-inputs unknown
    """,
)  # fmt: skip
