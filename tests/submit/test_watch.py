"""Are the libraries seen that a job's processes load, and does the job notice nothing? Real shells, real processes, no scheduler."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import intake, spool
from auditor.home import Home
from auditor.model import Phase, Status
from auditor.submit import glances, hook, watch
from auditor.submit.along import hooked
from auditor.submit.bashenv import value
from tests.needs import need

SUBMISSION = "0123456789abcdef"
SLEEPER = f'exec {sys.executable} -I -S -c \'import _hashlib, time; open("ready", "w").close(); time.sleep(60)\''
BESIDE = f"({SLEEPER}) >/dev/null 2>&1 & until [ -e ready ]; do :; done"


class Slurmd:
    """Runs batch scripts as slurmd would, with the hook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(str(folder / "home"))
        self.hook = hook.install(self.home)

    def start(self, text: str, extra: str, **options: Any) -> subprocess.Popen[bytes]:
        script = self.folder / "slurm_script"
        script.write_text(f"#!/bin/bash\n{text}\n")
        script.chmod(0o700)
        env = {"SLURM_JOB_ID": str(os.getpid()), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        if extra != "bare":
            env["BASH_ENV"] = value(self.hook, SUBMISSION, None, extra)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        return subprocess.Popen([str(script)], env=env, cwd=self.folder, **{**streams, **options})

    def run(self, text: str, extra: str = "nohash") -> tuple[bytes, bytes, int]:
        child = self.start(text, extra)
        out, err = child.communicate(timeout=60)
        return out, err, child.returncode

    def libraries(self) -> tuple[Status, Mapping[str, Any]]:
        """The evidence of the end, once it is there."""
        until(lambda: bool(self.captured()))
        (seen,) = self.captured()
        return seen.status, seen.data or {"reason": seen.reason}

    def captured(self) -> list[Any]:
        found = [intake.read(path) for path in spool.waiting(self.home.spool)]
        return [e for c in found if c.phase is Phase.END for e in c.evidence if e.probe == "libraries"]


@pytest.fixture
def slurmd(tmp_path: Path) -> Slurmd:
    need(*([] if shutil.which("bash") else ["bash"]))
    return Slurmd(tmp_path)


def until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


def names(data: Mapping[str, Any]) -> set[str]:
    return {lib["name"] for lib in data["libraries"]}


def test_a_process_that_the_job_leaves_is_told_with_its_libraries(slurmd: Slurmd) -> None:
    left = slurmd.run(f"{BESIDE}; echo $!")
    pid = int(left[0])
    try:
        status, data = slurmd.libraries()
        assert (left[1:], status, data["how"]) == ((b"", 0), Status.OK, "alive-at-end")
        assert "glibc" in names(data)
        assert data["others"] > 0  # python's own, crypto among them
    finally:
        os.kill(pid, signal.SIGKILL)


def test_without_one_nothing_is_read_but_one_line_and_the_evidence_says_so(slurmd: Slurmd) -> None:
    slurmd.run("true")
    assert slurmd.libraries() == (
        Status.ABSENT,
        {"reason": "no process of the job's was alive at its end, and nobody looked while it ran"},
    )


def test_a_watched_job_tells_what_its_processes_loaded_by_digest(slurmd: Slurmd) -> None:
    out, err, code = slurmd.run(f"{BESIDE}; sleep 2; kill %1; exit 7", "libraries\nnohash")
    status, data = slurmd.libraries()

    assert (out, err, code, status, data["how"]) == (b"", b"", 7, Status.OK, "sampled")
    assert data["looks"] > 1
    (libc,) = [lib for lib in data["libraries"] if lib["path"].endswith("/libc.so.6")]
    assert (len(libc["sha256"]), f"glibc {libc['version']}") == (64, os.confstr("CS_GNU_LIBC_VERSION"))
    assert list(Path(slurmd.home.spool).glob(".*")) == []
    assert len(list(Path(slurmd.home.spool).iterdir())) == 2


SCRIPTS = [
    "env | sort | grep -v ^_=; ps -o comm= --ppid $$ | grep -v ps; jobs; wait; echo $?",
    'echo "$BASH_ENV|$-|$_|$*"; exit 3',
    "sleep 0.3 & wait; wait -n; echo $?; kill -TERM $$",
    "trap 'echo bye' EXIT; false",
    "ulimit -a; ls -l /proc/self/fd | wc -l; false",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_watched_job_s_output_environment_children_and_exit_code_are_those_of_a_bare_one(slurmd: Slurmd, script: str) -> None:
    bare = slurmd.run(script, "bare")
    assert slurmd.run(script, "libraries\nnohash") == bare


def test_the_watcher_ends_with_the_shell_and_leaves_nothing(slurmd: Slurmd) -> None:
    slurmd.run("sleep 0.3", "libraries\nnohash")
    until(lambda: watchers(slurmd) == [])
    assert [p.name for p in Path(slurmd.home.spool).iterdir() if p.name.startswith(".")] == []


def test_a_job_that_is_over_before_the_watcher_is_up_leaves_its_two_records_and_nothing_else(slurmd: Slurmd) -> None:
    slurmd.run("true", "libraries\nnohash")
    until(lambda: watchers(slurmd) == [])
    assert sorted(p.name.split("-")[2] for p in Path(slurmd.home.spool).iterdir()) == ["end", "start"]


def watchers(slurmd: Slurmd) -> list[str]:
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines()
    return [line for line in shown if watch.__file__ in line and str(slurmd.folder) in line]


def test_of_a_job_that_is_killed_the_watcher_hands_in_what_it_saw(slurmd: Slurmd) -> None:
    child = slurmd.start(f"{BESIDE}; echo $!; wait", "libraries\nnohash")
    assert child.stdout is not None
    left = int(child.stdout.readline())
    spooled = Path(slurmd.home.spool)
    until(lambda: any(b"glibc" in p.read_bytes() for p in spooled.glob(".libraries-*") if p.suffix != ".new"))
    child.kill()
    child.communicate()
    status, data = slurmd.libraries()
    os.kill(left, signal.SIGKILL)

    assert (status, data["how"], "glibc" in names(data)) == (Status.OK, "sampled", True)
    (record,) = [c.job for c in map(intake.read, spool.waiting(slurmd.home.spool)) if c.phase is Phase.END]
    assert (record.job_id, record.submission, record.attempt) == (str(os.getpid()), SUBMISSION, 0)
    until(lambda: watchers(slurmd) == [])
    assert list(spooled.glob(".libraries*")) == []


def test_a_script_with_an_exit_trap_of_its_own_is_watched_too(slurmd: Slurmd) -> None:
    out = slurmd.run(f"trap 'echo bye' EXIT; {BESIDE}; sleep 2; kill %1", "libraries\nnohash")
    status, data = slurmd.libraries()
    assert (out, status, data["how"]) == ((b"bye\n", b"", 0), Status.OK, "sampled")


def test_only_processes_of_this_job_and_this_user_are_looked_at(tmp_path: Path) -> None:
    children = [subprocess.Popen(["sleep", "60"], env={"SLURM_JOB_ID": job}) for job in ("777001", "777002", "7770011")]
    try:
        assert list(glances.of_job("777001", frozenset())) == [children[0].pid]
        assert list(glances.of_job("777001", frozenset({children[0].pid}))) == []
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_what_a_process_in_a_container_has_mapped_is_read_inside(tmp_path: Path) -> None:
    """The same path out here is another file: a changed libm stands in its place in the process's own mount namespace."""
    loaded = glances.mapped(Path("/proc/self/maps").read_text())
    real = next((path for path in sorted(loaded) if "/libm.so" in path or "/libm-2" in path), "")
    need(*([] if real and shutil.which("unshare") else ["unshare, libm"]))
    other = tmp_path / "libm.so.6"
    other.write_bytes(Path(real).read_bytes() + b"changed")
    inner = f"mount --bind {other} {real} && cd {tmp_path} && {SLEEPER}"
    child = subprocess.Popen(["unshare", "-rm", "sh", "-c", inner], stderr=subprocess.PIPE)
    until(lambda: (tmp_path / "ready").exists() or child.poll() is not None)
    try:
        need(*([] if child.poll() is None else ["user namespaces"]))
        seen = glances.first(0.0)
        seen.look([child.pid, os.getpid()], 0.0)
        found = {(lib.inside, lib.sha256) for lib in seen.told().libraries if lib.path == real}
        assert found == {(True, sha256(other)), (False, sha256(Path(real)))}
    finally:
        child.kill()
        child.communicate()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_pauses_between_looks_grow_to_a_minute() -> None:
    seen, due = glances.first(0.0), [0.1]
    for _ in range(len(glances.PAUSES) + 2):
        seen.look([], due[-1])
        due.append(seen.due)

    pauses = [round(b - a, 6) for a, b in itertools.pairwise(due)]
    assert pauses == [*glances.PAUSES[1:], 60.0, 60.0, 60.0]
    assert (seen.paths, dict(seen.programs)) == (set(), {})


def test_the_setting_asks_for_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BASH_ENV", raising=False)
    Path(".auditor.toml").write_text("libraries = true\n")
    Path("job.sh").write_text("#!/bin/bash\ntrue\n")
    env, state = hooked([], ["job.sh"], SUBMISSION, "/usr/bin/sbatch")

    assert (state, "::libraries:" in env["BASH_ENV"]) == ("installed", True)


@pytest.mark.parametrize(
    ("own", "environ", "words"),
    [
        ([], {}, []),
        (["--auditor-libraries"], {}, ["libraries"]),
        (
            ["--auditor-libraries", "--auditor-input=libraries/*"],
            {"AUDITOR_HOOK_HASH": "0"},
            ["nohash", "libraries", "input=libraries/*"],
        ),
        (["--auditor-input=libraries/*"], {}, ["input=libraries/*"]),
        ([], {"AUDITOR_LIBRARIES": "yes"}, ["libraries"]),
    ],
)
def test_the_watcher_comes_only_where_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: list[str], environ: dict[str, str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    for name in ("BASH_ENV", "XDG_CONFIG_HOME", "AUDITOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    Path("job.sh").write_text("#!/bin/bash\ntrue\n")
    env, state = hooked(own, ["job.sh"], SUBMISSION, "/usr/bin/sbatch")

    assert state == "installed"
    assert env["BASH_ENV"] == value(
        str(tmp_path / "home/hook" / Path(env["BASH_ENV"].partition("$")[0]).name), SUBMISSION, None, "\n".join(words)
    )
