"""Decoy: a script that only tells people how to download, and an engine half of whose tasks are called stage but take no time."""

from tests.calibration.made import case, engine, scripts, task

CASE = case(
    2, "decoy", "wget stands in an echo; five stage-out tasks of a second each beside one of nine minutes",
    scripts({"run.sh": "#!/bin/bash\necho 'to get the data: wget https://example.org/data.tar'\npython simulate.py data.csv\n"}),
    engine("pegasus", *(task("stage_out_local", n, (9, 9.02)) for n in range(5)), task("simulate", 1, (1, 10))),
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
