"""How do the ways of looking become one manifest? A file once a role, the first way that named it first; what nobody read with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from probes.data import DataFile, DataManifest, Reference, Skipped
from probes.data.part import Part
from probes.manifest.build import HARMLESS, Entry, Left


def assembled(root: str, parts: Iterable[Part]) -> DataManifest:
    files: dict[tuple[str, str], DataFile] = {}
    skipped: dict[tuple[str, str, str], Skipped] = {}
    spent = directories = 0
    datasets: tuple[Reference, ...] = ()
    for part in parts:
        if part.known:
            datasets += tuple(replace(r, path=_relative(r.path, root)) for r in part.known.references)
            known = [replace(_file(entry, root, part), how="known", dataset=name) for entry, name in part.known.entries]
        else:
            known = []
        for one in (*known, *(_file(entry, root, part) for entry in part.found.entries)):
            files.setdefault((one.path, one.role), one)
        for left in (*(_left(e, root, part) for e in part.found.left), *part.absent):
            skipped.setdefault((left.path, left.role, left.reason), left)
        spent += part.found.bytes_hashed
        directories += part.found.directories
    without = tuple(s for s in skipped.values() if (s.path, s.role) not in files)
    return DataManifest(
        root=root,
        algorithm="sha256",
        files=tuple(files[key] for key in sorted(files)),
        skipped=tuple(sorted(without, key=lambda s: (s.path, s.role, s.reason))),
        complete=all(s.reason in HARMLESS for s in without if s.role in ("input", "output"))
        and all(d.state != "partly" for d in datasets),
        bytes_hashed=spent,
        directories=directories,
        datasets=datasets,
    )


def _file(entry: Entry, root: str, part: Part) -> DataFile:
    return DataFile(_relative(entry.path, root), part.role, part.how, entry.kind, entry.size, entry.mtime_ns, entry.sha256)


def _left(one: Left, root: str, part: Part) -> Skipped:
    return Skipped(_relative(one.path, root), part.role, one.reason, one.size, one.mtime_ns)


def _relative(path: str, root: str) -> str:
    return path[len(root) :].lstrip("/") or "." if path == root or path.startswith(root.rstrip("/") + "/") else path
