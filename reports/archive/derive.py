"""How does the recipe of a replay follow from what is known of a run?"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from probes.data import Reference
from reports.archive.known import Known
from reports.archive.names import place
from reports.archive.recipe import LISTS, MANY, Asked, Original, Recipe, RecipeDataset, RecipeFile, RecipeImage
from reports.archive.typed import variable

# what changes results; not where a job ran, nor paths of that machine
_MATTERS = re.compile(
    r"(?:OMP|KMP|GOMP|MKL|OPENBLAS|BLIS|NUMEXPR|CUDA|CUBLAS|CUDNN|NCCL|HIP|JAX|TF|TORCH|PYTORCH|MALLOC)_\w+|LC_\w+|LANG|LANGUAGE|TZ"
    r"|NPY_(?:DIS|EN)ABLE_CPU_FEATURES|(?:ONEDNN|DNNL)_\w+|FLEXIBLAS|ATEN_CPU_CAPABILITY|NUMBA_CPU_\w+|JULIA_CPU_TARGET"
    r"|PYTHONHASHSEED|PYTHONPATH|PYTHONNOUSERSITE|XLA_FLAGS|GLIBC_TUNABLES|SOURCE_DATE_EPOCH|SEED|RANDOM_SEED|PL_GLOBAL_SEED|JULIA_NUM_THREADS"
    r"|SLURM_(?:ARRAY_\w+|JOB_ID|JOBID|JOB_NAME|NTASKS|NPROCS|CPUS_PER_TASK|NNODES|JOB_NUM_NODES|MEM_PER_NODE|MEM_PER_CPU|RESTART_COUNT)"
)

NO_PACKAGES = "which Python packages the job had was not seen"
"""Says nothing where a container image is the environment."""


def recipe(known: Known, files: Sequence[RecipeFile], images: tuple[RecipeImage, ...], requirements: str, auditor: str) -> Recipe:
    """The recipe of a run, from what is known of it and what the bundle carries."""
    submission, accounting, packages = known.submission, known.accounting, known.packages
    script = next((f.place for f in files if f.role == "code"), "")
    environment = _environment(known, images)
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
        images=images,
        modules=tuple(m.name for m in known.modules.modules) if known.modules else (),
        asked=_asked(known),
        original=_original(known),
        gaps=(*_gaps(known, files), *_image_gaps(images)),
        auditor=auditor,
        datasets=tuple(_dataset(d, known.root) for d in known.datasets),
    )


def _dataset(d: Reference, root: str) -> RecipeDataset:
    return RecipeDataset(place(d.path, root), d.dataset, d.part, d.digest, d.files, d.bytes, d.version, d.doi, d.license, d.url)


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


def _environment(known: Known, images: Sequence[RecipeImage]) -> dict[str, str]:
    values = dict(known.environment.values) if known.environment else {}
    if task := array_task(known):
        values.setdefault("SLURM_ARRAY_TASK_ID", task)
    kept = {k: v for k, v in values.items() if _MATTERS.fullmatch(k) and not _leads_away(v, known.root)}
    names = {k: v for i in images for k, v in variable(i.typed, i.reference).items()}  # of images: they lead to what is checked
    return dict(sorted({**names, **kept}.items()))


def _leads_away(value: str, root: str) -> bool:
    """A path of that machine, outside of the work directory: of no use elsewhere, and nobody's business."""
    return value.startswith("/") and not (root and f"{value}/".startswith(f"{root}/"))


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
        gaps.append(NO_PACKAGES)
    if not any(f.role == "expected" for f in files):
        gaps.append("no output is known by content: a replay has nothing to compare")
    gaps += [f"{f.place} is not carried: {f.reason}" for f in files if f.role == "code" and not f.carried]
    return tuple(gaps)


def _image_gaps(images: Sequence[RecipeImage]) -> list[str]:
    """Images that a stranger cannot get from what is in the bundle."""
    return [
        f"image {i.reference} is not carried and has no digest to pull it by: {i.reason or 'not asked for'}"
        for i in images
        if not i.carried and not i.pull
    ]
