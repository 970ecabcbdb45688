"""Is a real Snakemake read as it ran? Versions 9 (files, database, Slurm) and 7, the common campaign: two rounds of feedback, one flaky job, one broken."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import containers_lab
import pytest
import slurmlab
from engines import called

from auditor.world import RealWorld
from probes.workflows import State, WorkflowRun
from probes.workflows.snakemake import READER
from tests.needs import need

pytestmark = pytest.mark.engine
CAMPAIGN = Path(__file__).parent / "campaigns/snakemake"
JOBS = {"all": 1, "start": 1, "simulate": 4, "train": 2, "predict": 2, "collect": 1}


def _folder(at: Path) -> Path:
    return Path(shutil.copytree(CAMPAIGN, at / "campaign"))


def _snakemake(folder: Path, *options: str, name: str = "snakemake", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["snakemake", *options], cwd=folder, env={**called(name), **env}, capture_output=True, text=True, timeout=300, check=False
    )


def _runs(folder: Path) -> list[WorkflowRun]:
    return list(READER.read(RealWorld(cwd=str(folder)), str(folder)))


def _counts(run: WorkflowRun) -> dict[str, int]:
    names = [task.name for task in run.tasks]
    return {name: names.count(name) for name in names}


@pytest.fixture(scope="module", params=["9-files", "9-database", "7"])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The campaign, run to its end, then the target that always fails."""
    kind: str = request.param
    folder = _folder(tmp_path_factory.mktemp(f"snakemake-{kind}"))
    name = "snakemake7" if kind == "7" else "snakemake"
    options = ("--persistence-backend", "db") if kind == "9-database" else ()
    done = _snakemake(folder, "--cores", "2", *options, name=name)
    assert done.returncode == 0, done.stderr
    assert _snakemake(folder, "--cores", "2", *options, "broken.txt", name=name).returncode == 1
    return kind, folder


def test_the_campaign_is_read_with_its_loop_its_retry_and_its_failure(finished: tuple[str, Path]) -> None:
    kind, folder = finished
    broken, run = _runs(folder)
    assert (run.state, _counts(run)) == (State.SUCCEEDED, JOBS)
    assert {task.state for task in run.tasks} == {State.SUCCEEDED}
    flaky = next(t for t in run.tasks if t.name == "predict" and t.parameters == {"n": "1"})
    assert [a.state for a in flaky.attempts] == [State.FAILED, State.SUCCEEDED]
    assert ("loop", "checkpoint predict") in [(c.what, c.text) for c in run.constructs]
    assert (broken.state, [(t.name, t.state) for t in broken.tasks]) == (State.FAILED, [("broken", State.FAILED)])
    assert (run.version, run.zone_assumed) == ("" if kind == "7" else "9.27.1", False)


def test_simulations_of_the_second_round_need_the_prediction_of_the_first(finished: tuple[str, Path]) -> None:
    run = _runs(finished[1])[1]
    names = {task.id: (task.name, task.parameters.get("n")) for task in run.tasks}
    edges = {(names[need], names[task.id]) for task in run.tasks for need in task.needs}
    assert (("predict", "1"), ("simulate", "1")) in edges
    assert (("simulate", "0"), ("train", "0")) in edges


def test_what_was_asked_measured_and_declared_stands_beside_each_job(finished: tuple[str, Path]) -> None:
    run = _runs(finished[1])[1]
    train = next(t for t in run.tasks if t.name == "train")
    assert (train.asked.cpus, train.asked.memory, train.asked.seconds) == (2.0, 50_000_000, 120.0)
    assert train.used.place and train.used.place.path == "benchmarks/train_0.tsv"
    (environment,) = train.environments
    assert (environment.name, bool(environment.declared), environment.enacted, bool(environment.refused)) == (
        "envs/train.yaml", True, None, True,
    )  # fmt: skip
    model = next(f for f in train.files if f.path == "models/0.txt")
    predicted = next(f for t in run.tasks if t.name == "predict" for f in t.files if f.path == "models/0.txt")
    assert model.digests == predicted.digests != ()
    assert model.size == (finished[1] / "models/0.txt").stat().st_size


def test_a_moved_folder_read_in_another_time_zone_tells_the_same(
    finished: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _runs(finished[1])[1]
    moved = Path(shutil.copytree(finished[1], tmp_path / "elsewhere"))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        after = _runs(moved)[1]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (after.started, after.zone_assumed, after.tasks) == (before.started, False, before.tasks)


def test_proved_values_of_the_configuration_are_parameters(finished: tuple[str, Path]) -> None:
    kind, folder = finished
    values = {k: v for k, v in _runs(folder)[1].parameters.items() if k != "config md5"}
    assert values == ({} if kind == "7" else {"iterations": "2", "rate": "0.1", "seconds": "0"})


def test_a_run_that_is_killed_half_way_was_killed_and_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    running = subprocess.Popen(
        ["snakemake", "--cores", "2", "--config", "seconds=60"],
        cwd=folder, env=called("snakemake"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(
            "rule simulate:" in log.read_text() and any(folder.glob(".snakemake/incomplete/*"))
            for log in folder.glob(".snakemake/log/*.log")
        ):
            time.sleep(0.05)  # until the first simulation has begun
        assert _runs(folder)[0].state is State.RUNNING
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    (killed,) = _runs(folder)
    assert (killed.state, killed.ended) == (State.KILLED, "")
    assert {t.name: t.state for t in killed.tasks if t.state is not State.NOT_RUN} == {
        "start": State.SUCCEEDED, "simulate": State.KILLED,
    }  # fmt: skip
    assert _counts(killed) == JOBS
    assert "incomplete" in [e.what for e in killed.events]
    assert _snakemake(folder, "--unlock").returncode == 0
    assert _snakemake(folder, "--cores", "2", "--rerun-incomplete").returncode == 0
    again, *_, first = _runs(folder)
    assert (again.state, first.state, "resume" in [c.what for c in again.constructs]) == (State.SUCCEEDED, State.KILLED, True)


def test_a_run_by_another_scheduler_has_its_job_numbers_and_no_times_from_swapped_stamps(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "submit.sh").write_text('#!/bin/bash\nbash "$1" >"$1.out" 2>&1\necho "77"\n')
    (folder / "submit.sh").chmod(0o755)
    options = (
        "--executor",
        "cluster-generic",
        "--cluster-generic-submit-cmd",
        "./submit.sh",
        "--seconds-between-status-checks",
        "1",
    )
    done = _snakemake(folder, "--jobs", "2", *options, "models/0.txt")
    assert done.returncode == 0, done.stderr
    (run,) = _runs(folder)
    assert {a.native_id for t in run.tasks for a in t.attempts} == {"77"}
    simulate = next(t for t in run.tasks if t.name == "simulate")
    assert simulate.used.seconds is None
    assert any("retries inside of them cannot be told" in gap for gap in run.gaps)


@pytest.mark.apptainer
def test_an_image_that_apptainer_ran_is_enacted_for_the_jobs_that_declared_it(apptainer: str, tmp_path: Path) -> None:
    need(*containers_lab.missing_sif())
    folder = _folder(tmp_path)
    shell = {"bin/bash": b'#!/bin/sh\nexec /bin/sh "$@"\n'}  # the engine asks for a bash in the image
    containers_lab.sif(folder / "simulator.sif", shell, "Bootstrap: scratch\n")
    options = ("--software-deployment-method", "apptainer", "--apptainer-args=--no-privs", "--config", "image=simulator.sif")
    done = _snakemake(folder, "--cores", "2", *options, "--", "simulated/0_a.txt", "simulated/0_b.txt")
    assert done.returncode == 0, done.stderr
    (run,) = _runs(folder)
    told = {t.name: [(e.name, bool(e.declared), bool(e.enacted), e.refused) for e in t.environments] for t in run.tasks}
    assert told == {"start": [], "simulate": [("simulator.sif", True, True, None)]}


@pytest.mark.slurm
def test_jobs_that_sbatch_was_given_have_the_numbers_that_slurm_knows(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    submit = "sbatch --parsable --output=/dev/null --ntasks=1"
    options = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", submit, "--seconds-between-status-checks", "1")
    done = _snakemake(folder, "--jobs", "4", *options, "simulated/0_a.txt", "simulated/0_b.txt", SLURM_CONF=slurm.conf)
    assert done.returncode == 0, done.stderr
    (run,) = _runs(folder)
    told = {a.native_id for t in run.tasks for a in t.attempts}
    known = subprocess.run(["sacct", "-nXPo", "JobID"], env=slurm.env, capture_output=True, text=True, check=True).stdout.split()
    assert (len(told), told <= set(known), run.workers) == (3, True, 4)
    assert all(a.submitted and not a.started for t in run.tasks for a in t.attempts)


@pytest.mark.slow
@pytest.mark.slurm
def test_jobs_of_the_slurm_plugin_have_their_numbers_arrays_and_hidden_retries(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert _snakemake(folder, "--cores", "2", "models/0.txt").returncode == 0
    # the plugin takes SLURM_CONF away from the job, and this Slurm lies in no usual place
    srun = tmp_path / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={slurm.conf} exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    done = _snakemake(
        folder, "--executor", "slurm", "--jobs", "4", "--default-resources", "slurm_account=root", "slurm_partition=cpu", "mem_mb=50",
        "runtime=2", "--slurm-array-jobs", "simulate", "--slurm-keep-successful-logs", "--slurm-init-seconds-before-status-checks", "1",
        "--seconds-between-status-checks", "1", "simulated/1_a.txt", "simulated/1_b.txt", PATH=f"{srun.parent}:{called('snakemake')['PATH']}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = _runs(folder)[0]
    assert re.fullmatch("[0-9a-f-]{36}", run.parameters["slurm run id"])
    simulated = sorted(a.native_id for t in run.tasks if t.name == "simulate" for a in t.attempts)
    assert [n.partition("_")[2] for n in simulated] == ["1", "2"]
    assert "array" in [c.what for c in run.constructs]
    predict = next(t for t in run.tasks if t.name == "predict")
    assert [(a.state, bool(a.native_id), bool(a.host)) for a in predict.attempts] == [
        (State.FAILED, True, True), (State.SUCCEEDED, True, True),
    ]  # fmt: skip


def test_the_folder_that_the_bench_makes_has_the_form_of_a_real_one(tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))
    import bench_workflows

    folder = _folder(tmp_path)
    assert _snakemake(folder, "--cores", "2", "simulated/0_a.txt").returncode == 0
    bench_workflows.snakemake_folder(tmp_path / "made", 20)
    assert _shapes(tmp_path / "made") <= _shapes(folder)
    assert _keys(tmp_path / "made") == _keys(folder)


def _shapes(folder: Path) -> set[str]:
    """The lines of a log without what differs from run to run."""
    (log,) = (folder / ".snakemake/log").glob("*.log")
    known = r"^(  [A-Z][^:]+:) .*|^(    (?:input|output|reason|wildcards|resources|jobid):) .*|^(\[)\w{3} \w{3} .*|^(\w+  +)\d+$"
    lines = (re.sub(known, lambda m: next(g for g in m.groups() if g), line) for line in log.read_text().splitlines())
    return {re.sub(r"localrule \w+|Rule: \w+|(?<=: )/.*|\d+[%.\d:]*|-{3,}|(?<=\w) {2,}", "#", line) for line in lines}


def _keys(folder: Path) -> set[str]:
    import json

    return {key for path in (folder / ".snakemake/metadata").iterdir() for key in json.loads(path.read_text())}
