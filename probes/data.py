"""Which files went in and came out, and what was in them?

Guest at the start of a job (declared inputs only, a fraction of a second); before it and after it on the login side.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor import home
from auditor.model import Absent, Job, Phase, Probe
from auditor.world import RealWorld, World
from probes.manifest.build import HARMLESS, Entry, Left, Limits, Listing, listing
from probes.manifest.patterns import of_others, of_task

if TYPE_CHECKING:
    from probes.datasets.refer import Referred
    from probes.tracing.roles import Roles


@dataclass(frozen=True)
class DataFile:
    """A file by content. role: `input`, `output`; how: `declared`, `changed` (its mtime lies within the run), or `known`: not read, its
    digest is what a registered data set's says of a file with this size, mtime and ctime.

    kind: `file`, `link` (target hashed), `pointer` (git-LFS, DVC); sha256 bare hex; size in bytes; mtime in ns since the epoch.
    """

    path: str
    role: str
    how: str
    kind: str
    size: int
    mtime_ns: int
    sha256: str
    dataset: str = ""
    """Name of the registered data set that it belongs to."""


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was not hashed, and why; size and time of a file where they were seen (0: not).

    reason: one of `probes.manifest.build.Left`, or `absent` (declared and not there), `remote` (a URL), `not-a-path`.
    """

    path: str
    role: str
    reason: str
    size: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True)
class Reference:
    """Inputs that are a registered data set, or a folder of one: known by the registry's digest, of which nothing was read.

    path: the folder as declared, relative to the manifest's root where it lies below it; part: that folder below the data set's root,
    empty for the whole. digest: `sha256:<hex>` of the folder's tree, as the registry has it: declared; verified: when somebody last
    recomputed it. registry: the folder that registers it.
    state: `unchanged` (size, mtime and ctime of every file are those of the registration), `partly` (of those that were looked at
    before the time was up), `changed` (differences, the first few), `unreadable` (the registry's index, with the reason).
    """

    path: str
    dataset: str
    part: str
    digest: str
    state: str
    files: int
    bytes: int
    version: str = ""
    doi: str = ""
    license: str = ""
    url: str = ""
    verified: str = ""
    registry: str = ""
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataManifest:
    """Inputs at submit and start, inputs and outputs at the end. Paths are relative to `root` where they lie under it.

    complete: nothing was skipped for a reason that leaves us ignorant.
    """

    root: str
    algorithm: str
    files: tuple[DataFile, ...]
    skipped: tuple[Skipped, ...]
    complete: bool
    bytes_hashed: int
    directories: int
    """Folders walked: with the number of files, the shape that tip 11 looks at."""
    datasets: tuple[Reference, ...] = ()
    """Declared inputs that are registered data sets, known as wholes: their files are not among `files`."""


IN_JOB = Limits(bytes=256 << 20, seconds=0.2, files=20_000, workers=1)
AT_SUBMIT = Limits(bytes=2 << 30, seconds=20, workers=1)
# a last flush may follow the end that accounting notes, in whole seconds
SLACK_NS = 2_000_000_000
BEGAN = "AUDITOR_STARTED_NS"
"""The variable in which our executor tells this probe when it started the command, in ns: a second is long between two short runs."""
# file servers' clocks are not quite ours
SKEW_NS = 100_000_000
_KERNEL = frozenset({"/proc", "/sys", "/dev", "/run"})
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")
_SLURM_LOG = re.compile(r"slurm-(\d+)(?:_\d+)?\.(?:out|err)$")


def collect(world: World, job: Job) -> DataManifest | Absent:
    root = job.workdir or world.cwd
    try:
        if not world.stat(root).is_dir:
            return Absent(f"the work directory is not a folder: {root}")
    except FileNotFoundError:
        return Absent(f"the work directory is not there: {root}")
    in_job = job.started_at or "SLURM_JOB_ID" in world.env
    limits = _later(world, root) if job.ended_at else IN_JOB if in_job else AT_SUBMIT
    inputs, outputs = ([of_task(p, job.job_id) for p in declared] for declared in (job.inputs, job.outputs))
    parts = [_declared(world, root, inputs, "input", limits)]
    if job.ended_at:
        seen = _trace(world, job, root)
        parts.append(_declared(world, root, outputs, "output", limits))
        parts += _traced(world, root, job, seen, limits, parts)
        if seen is None or not seen.sure:  # a whole trace knows better than times
            parts += [_changed(world, root, job, limits)]
    elif not job.inputs:
        return Absent("no inputs are declared; outputs are looked for once the run is over")
    return _manifest(root, parts)


def _trace(world: World, job: Job, root: str) -> Roles | None:
    from probes.tracing.roles import roles  # not needed in a job

    return roles(world, job, root)


def _traced(
    world: World, root: str, job: Job, seen: Roles | None, limits: Limits, declared: Sequence[_Part]
) -> tuple[_Part, ...]:
    """Files that a trace saw, but for what is kept out of manifests. Hashed now: an input that changed since says so by its time."""
    if seen is None:
        return ()
    excluded = _excluded(world, root)
    known = {(part.role, os.path.realpath(e.path)) for part in declared for e in part.found.entries}

    def wanted(role: str, paths: Sequence[str]) -> list[str]:
        here = (p for p in paths if os.path.lexists(p) and not _kept_out(p, excluded) and not _not_ours(p, root, job))
        return [p for p in here if (role, os.path.realpath(p)) not in known]

    outputs = wanted("output", seen.outputs)
    made = _listed(world, root, [], outputs, "output", "traced", limits)
    folders = len({os.path.dirname(p) for p in outputs})
    return (
        _listed(world, root, [], wanted("input", seen.inputs), "input", "traced", limits),
        replace(made, found=Listing(made.found.entries, made.found.left, made.found.bytes_hashed, folders)),
    )


def _kept_out(path: str, excluded: frozenset[str]) -> bool:
    return path in excluded or any(path.startswith(f"{folder}/") for folder in excluded)


def _later(world: World, root: str) -> Limits:
    """What the user's settings allow once the run is over; inside a job the limits are ours."""
    from auditor.config import load  # not needed in a job

    config = load(root, world.env).config
    return Limits(bytes=config.hash_bytes, seconds=config.hash_seconds)


def _excluded(world: World, root: str) -> frozenset[str]:
    """Folders and files that the user's settings keep out of manifests."""
    from auditor.config import load

    patterns = load(root, world.env).config.exclude
    return frozenset(os.path.normpath(path) for pattern in patterns for path in world.glob(os.path.join(root, pattern)))


@dataclass(frozen=True)
class _Part:
    """What one way of looking found."""

    role: str
    how: str
    found: Listing
    absent: tuple[Skipped, ...] = ()
    known: Referred | None = None


def _declared(world: World, root: str, patterns: Sequence[str], role: str, limits: Limits) -> _Part:
    folders: list[str] = []
    files: list[str] = []
    absent: list[Skipped] = []
    for pattern in patterns:
        if _URL.match(pattern):
            absent.append(Skipped(pattern, role, "remote"))
            continue
        literal = os.path.join(root, pattern)
        try:
            paths = (literal,) if os.path.lexists(literal) else world.glob(literal)
        except ValueError:  # a NUL, or a pattern that is none
            absent.append(Skipped(pattern, role, "not-a-path"))
            continue
        if not paths:
            absent.append(Skipped(pattern, role, "absent"))
        for path in paths:
            (folders if os.path.isdir(path) else files).append(os.path.normpath(path))
    return _listed(world, root, folders, files, role, "declared", limits, tuple(absent))


def _listed(
    world: World,
    root: str,
    folders: list[str],
    files: list[str],
    role: str,
    how: str,
    limits: Limits,
    absent: tuple[Skipped, ...] = (),
) -> _Part:
    """These by content; what belongs to registered data sets is not read again."""
    if not folders and not files:
        return _Part(role, how, Listing((), (), 0, 0), absent)
    from probes.datasets.refer import places, refer  # as little is opened in a job as can be

    known = refer(places(world, root) if role == "input" else (), folders, files, limits)
    names = dict.fromkeys((*known.files, *known.again))
    prune = frozenset(known.prune)
    found = Listing((), (), 0, 0)
    if known.folders or names:
        found = listing(_outermost(known.folders), names, limits=limits, world=world, tell=_tell(world), prune=prune)
    return _Part(role, how, found, absent, known)


def _changed(world: World, root: str, job: Job, limits: Limits) -> _Part:
    """Files below the work directory whose mtime lies within the attempt."""
    if not job.started_at:
        return _Part("output", "changed", Listing((), (Left(root, "start-unknown"),), 0, 0))
    own = home.find(dict(world.env))
    excluded = _excluded(world, root)
    prune = _KERNEL | excluded | ({os.path.realpath(own.root), own.root} if own else set())
    span = (began(world, job), _ns(job.ended_at) + SLACK_NS)
    found = listing((root,), limits=limits, span=span, prune=prune, world=world, tell=_tell(world))
    kept = tuple(e for e in found.entries if e.path not in excluded and not _not_ours(e.path, root, job))
    return _Part("output", "changed", Listing(kept, found.left, found.bytes_hashed, found.directories))


def _tell(world: World) -> Callable[[int, int], None] | None:
    return world.tell if isinstance(world, RealWorld) else None


def began(world: World, job: Job) -> int:
    """As exactly as it is known, in ns; never before the second that the job names."""
    told, second = world.env.get(BEGAN, ""), _ns(job.started_at)
    return max(second, int(told) - SKEW_NS) if told.isdecimal() and int(told) < second + 2_000_000_000 else second


def _not_ours(path: str, root: str, job: Job) -> bool:
    """The batch script itself, what a sibling task declares as its own, and the log of another job in the same folder."""
    if of_others(path, root, job.outputs, job.job_id):
        return True
    if job.script_path and path == os.path.join(root, job.script_path):
        return True
    log = _SLURM_LOG.search(os.path.basename(path))
    return log is not None and job.scheduler == "slurm" and log[0].partition(".")[0] != f"slurm-{job.job_id.partition('+')[0]}"


def _manifest(root: str, parts: Iterable[_Part]) -> DataManifest:
    files: dict[tuple[str, str], DataFile] = {}
    skipped: dict[tuple[str, str, str], Skipped] = {}
    spent = directories = 0
    datasets: tuple[Reference, ...] = ()
    for part in parts:
        if part.known:
            datasets += tuple(replace(r, path=_relative(r.path, root)) for r in part.known.references)
            for entry, name in part.known.entries:
                one = replace(_data_file(entry, root, part), how="known", dataset=name)
                files.setdefault((one.path, one.role), one)
        for entry in part.found.entries:
            one = _data_file(entry, root, part)
            files.setdefault((one.path, one.role), one)
        for one_left in (
            *(Skipped(_relative(e.path, root), part.role, e.reason, e.size, e.mtime_ns) for e in part.found.left),
            *part.absent,
        ):
            skipped.setdefault((one_left.path, one_left.role, one_left.reason), one_left)
        spent += part.found.bytes_hashed
        directories += part.found.directories
    left = tuple(s for s in skipped.values() if (s.path, s.role) not in files)
    return DataManifest(
        root=root,
        algorithm="sha256",
        files=tuple(files[key] for key in sorted(files)),
        skipped=tuple(sorted(left, key=lambda s: (s.path, s.role, s.reason))),
        complete=all(s.reason in HARMLESS for s in left) and all(d.state != "partly" for d in datasets),
        bytes_hashed=spent,
        directories=directories,
        datasets=datasets,
    )


def _data_file(entry: Entry, root: str, part: _Part) -> DataFile:
    return DataFile(_relative(entry.path, root), part.role, part.how, entry.kind, entry.size, entry.mtime_ns, entry.sha256)


def _relative(path: str, root: str) -> str:
    return path[len(root) :].lstrip("/") or "." if path == root or path.startswith(root.rstrip("/") + "/") else path


def _outermost(folders: Sequence[str]) -> tuple[str, ...]:
    """Without those that lie in another of them."""
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not kept or not folder.startswith(kept[-1].rstrip("/") + "/"):
            kept.append(folder)
    return tuple(kept)


def _ns(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) * 1_000_000_000


PROBE = Probe(
    name="data",
    kind=DataManifest,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.START, Phase.LATER}),
    source="content of the files",
    guest=True,
)
