"""Is what Parsl really left read rightly? The demo campaign on threads and local workers, on the test Slurm, failing, killed, moved, unmonitored."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import slurmlab
from engines import called, engine

from auditor.world import RealWorld
from probes.workflows import State, WorkflowRun, parsl
from probes.workflows.summary import summary

pytestmark = pytest.mark.engine
CAMPAIGN = Path(__file__).parent / "campaigns/parsl/campaign.py"
SECONDS = 200


class Later(RealWorld):
    """This machine, an hour from now: nothing that was killed can still be running."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def begun(folder: Path, mode: str, **extra: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "err").open("wb") as err:
        return subprocess.Popen(
            [str(engine("parsl") / "python"), str(CAMPAIGN), mode],
            cwd=folder,
            env={**called("parsl"), **extra},
            stdout=subprocess.DEVNULL,
            stderr=err,
            start_new_session=True,
        )


def run(folder: Path, mode: str, **extra: str) -> None:
    child = begun(folder, mode, **extra)
    try:
        assert child.wait(SECONDS) == 0, (folder / "err").read_text()
    finally:
        stop(child)


def stop(child: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def read(folder: Path) -> list[WorkflowRun]:
    return list(parsl.READER.read(Later(), str(folder / "runinfo")))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    run(folder, "good", TZ="America/New_York")
    return folder


def test_the_campaign_is_told_with_its_two_turns_and_its_second_try(good: Path) -> None:
    (told,) = read(good)

    assert (told.state, told.gaps, told.zone_assumed, told.workers) == (State.SUCCEEDED, (), False, 4)
    assert [(t.id, t.name, t.needs) for t in told.tasks] == [
        ("0", "simulate", ()),
        ("1", "simulate", ()),
        ("2", "train", ("0", "1")),
        ("3", "predict", ("2",)),
        ("4", "simulate", ("3",)),
        ("5", "simulate", ("3",)),
        ("6", "train", ("4", "5")),
        ("7", "prepare", ()),
        ("8", "prepare", ()),
    ]
    assert {t.id: t.state for t in told.tasks if t.state is not State.SUCCEEDED} == {"8": State.CACHED}
    assert [(a.state, a.reason) for a in told.tasks[3].attempts] == [
        (State.FAILED, "ValueError('no luck at the first try')"),
        (State.SUCCEEDED, ""),
    ]


def test_files_join_the_turns(good: Path) -> None:
    (told,) = read(good)

    made = {f.path: t.id for t in told.tasks for f in t.files if f.role == "output"}
    assert {made[f.path] for f in told.tasks[4].files if f.role == "input"} == {"3"}
    assert all((good / f.path).is_file() for t in told.tasks for f in t.files)


def test_the_feedback_is_seen_in_the_graph(good: Path) -> None:
    (told,) = read(good)

    assert [set(ring) for ring in summary(told).loops] == [{"simulate", "train", "predict"}]


def test_times_of_a_far_zone_become_utc(good: Path) -> None:
    (told,) = read(good)

    assert abs(datetime.fromisoformat(told.ended).timestamp() - (good / "runinfo/monitoring.db").stat().st_mtime) < 120


def test_a_local_block_has_no_job_number_and_its_configuration_is_known(good: Path) -> None:
    (told,) = read(good)

    assert {a.native_id for t in told.tasks for a in t.attempts} == {""}
    assert [c.what for c in told.constructs] == ["retries", "resume", "limit", "limit", "cache"]
    assert told.tasks[0].asked.cpus == 0.5


def test_a_moved_tree_tells_the_same_tasks(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "moved")

    assert read(tmp_path / "moved")[0].tasks == read(good)[0].tasks


def test_one_folder_holds_a_failing_run_a_join_and_an_unmonitored_one(tmp_path: Path) -> None:
    run(tmp_path, "fails")
    run(tmp_path, "join")
    run(tmp_path, "good", MONITORING="no")

    joined, failing, unmonitored = read(tmp_path)
    assert (failing.state, failing.proof) == (State.FAILED, "1 of 3 tasks failed and 1 did not run for that")
    assert (joined.state, joined.tasks[0].needs) == (State.SUCCEEDED, ("1", "2"))
    assert [c.what for c in joined.constructs].count("loop") == 1
    assert (unmonitored.state, [len(t.attempts) for t in unmonitored.tasks]) == (State.SUCCEEDED, [1, 1, 1, 2, 1, 1, 1, 1, 0])


def test_a_run_killed_half_way_is_not_taken_for_running(tmp_path: Path) -> None:
    child = begun(tmp_path, "killed")
    try:
        deadline = time.monotonic() + SECONDS
        while not (tmp_path / "hanging").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(3)  # the database is written in batches, of a second each
    finally:
        stop(child)

    (told,) = read(tmp_path)
    assert told.state is State.KILLED
    assert [(t.name, t.state) for t in told.tasks] == [("simulate", State.SUCCEEDED), ("hang", State.KILLED)]


@pytest.mark.slurm
def test_on_slurm_tasks_carry_the_number_of_the_job_that_ran_them(tmp_path: Path, slurm: slurmlab.Lab) -> None:
    run(tmp_path, "slurm", PARTITION="cpu", SLURM_CONF=slurm.conf)

    (told,) = read(tmp_path)
    numbers = {a.native_id for t in told.tasks if t.name == "simulate" for a in t.attempts}
    jobs = subprocess.run(
        ["sacct", "--noheader", "--parsable2", "--allocations", "--format=JobIDRaw,JobName"],
        env={**os.environ, "SLURM_CONF": slurm.conf},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    assert told.state is State.SUCCEEDED
    assert numbers == {number for number, _, name in (row.partition("|") for row in jobs) if name.startswith("parsl.sim.block-0")}
    asked = next(t.asked for t in told.tasks if t.name == "simulate")
    assert (asked.partition, asked.other["block --time"], asked.other["block --nodes"]) == ("cpu", "5", "1")
