"""What is in these folders and files, within a budget of bytes, seconds and files? Many before few: small files first.

Reused by everything that needs a list of digests: a probe, a replay that compares outputs, a cache.
"""

from __future__ import annotations

import gc
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from probes.manifest.answers import RECORD, REMEMBERED, SPARSE, Answer, Batch, Hashed, all_hashed, records
from probes.manifest.content import CHECK_EVERY
from probes.manifest.cores import cores
from probes.manifest.walk import CHUNK, Folder, Walk

if TYPE_CHECKING:
    from auditor.world import World

SEVERAL_BYTES = 64 << 20  # below, starting a second process costs more than it brings
NO_LIMIT = 1 << 62  # the budget was shared out before
Tell = Callable[[int, int], None]


class Limits(NamedTuple):
    """What may be spent: bytes read, seconds from now, files listed; workers 0: as many as it is worth."""

    bytes: int
    seconds: float
    files: int = 100_000
    workers: int = 0


class Entry(NamedTuple):
    """A file by path as found. kind: `file`, `link` (its target's content), `pointer`. Size in bytes, mtime in ns, sha256 bare hex."""

    path: str
    kind: str
    size: int
    mtime_ns: int
    sha256: str


class Left(NamedTuple):
    """A file or folder without a digest, and why; size and time where they were seen.

    reason: `budget`, `time`, `unreadable`, `changed-while-read`, `special` (socket, pipe, device), `vanished`, `excluded`, `dangling-link`,
    `link-to-folder`, `too-many-files`.
    """

    path: str
    reason: str
    size: int = 0
    mtime_ns: int = 0


class Listing(NamedTuple):
    """Everything found, sorted by path. bytes_hashed and directories: what it took."""

    entries: tuple[Entry, ...]
    left: tuple[Left, ...]
    bytes_hashed: int
    directories: int


_entry = partial(tuple.__new__, Entry)  # Entry(*row) without a step of Python: half the time of a hundred thousand
_REASONS = {
    Answer.LARGE: "budget",
    Answer.BUDGET: "budget",
    Answer.UNREADABLE: "unreadable",
    Answer.CHANGED: "changed-while-read",
    Answer.SPECIAL: "special",
    Answer.GONE: "vanished",
    Answer.TIME: "time",
}
HARMLESS = frozenset({"excluded", "vanished"})
"""Reasons that leave nobody ignorant of data."""


def listing(
    folders: Sequence[str] = (),
    files: Iterable[str] = (),
    *,
    limits: Limits,
    span: tuple[int, int] | None = None,
    prune: frozenset[str] = frozenset(),
    world: World | None = None,
    tell: Tell | None = None,
) -> Listing:
    """Digests of `files` and of all files below `folders`. span: only those whose mtime (ns) lies in it; prune: folders not entered.

    world: whose memory of large files is used. tell: called with bytes read so far and bytes that will be, while large files are read.
    """
    collecting = gc.isenabled()
    gc.disable()  # a million tuples that refer to nothing: looking through them for circles costs a third of the time
    try:
        return _listing(folders, files, limits, Walk(time.monotonic() + limits.seconds, span, prune), world, tell)
    finally:
        if collecting:
            gc.enable()


def _listing(
    folders: Sequence[str], files: Iterable[str], limits: Limits, walk: Walk, world: World | None, tell: Tell | None
) -> Listing:
    left: list[Left] = []

    def batches() -> Iterator[Batch]:
        count = 0
        for folder in chain(_single(files, left), (f for root in folders for f in walk.folders(root))):
            count += len(folder.files) + len(folder.links)
            if count > limits.files:
                left.append(Left(folder.path, "too-many-files"))
                count -= len(folder.files) + len(folder.links)
                continue
            yield from _batches(folder)

    entries, more, spent = _hash(batches(), limits, walk.deadline, world, tell)
    left += more
    left += [Left(path, "excluded") for path in walk.excluded]
    left += [Left(path, "unreadable") for path in walk.unreadable]
    left += [Left(path, "special") for path in walk.special]
    left += [Left(root, walk.cut) for root in folders if walk.cut]
    return Listing(
        tuple(sorted(entries, key=itemgetter(0))),
        tuple(sorted(left, key=lambda e: (e.path, e.reason))),
        spent,
        walk.directories,
    )


def _single(files: Iterable[str], left: list[Left]) -> list[Folder]:
    """Files named one by one, gathered by folder; what is no file, or not there, goes to `left`."""
    by_folder: dict[str, tuple[list[str], list[str]]] = {}
    for path in sorted(set(files)):
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            left.append(Left(path, "vanished"))
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            left.append(Left(path, "special"))
            continue
        folder, name = os.path.split(path)
        by_folder.setdefault(folder or ".", ([], []))[stat.S_ISLNK(mode)].append(name)
    return [Folder(folder, tuple(names), tuple(links)) for folder, (names, links) in sorted(by_folder.items())]


def _batches(folder: Folder) -> list[Batch]:
    return [
        Batch(folder.path, names[at : at + CHUNK], links)
        for names, links in ((folder.files, False), (folder.links, True))
        for at in range(0, len(names), CHUNK)
    ]


def _hash(
    batches: Iterable[Batch], limits: Limits, deadline: float, world: World | None, tell: Tell | None
) -> tuple[list[Entry], list[Left], int]:
    from probes.manifest.pool import Reading, hash_batches  # ten files: opened in a job only where data is named

    entries: list[Entry] = []
    left: list[Left] = []
    large: list[tuple[int, str, Batch, Hashed]] = []
    spent = 0

    def small(batch: Batch, raw: bytes) -> None:
        nonlocal spent
        if all_hashed(raw):  # the usual folder, without a step of Python a file
            before = f"{batch.folder}/".replace("//", "/")
            _, sizes, times, marks, digests = zip(*RECORD.iter_unpack(raw), strict=True)
            known = (
                sum(size for size, mark in zip(sizes, marks, strict=True) if mark & REMEMBERED) if max(marks) >= REMEMBERED else 0
            )
            spent += sum(sizes) - known
            kind = repeat("link" if batch.links else "file", len(batch.names))
            entries.extend(
                map(_entry, zip(map(before.__add__, batch.names), kind, sizes, times, map(bytes.hex, digests), strict=True))
            )
            return
        for name, one in zip(batch.names, records(raw), strict=True):
            spent += _read(one)
            if one.answer == Answer.LARGE:
                large.append((one.size, name, batch, one))
            else:
                _sort_in(batch, name, one, entries, left)

    hash_batches(batches, Reading(deadline, world), limits.bytes, small, limits.workers)
    room = limits.bytes - spent
    taken: list[Batch] = []
    for size, name, batch, one in sorted(large, key=lambda item: (item[0], item[2].folder, item[1])):
        if size <= room:
            room -= size
            taken.append(Batch(batch.folder, (name,), batch.links, limit=size))
        else:
            left.append(
                Left(os.path.join(batch.folder, name), "budget-sparse" if one.marks & SPARSE else "budget", size, one.mtime_ns)
            )

    whole, heard = spent + sum(batch.limit for batch in taken), 0

    def hear(count: int) -> None:
        nonlocal heard
        heard += count
        if tell:
            tell(min(spent + heard, whole), whole)

    def big(batch: Batch, raw: bytes) -> None:
        nonlocal spent, heard
        for one in records(raw):
            spent += _read(one)
            heard -= one.size // CHECK_EVERY * CHECK_EVERY if _read(one) else 0
            _sort_in(batch, batch.names[0], one, entries, left)

    taken.reverse()  # the largest first, so that no worker is left alone with it at the end
    several = len(taken) > 1 and sum(b.limit for b in taken) > SEVERAL_BYTES
    hash_batches(taken, Reading(deadline, world, hear), NO_LIMIT, big, limits.workers or (cores() if several else 1))
    return entries, left, spent


def _read(one: Hashed) -> int:
    """Bytes that had to be read for it."""
    return one.size if one.answer <= Answer.POINTER and not one.marks & REMEMBERED else 0


def _sort_in(batch: Batch, name: str, one: Hashed, entries: list[Entry], left: list[Left]) -> None:
    path = os.path.join(batch.folder, name)
    if one.answer <= Answer.POINTER:
        kind = "link" if batch.links else "pointer" if one.answer == Answer.POINTER else "file"
        entries.append(Entry(path, kind, one.size, one.mtime_ns, one.digest.hex()))
        return
    reason = _REASONS[Answer(one.answer)]
    if batch.links:
        reason = {"vanished": "dangling-link", "special": "link-to-folder" if os.path.isdir(path) else "special"}.get(
            reason, reason
        )
    left.append(Left(path, reason, one.size, one.mtime_ns))
