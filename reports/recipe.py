"""What does somebody need to run this again? The machine-readable `replay.json` of a bundle."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.known import Known
from reports.names import place

RTOL = 1e-6
"""Relative: about ten float32 ulps (2**-23), what reordering a short sum moves; a change of method moves more."""
ATOL = 1e-12
"""Absolute: rounding noise of doubles around zero."""

MANY = 500
"""Files of one role that are named one by one though they are not carried; a checksum list holds them all."""

LISTS = {"input": "manifests/inputs.sha256", "expected": "manifests/outputs.sha256"}

# what changes results; not where a job ran, nor paths of that machine
_MATTERS = re.compile(
    r"(?:OMP|KMP|GOMP|MKL|OPENBLAS|BLIS|NUMEXPR|CUDA|CUBLAS|CUDNN|NCCL|HIP|JAX|TF|TORCH|PYTORCH|MALLOC)_\w+|LC_\w+|LANG|LANGUAGE|TZ"
    r"|PYTHONHASHSEED|PYTHONPATH|PYTHONNOUSERSITE|XLA_FLAGS|GLIBC_TUNABLES|SOURCE_DATE_EPOCH|SEED|RANDOM_SEED|PL_GLOBAL_SEED|JULIA_NUM_THREADS"
    r"|SLURM_(?:ARRAY_\w+|JOB_ID|JOBID|JOB_NAME|NTASKS|NPROCS|CPUS_PER_TASK|NNODES|JOB_NUM_NODES|MEM_PER_NODE|MEM_PER_CPU|RESTART_COUNT)"
)


@dataclass(frozen=True)
class RecipeFile:
    """A file of the run. role: `code`, `input`, `expected` (an output), `log` (what the job printed).

    place: where the job finds it, relative to its work directory, or absolute when it lay elsewhere. sha256: of the original.
    carried: its path in the crate; empty: not carried, because of `reason`. redacted: secrets were taken out of the copy.
    """

    role: str
    place: str
    sha256: str
    size: int
    carried: str = ""
    redacted: bool = False
    reason: str = ""


@dataclass(frozen=True)
class RecipeImage:
    """A container image as the script names it, and by content: `sha256` of a file, or an engine's `image_id`.

    pull: what fetches exactly this one (`NAME@sha256:...`), empty when it has no digest of its own anywhere.
    """

    runtime: str
    reference: str
    transport: str
    sha256: str = ""
    image_id: str = ""
    pull: str = ""


@dataclass(frozen=True)
class Asked:
    """Resources: memory in bytes, time in seconds; None: not known."""

    cpus: int | None = None
    memory: int | None = None
    seconds: int | None = None
    gpus: int | None = None
    nodes: int | None = None


@dataclass(frozen=True)
class Original:
    """How it went the first time. fingerprint: of the machine (probes.hardware)."""

    state: str = ""
    exit_code: int | None = None
    signal: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: int | None = None
    fingerprint: str = ""
    cpu_model: str = ""


@dataclass(frozen=True)
class Recipe:
    """Everything a replay needs, and what it must come out as. Unknown texts are empty.

    script: place of the batch script. array_task: the task's number, empty when it was no array.
    python: version of the interpreter that the packages belong to; prefix: where it lay; requirements: crate path of the lock.
    """

    run_id: str
    name: str
    scheduler: str
    cluster: str
    job_id: str
    attempt: int
    workdir: str
    script: str
    interpreter: str
    arguments: tuple[str, ...]
    command: tuple[str, ...]
    """What was typed."""
    array_task: str
    environment: Mapping[str, str]
    files: tuple[RecipeFile, ...]
    python: str
    prefix: str
    interpreter_path: str
    requirements: str
    packages: int
    images: tuple[RecipeImage, ...]
    modules: tuple[str, ...]
    asked: Asked
    original: Original
    rtol: float = RTOL
    atol: float = ATOL
    gaps: tuple[str, ...] = ()
    """What the bundle cannot give, in words."""
    auditor: str = ""
    schema: int = 1
    tolerances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Output place -> (rtol, atol) where the author set another tolerance."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """Role -> checksum list of the crate, where `files` names only the first MANY of those that are not carried."""


def recipe(known: Known, files: Sequence[RecipeFile], requirements: str, auditor: str) -> Recipe:
    """The recipe of a run, from what is known of it and what the bundle carries."""
    submission, accounting, packages = known.submission, known.accounting, known.packages
    script = next((f.place for f in files if f.role == "code"), "")
    environment = _environment(known)
    return Recipe(
        run_id=known.job.run_id,
        name=(accounting.name if accounting else "") or os.path.basename(script) or known.job.job_id,
        scheduler=known.job.scheduler,
        cluster=known.job.cluster or (accounting.cluster if accounting else ""),
        job_id=known.job.job_id,
        attempt=max((a.number for a in accounting.attempts), default=known.job.attempt) if accounting else known.job.attempt,
        workdir=known.root,
        script=script if submission or known.job.script else "",
        interpreter=(submission.interpreter if submission else "") or "/bin/bash",
        arguments=submission.arguments if submission else (),
        command=submission.argv if submission else known.job.argv,
        array_task=array_task(known),
        environment=environment,
        files=_named(files),
        listed=_listed(files),
        python=packages.version if packages else "",
        prefix=packages.prefix if packages else "",
        interpreter_path=packages.interpreter if packages else "",
        requirements=requirements,
        packages=len(packages.packages) if packages else 0,
        images=_images(known),
        modules=tuple(m.name for m in known.modules.modules) if known.modules else (),
        asked=_asked(known),
        original=_original(known),
        gaps=_gaps(known, files),
        auditor=auditor,
    )


def _named(files: Sequence[RecipeFile]) -> tuple[RecipeFile, ...]:
    """All that are carried, and of the others the first MANY of each role."""
    left = {role: [f for f in files if f.role == role and not f.carried][MANY:] for role in LISTS}
    drop = {(f.role, f.place) for many in left.values() for f in many}
    return tuple(f for f in files if (f.role, f.place) not in drop)


def _listed(files: Sequence[RecipeFile]) -> dict[str, str]:
    return {role: path for role, path in LISTS.items() if sum(f.role == role and not f.carried for f in files) > MANY}


def array_task(known: Known) -> str:
    """`4` of `123_4`; empty when the run was no task of an array."""
    if known.accounting and known.accounting.array_task_id:
        return known.accounting.array_task_id
    head, _, task = known.job.job_id.rpartition("_")
    return task if head and task.isdigit() else ""


def _environment(known: Known) -> dict[str, str]:
    values = dict(known.environment.values) if known.environment else {}
    if task := array_task(known):
        values.setdefault("SLURM_ARRAY_TASK_ID", task)
    return {k: v for k, v in sorted(values.items()) if _MATTERS.fullmatch(k) and not _leads_away(v, known.root)}


def _leads_away(value: str, root: str) -> bool:
    """A path of that machine, outside of the work directory: of no use elsewhere, and nobody's business."""
    return value.startswith("/") and not (root and f"{value}/".startswith(f"{root}/"))


def _images(known: Known) -> tuple[RecipeImage, ...]:
    """One entry a reference; a digest seen by content beats one that is written down."""
    identities = {i.reference: i for i in (known.identities.images if known.identities else ())}
    pulls = {i.reference: next(iter(i.repo_digests), "") for i in (known.engine_images.images if known.engine_images else ())}
    files = {place(i.path, known.root): i.file_sha256 for i in (known.sif_images.images if known.sif_images else ())}
    made: dict[str, RecipeImage] = {}
    for r in known.references.references if known.references else ():
        text = r.resolved or r.text
        seen = identities.get(text) or identities.get(r.text)
        written = f"{r.registry + '/' if r.registry else ''}{r.name}@{r.digest}" if r.digest else ""
        made[text] = RecipeImage(
            runtime=r.runtime,
            reference=text,
            transport=r.transport,
            sha256=(seen.sha256 if seen else "") or (files.get(place(text, known.root), "") if r.transport == "file" else ""),
            image_id=seen.image_id if seen else "",
            pull=written or pulls.get(text, ""),
        )
    return tuple(made.values())


def _asked(known: Known) -> Asked:
    a = known.accounting
    return Asked(a.asked_cpus, a.asked_memory, a.asked_seconds, a.asked_gpus, a.asked_nodes) if a else Asked()


def _original(known: Known) -> Original:
    machine = (known.hardware.fingerprint, known.hardware.cpu_model) if known.hardware else ("", "")
    a = known.accounting
    if not a:
        return Original(fingerprint=machine[0], cpu_model=machine[1])
    last = a.attempts[-1] if a.attempts else None
    return Original(
        state=last.state if last else "",
        exit_code=last.exit_code if last else None,
        signal=last.signal if last else None,
        seconds=a.used_seconds,
        cpu_seconds=a.used_cpu_seconds,
        memory=a.used_memory,
        fingerprint=machine[0],
        cpu_model=machine[1],
    )


def _gaps(known: Known, files: Sequence[RecipeFile]) -> tuple[str, ...]:
    gaps = []
    if not known.submission:
        gaps.append("the submission was not seen: the script may be missing")
    if not known.called:
        gaps.append("which files the script calls was not seen")
    elif known.called.unresolved:
        gaps.append(f"named only at run time: {', '.join(known.called.unresolved[:5])}")
    if not known.packages:
        gaps.append("which Python packages the job had was not seen")
    if not any(f.role == "expected" for f in files):
        gaps.append("no output is known by content: a replay has nothing to compare")
    gaps += [f"{f.place} is not carried: {f.reason}" for f in files if f.role == "code" and not f.carried]
    return tuple(gaps)
