"""Borderline: Parsl, seen at work, cut off in the middle, without checkpoints or retries, its script known by nothing but a path."""

from probes.workflows import Definition, State
from tests.calibration.made import case, engine, scripts, task

CASE = case(
    12, "borderline", "parsl.log ends in the middle of a task",
    scripts({"run.sh": "#!/bin/bash\npython flow.py\n", "flow.py": "import parsl\nparsl.load()\n"}),
    engine(
        "parsl", task("simulate"), task("train", state=State.KILLED), state=State.KILLED, proof="no shutdown line in parsl.log",
        definitions=(Definition("/elsewhere/flow.py", "workflow"),),
    ),
    expected="""
        no-engine passed
        shell-dag passed
        unversioned-definition not-applicable
        handmade-chain not-applicable
        unseen-engine passed
        unfinished-workflow failed
        unresumable-workflow failed
        unkept-definition weak
        never-rerun unknown
    """,
)  # fmt: skip
