"""Bad: a driver script that chains five jobs by their numbers, waits for squeue to be empty, and stands in no repository."""

from probes.git import GitState
from tests.calibration.made import campaign, case, later, run, scripts
from tests.factory import accounting, unseen

DRIVER = """#!/bin/bash
a=$(sbatch --parsable simulate.sh)
b=$(sbatch --parsable --dependency=afterok:$a train.sh)
sbatch --dependency=afterok:$b predict.sh
while squeue -u $USER | grep -q train; do sleep 60; done
"""

CASE = case(
    12, "bad", "three sbatch lines tied by shell variables, and a polling loop",
    scripts({"driver.sh": DRIVER}),
    later(accounting(dependency="afterok:90")),
    campaign(run("a", -30, -20), run("b", -19, -1, dependency="afterok:9a")),
    unseen(GitState, "no git repository"),
    expected="""
        no-engine failed
        shell-dag failed
        unversioned-definition not-applicable
        handmade-chain failed
        unseen-engine not-applicable
        unfinished-workflow not-applicable
        unresumable-workflow not-applicable
        unkept-definition not-applicable
        never-rerun unknown
    """,
)  # fmt: skip
