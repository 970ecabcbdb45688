"""Bad: a training run by itself, on a model from somewhere, with a loss curve and nothing validated."""

from probes.tracking import Metric, TrackedRun
from probes.workflows import State
from tests.calibration.made import HOME, campaign, case, files, run, tracked

CASE = case(
    1, "bad", "nobody made pretrained.pt and nobody reads the outcome; the tracker holds the training loss only",
    campaign(run("b", 20, 30)),
    files("slurm.log", inputs=("data.csv", "pretrained.pt")),
    tracked(TrackedRun("mlflow", "1f", f"{HOME}/mlruns", State.SUCCEEDED, "status FINISHED", metrics=(Metric("loss", 0.4, 40),))),
    expected="""
        hidden-ai passed
        isolated-run failed
        unlinked-ai not-applicable
        unpinned-model weak
        unvalidated-model weak
        lost-results failed
        unproved-results unknown
    """,
)  # fmt: skip
