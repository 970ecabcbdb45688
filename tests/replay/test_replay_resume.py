"""Does a replay that was killed go on where it stopped, and is nothing judged from half a run?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.model import AuditError
from auditor.replay import execute, journal, leftover, plan
from auditor.replay.execute import planned
from auditor.verdict import Sameness
from tests import archived

STEPS = ("begin", "id", "began", "unpack", "environment", "running", "round-1", "round-2")

KILLED = """
import os, signal, sys
from auditor.replay import execute, journal, plan
at, bundle, folder, before = sys.argv[1:]
write = journal.Journal.write
def dies(self, step, data):
    if step == at and before == "before": os.kill(os.getpid(), signal.SIGKILL)
    write(self, step, data)
    if step == at: os.kill(os.getpid(), signal.SIGKILL)
journal.Journal.write = dies
execute(plan(bundle, repeat=2), folder, yes=True)
"""


def made(folder: Path, script: str = archived.SCRIPT) -> Path:
    from reports.archive.bundle import build

    job, evidence = archived.run(folder / "work", {**archived.FILES, "job.sh": script}, script)
    build(job, evidence, archived.card(job, evidence), folder / "fit.crate.zip", objects=archived.nothing)
    (folder / "work").rename(folder / "moved")
    return folder / "fit.crate.zip"


def killed(bundle: Path, step: str, when: str) -> int:
    words = [sys.executable, "-c", KILLED, step, str(bundle), str(bundle.parent / "again"), when]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(words, env=environment, timeout=120, check=False).returncode


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS[2:])
def test_a_replay_killed_at_any_step_goes_on_and_judges_whole_runs(tmp_path: Path, step: str, when: str) -> None:
    bundle = made(tmp_path)
    assert killed(bundle, step, when) == -signal.SIGKILL
    whole = _steps(tmp_path / "again")
    verdict = execute(planned(tmp_path / "again"), tmp_path / "again", yes=True, resume=True)
    assert (verdict.sameness, verdict.reached, len(verdict.rounds)) == (Sameness.IDENTICAL, True, 2)
    assert whole <= _steps(tmp_path / "again")


def _steps(folder: Path) -> set[str]:
    log = journal.resume(folder)
    log.close()
    return set(log.steps)


@pytest.mark.parametrize("step", ["begin", "id"])
def test_a_replay_killed_before_it_began_can_be_resumed_or_says_why_not(tmp_path: Path, step: str) -> None:
    bundle = made(tmp_path)
    assert killed(bundle, step, "before") == -signal.SIGKILL
    if step == "begin":
        with pytest.raises(AuditError, match="holds no replay that began"):
            planned(tmp_path / "again")
    else:
        assert execute(planned(tmp_path / "again"), tmp_path / "again", yes=True, resume=True).reached


def test_a_whole_run_is_not_run_again(tmp_path: Path) -> None:
    bundle = made(tmp_path, archived.SCRIPT + "date +%s%N\n")
    assert killed(bundle, "round-1", "after") == -signal.SIGKILL
    before = (tmp_path / "again" / "stdout.txt").read_text()
    execute(planned(tmp_path / "again"), tmp_path / "again", yes=True, resume=True)
    assert (tmp_path / "again" / "stdout.txt").read_text() == before


def test_a_run_that_was_not_whole_starts_from_its_inputs(tmp_path: Path) -> None:
    """The script fails where something is left of an earlier try."""
    script = "#!/bin/bash\n[ -e trace ] && exit 9\ntouch trace\n" + archived.SCRIPT.partition("\n")[2]
    bundle = made(tmp_path, script)
    assert killed(bundle, "round-1", "before") == -signal.SIGKILL
    assert (tmp_path / "again" / "work" / "trace").exists()
    assert execute(planned(tmp_path / "again"), tmp_path / "again", yes=True, resume=True).reached


def test_what_the_killed_replay_left_running_is_ended_and_nobody_elses_process(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        mine = leftover.running(child.pid)
        assert not leftover.end(leftover.Running(mine.pid, "1", mine.boot))  # the number was given to another process since
        assert child.poll() is None
        assert leftover.end(mine)
        assert child.wait(timeout=10) == -signal.SIGKILL


def test_a_step_that_was_half_written_was_not_whole(tmp_path: Path) -> None:
    log = journal.begin(tmp_path, {"bundle": "b.zip"})
    log.write("unpack", 7)
    log.close()
    with (tmp_path / journal.NAME).open("ab") as file:
        file.write(b'{"data":{},"step":"round-1"}')
    again = journal.resume(tmp_path)
    assert sorted(again.steps) == ["begin", "unpack"]
    again.write("environment", 1)
    again.close()
    assert _steps(tmp_path) == {"begin", "unpack", "environment"}


def test_two_replays_do_not_work_in_one_folder(tmp_path: Path) -> None:
    log = journal.begin(tmp_path, {"bundle": "b.zip"})
    with pytest.raises(AuditError, match="another replay is at work"):
        journal.resume(tmp_path)
    log.close()


@pytest.mark.parametrize("text", ["", "no json\n", '["begin"]\n', '{"step": "unpack", "data": 1}\n'])
def test_what_is_no_journal_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / journal.NAME).write_text(text)
    with pytest.raises(AuditError):
        journal.resume(tmp_path)


def test_a_folder_without_a_journal_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="holds no replay to go on with"):
        planned(tmp_path)


def test_a_folder_that_holds_a_replay_says_how_to_go_on(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    ready = plan(bundle, level="verify")
    execute(ready, tmp_path / "again", yes=True)
    with pytest.raises(AuditError) as told:
        execute(ready, tmp_path / "again", yes=True)
    assert told.value.hint == f"name a new folder with --into, or go on with --resume {tmp_path}/again"


def test_another_bundle_under_the_same_name_is_not_resumed(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    assert killed(bundle, "unpack", "after") == -signal.SIGKILL
    (tmp_path / "other").mkdir()
    bundle.write_bytes(made(tmp_path / "other", archived.SCRIPT + "true\n").read_bytes())
    with pytest.raises(AuditError, match="holds a replay of another bundle"):
        execute(planned(tmp_path / "again"), tmp_path / "again", yes=True, resume=True)


def test_a_started_process_is_known_by_its_number_and_its_start() -> None:
    mine = leftover.running(os.getpid())
    assert (mine.pid, mine.started != "", len(mine.boot)) == (os.getpid(), True, 36)
