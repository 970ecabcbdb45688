"""Decoy: a script that prints what a person could submit next, and submits nothing."""

from tests.calibration.made import case, scripts

CASE = case(
    12, "decoy", "echo sbatch --dependency=afterok:$SLURM_JOB_ID next.sh, and a comment with sbatch",
    scripts({"run.sh": '#!/bin/bash\n# sbatch --dependency=afterok:1 next.sh\npython train.py\necho "sbatch --dependency=afterok:$SLURM_JOB_ID next.sh"\n'}),
    expected="""
        no-engine not-applicable
        shell-dag passed
        unversioned-definition not-applicable
        handmade-chain not-applicable
        unseen-engine not-applicable
        unfinished-workflow not-applicable
        unresumable-workflow not-applicable
        unkept-definition not-applicable
        never-rerun unknown
    """,
)  # fmt: skip
