"""Which distributions lie in one folder of a Python environment? Read from disk, nothing imported.

Formats: core metadata and RECORD (packaging.python.org, "Recording installed projects"), direct_url.json (PEP 610),
provenance_url.json (PEP 710), WHEEL; what setuptools left before them is in probes.python.eggs.
"""

from __future__ import annotations

import glob
import json
import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.world import World
from probes.python import record
from probes.python.address import local, public
from probes.python.record import Row

METADATA_BYTES = 256 << 10
RECORD_BYTES = 32 << 20
MAX_DISTRIBUTIONS = 4000
MAX_TAGS = 50


@dataclass(frozen=True)
class Archive:
    """The file that was installed from. source: who says so; proved: its RECORD is the installed one; url: empty unless anybody can ask there."""

    sha256: str
    source: str
    file: str = ""
    url: str = ""
    size: int = 0
    proved: bool = False


@dataclass(frozen=True)
class Distribution:
    """One installed distribution. folder: what the rows' paths are relative to; scripts: programs it wrote; tags: of its wheel.

    requested: asked for by name (REQUESTED), False: somebody's dependency, None: its installer does not say. rows: see record.
    """

    name: str
    version: str
    folder: str
    source: str
    reference: str
    installer: str
    rows: tuple[Row, ...]
    recorded_ns: int
    requested: bool | None = None
    tags: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    archive: Archive | None = None
    where: str = ""
    """Its `.dist-info` folder, empty for other forms."""


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(world: World, folder: str) -> Iterator[Distribution]:
    """The `.dist-info` of one site-packages folder, by file name."""
    system = folder.endswith("/dist-packages") and folder.startswith("/usr/lib/")
    for path in world.glob(f"{glob.escape(folder)}/*.dist-info")[:MAX_DISTRIBUTIONS]:
        yield _one(world, folder, path, system)


def _one(world: World, folder: str, path: str, system: bool) -> Distribution:
    text = read(world, f"{path}/METADATA", METADATA_BYTES)
    name, version = header(text, "Name"), header(text, "Version")
    if not name:
        name, _, version = os.path.basename(path).removesuffix(".dist-info").partition("-")
    installer = read(world, f"{path}/INSTALLER", 1 << 10).strip()[:100]
    direct = read(world, f"{path}/direct_url.json", 1 << 20)
    source, reference = origin(direct, installer or ("debian" if system else ""))
    text = read(world, f"{path}/RECORD", RECORD_BYTES)
    when = world.stat(f"{path}/RECORD").mtime_ns if text else 0
    asked = world.exists(f"{path}/REQUESTED")
    return Distribution(
        name,
        version,
        folder,
        source,
        reference,
        installer,
        tuple(record.parse(text)),
        when,
        requested=True if asked else False if installer in ("pip", "uv") else None,
        tags=tuple(re.findall(r"(?m)^Tag:[ \t]*([\w.-]{1,200})[ \t]*$", read(world, f"{path}/WHEEL", 1 << 16)))[:MAX_TAGS],
        scripts=tuple(re.findall(r"(?m)^(?:\.\./)+bin/([^/,\n\r\"]{1,200}),", text)),
        archive=told(direct, "direct_url.json")
        or told(read(world, f"{path}/provenance_url.json", 1 << 20), "provenance_url.json"),
        where=path,
    )


def origin(direct_url: str, installer: str) -> tuple[str, str]:
    """(source, reference) of a distribution: PEP 610 when it is there, else what the installer implies."""
    if not direct_url:
        source = {"conda": "conda", "debian": "system", "rpm": "system", "": "unknown"}.get(installer, "index")
        return source, ""
    try:
        said = json.loads(direct_url)
        url = re.sub(r"://[^/@]*@", "://", str(said["url"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unknown", ""
    if isinstance(vcs := said.get("vcs_info"), dict):
        return "vcs", f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', '')}"
    if isinstance(folder := said.get("dir_info"), dict):
        return ("editable" if folder.get("editable") else "directory"), url
    digest = _digest(said.get("archive_info"))
    return "wheel", f"{url}#sha256={digest}" if digest else url


def told(text: str, source: str) -> Archive | None:
    """What PEP 610 or PEP 710 says of the archive; None where it names no sha256."""
    try:
        said = json.loads(text) if text else {}
        digest, url = _digest(said.get("archive_info")), str(said.get("url", ""))
    except (ValueError, AttributeError, RecursionError):
        return None
    file = local(url).rsplit("/", 1)[-1]
    return Archive(digest, source, file, public(url)) if len(digest) == 64 and file.endswith(".whl") else None


def _digest(archive: object) -> str:
    """`hashes` is the newer form, `hash` (`sha256=...`) the older one."""
    if not isinstance(archive, dict):
        return ""
    hashes = archive.get("hashes")
    found = hashes.get("sha256") if isinstance(hashes, dict) else str(archive.get("hash", "")).removeprefix("sha256=")
    return found if isinstance(found, str) and re.fullmatch("[0-9a-f]{2,64}", found) else ""


def header(text: str, name: str) -> str:
    match = re.search(rf"^{name}:[ \t]*(.*)$", text.split("\n\n", 1)[0], re.MULTILINE)
    return match[1].strip()[:200] if match else ""


def read(world: World, path: str, limit: int) -> str:
    """A file's text, empty when it is not there or cannot be read."""
    try:
        return world.text(path, limit)
    except (OSError, LookupError, ValueError):
        return ""
