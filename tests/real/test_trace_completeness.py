"""Does a trace tell all that a job read and wrote, and nothing else? Jobs whose files are known by construction, under each tracer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))
import traceloads

from auditor.home import Home
from auditor.model import Job
from auditor.submit import tracers
from auditor.world import RealWorld
from probes.data.when import BEGAN, SKEW_NS
from probes.tracing import CODE, touched
from tests.needs import need

LOADS = {load.name: load for load in traceloads.LOADS}


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that a plain user may enter: root without all its rights starts no container."""
    with tempfile.TemporaryDirectory(prefix="auditor-trace-") as name:
        yield Path(name)


def traced(way: str, load: traceloads.Load, folder: Path) -> tuple[list[str], list[str]]:
    """Inputs and outputs of one run of it, code aside, as the evidence has them."""
    need(*traceloads.missing(load), *(tool for tool in ("strace", "cc") if not shutil.which(tool)))
    work, stem = folder / "work", str(folder / "trace.")
    traceloads.lay_out(load, work)
    before = tracers.strace(f"{stem}strace") if way == "strace" else ()
    shim = tracers.shim(Home(str(folder / "home")), RealWorld())
    folder.chmod(0o755)
    env = {"PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin:/usr/sbin", "LANG": "C.UTF-8"}
    if way == "preload":
        env |= tracers.shim_variables(shim, stem, "", RealWorld(env))
    (folder / "home/traces").chmod(0o755)
    began = datetime.now(UTC)
    exact = {BEGAN: str(int(began.timestamp() * 1e9) + SKEW_NS)}  # the probe takes that much off
    done = subprocess.run([*before, "bash", "job.sh"], cwd=work, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    job = Job("local", "L1", workdir=str(work), started_at=began.isoformat(timespec="seconds"))
    found = touched.read(RealWorld(exact), job, [str(p) for p in folder.iterdir() if p.suffix in (".strace", ".preload")])

    def below(paths: tuple[str, ...]) -> list[str]:
        inside = (os.path.relpath(p, work) for p in paths if p.startswith(f"{work}/"))
        return [p for p in inside if not p.endswith(CODE) and not p.startswith("box/")]

    return below(found.inputs), below(found.outputs)


@pytest.mark.parametrize("name", LOADS)
def test_strace_tells_everything_and_nothing_else(name: str, folder: Path) -> None:
    load = LOADS[name]
    assert traced("strace", load, folder) == (sorted(load.inputs), sorted(load.outputs))


@pytest.mark.parametrize("name", LOADS)
def test_the_shim_misses_what_is_said_of_it_and_nothing_else(name: str, folder: Path) -> None:
    load = LOADS[name]
    inputs, outputs = (sorted(set(all_) - set(gone)) for all_, gone in zip((load.inputs, load.outputs), load.unseen, strict=True))
    assert traced("preload", load, folder) == (inputs, outputs)
