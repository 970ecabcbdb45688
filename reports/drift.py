"""What changed between submission and start? Slurm freezes only the batch script; the exact thing is named, and nothing else.

Compared are things that both snapshots looked at. Git is not read again in the job: changed code shows in the called files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from auditor.model import Change, Need, Phase
from probes.called import CalledFiles
from probes.containers import ContainerIdentities
from probes.data import DataManifest
from probes.environment import Environment
from probes.modules import LoadedModules, Module
from probes.submission import Submission
from reports.record import Record

# changes results, and is not set by the scheduler for each job
VARIABLES = frozenset(
    """OMP_NUM_THREADS OMP_PROC_BIND OMP_PLACES MKL_NUM_THREADS OPENBLAS_NUM_THREADS NUMEXPR_NUM_THREADS PYTHONHASHSEED
    PYTHONPATH PYTHONHOME LD_LIBRARY_PATH LD_PRELOAD VIRTUAL_ENV CONDA_PREFIX CUBLAS_WORKSPACE_CONFIG NVIDIA_TF32_OVERRIDE
    TF_DETERMINISTIC_OPS XLA_FLAGS SEED RANDOM_SEED PL_GLOBAL_SEED LANG LC_ALL TZ R_LIBS R_LIBS_USER JULIA_PROJECT""".split()
)
GONE = "not there"


def _called(seen: CalledFiles) -> dict[str, str]:
    return {f.path: f"sha256:{f.sha256}" if f.state == "ok" else GONE if f.state == "absent" else "" for f in seen.files}


def _images(seen: ContainerIdentities) -> dict[str, str]:
    return {
        i.reference: GONE if i.state == "absent" else f"sha256:{i.sha256}" if i.sha256 else i.image_id
        for i in seen.images
    }  # fmt: skip


def _modules(seen: LoadedModules) -> dict[str, str]:
    """By name without version, so that a moved default is one change: `gcc/12.2 (sha256:…)`."""
    stems: dict[str, list[Module]] = {}
    for module in seen.modules:
        stems.setdefault(module.name.split("/", 1)[0], []).append(module)
    return {stem: f"{m.name} sha256:{m.sha256}" if m.sha256 else "" for stem, (m, *more) in stems.items() if not more}


def _inputs(seen: DataManifest) -> dict[str, str]:
    hashed = {f.path: f"sha256:{f.sha256}" for f in seen.files if f.role == "input" and f.sha256}
    return {**{s.path: GONE for s in seen.skipped if s.role == "input" and s.reason == "absent"}, **hashed}


def _script(seen: Submission) -> dict[str, str]:
    return {seen.script_path or "batch script": f"sha256:{seen.script_sha256}" if seen.script_sha256 else ""}


def _variables(seen: Environment) -> dict[str, str]:
    return {name: value for name, value in seen.values.items() if name in VARIABLES}


VIEWS: tuple[tuple[str, type, Callable[[Any], Mapping[str, str]]], ...] = (
    ("called-file", CalledFiles, _called),
    ("image", ContainerIdentities, _images),
    ("module", LoadedModules, _modules),
    ("input", DataManifest, _inputs),
    ("batch-script", Submission, _script),
    ("environment", Environment, _variables),
)
"""What is compared, and as which `name -> state`. An empty state means: not known, so nothing is said."""
CORE = (CalledFiles, ContainerIdentities, LoadedModules, DataManifest)
"""Both snapshots must have looked at these before we say that nothing changed."""


def drift(seen: Record) -> tuple[tuple[Change, ...], str]:
    """The changes, and `found`, `none` or `unknown`."""
    changes = tuple(c for what, kind, view in VIEWS for c in _changes(seen, what, kind, view))
    if changes:
        return changes, "found"
    complete = _looked(seen, CalledFiles) and all(_looked(seen, kind) for kind in CORE)
    return (), "none" if complete else "unknown"


def _changes(seen: Record, what: str, kind: type, view: Callable[[Any], Mapping[str, str]]) -> Iterator[Change]:
    before, after = seen.value(kind, Phase.SUBMIT), seen.value(kind, Phase.START)
    if before is None or after is None:
        return
    old, new = view(before.value), view(after.value)
    for name in sorted(old.keys() & new.keys()):
        if old[name] and new[name] and old[name] != new[name]:
            yield Change(what, name, old[name], new[name], (before.evidence_id, after.evidence_id))


def _looked(seen: Record, kind: type) -> bool:
    """Did both snapshots look, or neither have reason to? One that failed or is missing leaves it open."""
    both = [seen.look(Need(kind, (phase,))) for phase in (Phase.SUBMIT, Phase.START)]
    return all((a.fact and not a.stale) or a.absent for a in both)


READS = tuple(kind for _, kind, _ in VIEWS)
