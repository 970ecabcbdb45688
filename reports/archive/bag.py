"""How do files become a BagIt 1.0 bag (RFC 8493) in one ZIP? sha256 and sha512, streamed once, the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.model import AuditError
from auditor.world import World
from reports.archive.zipped import SteadyZip

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ALGORITHMS = ("sha256", "sha512")


@dataclass(frozen=True)
class Item:
    """A payload file: `path` below `data/`, and its bytes, or the file they are read from (then sha256 and size must hold)."""

    path: str
    data: bytes = b""
    source: str = ""
    sha256: str = ""
    size: int = 0
    executable: bool = False


@dataclass(frozen=True)
class Label:
    """What is written on the bag. info: lines of bag-info.txt; tags: further tag files; when: the one time stamp."""

    info: Mapping[str, str]
    tags: Mapping[str, bytes]
    when: datetime


@dataclass(frozen=True)
class Bag:
    """A written bag. id: sha256 of tagmanifest-sha256.txt, its name for ever; size: bytes of the ZIP."""

    path: str
    id: str
    size: int
    files: int


@dataclass(frozen=True)
class Row:
    """One manifest line: path from the bag's root, its digests in the order of ALGORITHMS, bytes."""

    path: str
    digests: tuple[str, ...]
    size: int


def write(destination: str, items: Sequence[Item], label: Label, world: World) -> Bag:
    """Write the bag as ZIP `destination`, all of it or nothing.

    Raises AuditError when a source is no longer what it was, or the place cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(destination))
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".bundle-")
        os.close(handle)
        try:
            bag_id, count = _fill(temporary, items, label, world)
            os.chmod(temporary, 0o644)
            os.replace(temporary, destination)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise AuditError(
            f"the bundle cannot be written to {destination}: {error.strerror or error}", "choose another folder with --output"
        ) from error
    return Bag(destination, bag_id, os.stat(destination).st_size, count)


def _fill(path: str, items: Sequence[Item], label: Label, world: World) -> tuple[str, int]:
    with SteadyZip(path, label.when) as archive:
        rows = [_payload(archive, item, world) for item in sorted(items, key=lambda i: i.path)]
        first = _tag_files(rows, label)
        last = {f"tagmanifest-{a}.txt": _tag_manifest(a, first) for a in ALGORITHMS}
        for name, data in sorted({**first, **last}.items()):
            archive.add(name, [data], len(data))
    return hashlib.sha256(last["tagmanifest-sha256.txt"]).hexdigest(), len(rows)


def _payload(archive: SteadyZip, item: Item, world: World) -> Row:
    hashes = [hashlib.new(a) for a in ALGORITHMS]
    size = item.size if item.source else len(item.data)
    seen = 0

    def pieces() -> Iterator[bytes | memoryview]:
        nonlocal seen
        for piece in world.chunks(item.source) if item.source else (item.data,):
            for h in hashes:
                h.update(piece)
            seen += len(piece)
            yield piece

    archive.add(f"data/{item.path}", pieces(), size, executable=item.executable, data=bool(item.source))
    digests = tuple(h.hexdigest() for h in hashes)
    if item.source and (digests[0] != item.sha256 or seen != size):
        raise AuditError(f"{item.source} changed while it was packed", "make the bundle again when nothing writes to it")
    return Row(f"data/{item.path}", digests, seen)


def _tag_files(rows: Sequence[Row], label: Label) -> dict[str, bytes]:
    known = {**label.info, "Payload-Oxum": f"{sum(r.size for r in rows)}.{len(rows)}"}
    lines = "".join(f"{k}: {' '.join(v.split())}\n" for k, v in sorted(known.items()))
    made = {"bagit.txt": DECLARATION, "bag-info.txt": lines.encode("utf-8", "replace"), **label.tags}
    for n, algorithm in enumerate(ALGORITHMS):
        made[f"manifest-{algorithm}.txt"] = "".join(f"{r.digests[n]}  {escaped(r.path)}\n" for r in rows).encode()
    return made


def _tag_manifest(algorithm: str, tags: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.new(algorithm, data).hexdigest()}  {name}\n" for name, data in sorted(tags.items())).encode()


def escaped(path: str) -> str:
    """RFC 8493 section 2.1.3: only the per cent sign and line ends are encoded."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
