"""How do tests write down jobs, evidence and captures in one readable line each? Real types, plain defaults, nothing mocked.

seen(git_state(dirty=True), phase=Phase.SUBMIT)      evidence as the probe would have made it
capture(job("123"), Phase.START, seen(hardware()))   a spool file's content
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from auditor import codec
from auditor.model import Capture, Evidence, Grade, Job, Phase, Status
from probes.called import CalledFile, CalledFiles
from probes.containers import ContainerIdentities, ImageIdentity
from probes.data import DataFile, DataManifest
from probes.environment import Environment
from probes.git import GitState
from probes.hardware import Hardware
from probes.modules import LoadedModules, Module
from probes.packages import Package, PythonPackages
from probes.schedulers import Attempt, JobAccounting
from probes.submission import Submission

NOON = "2026-11-23T12:00:00+00:00"
SCRIPT = "#!/bin/bash\n#SBATCH --mem=1G\npython train.py --epochs 10\n"

PROBES = {
    "JobAccounting": "slurm",
    "CalledFiles": "called",
    "GitState": "git",
    "FolderState": "folder",
    "PythonPackages": "packages",
    "LoadedModules": "modules",
    "FileSystems": "filesystem",
    "DataManifest": "data",
    "DataPointers": "pointer-content",
    "Determinism": "seeds",
    "SystemsUsed": "workflow",
    "KernelAccounting": "kernel",
    "ContainerReferences": "container-references",
    "ContainerIdentities": "container-identity",
    "ContainerMarkers": "container-markers",
    "EngineImages": "docker",
    "SifImages": "sif",
    "ApptainerRuntime": "apptainer",
}


def at(minute: int, second: int = 0) -> str:
    """A time on the test's day: minutes after noon, ISO 8601 UTC."""
    return f"2026-11-23T{12 + minute // 60:02d}:{minute % 60:02d}:{second:02d}+00:00"


def sha(text: str) -> str:
    """The sha256 of a short text: a file's digest that a reader can recompute."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def job(job_id: str = "123", **changes: Any) -> Job:
    """A Slurm job of submission `s<number>`; array tasks (`123_4`) share their array's submission."""
    base = Job(
        scheduler="slurm",
        job_id=job_id,
        cluster="lab",
        submission="s" + job_id.split("_")[0],
        workdir="/home/ada/train",
        script=SCRIPT,
        script_path="/home/ada/train/train.sh",
        argv=("train.sh",),
        user="ada",
        submitted_at=NOON,
    )
    return dataclasses.replace(base, **changes)


def seen(
    value: Any,
    *,
    phase: Phase = Phase.SUBMIT,
    attempt: int = 0,
    probe: str = "",
    grade: Grade = Grade.OBSERVED,
    source: str = "",
    taken_at: str = NOON,
    host: str = "node1",
    version: int = 1,
) -> Evidence:
    """`ok` evidence holding this value, under its probe's name."""
    kind = type(value).__name__
    name = probe or PROBES.get(kind, kind.lower())
    data: Mapping[str, Any] = codec.plain(value)
    return Evidence(name, version, kind, phase, attempt, Status.OK, grade, source or name, "", taken_at, host, data)


def unseen(
    kind: type,
    reason: str,
    *,
    status: Status = Status.ABSENT,
    phase: Phase = Phase.SUBMIT,
    attempt: int = 0,
    probe: str = "",
    taken_at: str = NOON,
    host: str = "node1",
) -> Evidence:
    """Evidence without data: absent, failed or withheld, with its reason."""
    name = probe or PROBES.get(kind.__name__, kind.__name__.lower())
    return Evidence(name, 1, kind.__name__, phase, attempt, status, Grade.OBSERVED, name, reason, taken_at, host, None)


def capture(of: Job, phase: Phase, *evidence: Evidence) -> Capture:
    """One snapshot of a job; the evidence is stamped with this phase and the job's attempt."""
    return Capture(of, phase, tuple(dataclasses.replace(e, phase=phase, attempt=of.attempt) for e in evidence))


def submission(script: str = SCRIPT, *argv: str, **changes: Any) -> Submission:
    base = Submission(
        argv=argv or ("train.sh",),
        given_by="file",
        cwd="/home/ada/train",
        script_path="/home/ada/train/train.sh",
        script_text=script,
        script_sha256=sha(script),
        script_size=len(script),
        interpreter="/bin/bash",
        directives=(),
        arguments=argv[1:],
        hook="installed",
        declared_inputs=(),
        declared_outputs=(),
        label="",
    )
    return dataclasses.replace(base, **changes)


def attempt(number: int = 0, state: str = "COMPLETED", **changes: Any) -> Attempt:
    """One attempt from 12:01 to 12:11 on node1; successful when COMPLETED."""
    good = state == "COMPLETED"
    base = Attempt(
        number=number,
        state=state,
        state_text=state,
        reason="",
        exit_code=0 if good else 1,
        signal=0,
        exit_exact=True,
        derived_exit_code=0,
        submitted=NOON,
        eligible=NOON,
        started=at(1),
        ended=at(11),
        nodes=("node1",),
        steps=(),
        succeeded=good,
        final=True,
    )
    return dataclasses.replace(base, **changes)


def accounting(job_id: str = "123", *attempts: Attempt, **changes: Any) -> JobAccounting:
    """sacct's record: one core, 1 GiB asked and a quarter used, ten of sixty minutes."""
    base = JobAccounting(
        scheduler="slurm",
        version="25.11.0",
        cluster="lab",
        job_id=job_id,
        name="train",
        user="ada",
        account="ml",
        partition="cpu",
        qos="normal",
        workdir="/home/ada/train",
        command="/home/ada/train/train.sh",
        submit_line="sbatch train.sh",
        stdout="/home/ada/train/slurm-123.out",
        stderr="",
        dependency="",
        array_job_id=job_id.split("_")[0] if "_" in job_id else "",
        array_task_id=job_id.split("_")[1] if "_" in job_id else "",
        array_throttle=None,
        asked_nodes=1,
        asked_cpus=1,
        asked_memory=1 << 30,
        asked_seconds=3600,
        asked_gpus=0,
        gpu_type="",
        used_cpus=1,
        used_memory=1 << 28,
        used_cpu_seconds=540.0,
        used_seconds=600.0,
        container="",
        attempts=attempts or (attempt(),),
        final=True,
    )
    return dataclasses.replace(base, **changes)


def file(path: str, role: str = "input", content: str = "", **changes: Any) -> DataFile:
    """A data file whose digest is that of `content` (its path, when not given)."""
    text = content or path
    base = DataFile(
        path, role, "declared" if role == "input" else "changed", "file", len(text), 1_795_435_200_000_000_000, sha(text)
    )
    return dataclasses.replace(base, **changes)


def manifest(*files: DataFile, **changes: Any) -> DataManifest:
    base = DataManifest("/home/ada/train", "sha256", files, (), True, sum(f.size for f in files), 1)
    return dataclasses.replace(base, **changes)


def called(contents: Mapping[str, str]) -> CalledFiles:
    """Called files from name -> content: `called({"train.py": "print(1)"})`."""
    return CalledFiles(
        tuple(CalledFile(f"/home/ada/train/{n}", "train.sh", 3, sha(text), len(text), "ok") for n, text in contents.items()), ()
    )


def packages(*pinned: str, **changes: Any) -> PythonPackages:
    """The job's Python environment from `name==version` words."""
    found = tuple(
        Package(name, version, "/venv/lib/python3.11/site-packages", "index", "", "pip", sha(f"{name}=={version}"))
        for name, version in (p.split("==") for p in pinned)
    )
    base = PythonPackages(
        "/venv/bin/python", "3.11.7", "CPython", "/venv", "/usr", "VIRTUAL_ENV", found, sha("\n".join(sorted(pinned))), ()
    )
    return dataclasses.replace(base, **changes)


def modules(*names: str) -> LoadedModules:
    return LoadedModules("Lmod", tuple(Module(n, f"/modules/{n}.lua", sha(n)) for n in names), ("/modules",))


def environment(**values: str) -> Environment:
    return Environment(values, ("AWS_SECRET_ACCESS_KEY",))


def hardware(**changes: Any) -> Hardware:
    base = Hardware(
        "x86_64",
        "AMD EPYC 7763",
        ("avx2", "sha_ni"),
        2,
        8 << 30,
        "6.1.0",
        "glibc 2.36",
        (),
        "",
        sha("AMD EPYC 7763 avx2 sha_ni 2"),
    )
    return dataclasses.replace(base, **changes)


def git_state(commit: str = "a" * 40, **changes: Any) -> GitState:
    base = GitState(
        "/home/ada/train",
        commit,
        "main",
        "v1.0",
        "https://example.org/ada/train.git",
        True,
        False,
        "",
        False,
        sha(""),
        (),
        (),
        (),
        (),
    )
    return dataclasses.replace(base, **changes)


def image(reference: str, content: str = "", **changes: Any) -> ContainerIdentities:
    """One image file known by its content's digest."""
    return ContainerIdentities((ImageIdentity(reference, "ok", "", sha256=sha(content or reference), size=1, **changes),))
