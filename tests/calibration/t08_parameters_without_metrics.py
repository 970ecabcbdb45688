"""Borderline: a tracked run with parameters and without one metric, killed before its end."""

from probes.tracking import TrackedRun
from probes.workflows import State
from tests.calibration.made import HOME, case, tracked
from tests.factory import at

CASE = case(
    8, "borderline", "MLflow holds lr and no metric; the commit is another one",
    tracked(TrackedRun(
        "mlflow", "1f", f"{HOME}/mlruns", State.KILLED, "RUNNING, never closed", started=at(1), commit="b" * 40, parameters={"lr": "0.1"},
    )),
    expected="""
        unknown-command passed
        unversioned-code passed
        unset-seed passed
        dirty-tree passed
        unpushed-commit passed
        changed-while-queued passed
        lost-metrics passed
        untracked-run weak
        wrong-commit failed
        unidentified-data passed
        loose-model passed
        unrepeated-result unknown
    """,
)  # fmt: skip
