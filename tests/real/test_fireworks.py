"""Is what FireWorks itself wrote read rightly? The demo campaign on its own file backend: flaky, failing, killed half-way, moved, of another zone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest
from engines import called, engine

from auditor.world import RealWorld
from probes.workflows import State, WorkflowRun, fireworks

pytestmark = pytest.mark.engine
CAMPAIGN = Path(__file__).parent / "campaigns/fireworks"
SECONDS = 120


def begun(folder: Path, *words: str, **extra: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "store.json").write_text("{}")
    env = {**called("fireworks"), "MONGOMOCK_SERVERSTORE_FILE": "store.json", "PYTHONPATH": str(CAMPAIGN), **extra}
    with (folder / "err").open("wb") as err:
        return subprocess.Popen(
            [engine("fireworks") / "python", CAMPAIGN / "campaign.py", *words],
            cwd=folder,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=err,
        )


def ran(folder: Path, *words: str, **extra: str) -> Path:
    child = begun(folder, *words, **extra)
    assert child.wait(SECONDS) == 0, (folder / "err").read_text()[-2000:]
    return folder


def read(folder: Path) -> dict[str, WorkflowRun]:
    return {run.name: run for run in fireworks.READER.read(RealWorld(), str(folder))}


def told(runs: dict[str, WorkflowRun]) -> object:
    """Without what depends on when it ran."""
    return {
        name: (
            r.state,
            r.proof,
            [(t.id, t.name, t.state, t.needs, [a.state for a in t.attempts]) for t in r.tasks],
            [c.text for c in r.constructs],
        )
        for name, r in runs.items()
    }


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran(tmp_path_factory.mktemp("fireworks") / "run", "fails")


def test_the_campaign_is_read_as_it_ran(campaign: Path) -> None:
    runs = read(campaign)

    assert {name: run.state for name, run in runs.items()} == {
        "iteration-0": State.SUCCEEDED,
        "flaky": State.SUCCEEDED,
        "fails": State.FAILED,
    }
    assert sorted(t.name for t in runs["iteration-0"].tasks) == ["predict"] * 2 + ["simulate"] * 4 + ["train"] * 2
    assert [c.text for c in runs["iteration-0"].constructs] == ["predict-0 added simulate, train, predict again"]
    assert [a.state for a in runs["flaky"].tasks[0].attempts] == [State.FAILED, State.SUCCEEDED]
    fails = next(t for t in runs["fails"].tasks if t.name == "fails")
    assert fails.attempts[0].reason == "ValueError: this task always fails"


def test_what_a_task_printed_of_a_secret_is_not_kept(campaign: Path) -> None:
    assert "hunter2secret" in (campaign / "store.json").read_text()
    assert "hunter2secret" not in repr(read(campaign))


def test_a_moved_tree_tells_the_same_without_the_place_where_it_ran(campaign: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(campaign, moved)

    assert told(read(moved)) == told(read(campaign))


def test_launch_folders_alone_prove_nothing(campaign: Path, tmp_path: Path) -> None:
    shutil.copytree(campaign, tmp_path / "run")
    (tmp_path / "run/store.json").unlink()

    (run,) = fireworks.READER.read(RealWorld(), str(tmp_path / "run"))

    assert (run.state, {t.state for t in run.tasks}, len(run.tasks)) == (State.UNKNOWN, {State.UNKNOWN}, 11)
    assert [e.text for e in run.events] == ["flaky was launched 2 times"]


def test_times_are_utc_wherever_it_ran(tmp_path: Path) -> None:
    before = RealWorld().now() - timedelta(seconds=5)
    runs = read(ran(tmp_path / "run", TZ="Pacific/Auckland"))

    starts = [a.started for run in runs.values() for t in run.tasks for a in t.attempts]
    assert all(before.isoformat() <= start <= RealWorld().now().isoformat() for start in starts)


def test_of_a_run_that_was_killed_half_way_the_launch_folder_remains_and_proves_nothing(tmp_path: Path) -> None:
    """The file backend writes when it ends; a database would hold the launch as RUNNING for ever (see the reader's own tests)."""
    folder = tmp_path / "run"
    child = begun(folder, "waits")
    try:
        deadline = time.monotonic() + 60
        while not (folder / "waiting").exists() and time.monotonic() < deadline:
            assert child.poll() is None, (folder / "err").read_text()[-2000:]
            time.sleep(0.05)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()

    (run,) = fireworks.READER.read(RealWorld(), str(folder))

    assert (run.state, [(t.name, t.state) for t in run.tasks]) == (State.UNKNOWN, [("waits", State.UNKNOWN)])
    assert run.proof == "only launch folders are here: FW.json says RUNNING for ever"
