"""Which files did an installer write, and are they still what it wrote? RECORD (packaging.python.org, "Recording installed projects").

The rows come from whoever made the wheel: a path that leads out of the environment, or to something that is no plain file, is never opened.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import os.path
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auditor.world import World
from probes.manifest import remember

MAX_ROWS = 200_000
# what differs from place to place though the same was installed: the installer's own notes, byte code, scripts with their interpreter's path
_OWN = re.compile(
    r"\.dist-info/(?:INSTALLER|REQUESTED|RECORD(?:\.jws|\.p7s)?|(?:direct_url|provenance_url|uv_cache|uv_build)\.json)$|\.pyc$|^(?:\.\./)+bin/"
)
_HEX = re.compile(r"[0-9a-f]{64}")

Row = tuple[str, str, int | None]
"""Path as RECORD has it, sha256 in hex, bytes (None: not told)."""


def parse(text: str) -> Iterator[Row]:
    """RECORD's rows that tell what was installed; a row that does not read is left out. Some distributors write the hash in hex."""
    for n, row in enumerate(_rows(text)):
        if n >= MAX_ROWS:
            return
        if len(row) == 3 and row[0] and row[1].startswith("sha256=") and not _OWN.search(row[0]) and (digest := _hex(row[1][7:])):
            yield row[0], digest, int(row[2]) if re.fullmatch("[0-9]{1,18}", row[2]) else None


def _rows(text: str) -> Iterator[list[str]]:
    rows = csv.reader(text.splitlines())
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:
            continue  # a field of more than 128 kB: that row, not the others


def _hex(digest: str) -> str:
    """64 hex digits, or empty for what is no sha256."""
    if _HEX.fullmatch(digest):
        return digest
    try:
        raw = base64.b64decode(digest + "=" * (-len(digest) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 32 else ""


def as_installed(rows: Iterable[Row], folder: str) -> Iterator[Row]:
    """A wheel's own RECORD as it reads once installed: `NAME.data/KEY/` goes where installers put KEY; scripts fall away (see `parse`)."""
    found = re.search(r"/((?:python|pypy)[\d.]+)/", folder)
    minor = found[1] if found else "python3"
    for path, digest, size in rows:
        match = re.fullmatch(r"([^/]+)-[^/-]+\.data/(purelib|platlib|data|headers|scripts)/(.+)", path, re.DOTALL)
        if not match:
            yield path, digest, size
        elif match[2] in ("purelib", "platlib"):
            yield match[3], digest, size
        elif match[2] == "data" and not match[3].startswith("bin/"):
            yield f"../../../{match[3]}", digest, size
        elif match[2] == "headers":
            yield f"../../../include/site/{minor}/{match[1]}/{match[3]}", digest, size


def identity(rows: Iterable[Row]) -> str:
    """What was installed, as one digest: sha256 over sorted `path hash` lines; empty when no file has a hash."""
    lines = sorted(f"{path} {digest}\n" for path, digest, _ in rows if digest)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest() if lines else ""


@dataclass
class Check:
    """How much may still be hashed, and what was done."""

    bytes_left: int
    files_left: int
    checked: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Now:
    """What lies there now. modified: rows whose file differs or is gone; content: `identity` of the disk; empty unless every file was read."""

    modified: tuple[str, ...] = ()
    content: str = ""


@dataclass
class _Look:
    check: Check
    modified: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    whole: bool = True


def recompute(world: World, folder: str, rows: Iterable[Row], recorded_ns: int, check: Check) -> Now:
    """Files against RECORD: by size at once, by content within the budget; those younger than RECORD first."""
    look = _Look(check)
    for _, where, (path, digest, size), there in sorted(_present(world, folder, rows, recorded_ns, look)):
        if there > check.bytes_left:
            check.skipped += 1
            look.whole = False
            if size not in (None, there):
                look.modified.append(path)
            continue
        found, cost = _sha256(world, where, there)
        check.bytes_left -= cost
        check.checked += 1
        look.rows.append((path, found, there))
        if found != digest:
            look.modified.append(path)
    return Now(tuple(sorted(look.modified)), identity(look.rows) if look.whole else "")


def _present(
    world: World, folder: str, rows: Iterable[Row], recorded_ns: int, look: _Look
) -> Iterator[tuple[bool, str, Row, int]]:
    """(older than RECORD, where, row, bytes) of each row's file; what is gone is noted."""
    top = os.path.normpath(f"{folder}/../../..")  # lib/pythonX.Y/site-packages: the environment itself
    for row in rows:
        where = os.path.normpath(os.path.join(folder, row[0]))
        if look.check.files_left <= 0 or not where.startswith(f"{top.rstrip('/')}/") or "\0" in where:
            look.check.skipped += 1
            look.whole = False
            continue
        look.check.files_left -= 1
        try:
            about = world.stat(where)
        except (OSError, ValueError):
            look.modified.append(row[0])  # gone
            continue
        if about.is_file:
            yield about.mtime_ns <= recorded_ns + 2_000_000_000, where, row, about.size
        else:
            look.modified.append(row[0])


def _sha256(world: World, path: str, size: int) -> tuple[str, int]:
    """(digest, bytes read for it): empty when it cannot be read, or is longer than it said. A large file that is known is not read again."""
    if not size:  # what the kernel makes up as it is read has no size, and may have no end
        return hashlib.sha256().hexdigest(), 0
    try:
        if size >= remember.WORTH:
            known = remember.sha256(world, path)
            return known.sha256, 0 if known.cached else size
        return hashlib.sha256(world.read(path, size)).hexdigest(), size
    except OSError:
        return "", size
