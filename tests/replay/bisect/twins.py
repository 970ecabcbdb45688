"""Which two runs do the tests of a bisection compare? One program, run twice with some things changed; really run, really bundled.

side = Side(files={...}, arguments=("7",), environment={"TZ": "UTC"})
ran(tmp_path / "a", side)       runs job.sh there, and packs the bundle
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from auditor.bisection import Bisection
from auditor.model import Phase
from auditor.replay.bisect import Options, Prepared, find, prepare
from auditor.replay.compare.tolerance import Tolerance
from auditor.replay.sandbox import find as find_sandbox
from auditor.world import RealWorld
from probes.data import DataFile
from probes.packages import PythonPackages
from reports.archive.bundle import build
from tests import archived, factory
from tests.factory import at, seen, sha
from tests.wheels import environment, install, packages, wheel

SANDBOX = find_sandbox(True, False, RealWorld()).kind
needs_sandbox = pytest.mark.skipif(SANDBOX == "none" and os.environ.get("CI") != "true", reason="bubblewrap does not work here")

SCRIPT = '#!/bin/bash\npython3 fit.py "$@"\n'
PROGRAM = (
    "import sys\nprint(sum(float(x) for x in open('in.txt').read().split()) * float(sys.argv[1]), file=open('out.txt', 'w'))\n"
)


@dataclass(frozen=True)
class Side:
    """code: files that the script calls; data: inputs. had: what Python packages there were, and a folder of their wheels."""

    code: Mapping[str, str] = field(default_factory=lambda: {"fit.py": PROGRAM})
    data: Mapping[str, str] = field(default_factory=lambda: {"in.txt": "1 2 3\n"})
    arguments: tuple[str, ...] = ("2",)
    environment: Mapping[str, str] = field(default_factory=dict)
    script: str = SCRIPT
    outputs: tuple[str, ...] = ("out.txt",)
    had: PythonPackages | None = None
    wheels: str = ""
    cores: int = 1

    def but(self, **changes: object) -> Side:
        """The same, with something else."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def ran(folder: Path, side: Side, job_id: str = "123", script_name: str = "job.sh") -> Path:
    """Run it for its outputs, as the original ran, and pack it; its work directory is then out of the way."""
    work = folder / "work"
    work.mkdir(parents=True)
    for name, text in {**side.code, **side.data, script_name: side.script}.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    path = f"{Path(side.had.interpreter).parent}:/usr/bin:/bin" if side.had else "/usr/bin:/bin"
    around = {"PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8", **side.environment}
    done = subprocess.run(
        ["/bin/bash", script_name, *side.arguments], cwd=work, env=around, capture_output=True, text=True, check=False
    )
    (work / f"slurm-{job_id}.out").write_text(done.stdout)
    job = factory.job(
        job_id, workdir=str(work), script=side.script, script_path=f"{work}/{script_name}", argv=(script_name, *side.arguments)
    )
    made = {n: (work / n).read_bytes() for n in side.outputs if (work / n).exists()}
    evidence = (
        seen(factory.submission(side.script, script_name, *side.arguments, script_path=f"{work}/{script_name}", cwd=str(work))),
        seen(archived.called(work, side.code), phase=Phase.START, taken_at=at(1)),
        seen(factory.manifest(*(factory.file(n, content=t) for n, t in side.data.items()), root=str(work)), phase=Phase.START, taken_at=at(1)),
        seen(factory.environment(**side.environment), phase=Phase.START, taken_at=at(1)),
        seen(factory.hardware(), phase=Phase.START, taken_at=at(1)),
        *([seen(side.had, phase=Phase.START, taken_at=at(1))] if side.had else []),
        seen(factory.manifest(*(_made(n, raw) for n, raw in made.items()), root=str(work)), phase=Phase.END, taken_at=at(11)),
        seen(_accounting(work, job_id, side, done.returncode), phase=Phase.LATER, taken_at=at(12)),
    )  # fmt: skip
    target = folder / "run.crate.zip"
    build(job, evidence, archived.card(job, evidence), target, objects=archived.nothing, payload="all", wheels=side.wheels)
    work.rename(folder / "moved")
    return target


def _made(name: str, raw: bytes) -> DataFile:
    return factory.file(name, "output", sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))


def _accounting(work: Path, job_id: str, side: Side, code: int) -> object:
    attempt = factory.attempt(exit_code=code) if code == 0 else factory.attempt(0, "FAILED", exit_code=code)
    known = {
        "workdir": str(work),
        "stdout": f"{work}/slurm-{job_id}.out",
        "name": "fit",
        "asked_cpus": side.cores,
        "asked_seconds": 60,
    }
    return factory.accounting(job_id, attempt, **known)


def ready(folder: Path, a: Side, b: Side, **options: object) -> Prepared:
    """Both run and are packed; what a bisection of them would do."""
    one, two = ran(folder / "a", a), ran(folder / "b", b, "124")
    if options.pop("exact", False):
        options["tolerance"] = Tolerance(0.0, 0.0)
    return prepare(str(one), str(two), folder / "bisection", Options(**options), RealWorld())  # type: ignore[arg-type]


def bisected(folder: Path, a: Side, b: Side, **options: object) -> Bisection:
    return find(ready(folder, a, b, **options))


def causes(found: Bisection) -> list[str]:
    return sorted(c.id for c in found.causes)


def venv(folder: Path, *versions: tuple[str, str, str], needs: Mapping[str, str] | None = None) -> tuple[PythonPackages, str]:
    """A real environment with these packages (name, version, text of the module), and the folder of their wheels."""
    house = folder / "house"
    for name, version, text in versions:
        wheel(house, name, version, {f"{name}.py": text})
    prefix = environment(folder / "venv")
    install(prefix, "--no-index", "--find-links", house, *(f"{n}=={v}" for n, v, _ in versions))
    return packages(prefix), str(house)


__all__ = ["Side", "bisected", "causes", "needs_sandbox", "ran", "ready", "sha", "venv"]
