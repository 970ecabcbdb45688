"""What does the hook of a traced job do to a batch script's shell? Run by plain bash, with no scheduler: the same script with it and without."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from auditor.home import Home
from auditor.model import Job, Phase
from auditor.submit import jobtrace
from auditor.submit.along import hooked
from auditor.submit.bashenv import value
from auditor.world import RealWorld
from probes.tracing import FileTrace, touched
from tests.needs import need

SUBMISSION = "0123456789abcdef"
SLURM = {"SLURM_JOB_ID": "41", "SLURM_CLUSTER_NAME": "lab", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "_": "/usr/bin/sbatch"}
OURS = ("LD_PRELOAD", "AUDITOR_TRACE_TO", "APPTAINERENV_LD_PRELOAD", "SINGULARITYENV_LD_PRELOAD")
WAYS = ("strace", "preload", "auto")
LOOK = """
echo "$_ $? $- $# [$*] ${0##*/} ${BASH_SOURCE[*]##*/} ${FUNCNAME[*]} $SHLVL"
cat
env | sort
compgen -v | sort
compgen -A function
set -o
shopt
ulimit -a
ls /proc/$$/fd
grep -E 'SigIgn|SigBlk' /proc/$$/status
jobs; trap -p | grep -v auditor
bash -c 'echo "child: ${BASH_ENV-none}"'
echo to stderr >&2
exit 3
"""


class Node:
    """A folder as slurmd makes it, and a home with the hook for traced jobs in it."""

    def __init__(self, folder: Path) -> None:
        need(*(tool for tool in ("strace", "cc") if not shutil.which(tool)))
        self.folder = folder
        self.home = Home(str(folder / "home"))
        self.hook = jobtrace.hook(self.home.root)

    def run(
        self,
        text: str,
        *argv: str,
        way: str = "",
        first: str = "#!/bin/bash",
        env: dict[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        script = self.folder / "slurm_script"
        script.write_text(f"{first}\n{text}\n")
        script.chmod(0o700)
        given = {**SLURM, "HOME": str(self.folder), **(env or {})}
        if way:
            given["BASH_ENV"] = value(self.hook, SUBMISSION, given.get("BASH_ENV"), f"trace-{way}\nnohash")
        return subprocess.run(
            [*before, str(script), *argv], env=given, cwd=self.folder, capture_output=True, text=True, input="in\n"
        )

    def trace(self) -> FileTrace:
        job = Job(
            "slurm", "41", submission=SUBMISSION, workdir=str(self.folder), script=(self.folder / "slurm_script").read_text()
        )
        found = touched.collect(RealWorld({"AUDITOR_HOME": self.home.root}), job)
        assert isinstance(found, FileTrace)
        return found

    def names(self, paths: tuple[str, ...]) -> list[str]:
        return [os.path.relpath(p, self.folder) for p in paths]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def plain(done: subprocess.CompletedProcess[str]) -> list[str]:
    """All that can be told of it, but for the variables that the shim needs and for numbers of processes."""
    lines = [line for line in done.stdout.split("\n") if not line.startswith(OURS)]
    return [re.sub(r"\d{3,}", "N", line) for line in (*lines, *done.stderr.split("\n"), str(done.returncode))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", ["#!/bin/bash", "#!/usr/bin/env bash", "#!/bin/bash -fC", "#!/bin/bash -l", "#!/bin/bash -k"])
def test_a_traced_shell_is_as_it_would_be_and_nothing_says_otherwise(way: str, first: str, node: Node) -> None:
    assert plain(node.run(LOOK, "a b", "", way=way, first=first)) == plain(node.run(LOOK, "a b", "", first=first))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", ["#!/bin/bash -eu", "#!/bin/bash -x", "#!/bin/bash -l"])
@pytest.mark.parametrize(
    "text", ["false; echo $nothing", "echo $x; exit 7", "exec false", "kill -9 $$", "trap 'echo bye' EXIT; exit 6"]
)
def test_options_of_the_first_line_hold_and_ends_are_the_script_s_own(way: str, first: str, text: str, node: Node) -> None:
    assert plain(node.run(text, way=way, first=first)) == plain(node.run(text, first=first))


def test_under_strace_the_environment_is_the_very_same(node: Node) -> None:
    assert node.run("env | sort", way="auto").stdout == node.run("env | sort").stdout


@pytest.mark.parametrize("way", ["strace", "preload"])
def test_what_the_script_touches_is_told_and_nothing_of_our_own_looking(way: str, node: Node) -> None:
    (node.folder / "in.csv").write_text("1\n")
    node.run("sort in.csv >sorted; cat <sorted >out.csv; rm sorted", way=way)
    assert (node.names(node.trace().inputs), node.names(node.trace().outputs)) == (["in.csv", "slurm_script"], ["out.csv"])
    assert (node.trace().scratch, node.trace().complete) == (1, way == "strace")


def test_both_snapshots_are_taken_once_each(node: Node) -> None:
    node.run("exit 4", way="auto")
    assert sorted(p.name.split("-")[2] for p in Path(node.home.spool).iterdir()) == [Phase.END, Phase.START]


def test_a_signal_finds_the_script(node: Node) -> None:
    assert node.run("trap 'echo got; exit 5' USR1; kill -USR1 $$; sleep 9", way="strace").stdout == "got\n"
    assert node.run("kill -TERM $$; sleep 9", way="strace").returncode == -signal.SIGTERM


def test_an_older_bash_env_is_read_once_and_stays(node: Node) -> None:
    (node.folder / "mine.sh").write_text("echo read; mine() { :; }\n")
    env = {"BASH_ENV": str(node.folder / "mine.sh")}
    assert node.run("echo $BASH_ENV; compgen -A function", way="strace", env=env).stdout == f"read\n{env['BASH_ENV']}\nmine\n"


BROKEN = "strace cannot follow a process on"
LIMITED = "strace was not used: a limit on the size of files holds for the trace too"


@pytest.mark.parametrize(
    ("note", "way", "tracer"), [(BROKEN, "auto", "preload"), (BROKEN, "strace", ""), (LIMITED, "strace", "")]
)
def test_where_strace_does_not_work_the_shim_does_or_the_job_runs_untraced(note: str, way: str, tracer: str, node: Node) -> None:
    broken = node.folder / "bin/strace"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho strace: ptrace: Operation not permitted >&2\nexit 1\n")
    broken.chmod(0o755)
    (node.folder / "in.csv").write_text("1\n")
    env = {"PATH": f"{broken.parent}:/usr/bin:/bin"} if note == BROKEN else {}
    limit = ("prlimit", "--fsize=100000") if note == LIMITED else ()
    assert plain(node.run("cat in.csv; exit 2", way=way, env=env, before=limit)) == ["1", "", "", "2"]
    (notes,) = Path(node.home.root, "traces").glob("*.blind")
    assert notes.read_text().startswith(note)
    if tracer:
        assert node.trace().tracer == tracer
    else:
        with pytest.raises(FileNotFoundError, match=f"a trace was asked for and none was written: {note}"):
            node.trace()


@pytest.mark.parametrize(
    ("own", "line", "word"),
    [
        (["--auditor-trace"], "", "trace-auto"),
        (["--auditor-trace=strace"], "#AUDITOR trace=preload", "trace-strace"),
        ([], "#AUDITOR trace=preload", "trace-preload"),
        ([], "", ""),
    ],
)
def test_a_trace_is_asked_for_by_a_switch_or_by_a_line_in_the_script(
    own: list[str], line: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    for name in ("BASH_ENV", "XDG_CONFIG_HOME", "AUDITOR_CONFIG", "AUDITOR_TRACE"):
        monkeypatch.delenv(name, raising=False)
    Path("job.sh").write_text(f"#!/bin/bash\n{line}\ntrue\n")
    env, state = hooked(own, ["job.sh"], SUBMISSION, "/usr/bin/sbatch")
    way = word.removeprefix("trace-")
    asked = Path(tmp_path, f"home/traces/{SUBMISSION}.asked")
    assert (state, f":{word}:" in env["BASH_ENV"], "/trace-" in env["BASH_ENV"]) == ("installed", True, bool(word))
    assert (asked.read_text().strip() if asked.exists() else "") == way


def test_a_trace_that_was_asked_for_and_never_written_is_missed_with_the_reason(tmp_path: Path) -> None:
    job = Job("slurm", "41", submission=SUBMISSION, hook="interpreter /bin/sh")
    world = RealWorld({"AUDITOR_HOME": str(tmp_path)})
    jobtrace.ask(str(tmp_path), SUBMISSION, "auto")
    with pytest.raises(FileNotFoundError, match=r"it needs the in-job hook \(interpreter /bin/sh\)"):
        touched.collect(world, job)
