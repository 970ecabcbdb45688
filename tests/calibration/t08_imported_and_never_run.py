"""Decoy: train.py imports MLflow and never writes a record; no metrics file either."""

from tests.calibration.made import SCRIPT, case, files, scripts

CASE = case(
    8, "decoy", "import mlflow, and no trace of a tracked run beside the job",
    scripts({"train.sh": SCRIPT["train.sh"], "train.py": "import mlflow, torch\nmodel.fit(data)\n"}),
    files("results/model.pt"),
    expected="""
        unknown-command passed
        unversioned-code passed
        unset-seed passed
        dirty-tree passed
        unpushed-commit passed
        changed-while-queued passed
        lost-metrics weak
        untracked-run weak
        wrong-commit not-applicable
        unidentified-data passed
        loose-model passed
        unrepeated-result unknown
    """,
)  # fmt: skip
