"""The local executor as people use it: real commands in real processes, through the command line where signals and streams count."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import codec, spool
from auditor.home import Home, find
from auditor.model import AuditError, Capture, Phase, Status
from auditor.submit.local import run
from auditor.submit.memory import peak
from auditor.submit.witness import record_path

PYTHON = sys.executable


@pytest.fixture
def home() -> Home:
    found = find()
    assert found is not None
    return found


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a batch script into an own folder, where the test then is."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(*lines: str, name: str = "job.sh") -> str:
        Path(name).write_text("\n".join(("#!/bin/bash", *lines)) + "\n")
        return name

    return write


def captures(home: Home) -> list[Capture]:
    return [codec.loads(Path(path).read_bytes(), Capture) for path in spool.waiting(home.spool)]


def accounting(home: Home) -> dict[str, Mapping[str, Any]]:
    """The executor's evidence by job id."""
    return {
        c.job.job_id: e.data
        for c in captures(home)
        for e in c.evidence
        if e.kind == "JobAccounting" and e.status is Status.OK and e.data is not None
    }


def auditor(*words: str, **options: Any) -> subprocess.Popen[bytes]:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([PYTHON, "-P", "-m", "auditor", "run", "--", *words], **{**streams, **options})


def finish(child: subprocess.Popen[bytes], given: bytes = b"") -> tuple[int, bytes, bytes]:
    out, err = child.communicate(given, timeout=60)
    return child.returncode, out, err


def until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_command_has_our_streams_and_its_own_exit_status() -> None:
    assert finish(auditor("sh", "-c", "cat; echo aside >&2; exit 17"), b"text\xff\n") == (17, b"text\xff\n", b"aside\n")


def test_a_command_killed_by_a_signal_ends_with_128_more() -> None:
    assert finish(auditor("sh", "-c", "ulimit -c 0; kill -SEGV $$")) == (139, b"", b"")


def test_quoting_and_environment_reach_the_command_as_they_are() -> None:
    env = {**os.environ, "GREETING": "a  b"}
    assert finish(auditor("sh", "-c", 'printf "[%s]" "$@" "$GREETING"', "x", "a b", "*", "", env=env)) == (
        0,
        b"[a b][*][][a  b]",
        b"",
    )


def test_a_pipe_that_closes_ends_the_command_as_it_would_alone() -> None:
    script = "set -o pipefail; %s -P -m auditor run -- yes | head -1; echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", script % PYTHON], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("y\n141\n", "")  # 128 + SIGPIPE


COUNT = """
import signal, sys, time
got = []
signal.signal({number}, lambda *_: got.append(1))
open({up!r}, "w").close()
while not got:
    time.sleep(0.01)
time.sleep(0.1)
sys.exit(40 + len(got))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_us_reaches_the_command_once_and_its_answer_comes_back(number: signal.Signals, tmp_path: Path) -> None:
    child = auditor(PYTHON, "-c", COUNT.format(number=int(number), up=str(tmp_path / "up")))
    until((tmp_path / "up").exists)
    child.send_signal(number)
    assert finish(child) == (41, b"", b"")


def test_control_c_at_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    pid, terminal = os.forkpty()
    if not pid:
        code = COUNT.format(number=2, up=str(tmp_path / "up"))
        os.execv(PYTHON, [PYTHON, "-P", "-m", "auditor", "run", "--", PYTHON, "-c", code])
    until((tmp_path / "up").exists)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 41
    os.close(terminal)


def test_a_caller_that_ignores_the_end_of_its_children_changes_nothing() -> None:
    ignore = [
        PYTHON,
        "-c",
        "import os,signal,sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    done = subprocess.run(
        [*ignore, PYTHON, "-P", "-m", "auditor", "run", "--", "sh", "-c", "exit 9"], capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (9, b"", b"")


def test_what_is_not_there_is_one_line_with_a_hint_and_exit_status_2() -> None:
    code, out, err = finish(auditor("no-such-command-anywhere"))
    assert (code, out) == (2, b"")
    assert b"there is no command no-such-command-anywhere" in err and b"Traceback" not in err


def test_a_folder_without_room_for_evidence_changes_nothing_for_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    env = {**os.environ, "AUDITOR_HOME": str(tmp_path / "file" / "records")}
    code, out, err = finish(auditor("sh", "-c", "echo hello; exit 3", env=env))
    assert (code, out) == (3, b"hello\n")
    assert err.startswith(b"auditor: evidence of this run could not be kept in ")
    assert err.count(b"\n") == 1


def test_every_phase_leaves_a_capture_and_nothing_else_is_left(home: Home, script: Callable[..., str]) -> None:
    result = run([script("echo done > result.txt", "#AUDITOR output=*.txt label=paper")], home=home)
    seen = {c.phase: c for c in captures(home)}
    assert set(seen) == {Phase.SUBMIT, Phase.START, Phase.LATER}
    assert {c.job.run_id for c in captures(home)} == {result.jobs[0].run_id}
    job = seen[Phase.LATER].job
    assert (job.outputs, job.label, job.scheduler) == (("*.txt",), "paper", "local")
    assert not os.path.exists(record_path(home, job.job_id))
    manifest = next(e for e in seen[Phase.LATER].evidence if e.kind == "DataManifest")
    assert manifest.data is not None
    assert [f["path"] for f in manifest.data["files"]] == ["result.txt"]


def test_the_kernel_counts_memory_and_time(home: Home) -> None:
    result = run([PYTHON, "-c", "x = bytearray(300_000_000); sum(range(10**6))"], home=home)
    told = accounting(home)[result.jobs[0].job_id]
    assert 300_000_000 < told["used_memory"] < 900_000_000  # the child starts as a copy of whoever runs the tests
    assert told["used_cpu_seconds"] > 0
    assert (told["rungs"]["used_memory"], told["rungs"]["exit_code"]) == ("kernel", "executor")


def test_memory_below_the_executors_own_is_called_an_upper_bound(home: Home) -> None:
    told = {}
    for command in (["true"], [PYTHON, "-c", f"x = bytearray({peak(os.getpid()) + 300_000_000})"]):  # we are the executor here
        job = run(command, home=home).jobs[0].job_id
        told[command[0]] = " ".join(accounting(home)[job]["gaps"])
    assert "upper bound" in told["true"] and "upper bound" not in told[PYTHON]


def test_an_array_runs_each_task_with_its_index_and_its_own_output(home: Home, script: Callable[..., str]) -> None:
    name = script(
        "#SBATCH --array=1-5:2%2", "#SBATCH --output=%x-%a.log --job-name=grid --mem=100M -c 1",
        'echo "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_MIN..$SLURM_ARRAY_TASK_MAX, $SLURM_ARRAY_TASK_COUNT: $1"',
        "exit $((SLURM_ARRAY_TASK_ID - 1))",
    )  # fmt: skip
    result = run([name, "x y"], home=home)
    assert result.exit_code == 4
    assert [Path(f"grid-{n}.log").read_text() for n in (1, 3, 5)] == [f"{n} of 1..5, 3: x y\n" for n in (1, 3, 5)]
    base = result.jobs[0].job_id.partition("_")[0]
    told = accounting(home)
    assert {job: told[job]["attempts"][0]["exit_code"] for job in told} == {
        base: 4,
        f"{base}_1": 0,
        f"{base}_3": 2,
        f"{base}_5": 4,
    }
    assert (told[base]["array_throttle"], told[f"{base}_3"]["array_task_id"], told[base]["asked_memory"]) == (2, "3", 100 << 20)
    assert len({j.submission for j in result.jobs}) == 1


def test_the_throttle_of_an_array_holds(home: Home, script: Callable[..., str]) -> None:
    name = script(
        "#SBATCH --array=0-5%2",
        "#SBATCH --output=/dev/null",
        "mkdir here.$$; ls -d here.* | wc -l >> most; sleep 0.1; rmdir here.$$",
    )
    assert run([name], home=home).exit_code == 0
    assert max(map(int, Path("most").read_text().split())) == 2


def test_a_command_past_its_limit_is_ended_with_all_it_started(home: Home, script: Callable[..., str]) -> None:
    result = run([script("#SBATCH --time=0:01", "#SBATCH -o out", "sleep 1000 & echo $! > pid", "wait")], home=home)
    told = accounting(home)[result.jobs[0].job_id]
    assert (result.exit_code, told["attempts"][0]["state"], told["asked_seconds"]) == (143, "TIMEOUT", 1)
    sleeper = Path(f"/proc/{Path('pid').read_text().strip()}/stat")
    until(lambda: not sleeper.exists() or sleeper.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_script_needs_no_permission_to_execute_and_sees_its_arguments(home: Home, script: Callable[..., str]) -> None:
    name = script("#SBATCH --output=out.%j --error=err.txt --chdir=sub", 'echo "$0|$1|$PWD|$SLURM_SUBMIT_DIR"; echo oh >&2')
    os.mkdir("sub")
    result = run([name, "a b"], home=home)
    here = os.getcwd()
    assert Path(f"sub/out.{result.jobs[0].job_id}").read_text() == f"{here}/job.sh|a b|{here}/sub|{here}\n"
    assert Path("sub/err.txt").read_text() == "oh\n"


def test_output_is_appended_when_the_script_says_so(home: Home, script: Callable[..., str]) -> None:
    name = script("#SBATCH --open-mode=append -o log", "echo again")
    for _ in range(2):
        run([name], home=home)
    assert Path("log").read_text() == "again\nagain\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("#SBATCH --output=nowhere/out", "the folder of --output or --error is not there"),
        ("#SBATCH --chdir=nowhere", "there is no folder"),
        ("#SBATCH --array=9-", "is no list of indexes"),
    ],
)
def test_a_mistake_in_the_script_is_said_before_anything_runs(
    line: str, message: str, home: Home, script: Callable[..., str]
) -> None:
    with pytest.raises(AuditError, match=message):
        run([script(line, "touch ran")], home=home)
    assert not os.path.exists("ran") and not captures(home)


def test_a_secret_on_the_command_line_is_not_stored(home: Home) -> None:
    run(["true", "--api-key=hunter2hunter2"], home=home)
    stored = b"".join(Path(p).read_bytes() for p in spool.waiting(home.spool))
    assert b"hunter2" not in stored


def test_the_script_that_ran_is_kept_by_content(home: Home, script: Callable[..., str]) -> None:
    name = script("exit 0")
    run([name], home=home)
    kept = [p.read_bytes() for p in Path(home.objects).rglob("*") if p.is_file()]
    assert Path(name).read_bytes() in kept


def test_the_kernel_counts_what_a_command_and_its_children_moved(home: Home, script: Callable[..., str]) -> None:
    run([script("head -c 3000000 /dev/zero | cat >big", "cat big >/dev/null")], home=home)
    (counted,) = [e for c in captures(home) for e in c.evidence if e.probe == "kernel"]
    assert counted.phase is Phase.END and counted.data is not None
    assert counted.data["chars_read"] >= 9_000_000  # head, cat, cat
    assert counted.data["chars_written"] >= 9_000_000
    assert counted.data["cpu_seconds"] >= 0
    assert (counted.data["scope"], counted.data["cgroup"]) == ("process", "")


def test_a_file_that_is_not_what_its_pointer_declares_is_told_after_the_run(home: Home, script: Callable[..., str]) -> None:
    Path("data.csv").write_text("1\n2\n")
    Path("data.csv.dvc").write_text(f"outs:\n- md5: {'0' * 32}\n  size: 4\n  hash: md5\n  path: data.csv\n")
    run([script("#AUDITOR input=data.csv", "cat data.csv >/dev/null")], home=home)
    (after,) = [e for c in captures(home) for e in c.evidence if e.probe == "pointer-content" and e.phase is Phase.LATER]
    assert after.data is not None
    assert [(p["path"], p["state"]) for p in after.data["pointers"]] == [("data.csv", "different")]


def test_a_wrong_line_of_ours_is_told_and_the_script_runs(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("#!/bin/bash\n#AUDITOR inputs=\x1b[31mx trace=everything\necho ran; exit 3\n")
    code, out, err = finish(auditor("./job.sh", cwd=tmp_path))
    assert (code, out) == (3, b"ran\n")
    assert err.decode().splitlines() == [
        r"auditor: line 2 of the script: 'inputs=\x1b[31mx' says nothing; '#AUDITOR input=\x1b[31mx'",
        "auditor: line 2 of the script: 'trace=everything' says nothing; 'trace= is one of auto, strace, preload'",
    ]
