"""Borderline: array tasks that download only what is not there yet (wget -nc): once, if they do not begin together."""

from tests.calibration.made import campaign, case, later, scripts
from tests.factory import accounting

CASE = case(
    2, "borderline", "wget -nc in an array of 20: the first task fetches, the others may race it",
    scripts({"run.sh": "#!/bin/bash\n#SBATCH --array=0-19\nwget -nc https://example.org/data.csv\npython simulate.py data.csv\n"}),
    later(accounting("7_3")),
    campaign(array_size=20),
    expected="""
        undeclared-inputs passed
        download-in-job failed
        fetched-again weak
        far-inputs passed
        unhashed-inputs passed
        dangling-pointers not-applicable
        unstaged-inputs passed
        data-dragging passed
        fetching-tasks not-applicable
        staging-heavy not-applicable
        unfetchable-inputs unknown
    """,
)  # fmt: skip
