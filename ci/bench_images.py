#!/usr/bin/env python3
"""What do images cost where nothing is there, where something hangs, and in the job? Prints rows: what, target, ours, yardstick.

ci/bench_images.py [--repeats N]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = str(Path(__file__).resolve().parents[1])
IMAGES = "docker run lab.example/a:1 x\npodman run lab.example/b:1 x\napptainer exec docker://lab.example/c:1 x\napptainer exec gone.sif x\n"
PROBES = ("docker", "references", "identity", "ran", "registry", "sif", "apptainer", "markers")
LOOK = """
import json, sys, time
sys.path.insert(0, {root!r})
sys.path[1:1] = {site!r}
import importlib
from auditor.capture import observe
from auditor.model import Job, Phase
from auditor.redact import Redactor
from auditor.world import RealWorld
probe = importlib.import_module("probes.containers." + sys.argv[1]).PROBE
times = dict(started_at="2026-11-23T10:00:00+00:00", ended_at=sys.argv[3])
job = Job("slurm", "1", workdir="/", script=sys.argv[2], **times)
world, redactor = RealWorld(cwd="/"), Redactor()
began = time.perf_counter()
seen = observe(probe, world, job, sorted(probe.phases)[0], redactor)
print(json.dumps([time.perf_counter() - began, seen.status, seen.reason or seen.source]))
"""
GUESTS = """
import sys
sys.path.append({root!r})
from auditor.capture import capture
from auditor.model import Job, Phase
from auditor.world import RealWorld
for name in sys.argv[1:]:
    __import__(name)
job = Job("slurm", "1", workdir="/", script="#!/bin/bash\\npython3 -c pass\\n")
capture(RealWorld(cwd="/"), job, Phase.START, [sys.modules[n].PROBE for n in sys.argv[1:]])
"""


def look(probe: str, env: dict[str, str], *before: str, ended: str = "2026-11-23T11:00:00+00:00") -> tuple[float, str, str]:
    """Seconds of one look in a new process, its status and the reason."""
    site = [p for p in sys.path if p.endswith("site-packages")]
    code = LOOK.format(root=ROOT, site=site)
    argv = [*before, sys.executable, "-I", "-S", "-c", code, probe, IMAGES, ended]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    seconds, status, reason = json.loads(done.stdout)
    return seconds, status, reason


def nothing(folder: Path, repeats: int) -> Iterator[tuple[str, str, str, str]]:
    """No daemon, no binary, and, where this machine lets us take it away, no network."""
    env = {"PATH": "/nowhere", "HOME": str(folder), "DOCKER_HOST": f"unix://{folder}/d", "CONTAINER_HOST": f"unix://{folder}/p"}
    alone = [shutil.which("unshare") or "", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
    found = {probe: [look(probe, env) for _ in range(repeats)] for probe in PROBES}
    slowest = max(found, key=lambda p: median(s for s, _, _ in found[p]))
    each = ", ".join(f"{p} {median(s for s, _, _ in f) * 1e3:.0f}" for p, f in found.items())
    states = sorted({f[0][1] for f in found.values()})
    worst = median(s for s, _, _ in found[slowest]) * 1e3
    yield (
        f"image probes where nothing is there ({', '.join(states)})",
        "< 50 ms each",
        f"{worst:.0f} ms ({slowest})",
        f"ms: {each}",
    )
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{folder}/d")
    refused = [look("docker", env) for _ in range(repeats)]
    yield "a socket that nobody listens on", "< 50 ms", f"{median(s for s, _, _ in refused) * 1e3:.0f} ms", refused[0][2][:120]
    (folder / "d").unlink()
    if alone:
        asked = [look("registry", {**env, "AUDITOR_ASK_REGISTRIES": "1"}, *alone) for _ in range(repeats)]
        yield "registries asked without a network", "< 50 ms", f"{median(s for s, _, _ in asked) * 1e3:.0f} ms", asked[0][1]


def hanging(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """An engine that takes the question and never answers; two images are asked for."""
    from probes.containers import docker, identity, ran

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/d")
        silent.listen()
        env = {
            "PATH": "/nowhere",
            "HOME": str(folder),
            "DOCKER_HOST": f"unix://{folder}/d",
            "CONTAINER_HOST": f"unix://{folder}/p",
        }
        for probe, limit in (("docker", docker.SECONDS), ("ran", ran.SECONDS), ("identity", identity.SECONDS)):
            seconds, status, reason = look(probe, env)
            said = re.sub(r"/\S+/", "", reason)[:110]
            yield f"an engine that hangs, `{probe}`", f"one time-out, {limit:g} s", f"{seconds:.2f} s, {status}", said


def in_the_job(repeats: int) -> Iterator[tuple[str, str, str, str]]:
    """Files opened and CPU used by the guests of a job that names no image, with the one that looks at images and without it."""
    from auditor.submit.hook import guests

    every = list(guests())
    rest = [g for g in every if g != "probes.containers.identity"]
    code = GUESTS.format(root=ROOT)
    argv = {"with": every, "without": rest}
    cpu: dict[str, list[float]] = {name: [] for name in argv}
    for _ in range(repeats * 3):
        for name, modules in argv.items():
            cpu[name].append(_cpu([sys.executable, "-I", "-S", "-c", code, *modules]))
    ours, others = (median(cpu[name]) for name in argv)
    if shutil.which("strace"):
        files = {name: _opened([sys.executable, "-I", "-S", "-c", code, *modules]) for name, modules in argv.items()}
        more = f"+{files['with'] - files['without']} of {files['with']} files"
    else:
        more = "no strace: files not counted"
    yield (
        "image guest in a job without images",
        "next to nothing",
        f"{ours - others:+.1f} ms CPU, {more}",
        f"other guests {others:.0f} ms",
    )


def _cpu(argv: list[str]) -> float:
    pid = os.posix_spawn(argv[0], argv, {})
    _, _, used = os.wait4(pid, 0)
    return (used.ru_utime + used.ru_stime) * 1e3


def _opened(argv: list[str]) -> int:
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(["strace", "-o", log.name, "-e", "trace=open,openat", *argv], env={}, capture_output=True, check=True)
        return len(re.findall(r"^open.* = \d+$", log.read(), re.MULTILINE))


def main() -> None:
    sys.path.insert(0, ROOT)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        for rows in (nothing(Path(folder), repeats), hanging(Path(folder)), in_the_job(repeats)):
            for row in rows:
                print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
