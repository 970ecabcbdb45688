"""Is what MLflow itself wrote read back, from both of its stores? The demo campaign, tracked by the real MLflow."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import called, engine

from auditor.model import Job
from auditor.world import RealWorld
from probes.tracking import Model, TrackedRun
from probes.tracking.experiments import collect
from probes.tracking.looking import look
from probes.tracking.record import Experiments
from probes.workflows import State

pytestmark = pytest.mark.engine
CAMPAIGN = Path(__file__).parent / "campaigns/mlflow/campaign.py"
CONTEXT = '{"audit.run_id": "%s", "slurm.job_id": "123"}'
JOB = Job("slurm", "123", "lab", "s1", started_at="2020-01-01T00:00:00+00:00", ended_at="2099-01-01T00:00:00+00:00")


def tracked(folder: Path, **settings: str) -> None:
    """The campaign, and then a run that is killed, in this folder."""
    env = called("mlflow") | {"MLFLOW_RUN_CONTEXT": CONTEXT % JOB.run_id} | settings
    for words, code in (((), 0), (("killed",), -signal.SIGKILL)):
        ran = subprocess.run(
            [engine("mlflow") / "python", CAMPAIGN, *words],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert ran.returncode == code, ran.stderr[-2000:]


@pytest.fixture(scope="module", params=["database", "files"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "x"],
        check=True,
    )
    settings = (
        {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_TRACKING_URI": f"file://{folder}/mlruns"} if request.param == "files" else {}
    )
    tracked(folder, **settings)
    return folder


def runs(folder: Path) -> dict[str, TrackedRun]:
    found, unread, whole = look(RealWorld(), str(folder))
    assert (unread, whole) == ([], True)
    return {r.name: r for r in found}


def test_every_run_is_read_with_the_end_it_had(store: Path) -> None:
    ends = {name: run.state for name, run in runs(store).items()}

    assert ends == {
        "parent": State.SUCCEEDED,
        "iteration-1": State.SUCCEEDED,
        "iteration-2": State.SUCCEEDED,
        "failing": State.FAILED,
        "killed": State.RUNNING,
    }


def test_parameters_seeds_metrics_data_and_the_parent_are_read(store: Path) -> None:
    found = runs(store)
    one = found["iteration-2"]

    assert (one.parameters, one.seeds) == (
        {"random_state": "42", "learning rate": "0.5", "iteration": "2"},
        {"random_state": "42"},
    )
    assert [(m.name, m.count, m.lowest, m.highest, m.last, m.step) for m in one.metrics] == [("loss", 5, 1 / 6, 0.5, 1 / 6, 4)]
    assert one.system_metrics == ("system/cpu_utilization_percentage",)
    assert [(d.name, d.source, d.role, [(g.algorithm, len(g.value), g.scope) for g in d.digests]) for d in one.datasets] == [
        ("sims", "https://example.org/x.csv", "train", [("mlflow", 8, "state")])
    ]
    assert (one.parent, one.experiment, one.source) == (found["parent"].id, "campaign", str(CAMPAIGN))
    assert (one.artifacts, one.artifact_bytes, one.version[:2]) == (1, 100, "3.")
    assert [m.count for m in found["killed"].metrics] == [1]


def test_a_model_is_followed_from_the_first_iteration_into_the_second(store: Path) -> None:
    found = runs(store)
    first, second = found["iteration-1"].models, found["iteration-2"].models

    assert [(m.name, m.role, m.flavour, m.registered) for m in first] == [("surrogate", "made", "python_function", "surrogate/1")]
    assert sorted((m.role, m.path) for m in second if m.role == "used") == [("used", first[0].path)]
    assert all(isinstance(m, Model) and m.size for m in (*first, *second))
    assert [os.path.basename(f) for f in found["iteration-1"].environment] == [
        "requirements.txt",
        "conda.yaml",
        "python_env.yaml",
    ]


def test_the_runs_name_their_job_because_the_environment_told_mlflow(store: Path) -> None:
    found = collect(RealWorld(), dataclasses.replace(JOB, workdir=str(store)))

    assert isinstance(found, Experiments)
    assert {r.name: r.relation for r in found.runs} == dict.fromkeys(runs(store), "task")
    killed = next(r for r in found.runs if r.name == "killed")
    assert (killed.state, killed.proof.endswith("its job ended at 2099-01-01T00:00:00+00:00")) == (State.KILLED, True)


def test_a_moved_tree_is_read_the_same(store: Path, tmp_path: Path) -> None:
    before = runs(store)["iteration-1"]
    os.rename(store, tmp_path / "moved")
    try:
        after = runs(tmp_path / "moved")["iteration-1"]
    finally:
        os.rename(tmp_path / "moved", store)

    assert after == dataclasses.replace(before, folder=before.folder.replace(str(store), str(tmp_path / "moved")))
