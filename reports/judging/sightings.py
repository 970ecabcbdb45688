"""Are two sightings of a thing the same? By content where both know it, else by what both know: id, size, time.

A sighting is `field -> text`. `state` is `not there` for what was looked for and missing; an empty text is not known.
"""

from __future__ import annotations

from collections.abc import Mapping

from probes.called import CalledFiles
from probes.containers import ContainerIdentities, SifImages
from probes.data import DataManifest, Reference
from probes.environment import Environment
from probes.modules import LoadedModules, Module
from probes.submission import Submission

Sighting = Mapping[str, str]
GONE = "not there"

# changes results, and is not set by the scheduler for each job
VARIABLES = frozenset(
    """OMP_NUM_THREADS OMP_PROC_BIND OMP_PLACES MKL_NUM_THREADS OPENBLAS_NUM_THREADS NUMEXPR_NUM_THREADS PYTHONHASHSEED
    PYTHONPATH PYTHONHOME LD_LIBRARY_PATH LD_PRELOAD VIRTUAL_ENV CONDA_PREFIX CUBLAS_WORKSPACE_CONFIG NVIDIA_TF32_OVERRIDE
    TF_DETERMINISTIC_OPS XLA_FLAGS SEED RANDOM_SEED PL_GLOBAL_SEED LANG LC_ALL TZ R_LIBS R_LIBS_USER JULIA_PROJECT""".split()
)


def difference(before: Sighting, after: Sighting) -> tuple[str, str] | None:
    """What it was and what it became; None when nothing that both know differs."""
    if "state" in before or "state" in after:
        return None if before.get("state") == after.get("state") else (said(before), said(after))
    known = [f for f in before if before[f] and after.get(f)]
    decisive = [f for f in known if f in ("name", "sha256")] if "sha256" in known else known
    if all(before[f] == after[f] for f in decisive):
        return None
    return said({f: before[f] for f in decisive}), said({f: after[f] for f in decisive})


def said(sighting: Sighting) -> str:
    """`sha256:9f2c…`, `gcc/12.2.0 sha256:…`, `not there`."""
    return " ".join(v if f in ("state", "name", "id", "value") else f"{f}:{v}" for f, v in sighting.items() if v)


def called(seen: CalledFiles) -> dict[str, Sighting]:
    return {f.path: {"state": GONE} if f.state == "absent" else {"sha256": f.sha256, "size": _number(f.size)} for f in seen.files}


def images(seen: ContainerIdentities) -> dict[str, Sighting]:
    return {
        i.reference: {"state": GONE}
        if i.state == "absent"
        else {"sha256": i.sha256, "id": i.image_id, "size": _number(i.size), "mtime_ns": _number(i.mtime_ns)}
        for i in seen.images
    }


def modules(seen: LoadedModules) -> dict[str, Sighting]:
    """By name without version, so that a moved default is one change; names loaded in two versions are left out."""
    stems: dict[str, list[Module]] = {}
    for module in seen.modules:
        stems.setdefault(module.name.split("/", 1)[0], []).append(module)
    return {stem: {"name": m.name, "sha256": m.sha256} for stem, (m, *more) in stems.items() if not more}


def inputs(seen: DataManifest) -> dict[str, Sighting]:
    """Hashed ones by content, those over the budget by size and time."""
    left = [s for s in seen.skipped if s.role == "input"]
    found: dict[str, Sighting] = {s.path: {"size": _number(s.size), "mtime_ns": _number(s.mtime_ns)} for s in left}
    found |= {s.path: {"state": GONE} for s in left if s.reason == "absent"}
    hashed = [f for f in seen.files if f.role == "input"]
    found |= {d.path: _referred(d) for d in seen.datasets}
    return found | {f.path: {"sha256": f.sha256, "size": _number(f.size), "mtime_ns": _number(f.mtime_ns)} for f in hashed}


def _referred(one: Reference) -> Sighting:
    """A registered data set: by its digest where all of it was looked at; what was seen to differ is a state of its own."""
    if one.state in ("changed", "unreadable"):
        return {"state": f"{one.state}: {', '.join(one.differences)}"}
    name = f"{one.dataset} {one.version} {one.part}".rstrip()
    return {"dataset": name} | ({"sha256": one.digest.removeprefix("sha256:")} if one.state == "unchanged" else {})


def held(seen: DataManifest) -> set[str]:
    """Folders known as registered data sets, every file of which was as registered."""
    return {d.path for d in seen.datasets if d.state == "unchanged"}


def unmoved(before: DataManifest, after: DataManifest) -> set[str]:
    """Inputs whose digest `before` knows and which, by what `after` knows, are still the same."""
    old, new = inputs(before), inputs(after)
    return {
        p for p in old.keys() & new.keys() if old[p].get("sha256") and "state" not in new[p] and not difference(old[p], new[p])
    }


def script(seen: Submission) -> dict[str, Sighting]:
    return {seen.script_path or "batch script": {"sha256": seen.script_sha256}}


def variables(seen: Environment) -> dict[str, Sighting]:
    return {name: {"value": value} for name, value in seen.values.items() if name in VARIABLES}


def digests(seen: ContainerIdentities, files: SifImages | None) -> dict[str, str]:
    """Reference -> `sha256:…`; an image file over the job's budget by the digest of the same file (id and size) read at submission."""
    read = {(f"uuid:{f.uuid}", f.size): f.file_sha256 for f in files.images} if files else {}
    return {
        i.reference: f"sha256:{sha}"
        if (sha := i.sha256 or read.get((i.image_id, i.size), ""))
        else i.image_id
        if i.image_id.startswith("sha256:")
        else ""
        for i in seen.images
    }


def _number(value: int) -> str:
    return str(value) if value else ""
