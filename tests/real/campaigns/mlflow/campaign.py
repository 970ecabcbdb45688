"""The demo campaign as a user of MLflow tracks it: one parent run, two iterations of nested ones, a model that is registered and read again, a run
that fails, and one that is killed. Usage: campaign.py [killed]"""

import os
import signal
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput


class Mean(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float], params=None) -> list[float]:
        return [sum(model_input) / len(model_input)]


def iteration(number: int, before: str) -> str:
    """One nested run; before: the model of the one before, which it reads. Gives its own model's id."""
    with mlflow.start_run(run_name=f"iteration-{number}", nested=True) as run:
        mlflow.log_params({"random_state": 40 + number, "learning rate": 0.5, "iteration": number})
        made = mlflow.data.meta_dataset.MetaDataset(
            mlflow.data.http_dataset_source.HTTPDatasetSource("https://example.org/x.csv"), name="sims"
        )
        mlflow.log_input(made, context="train")
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + number), step=step)
        mlflow.log_metric("system/cpu_utilization_percentage", 12.0)
        if before:
            MlflowClient().log_inputs(run.info.run_id, models=[LoggedModelInput(model_id=before)])
        mlflow.log_text("x" * 100, "notes.txt")
        made = mlflow.pyfunc.log_model(
            name="surrogate", python_model=Mean(), registered_model_name="surrogate", pip_requirements=["mlflow"]
        )
        return made.model_id


def main() -> None:
    mlflow.set_experiment("campaign")
    if sys.argv[1:] == ["killed"]:
        mlflow.start_run(run_name="killed")
        mlflow.log_metric("loss", float("nan"))
        os.kill(os.getpid(), signal.SIGKILL)
    with mlflow.start_run(run_name="parent"):
        mlflow.set_tag("slurm_job_id", "77")
        first = iteration(1, "")
        iteration(2, first)
    try:
        with mlflow.start_run(run_name="failing"):
            raise ValueError("always")
    except ValueError:
        pass
    Path("done").write_text("yes")


main()
