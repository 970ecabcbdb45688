"""Is what a real Dask did known afterwards? The demo campaign on a LocalCluster with our preload attached by `auditor run`; failing, killed, moved."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engines import called

from auditor import codec, spool
from auditor.home import Home
from auditor.model import Capture, Status
from auditor.world import RealWorld
from probes.workflows import State, WorkflowRun, dask

pytestmark = pytest.mark.engine
CAMPAIGN = Path(__file__).parent / "campaigns/dask/campaign.py"
SECONDS = 120


def ran(folder: Path, *command: str, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
    """`auditor run` of the command, or the bare command where it has no home."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = (sys.executable, "-P", "-m", "auditor", "run", "--") if "AUDITOR_HOME" in extra else ()
    env = {**called("dask"), "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **extra}
    done = subprocess.run((*ours, *command), cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == code, done.stderr[-3000:]
    return done


def blot(text: str) -> str:
    """Without times, ports and numbers of processes."""
    return re.sub(r"\d+", "#", text)


def logs(home: Path) -> list[Path]:
    return sorted((home / "attached").glob("*/dask-*.jsonl"))


def evidence(home: Path) -> dict[str, Mapping[str, Any]]:
    """By kind, what was seen after the run."""
    captures = [codec.loads(Path(path).read_bytes(), Capture) for path in spool.waiting(Home(str(home)).spool)]
    found = (e for c in captures for e in c.evidence if e.phase == "later" and e.status is Status.OK)
    return {e.kind: e.data for e in found if e.data is not None}


def read(folder: Path, world: RealWorld | None = None) -> WorkflowRun:
    (run,) = dask.READER.read(world or RealWorld(), str(folder))
    return run


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The home, and the folder of the log that a run of the campaign left there."""
    base = tmp_path_factory.mktemp("dask")
    ran(base / "work", "python", str(CAMPAIGN), "fails", code=1, AUDITOR_HOME=str(base / "home"))
    (log,) = logs(base / "home")
    return base / "home", log.parent


def test_the_log_tells_of_every_task_its_tries_and_what_it_waited_for(attached: tuple[Path, Path]) -> None:
    run = read(attached[1])

    assert (run.system, run.version, run.workers) == ("dask", "2026.8.0", 2)
    assert (run.state, run.proof) == (State.FAILED, "the scheduler closed, and 1 of 12 tasks had failed for good")
    tries = {t.id: [a.state for a in t.attempts] for t in run.tasks}
    assert (tries["flaky-0"], tries["fails-0"]) == ([State.FAILED, State.SUCCEEDED], [State.FAILED, State.FAILED])
    assert {t.id: set(t.needs) for t in run.tasks}["train-1"] == {f"simulate-1-{n}" for n in range(3)}
    assert {m.name for m in run.metrics} >= {"compute-seconds", "result-bytes", "thread-seconds", "idle-seconds"}


def test_the_run_and_what_was_set_for_it_are_evidence(attached: tuple[Path, Path]) -> None:
    found = evidence(attached[0])

    (run,) = found["WorkflowRuns"]["runs"]
    assert (run["system"], run["relation"], run["tasks"], run["retried"]) == ("dask", "inside", 12, 2)
    assert [s["name"] for s in found["Attached"]["given"]] == ["DASK_DISTRIBUTED__SCHEDULER__PRELOAD", "AUDIT_RUN_ID"]
    assert found["Attached"]["records"] == [p.name for p in logs(attached[0])]


def test_the_log_is_its_owners_only(attached: tuple[Path, Path]) -> None:
    (log,) = logs(attached[0])

    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_output_and_exit_code_are_the_same_with_and_without(tmp_path: Path) -> None:
    bare = ran(tmp_path / "a", "python", str(CAMPAIGN))
    ours = ran(tmp_path / "b", "python", str(CAMPAIGN), AUDITOR_HOME=str(tmp_path / "home"))

    assert len(logs(tmp_path / "home")) == 1
    assert (ours.stdout, blot(ours.stderr)) == (bare.stdout, blot(bare.stderr))
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in (tmp_path / "b").iterdir())


def test_switched_off_nothing_is_set(tmp_path: Path) -> None:
    code = "import os; print([n for n in os.environ if n.startswith(('DASK', 'AUDIT_'))])  # dask"

    done = ran(tmp_path / "a", "python", "-c", code, AUDITOR_HOME=str(tmp_path / "home"), AUDITOR_ATTACH="none")

    assert done.stdout == "[]\n"
    assert not (tmp_path / "home/attached").exists()


def test_a_preload_of_the_users_runs_as_before(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def dask_setup(scheduler):\n    open('mine-ran', 'w').close()\n")
    mine = str(tmp_path / "mine.py")

    ran(
        tmp_path / "work",
        "python",
        str(CAMPAIGN),
        AUDITOR_HOME=str(tmp_path / "home"),
        DASK_DISTRIBUTED__SCHEDULER__PRELOAD=mine,
    )

    assert (tmp_path / "work/mine-ran").exists()
    assert len(logs(tmp_path / "home")) == 1


def test_a_home_that_cannot_be_written_to_costs_the_record_and_not_the_run(tmp_path: Path) -> None:
    text = "AUDITOR_ATTACH_TO = '/proc/no'; exec(__import__('pathlib').Path('{}').read_text('utf-8'))"
    payload = Path(__file__).parents[2] / "auditor/submit/attach_dask.py"

    done = ran(tmp_path / "work", "python", str(CAMPAIGN), DASK_DISTRIBUTED__SCHEDULER__PRELOAD=text.format(payload))

    assert done.stdout == "near 0.5\nflaky 1\n"


def test_a_moved_log_tells_the_same(attached: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(attached[1], tmp_path / "log")

    moved, known = read(tmp_path / "log"), read(attached[1])

    assert (moved.id, moved.tasks, moved.proof) == (known.id, known.tasks, known.proof)


def test_of_a_run_that_was_killed_half_way_all_is_known_up_to_then(tmp_path: Path) -> None:
    class Later(RealWorld):
        """This machine, an hour from now."""

        def now(self) -> datetime:
            return super().now() + timedelta(hours=1)

    folder = tmp_path / "work"
    folder.mkdir()
    payload = Path(__file__).parents[2] / "auditor/submit/attach_dask.py"
    text = f"AUDITOR_ATTACH_TO = '{tmp_path}/log'; exec(__import__('pathlib').Path('{payload}').read_text('utf-8'))"
    env = {**called("dask"), "DASK_DISTRIBUTED__SCHEDULER__PRELOAD": text}
    with (folder / "err").open("wb") as err:
        argv = ["python", str(CAMPAIGN), "waits"]
        child = subprocess.Popen(argv, cwd=folder, env=env, stdout=err, stderr=err, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "waiting").exists() and time.monotonic() < deadline:
            assert child.poll() is None, (folder / "err").read_text()[-2000:]
            time.sleep(0.05)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    now, later = read(tmp_path / "log"), read(tmp_path / "log", Later())

    assert (now.state, later.state) == (State.RUNNING, State.KILLED)
    assert {t.id: t.state for t in later.tasks}["waits-0"] is State.KILLED
    assert sum(t.state is State.SUCCEEDED for t in later.tasks) == 11
    assert json.loads(logs_of(tmp_path)[-1])["what"] == "task", "every line is whole"


def logs_of(base: Path) -> list[str]:
    (log,) = (base / "log").glob("*.jsonl")
    return log.read_text().splitlines()
