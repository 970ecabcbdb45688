"""Good: parameters, metrics, data and model in MLflow, at the commit of a clean tree."""

from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.workflows import Digest, State
from tests.calibration.made import HOME, SCRIPT, case, scripts, tracked
from tests.factory import at, sha

CODE = "import mlflow, torch\nmlflow.log_params(p)\nmodel.fit(data)\n"

CASE = case(
    8, "good", "everything is in the tracker's record, and its commit is the one of the submission",
    scripts({"train.sh": SCRIPT["train.sh"], "train.py": CODE}),
    tracked(TrackedRun(
        "mlflow", "1f", f"{HOME}/mlruns", State.SUCCEEDED, "status FINISHED", started=at(1), ended=at(10), commit="a" * 40,
        parameters={"lr": "0.1", "seed": "1"}, metrics=(Metric("val_loss", 0.2, 10),), seeds={"seed": "1"},
        datasets=(DataSet("train", "data.csv", "train", (Digest("sha256", sha("data.csv")),)),),
        models=(Model("net", "made", "model.pt", "pytorch", "net/3", 100, (Digest("sha256", sha("results/model.pt")),)),),
    )),
    expected="""
        unknown-command passed
        unversioned-code passed
        unset-seed passed
        dirty-tree passed
        unpushed-commit passed
        changed-while-queued passed
        lost-metrics passed
        untracked-run passed
        wrong-commit passed
        unidentified-data passed
        loose-model passed
        unrepeated-result unknown
    """,
)  # fmt: skip
