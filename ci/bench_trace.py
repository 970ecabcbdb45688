#!/usr/bin/env python3
"""Which tracer tells what a job touched, and at what cost? Rows: what, target, ours, yardstick (ReproZip); costs by turns.

ci/bench_trace.py [--repeats N] [--reprozip PATH]
Recall: how many of the files that the job really read or left are named; precision: how many of those named it really read or left. The truth
is known by construction (ci/traceloads.py). Without a `reprozip` one is installed into a scratch environment, where that works.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import slurmlab
import traceloads
from bench_hash import Cost, Row, cost

from auditor.home import Home
from auditor.model import Job
from auditor.submit import tracers
from auditor.world import RealWorld
from probes.data import DataManifest
from probes.data.data import collect
from probes.data.when import BEGAN, SKEW_NS
from probes.tracing import CODE, touched

PATH = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin:/usr/sbin"
Files = tuple[set[str], set[str]]
"""Inputs and outputs, relative to the work directory."""


@dataclass(frozen=True)
class Tools:
    """shim: its path; reprozip: its program, empty if there is none."""

    shim: str
    reprozip: str


def command(way: str, stem: Path, tools: Tools) -> tuple[list[str], dict[str, str]]:
    """What stands before a command, and the variables it needs."""
    if way == "strace":
        return list(tracers.strace(f"{stem}.strace")), {}
    if way == "shim":
        return [], tracers.shim_variables(tools.shim, f"{stem}.", "", RealWorld({"PATH": PATH}))
    if way == "both":  # as `auto` does where a script calls srun
        return command("strace", stem, tools)[0], command("shim", stem, tools)[1]
    if way == "ReproZip":
        return [tools.reprozip, "trace", "--dont-identify-packages", "--overwrite", "-d", f"{stem}.reprozip"], {}
    return [], {}


def seen(way: str, load: traceloads.Load, folder: Path, tools: Tools) -> Files:
    """What this way of looking knows of one run."""
    work, stem = folder / "work", folder / "trace"
    traceloads.lay_out(load, work)
    folder.chmod(0o755)
    before, environ = command(way, stem, tools)
    began = datetime.now(UTC)
    env = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(folder), **environ, **lab()}
    subprocess.run([*before, "bash", "job.sh"], cwd=work, env=env, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    times = {"started_at": began.isoformat(timespec="seconds"), "ended_at": datetime.now(UTC).isoformat(timespec="seconds")}
    job = Job("local", "L1", workdir=str(work), script_path=str(work / "job.sh"), **times)
    world = RealWorld({BEGAN: str(int(began.timestamp() * 1e9) + SKEW_NS)}, str(work))
    if way in ("strace", "shim", "both"):
        found = touched.read(world, job, [str(p) for p in folder.iterdir() if p.suffix in touched.TRACERS])
        return below(found.inputs, work), below(found.outputs, work)
    if way == "ReproZip":
        return reprozip(Path(f"{stem}.reprozip"), work)
    inputs, outputs = load.declared if way == "declared" else ((), ())
    listed = collect(world, Job(**{**vars(job), "inputs": inputs, "outputs": outputs}))
    assert isinstance(listed, DataManifest)
    files = [f for f in listed.files if way != "declared" or f.how == "declared"]
    whole = [(f.role, os.path.join(work, f.path)) for f in files]
    return below((p for r, p in whole if r == "input"), work), below((p for r, p in whole if r == "output"), work)


def lab() -> dict[str, str]:
    return {"SLURM_CONF": os.environ["SLURM_CONF"]} if "SLURM_CONF" in os.environ else {}


def steps(tools: Tools) -> Iterator[Row]:
    """What srun starts is no child of the script: slurmd starts it."""
    what, target, load = f"files of: {traceloads.STEPS.name}", "both 1.00, 1.00", traceloads.STEPS
    if lacking := slurmlab.missing("light"):
        yield what, target, f"not measured: no {', '.join(lacking)}", ""
        return
    with slurmlab.running("light") as slurm:
        os.environ["SLURM_CONF"] = slurm.conf
        ways = ["declared", "changed", "shim", "strace", "both", *(["ReproZip"] if tools.reprozip else [])]
        told = {}
        for way in ways:
            with tempfile.TemporaryDirectory(prefix="auditor-bench-") as folder:
                told[way] = rates(*score(seen(way, load, Path(folder), tools), load))
        del os.environ["SLURM_CONF"]
    yield row(what, target, told)


def reprozip(folder: Path, work: Path) -> Files:
    """Its database: mode 1 read, 2 written, 4 working directory, 8 stat, 16 link; first read makes an input."""
    with sqlite3.connect(folder / "trace.sqlite3") as db:
        rows = db.execute("select name, mode from opened_files where not is_directory order by timestamp").fetchall()
    inputs: list[str] = []
    outputs: list[str] = []
    for name, mode in rows:
        if mode & 1 and name not in outputs:
            inputs.append(name)
        if mode & 2:
            outputs.append(name)
    return below(inputs, work), below((p for p in outputs if os.path.lexists(p)), work)


def below(paths: Sequence[str] | Iterator[str], work: Path) -> set[str]:
    """Data in the work directory: neither code nor the container's own files."""
    inside = (os.path.relpath(p, work) for p in paths if p.startswith(f"{work}/"))
    return {p for p in inside if not p.endswith(CODE) and p != "box" and not p.startswith("box/")}


def score(found: Files, load: traceloads.Load) -> tuple[int, int, int]:
    """True ones named, named, true ones; inputs and outputs together."""
    truth = {("in", p) for p in load.inputs} | {("out", p) for p in load.outputs}
    named = {("in", p) for p in found[0]} | {("out", p) for p in found[1]}
    return len(truth & named), len(named), len(truth)


def completeness(tools: Tools) -> Iterator[Row]:
    """A row a job, and one for all."""
    ways = [w for w in ("declared", "changed", "shim", "strace", "ReproZip") if w != "ReproZip" or tools.reprozip]
    sums: dict[str, list[int]] = {way: [0, 0, 0] for way in ways}
    for load in traceloads.LOADS:
        if lacking := traceloads.missing(load):
            yield f"files of: {load.name}", "recall, precision", f"not measured: no {', '.join(lacking)}", ""
            continue
        told = {}
        for way in ways:
            with tempfile.TemporaryDirectory(prefix="auditor-bench-") as folder:
                one = score(seen(way, load, Path(folder), tools), load)
            told[way] = rates(*one)
            sums[way] = [a + b for a, b in zip(sums[way], one, strict=True)]
        yield row(f"files of: {load.name}", "strace 1.00, 1.00", told)
    yield row("files of all of them: recall, precision", "strace 1.00, 1.00", {w: rates(*s) for w, s in sums.items()})


def rates(right: int, named: int, true: int) -> str:
    return f"{right / true:.2f}, {right / named:.2f}" if named else f"{right / true:.2f}, -"


def row(what: str, target: str, told: Mapping[str, str]) -> Row:
    ours = "; ".join(f"{way} {rate}" for way, rate in told.items() if way != "ReproZip")
    return what, target, ours, f"ReproZip {told['ReproZip']}" if "ReproZip" in told else "ReproZip cannot be installed here"


OPENS = "for n in range({n}):\n with open('in.txt') as file: file.read()\n with open(f'out-{{n % 100}}', 'w') as file: file.write('x')"
COMPUTE = "sum(n * n for n in range(8_000_000))"


def costs(tools: Tools, repeats: int) -> Iterator[Row]:
    """Wall time over that of the same command untraced, the rivals taking turns."""
    compile_ = "; ".join(["for n in $(seq 30)", "do gcc -c -o unit.o unit1.c", "done"])
    jobs = (
        ("10,000 opens in Python", ["python3", "-c", OPENS.format(n=5000)], "shim <= 1.3 x, strace <= 5 x"),
        ("gcc, 30 files", ["bash", "-c", compile_], "shim <= 1.05 x, strace <= 1.6 x"),
        ("2,000 processes of a shell", ["bash", "-c", "for n in $(seq 2000); do (exit); done"], "-"),
        ("a loop that computes", ["python3", "-c", COMPUTE], "1.0 x"),
    )
    for what, argv, target in jobs:
        with tempfile.TemporaryDirectory(prefix="auditor-bench-") as name:
            folder = Path(name)
            traceloads.lay_out(traceloads.LOADS[5], folder / "work")
            (folder / "work/in.txt").write_text("x")
            yield _cost(what, argv, target, folder, tools, repeats)


def _cost(what: str, argv: list[str], target: str, folder: Path, tools: Tools, repeats: int) -> Row:
    os.chdir(folder / "work")
    ways = ["untraced", "shim", "strace", *(["ReproZip"] if tools.reprozip else [])]
    took: dict[str, list[Cost]] = {way: [] for way in ways}
    for turn in range(repeats + 1):
        for way in ways:
            before, environ = command(way, folder / f"t{turn}", tools)
            took[way].append(cost(["env", f"PATH={PATH}", *(f"{k}={v}" for k, v in environ.items()), *before, *argv]))
    os.chdir("/")
    wall = {way: min(c.wall for c in found[1:]) for way, found in took.items()}  # the first turn makes the files
    ours = "; ".join(f"{way} {wall[way] / wall['untraced']:.2f} x" for way in ("shim", "strace"))
    rival = f"ReproZip {wall['ReproZip'] / wall['untraced']:.1f} x; " if tools.reprozip else ""
    return f"cost: {what}", target, ours, f"{rival}untraced {wall['untraced']:.2f} s"


def find_reprozip(given: str, folder: Path) -> str:
    """The program; installed here where it is nowhere, and empty where that does not work."""
    if found := given or shutil.which("reprozip") or "":
        return found
    try:
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, capture_output=True, timeout=120)
        pip = [folder / "venv/bin/pip", "install", "--quiet", "reprozip"]
        subprocess.run(pip, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError):
        return ""
    return str(folder / "venv/bin/reprozip")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--reprozip", default="", help="its program")
    options = parser.parse_args()
    if lacking := [tool for tool in ("strace", "cc") if not shutil.which(tool)]:
        print(f"| files a job touched | strace 1.00, 1.00 | not measured: no {', '.join(lacking)} | |")
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="auditor-bench-") as name:
        os.chmod(name, 0o755)
        shim = tracers.shim(Home(f"{name}/home"), RealWorld())
        os.chmod(os.path.dirname(shim), 0o755)
        tools = Tools(shim, find_reprozip(options.reprozip, Path(name)))
        for piece in (completeness(tools), steps(tools), costs(tools, options.repeats)):
            for one in piece:
                print(f"| {' | '.join(one)} |", flush=True)
    sys.stderr.write(f"took {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
