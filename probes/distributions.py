"""Which distributions lie in a Python environment, and are their files still what was installed? Read from disk, nothing imported.

Formats: core metadata and RECORD (packaging.python.org, "Recording installed projects"), direct_url.json (PEP 610), conda-meta.
"""

from __future__ import annotations

import base64
import csv
import glob
import hashlib
import json
import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.world import World

METADATA_BYTES = 256 << 10
RECORD_BYTES = 32 << 20
MAX_DISTRIBUTIONS = 4000
_OWN = re.compile(r"\.dist-info/(INSTALLER|REQUESTED|direct_url\.json|RECORD)$|\.pyc$|^\.\./")


@dataclass(frozen=True)
class Distribution:
    """One `*.dist-info` (or `conda-meta` file). files: (path, sha256 as RECORD has it, size or None); folder: what paths are relative to."""

    name: str
    version: str
    folder: str
    source: str
    reference: str
    installer: str
    files: tuple[tuple[str, str, int | None], ...]
    recorded_ns: int

    @property
    def record_sha256(self) -> str:
        """Over sorted `path hash` lines; scripts, byte code and the installer's own notes left out, as they differ from place to place."""
        lines = sorted(f"{path} {digest}\n" for path, digest, _ in self.files if digest)
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest() if lines else ""


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(world: World, folder: str) -> Iterator[Distribution]:
    """The distributions of one site-packages folder, by file name; one that does not read is left out."""
    for path in world.glob(f"{glob.escape(folder)}/*.dist-info")[:MAX_DISTRIBUTIONS]:
        text = _text(world, f"{path}/METADATA", METADATA_BYTES)
        name, version = _header(text, "Name"), _header(text, "Version")
        if not name:
            name, _, version = os.path.basename(path).removesuffix(".dist-info").partition("-")
        installer = _text(world, f"{path}/INSTALLER", 1 << 10).strip()
        source, reference = origin(_text(world, f"{path}/direct_url.json", 1 << 20), installer)
        record = _text(world, f"{path}/RECORD", RECORD_BYTES)
        when = world.stat(f"{path}/RECORD").mtime_ns if record else 0
        yield Distribution(name, version, folder, source, reference, installer, tuple(parse_record(record)), when)


def origin(direct_url: str, installer: str) -> tuple[str, str]:
    """(source, reference) of a distribution: PEP 610 when it is there, else what the installer implies."""
    if not direct_url:
        source = {"conda": "conda", "debian": "system", "rpm": "system", "": "unknown"}.get(installer, "index")
        return source, ""
    try:
        told = json.loads(direct_url)
        url = re.sub(r"://[^/@]*@", "://", str(told["url"]))
    except (ValueError, KeyError, TypeError):
        return "unknown", ""
    if isinstance(vcs := told.get("vcs_info"), dict):
        return "vcs", f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}"
    if isinstance(folder := told.get("dir_info"), dict):
        return ("editable" if folder.get("editable") else "directory"), url
    archive = told.get("archive_info")
    digest = archive.get("hash", "") if isinstance(archive, dict) else ""
    return "wheel", f"{url}#{digest}" if digest else url


def parse_record(text: str) -> Iterator[tuple[str, str, int | None]]:
    """RECORD's rows: path, hash (`sha256=` and unpadded base64; some builders write hex) as hex, size."""
    try:
        for row in csv.reader(text.splitlines()):
            if len(row) == 3 and row[1].startswith("sha256=") and not _OWN.search(row[0]):
                yield row[0], _hex(row[1][7:]), int(row[2]) if row[2].isdigit() else None
    except (csv.Error, ValueError):
        return


def _hex(digest: str) -> str:
    if re.fullmatch("[0-9a-f]{64}", digest):
        return digest
    return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()


def conda(world: World, prefix: str) -> Iterator[Distribution]:
    """What conda installed into this prefix, Python or not."""
    for path in world.glob(f"{glob.escape(prefix)}/conda-meta/*.json")[:MAX_DISTRIBUTIONS]:
        try:
            told = json.loads(_text(world, path, RECORD_BYTES))
            paths = told.get("paths_data", {}).get("paths", [])
            files = tuple((p["_path"], p.get("sha256", ""), p.get("size_in_bytes")) for p in paths if not _OWN.search(p["_path"]))
            digest = f"sha256={told['sha256']}" if told.get("sha256") else f"md5={told.get('md5', '')}"
            reference = f"{re.sub(r'://[^/@]*@', '://', str(told.get('url', '')))}#{digest}"
            yield Distribution(str(told["name"]), str(told["version"]), prefix, "conda", reference, "conda", files, 0)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


@dataclass
class Check:
    """How much may still be hashed, and what was done."""

    bytes_left: int
    files_left: int
    checked: int = 0
    skipped: int = 0


def modified(world: World, distribution: Distribution, check: Check) -> tuple[str, ...]:
    """Files that differ from RECORD: by size at once, by content within the budget; younger than RECORD first."""
    found: list[str] = []
    equal: list[tuple[bool, str, str, int]] = []
    for path, digest, size in distribution.files:
        if check.files_left <= 0:
            check.skipped += 1
            continue
        check.files_left -= 1
        where = os.path.normpath(os.path.join(distribution.folder, path))
        try:
            about = world.stat(where)
        except OSError:
            found.append(path)  # gone
            continue
        if size is not None and about.size != size:
            found.append(path)
        else:
            equal.append((about.mtime_ns <= distribution.recorded_ns + 2_000_000_000, path, digest, about.size))
    for _, path, digest, size in sorted(equal):
        if size > check.bytes_left:
            check.skipped += 1
            continue
        check.bytes_left -= size
        check.checked += 1
        if _sha256(world, os.path.join(distribution.folder, path)) != digest:
            found.append(path)
    return tuple(sorted(found))


def _sha256(world: World, path: str) -> str:
    digest = hashlib.sha256()
    try:
        for piece in world.chunks(path):
            digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def _header(text: str, name: str) -> str:
    match = re.search(rf"^{name}:[ \t]*(.*)$", text.split("\n\n", 1)[0], re.MULTILINE)
    return match[1].strip() if match else ""


def _text(world: World, path: str, limit: int) -> str:
    try:
        return world.text(path, limit)
    except (OSError, LookupError):
        return ""
