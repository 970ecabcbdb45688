"""Is what Optuna, Hydra, DVC, W&B (offline) and TensorBoard themselves wrote read back? Each is really run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from engines import called, engine

from auditor.world import RealWorld
from probes.tracking import Metric, TrackedRun
from probes.tracking.looking import look
from probes.workflows import Digest, State

pytestmark = pytest.mark.engine
CAMPAIGNS = Path(__file__).parent / "campaigns/trackers"


def program(folder: Path, name: str, *words: str, code: int = 0, **settings: str) -> None:
    """One of the campaign's programs, with the trackers' interpreter, in this folder."""
    argv = [str(engine("trackers") / "python"), str(CAMPAIGNS / name), *words]
    ran = subprocess.run(
        argv, cwd=folder, env=called("trackers") | settings, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert ran.returncode == code, ran.stderr[-2000:]


def runs(folder: Path) -> list[TrackedRun]:
    found, unread, whole = look(RealWorld(), str(folder))
    assert (unread, whole) == ([], True)
    return found


@pytest.mark.parametrize("storage", ["sqlite:///study.db", "journal.log"])
def test_optunas_trials_with_their_choices_and_ends(tmp_path: Path, storage: str) -> None:
    program(tmp_path, "optuna_study.py", storage)
    found = {r.name: r for r in reversed(runs(tmp_path))}

    assert [(name, r.state, r.parameters["kind"], r.tags["optuna.state"]) for name, r in found.items()] == [
        ("trial 0", State.SUCCEEDED, "mean", "COMPLETE"),
        ("trial 1", State.SUCCEEDED, "median", "PRUNED"),
        ("trial 2", State.FAILED, "mean", "FAIL"),
        ("trial 3", State.RUNNING, "median", "RUNNING"),
    ]
    first, pruned = found["trial 0"], found["trial 1"]
    x = float(first.parameters["x"])
    assert first.metrics == (Metric("value", x * x + 1, 1, x * x + 1, x * x + 1),)
    assert (first.seeds, first.job_ids, first.experiment) == ({"seed": "3"}, ("77",), "surrogate")
    assert pruned.metrics[0] == Metric("intermediate value", 0.5, 1, 0.5, 0.5, 3)
    assert first.started <= first.ended <= pruned.started


def test_hydras_runs_and_sweeps(tmp_path: Path) -> None:
    program(tmp_path, "hydra_app.py", "-m", "model.lr=0.1,0.2", "+extra=1")
    program(tmp_path, "hydra_app.py", "fail=true", code=1)
    found = sorted(runs(tmp_path), key=lambda r: (bool(r.parent), r.name))

    assert [(r.parameters["model.lr"], r.parameters["fail"], r.tags["hydra.overrides"]) for r in found] == [
        ("0.1", "true", "fail=true"),
        ("0.1", "false", "model.lr=0.1 extra=1"),
        ("0.2", "false", "model.lr=0.2 extra=1"),
    ]
    assert {r.parameters["model.name"] for r in found} == {"mean-${seed}"}
    assert {(r.state, r.version[:2], r.source, *r.seeds.values()) for r in found} == {(State.UNKNOWN, "1.", "hydra_app", "7")}
    assert found[1].parent == found[2].parent != found[0].parent
    assert all(r.started and r.zone_assumed for r in found)


def test_wandbs_offline_runs_one_that_ended_one_that_failed_and_one_that_was_killed(tmp_path: Path) -> None:
    program(tmp_path, "wandb_run.py", WANDB_MODE="offline", SLURM_JOB_ID="812", SLURM_JOB_NAME="train")
    program(tmp_path, "wandb_run.py", "fail", code=1, WANDB_MODE="offline")
    program(tmp_path, "wandb_run.py", "killed", code=-signal.SIGKILL, WANDB_MODE="offline")
    for path in tmp_path.glob("wandb/*/*.wandb"):
        os.utime(path, times=(time.time() - 3600,) * 2)  # so that nobody is writing any more
    by_state = {r.state: r for r in runs(tmp_path)}
    killed, failed, ended = by_state[State.KILLED], by_state[State.FAILED], by_state[State.SUCCEEDED]

    assert "no exit record" in killed.proof
    assert failed.proof == "exit record with code 1"
    assert (ended.proof, ended.job_ids) == ("exit record with code 0", ("812",))
    assert (ended.experiment, ended.name, ended.source) == ("campaign", "surrogate", str(CAMPAIGNS / "wandb_run.py"))
    assert (ended.parameters, ended.seeds) == ({"lr": "0.1", "seed": "3", "model.layers": "[1, 2]"}, {"seed": "3"})
    assert ended.metrics == (Metric("loss", 0.25, 4, 0.25, 1.0, 3), Metric("best", 0.25, 1, 0.25, 0.25))
    model = ended.models[0]
    assert (model.name, model.role, model.path, model.size, model.digests[0]) == (
        "surrogate",
        "made",
        "weights.bin",
        1000,
        Digest("md5", "67583cbc0955e79057720d3ef1732cfc"),
    )
    assert ended.environment[0].endswith("files/requirements.txt")


def test_tensorboards_scalars_and_hyperparameters(tmp_path: Path) -> None:
    program(tmp_path, "tensorboard_run.py", "logs")
    found = runs(tmp_path)

    assert [(r.metrics, r.parameters, r.seeds, r.gaps) for r in found] == [
        (
            (Metric("loss", pytest.approx(0.2), 5, pytest.approx(0.2), 1.0, 4),),
            {"lr": "0.1", "seed": "11", "kind": "mean", "big": "true"},
            {"seed": "11"},
            (),
        )
    ]
    assert (found[0].state, bool(found[0].started)) == (State.UNKNOWN, True)


def test_dvcs_stages_their_earlier_runs_and_experiments(tmp_path: Path) -> None:
    shutil.copytree(CAMPAIGNS / "dvc", tmp_path, dirs_exist_ok=True)

    def command(*argv: str, code: int = 0) -> None:
        ran = subprocess.run(argv, cwd=tmp_path, env=called("trackers"), capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert ran.returncode == code, ran.stderr[-2000:]

    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for argv in (("git", "init", "-q"), ("dvc", "init", "-q"), ("git", "add", "-A"), (*git, "commit", "-qm", "x")):
        command(*argv)
    command("dvc", "repro", code=255)  # its last stage always fails
    for key, value in (("user.name", "a"), ("user.email", "a@b")):
        command("git", "config", key, value)
    command("dvc", "exp", "run", "-n", "other-lr", "-S", "train.lr=0.3", "train")
    found = runs(tmp_path)

    assert [(r.name, r.state, dict(r.parameters)) for r in found] == [
        ("simulate", State.SUCCEEDED, {"n": "3", "seed": "5"}),
        ("train", State.SUCCEEDED, {"train.lr": "0.3"}),
        ("fails", State.UNKNOWN, {}),
        ("train", State.SUCCEEDED, {"train.lr": "0.1"}),
        ("other-lr", State.SUCCEEDED, {}),
    ]
    simulate, train, *_, experiment = found
    assert [(d.source, d.role, d.digests[0].scope) for d in simulate.datasets] == [
        ("simulate.py", "input", "content"),
        ("sims", "output", "listing"),
    ]
    assert [(m.name, m.last) for m in train.metrics] == [("loss", 0.25)]
    assert (simulate.seeds, train.source, len(experiment.commit)) == ({"seed": "5"}, "python train.py", 40)
