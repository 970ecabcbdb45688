"""The sweep where there is no Slurm: cut-off local runs, two sweeps at once, nothing to do."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor import spool
from auditor.home import Home, find
from auditor.model import AuditError, Capture, Job, Phase
from auditor.store import Store
from auditor.submit import lock, witness
from auditor.submit.local import run
from auditor.submit.sweep import sweep


@pytest.fixture
def home() -> Home:
    found = find()
    assert found is not None
    return found


def rows(home: Home) -> dict[str, str]:
    with Store.open(home.store) as store:
        return {row.job_id: row.state for row in store.runs(limit=0)}


def test_an_empty_home_has_nothing_to_sweep(home: Home) -> None:
    report = sweep(home)
    assert (report.ingested, report.completed, report.pending, report.quarantined) == (0, (), (), ())


def test_what_the_executor_left_is_taken_in_once(home: Home) -> None:
    result = run(["true"], home=home)
    assert sweep(home).ingested == 3
    assert rows(home) == {result.jobs[0].job_id: "COMPLETED"}
    again = sweep(home)
    assert (again.ingested, again.completed, again.pending) == (0, (), ())


def test_a_run_whose_executor_was_killed_is_completed_as_lost(home: Home, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "auditor", "run", "--", "sh", "-c", f"touch {tmp_path}/up; exec sleep 1000"]
    )
    end = time.monotonic() + 60
    while not (tmp_path / "up").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    waiting = sweep(home)
    assert [p.why for p in waiting.pending] == ["RUNNING"]
    sleeper = next(
        int(n)
        for t in os.listdir(f"/proc/{child.pid}/task")
        for n in Path(f"/proc/{child.pid}/task/{t}/children").read_text().split()
    )
    child.kill()
    child.wait()
    os.kill(sleeper, signal.SIGKILL)
    report = sweep(home)
    assert (len(report.completed), report.pending) == (1, ())
    assert list(rows(home).values()) == ["LOST"]


def submitted(home: Home, seconds_ago: float, scheduler: str = "local") -> Job:
    when = datetime.fromtimestamp(time.time() - seconds_ago, UTC).isoformat(timespec="seconds")
    job = Job(
        scheduler, "4711" if scheduler == "slurm" else "L00c0ffee", submission="s", workdir="/", script="true", submitted_at=when
    )
    spool.save(home.spool, Capture(job, Phase.SUBMIT, ()))
    return job


@pytest.mark.parametrize("scheduler", ["local", "slurm"])
def test_a_job_nobody_knows_yet_is_waited_for(scheduler: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # a machine without Slurm
    job = submitted(home, seconds_ago=30, scheduler=scheduler)
    report = sweep(home)
    assert ([p.run for p in report.pending], report.given_up) == ([job.run_id], ())


def test_a_job_that_is_long_gone_is_asked_about_once_and_never_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    job = submitted(home, seconds_ago=3600, scheduler="slurm")
    assert sweep(home).given_up == (job.run_id,)
    with Store.open(home.store) as store:
        told = next(e for e in store.evidence(job.run_id) if e.kind == "JobAccounting")
        assert [e.what for e in store.events(job.run_id)] == ["given-up"]
    assert (told.phase, told.status, "is not installed here" in told.reason) == ("later", "absent", True)
    again = sweep(home)
    assert (again.given_up, again.pending, again.ingested) == ((), (), 0)


def hold(root: str, ready: multiprocessing.synchronize.Event, go: multiprocessing.synchronize.Event) -> None:
    with lock.alone(Home(root)):
        ready.set()
        go.wait(60)


def test_a_second_sweep_waits_and_then_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=hold, args=(home.root, ready, go))
    other.start()
    assert ready.wait(60)
    monkeypatch.setattr(lock, "LOCK_SECONDS", 0.2)
    with pytest.raises(AuditError, match="another sweep has been at work"):
        sweep(home)
    go.set()
    other.join()
    assert sweep(home).pending == ()


def test_a_broken_spool_file_is_set_aside_and_named(home: Home) -> None:
    spool.write(home.spool, "broken.json", b'{"job":')
    name, why = sweep(home).quarantined[0]
    assert name == "broken.json" and why


def test_the_record_of_a_run_outlives_a_full_spool(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later capture that cannot be written leaves the executor's record, from which a sweep completes the run."""
    os.makedirs(home.root)
    Path(home.spool).write_text("a file where the folder should be")
    result = run(["true"], home=home)
    os.unlink(home.spool)
    job = replace(result.jobs[0], ended_at="")
    assert os.path.exists(witness.record_path(home, job.job_id))
    spool.save(home.spool, Capture(job, Phase.SUBMIT, ()))
    assert sweep(home).completed == (job.run_id,)
    assert rows(home) == {job.job_id: "COMPLETED"}
