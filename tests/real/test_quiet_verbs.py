"""Do verbs that only look leave network, engines and the user's folders alone? A job that names images, seen by strace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import need

JOB = """#!/bin/bash
if [ -n "$NEVER_SET" ]; then
  apptainer exec docker://127.0.0.1:1/lab/app:1 true
  docker run 127.0.0.1:1/lab/app:2 true
  podman run 127.0.0.1:1/lab/app:3 true
  ch-run model.sqfs -- true
fi
cat job.sh >copy.txt
"""
VERBS = {
    "run": ("--", "bash", "job.sh"),
    "sweep": (),
    "score": ("last",),
    "report": ("last", "--output", "report.html"),
    "packages": ("libc6",),
    "bundle": ("last", "--output", "run.zip"),
    "image": ("docker:127.0.0.1:1/lab/app:2",),
}
NETWORK = re.compile(r"\bconnect\(.*AF_INET6?\b.*")
STARTED = re.compile(r'\bexecve\("[^"]*", \["((?:[^"]*/)?(?:apptainer|singularity|docker|podman|ch-run|skopeo))"(?:, "([^"]*)")?')


@pytest.fixture
def work(tmp_path: Path) -> Path:
    need(*[] if Path("/usr/bin/strace").exists() else ["strace"])
    for name in ("work", "home", "temporary"):
        (tmp_path / name).mkdir()
    (tmp_path / "work" / "job.sh").write_text(JOB)
    return tmp_path / "work"


def traced(work: Path, *words: str) -> str:
    """What strace saw of `auditor WORDS` and all that it started."""
    top, log = work.parent, work.parent / "strace"
    own = {
        "HOME": str(top / "home"),
        "AUDITOR_HOME": str(top / "auditor"),
        "TMPDIR": str(top / "temporary"),
        "PATH": "/usr/bin:/bin",
    }
    trace = ["strace", "-f", "-qq", "-s", "300", "--seccomp-bpf", "-e", "trace=connect,execve", "-o", str(log)]
    env = {**own, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([*trace, sys.executable, "-P", "-m", "auditor", *words], cwd=work, env=env, capture_output=True, timeout=120)
    return log.read_text(errors="replace")


def files(folder: Path) -> Iterator[str]:
    for at, _, names in os.walk(folder):
        yield from (os.path.relpath(os.path.join(at, name), folder.parent) for name in names)


@pytest.mark.apptainer
@pytest.mark.docker
def test_nobody_is_contacted_nothing_is_started_and_nothing_is_left_but_what_was_asked_for(work: Path) -> None:
    seen = {verb: traced(work, verb, *words) for verb, words in VERBS.items()}

    assert {verb: NETWORK.findall(text) for verb, text in seen.items()} == {verb: [] for verb in VERBS}
    started = {match.expand(r"\1 \2") for text in seen.values() for match in STARTED.finditer(text)}
    assert started <= {"apptainer --version", "singularity --version"}
    left = sorted(name for folder in ("work", "home", "temporary") for name in files(work.parent / folder))
    assert left == ["work/copy.txt", "work/job.sh", "work/report.html", "work/run.zip"]
