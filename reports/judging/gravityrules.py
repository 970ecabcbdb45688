"""How much data went over which kind of file system, and was it worth carrying it to the node first? From evidence alone."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.model import Fact, Verdict
from probes.data import DataManifest
from probes.filesystem import FileSystems, Mount, place
from probes.kernel import KernelAccounting
from probes.submission import Submission
from probes.tracing import FileTrace
from reports.judging.again import script
from reports.judging.amounts import MIB, several, size, some, words
from reports.judging.staging import staged
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed

# below this there is no gravity to speak of
SMALL_MOVE = 1 << 30
# one Lustre stripe (lfs-setstripe(1)): a smaller file costs a request to the metadata server for less than one transfer
SMALL, MANY = MIB, 1000
# staging reads everything once, so it pays from the second reading on
READINGS = 2.0
SHARED = frozenset({"network", "parallel"})
NEAR = frozenset({"local", "memory"})
# where tools put what they download; huggingface_hub HF_HOME, torch.hub TORCH_HOME, pip, Keras, NLTK, scikit-learn, Apptainer, conda
CACHES = (
    "/.cache/huggingface/", "/.cache/torch/", "/torch/hub/", "/.cache/pip/", "/.cache/uv/", "/.keras/", "/nltk_data/",
    "/scikit_learn_data/", "/.apptainer/cache/", "/.singularity/cache/", "/tensorflow_datasets/", "/.cache/kagglehub/", "/conda/pkgs/",
)  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """Known files of one role on one file system. mount None: it is not known on which."""

    mount: Mount | None
    files: int
    bytes: int
    first: str
    """A folder that holds some of them."""


def by_place(files: DataManifest, places: FileSystems, role: str) -> list[Moved]:
    """The run's inputs or outputs by file system, most bytes first; registered data sets count with all of their files."""
    rows = [(f.path, 1, f.size) for f in files.files if f.role == role]
    rows += [(s.path, 1, s.size) for s in files.skipped if s.role == role and s.size]
    rows += [(d.path, d.files, d.bytes) for d in files.datasets if role == "input"]
    count: Counter[str] = Counter()
    total: Counter[str] = Counter()
    mounts: dict[str, Mount | None] = {}
    first: dict[str, str] = {}
    for path, number, length in rows:
        whole = posixpath.normpath(posixpath.join(files.root, path))
        mount = place(places, whole)
        key = mount.mount_point if mount else ""
        mounts.setdefault(key, mount)
        first.setdefault(key, (posixpath.dirname(path) or path) if number == 1 else path)
        count[key] += number
        total[key] += length
    return sorted((Moved(mounts[k], count[k], total[k], first[k]) for k in mounts), key=lambda m: (-m.bytes, m.first))


def told(verb: str, moved: Iterable[Moved]) -> str:
    """`read 3.0 GiB from /data (nfs4, network)`; empty where nothing is known."""
    said = [f"{size(m.bytes)} {'from' if verb == 'read' else 'to'} {where(m.mount)}" for m in moved if m.bytes]
    return f"{verb} {some(said)}" if said else ""


def uncovered(counted: int, known: Iterable[Moved]) -> int:
    """Bytes that were counted and are of no file that we know: undeclared ones, programs, scratch, or the same once more. 0: next to none."""
    left = counted - sum(m.bytes for m in known)
    return left if left > max(MIB, counted // 10) else 0


def where(mount: Mount | None) -> str:
    return f"{mount.mount_point} ({mount.fs_type}, {mount.family})" if mount else "a file system that we do not know"


def unstaged_inputs(
    files: Fact[DataManifest],
    places: Fact[FileSystems],
    submission: Fact[Submission],
    kernel: Maybe[KernelAccounting],
    trace: Maybe[FileTrace],
) -> Verdict:
    read = by_place(files.value, places.value, "input")
    if not read:
        raise Unclear("no input is known: declare inputs, or trace the job")
    shared = [m for m in read if m.mount and m.mount.family in SHARED]
    if not shared:
        if unknown := [m for m in read if m.mount is None or m.mount.family not in NEAR]:
            raise Unclear(f"{several(unknown[0].files, 'input')} lie on {where(unknown[0].mount)}: near or shared is not known")
        said = f"{told('read', read) or several(read[0].files, 'input')}: on the node itself"
        return passed(f"{said}{_rest(read, kernel, trace)}", files, places)
    scratch = next((m for m in places.value.mounts if m.role == "tmp"), None)
    if scratch is None or scratch.family not in NEAR:
        lies = f"{scratch.path} is on {scratch.fs_type}, {scratch.family}" if scratch else "$TMPDIR was not seen"
        return not_applicable(f"no node-local scratch was seen ({lies})", places)
    if copied := _traced_copies(files.value, shared, scratch, places.value, trace):
        facts = [trace] if isinstance(trace, Fact) else []
        return passed(f"staged to {scratch.path} ({scratch.fs_type}), as a trace saw: {copied}", places, *facts)
    if line := staged(submission.value.script_text, scratch.path):
        return passed(f"staged to node-local scratch by {script(submission.value)}:{line[0]}: {line[1]}", submission, places)
    return _burden(files, places, submission, kernel, shared, scratch, _rest(read, kernel, trace))


def _rest(read: list[Moved], kernel: Maybe[KernelAccounting], trace: Maybe[FileTrace]) -> str:
    """What was read besides, and is of no file that we know: it may lie anywhere. A whole trace knows all; then it was the same once more."""
    counted = kernel.value.bytes_read if isinstance(kernel, Fact) else None
    whole = isinstance(trace, Fact) and trace.value.complete
    left = 0 if counted is None or whole else uncovered(counted, read)
    return f"; {size(left)} more were read, of files that we do not know" if left else ""


def _burden(
    files: Fact[DataManifest],
    places: Fact[FileSystems],
    submission: Fact[Submission],
    kernel: Maybe[KernelAccounting],
    shared: list[Moved],
    scratch: Mount,
    rest: str,
) -> Verdict:
    count, total = sum(m.files for m in shared), sum(m.bytes for m in shared)
    lies = f"{several(count, 'input')}, {size(total)}, on {where(shared[0].mount)}"
    fix = (
        f"# in {script(submission.value)}, before the work, if it fits {scratch.path}; then read it there\n"
        f'tar -C {words([shared[0].first])} -cf - . | tar -C "$TMPDIR" -xf -   # better: keep it as one tar or SquashFS file and copy that'
    )
    if count >= MANY and total < count * SMALL:
        mean = size(total / count)
        return failed(
            f"{lies}: {mean} each, opened one by one where they lie, while {scratch.path} ({scratch.fs_type}) is near",
            fix,
            files,
            places,
        )
    if total < SMALL_MOVE:
        return passed(f"{lies}: too little to stage{rest}", files, places)
    if not isinstance(kernel, Fact) or kernel.value.bytes_read is None:
        raise Unclear(f"{lies}: how often they were read is not known, as the kernel's count of bytes is not there")
    times = kernel.value.bytes_read / total
    said = f"{lies}: the storage delivered {size(kernel.value.bytes_read)}, {times:.1f} times as much"
    if times < READINGS:
        return passed(said, files, places, kernel)
    return failed(f"{said}, while {scratch.path} ({scratch.fs_type}) is near", fix, files, places, kernel)


def _traced_copies(files: DataManifest, shared: list[Moved], scratch: Mount, places: FileSystems, trace: Maybe[FileTrace]) -> str:
    """Files that were written below the scratch under the names of inputs that lie on a shared file system."""
    if not isinstance(trace, Fact):
        return ""
    points = {m.mount.mount_point for m in shared if m.mount}
    names = set()
    for path in (*trace.value.inputs, *(posixpath.join(files.root, f.path) for f in files.files if f.role == "input")):
        mount = place(places, path)
        if mount and mount.mount_point in points:
            names.add(posixpath.basename(path))
    made = [p for p in trace.value.outputs if p.startswith(f"{scratch.path.rstrip('/')}/")]
    copied = [p for p in made if posixpath.basename(p) in names]
    return f"{several(len(copied), 'file')}, {some(copied)}" if copied else ""


def fetched(files: Maybe[DataManifest], trace: Maybe[FileTrace]) -> tuple[list[str], list[Fact[DataManifest] | Fact[FileTrace]]]:
    """Absolute paths that the run wrote below the caches in which tools keep their downloads, and the facts that tell it."""
    found: list[str] = []
    facts: list[Fact[DataManifest] | Fact[FileTrace]] = []
    if isinstance(files, Fact):
        made = [posixpath.join(files.value.root, f.path) for f in files.value.files if f.role == "output"]
        if kept := [p for p in made if _cached(p)]:
            found, facts = kept, [files]
    if isinstance(trace, Fact) and (kept := [p for p in trace.value.outputs if _cached(p)]):
        found, facts = [*found, *kept], [*facts, trace]
    return sorted(set(found)), facts


def _cached(path: str) -> bool:
    return any(cache in path for cache in CACHES)
