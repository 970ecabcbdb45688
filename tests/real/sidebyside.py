"""How do tests compare two ways of submitting? The same folders, inputs and commands twice; what differs by nature is blotted out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# a job's own numbers and the node it got: different in any two jobs
_BLOTS = (
    (
        re.compile(
            r"(Submitted batch job |allocation |Job |JOB |job_?|SLURM_\w*JOB_?ID\w*=|SLURM_TASK_PID=|slurm-|afterany:)0*\d+"
        ),
        r"\1N",
    ),
    (re.compile(r"(?m)^\d+(?=;|$)"), "N"),
    (re.compile(r"(start at|CANCELLED AT) \S+"), r"\1 T"),
    (re.compile(r"(SLURM_JOB_(?:START|END)_TIME=)\d+"), r"\1T"),  # Slurm 23.02 and later
    (re.compile(r"\b(cpu|gpu)\d\b"), r"\1N"),
)

SHOW = """#!/bin/bash
echo "$_ $? $- $# [$*] ${0##*/} ${BASH_SOURCE[*]##*/} ${FUNCNAME[*]}"
cat
export LC_ALL=C
env | sort
set -o
shopt
compgen -v | sort
compgen -A function
alias
umask
ulimit -a
ls /proc/$$/fd
grep SigIgn /proc/$$/status
grep -E 'SigIgn|SigBlk' /proc/self/status
bash -c 'echo "child: ${BASH_ENV-none}"; compgen -A function; env | grep -i auditor'
echo to stderr >&2
exit 3
"""


def blot(text: str) -> str:
    for pattern, instead in _BLOTS:
        text = pattern.sub(instead, text)
    return text


@dataclass(frozen=True)
class Case:
    """A submission: arguments of sbatch, or a shell script that calls `sbatch`; files beside it; what stands on stdin.

    stdin: text through a pipe, a Path in the case's folder as a file, None for /dev/null.
    """

    name: str
    argv: tuple[str, ...] = ()
    shell: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    stdin: str | Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """All that a caller can tell: stdout, stderr, exit status (negative: signal), and the files its jobs left."""

    out: str
    err: str
    code: int
    files: Mapping[str, str]

    @property
    def lines(self) -> list[str]:
        """All of it, line by line: a difference is then shown as the line it is in."""
        texts = {"stdout": self.out, "stderr": self.err, "status": str(self.code), **self.files}
        return [f"{name}: {line}" for name, text in sorted(texts.items()) for line in text.split("\n")]


def run(cases: tuple[Case, ...], base: Path, keep: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
    """Submit every case from its own folder under `base`, wait for the jobs, move the folders to `keep`."""
    said: dict[str, subprocess.CompletedProcess[bytes]] = {}
    for number, case in enumerate(cases):
        folder = base / str(number)
        folder.mkdir(parents=True)
        for name, text in {"show.sh": SHOW, **case.files}.items():
            (folder / name).write_text(text)
        said[case.name] = submit(case, folder, {**env, **case.env})
    wait(env)
    base.rename(keep)
    return {
        case.name: Outcome(
            blot(said[case.name].stdout.decode("utf-8", "replace")),
            blot(said[case.name].stderr.decode("utf-8", "replace")),
            said[case.name].returncode,
            _left(keep / str(number)),
        )
        for number, case in enumerate(cases)
    }


def submit(case: Case, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    argv = ["/bin/sh", "-c", case.shell] if case.shell else ["sbatch", *case.argv]
    given: dict[str, object] = {"stdin": subprocess.DEVNULL}
    if isinstance(case.stdin, str):
        given = {"input": case.stdin.encode()}
    elif case.stdin is not None:
        given = {"stdin": os.open(folder / case.stdin, os.O_RDONLY)}
    # exec by PATH, as a shell does it
    exe = shutil.which(argv[0], path=env["PATH"])
    assert exe is not None
    return subprocess.run(argv, executable=exe, cwd=folder, env=env, capture_output=True, timeout=120, **given)  # type: ignore[call-overload]


STUCK = ("DependencyNeverSatisfied", "JobHeldUser", "PartitionConfig")


def wait(env: Mapping[str, str], seconds: float = 120) -> None:
    """Until no job is left but those that can never start; they are cancelled."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rows = subprocess.run(["squeue", "-h", "-o", "%T %r"], env=env, capture_output=True, text=True, check=True).stdout
        if not [r for r in rows.splitlines() if not r.endswith(STUCK)]:
            subprocess.run(["scancel", "-t", "PENDING"], env=env, check=True)
            return
        time.sleep(0.1)
    raise AssertionError(f"jobs did not end:\n{rows}")


def _left(folder: Path) -> dict[str, str]:
    """Every file below, those whose names differ by a number alone in one entry, in no order."""
    texts: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            texts.setdefault(blot(str(path.relative_to(folder))), []).append(blot(path.read_text(errors="replace")))
    return {name: "\n".join(sorted(found)) for name, found in texts.items()}
