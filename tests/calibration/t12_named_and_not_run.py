"""Decoy: a Snakefile lies in the folder, and the job calls python by hand: no engine left a record."""

from tests.calibration.made import SCRIPT, campaign, case, run, scripts

CASE = case(
    12, "decoy", "Snakefile beside train.sh, which runs python train.py",
    scripts({**SCRIPT, "Snakefile": "rule train:\n    shell: 'python train.py'\n"}),
    campaign(run("b", 20, 30)),
    expected="""
        no-engine weak
        shell-dag passed
        unversioned-definition passed
        handmade-chain not-applicable
        unseen-engine weak
        unfinished-workflow not-applicable
        unresumable-workflow not-applicable
        unkept-definition not-applicable
        never-rerun unknown
    """,
)  # fmt: skip
