"""Decoy: an engine's record lies below the folder, of a run of last week: not of this job."""

from tests.calibration.made import case, engine, task

CASE = case(
    12, "decoy", "a record of Nextflow that began a day before the job, and names other jobs",
    engine("nextflow", task("simulate"), relation="folder", started="2026-11-22T09:00:00+00:00", ended="2026-11-22T10:00:00+00:00"),
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
