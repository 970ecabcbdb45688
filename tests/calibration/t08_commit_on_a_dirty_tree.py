"""Decoy: MLflow set a commit tag, and train.py had been changed since that commit: the tag names code that did not run."""

from probes.tracking import Metric, TrackedRun
from probes.workflows import State
from tests.calibration.made import HOME, case, submit, tracked
from tests.factory import at, git_state

CASE = case(
    8, "decoy", "commit tag and git agree, and the tree was dirty",
    submit(git_state(pushed=True, dirty=True, changed=("train.py",), diff="-lr=1\n+lr=2\n")),
    tracked(TrackedRun(
        "mlflow", "1f", f"{HOME}/mlruns", State.SUCCEEDED, "status FINISHED", started=at(1), commit="a" * 40,
        parameters={"lr": "0.1"}, metrics=(Metric("val_loss", 0.2, 10),),
    )),
    expected="""
        unknown-command passed
        unversioned-code passed
        unset-seed passed
        dirty-tree weak
        unpushed-commit passed
        changed-while-queued passed
        lost-metrics passed
        untracked-run passed
        wrong-commit failed
        unidentified-data passed
        loose-model passed
        unrepeated-result unknown
    """,
)  # fmt: skip
