"""Which of these inputs belong to data sets that are registered, and are those unchanged? What is, need not be read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from probes.data import Reference
from probes.datasets.index import Damaged, Index, Known
from probes.datasets.registry import Place
from probes.datasets.registry import path as file_of
from probes.datasets.unchanged import below, one
from probes.manifest.build import Entry, Limits


@dataclass
class Referred:
    """references: folders known as wholes. entries: (file known by content, its data set's name).

    again: files that are new or changed, to be read like any other. folders, files: what belongs to no data set.
    prune: folders of data sets inside of those, not to be entered.
    """

    references: list[Reference] = field(default_factory=list)
    entries: list[tuple[Entry, str]] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    prune: set[str] = field(default_factory=set)


def refer(known: Sequence[Place], folders: Iterable[str], files: Iterable[str], limits: Limits) -> Referred:
    """limits: of its files, how many of a folder that changed are named one by one, and how long all may take."""
    out, deadline, keep = Referred(), time.monotonic() + limits.seconds, limits.files
    for folder in folders:
        real = os.path.realpath(folder)
        if inner := _holder(known, real):
            _folder(inner, real, folder, deadline, keep, out)
            continue
        out.folders.append(folder)
        for place in known:
            if not place.dataset.single and place.root.startswith(real.rstrip("/") + "/"):
                inside = folder + place.root[len(real) :] if real != "/" else place.root
                out.prune.add(inside)
                _folder(place, place.root, inside, deadline, keep, out)
    for file in files:
        holder = _holder(known, os.path.realpath(os.path.dirname(file)) + "/" + os.path.basename(file))
        if holder is None or not _file(holder, file, out):
            out.files.append(file)
    return out


def _holder(known: Sequence[Place], real: str) -> Place | None:
    return next((p for p in known if p.part(real) is not None), None)


def _file(place: Place, path: str, out: Referred) -> bool:
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    root, part = (
        (os.path.dirname(place.root), os.path.basename(place.root)) if place.dataset.single else (place.root, place.part(real))
    )
    try:
        with _index(place) as index:
            found, same = one(index, root, part or "")
    except OSError:
        return False
    if not (found and same and found.sha256):
        return False
    out.entries.append((_entry(path, found), place.dataset.name))
    return True


def _folder(place: Place, real: str, path: str, deadline: float, keep: int, out: Referred) -> None:
    part = place.part(real) or ""
    try:
        with _index(place) as index:
            folder = index.folder(part)
            if folder is None:
                out.references.append(_reference(place, path, part, "changed", differences=(f"new {part}",)))
                out.folders.append(path)
                return
            look = below(index, place.root, part, deadline)
            if look.state == "changed" and folder.files <= keep:  # the rare case may look twice
                look = below(index, place.root, part, float("inf"), keep)
    except OSError as error:
        out.references.append(_reference(place, path, part, "unreadable", differences=(str(error),)))
        out.folders.append(path)
        return
    told = _reference(place, path, part, look.state, folder.digest, folder.files, folder.bytes, tuple(look.differences))
    out.references.append(told)
    if look.state != "changed":
        return
    if folder.files > keep:
        out.folders.append(path)
        return
    cut = len(part) + 1 if part else 0
    out.entries += [(_entry(os.path.join(path, name[cut:]), k), place.dataset.name) for name, k in look.same if k.sha256]
    for name in look.changed:
        whole = os.path.join(path, name[cut:])
        (out.folders if os.path.isdir(whole) else out.again).append(whole)


def _reference(
    place: Place,
    path: str,
    part: str,
    state: str,
    digest: str = "",
    files: int = 0,
    size: int = 0,
    differences: tuple[str, ...] = (),
) -> Reference:
    d = place.dataset
    return Reference(
        path,
        d.name,
        part,
        digest,
        state,
        files,
        size,
        d.version,
        d.doi,
        d.license,
        d.url,
        d.verified,
        place.registry,
        differences,
    )


def _entry(path: str, known: Known) -> Entry:
    return Entry(path, "link" if os.path.islink(path) else "file", known.facts.size, known.facts.mtime, known.sha256)


@contextmanager
def _index(place: Place) -> Iterator[Index]:
    try:
        index = Index(file_of(place.registry, place.dataset, "index"), place.dataset.digest)
    except FileNotFoundError as error:
        raise Damaged("its index is not there") from error
    try:
        yield index
    finally:
        index.close()
