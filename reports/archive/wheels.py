"""What is in this wheel, and is it what was installed? Its RECORD says (packaging.python.org, "Binary distribution format")."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass

from auditor.model import AuditError
from auditor.world import World
from probes.packages import Package
from probes.python import record
from probes.python.zipread import member, opened

NAME = re.compile(
    r"(?P<name>[A-Za-z0-9._]+)-(?P<version>[A-Za-z0-9.!+_]+)(?:-(?P<build>\d[\w.]*))?-(?P<tags>[\w.]+-[\w.]+-[\w.]+)\.whl"
)
"""NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl."""
RECORD_BYTES = 32 << 20
REPACKED = "0repacked"
"""Build tag of wheels that are packed again from installed files: their name says that no index has them."""


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Wheel:
    """A wheel of a package the run had: file name, sha256, bytes. carried: it is in the bundle; url: where anybody can have it."""

    file: str
    sha256: str
    size: int
    carried: bool = True
    url: str = ""

    @property
    def project(self) -> tuple[str, str]:
        """Normal name and version, from the file's name."""
        name, _, rest = self.file.partition("-")
        return normal(name), rest.partition("-")[0]


@dataclass(frozen=True)
class Inside:
    """A wheel's RECORD. file: a name for it, made of what WHEEL says; rows: as in probes.python.record."""

    file: str
    rows: tuple[record.Row, ...]

    def installed_in(self, location: str) -> str:
        """The identity it will have once it is installed there."""
        return record.identity(record.as_installed(self.rows, location))


def inside(world: World, path: str) -> Inside:
    """Raises ValueError for what is no wheel, OSError when it cannot be read."""
    with opened(world, path) as archive:
        found = [m for n in archive.namelist() if (m := re.fullmatch(r"([\w.]+)-([\w.!+]+)\.dist-info/RECORD", n))]
        if len(found) != 1:
            raise ValueError(f"{path} holds no RECORD")
        text = member(archive, found[0][0], RECORD_BYTES).decode("utf-8", "surrogateescape")
        about = member(archive, f"{found[0][1]}-{found[0][2]}.dist-info/WHEEL", 1 << 16).decode("utf-8", "replace")
    tags = re.findall(r"(?m)^Tag:[ \t]*([\w.]+-[\w.]+-[\w.]+)[ \t\r]*$", about)
    return Inside(f"{found[0][1]}-{found[0][2]}-{compressed(tags)}.whl", tuple(record.parse(text)))


def compressed(tags: list[str]) -> str:
    """Tags as a file name has them (PEP 425); `py3-none-any` where there are none."""
    parts = [dict.fromkeys(column) for column in zip(*(t.split("-") for t in tags), strict=True)]
    return "-".join(".".join(p) for p in parts) or "py3-none-any"


def differs(package: Package, world: World, path: str) -> str:
    """Why this file is not what was installed, empty when it is. Without a recorded digest its name has to do."""
    try:
        found = inside(world, path).installed_in(package.location)
    except (ValueError, OSError) as error:
        return f"it is no wheel that can be read ({str(error)[:200]})"
    if not package.record_sha256 or found == package.record_sha256:
        return ""
    return "it holds other files than the ones that were installed"


def measure(world: World, path: str, name: str = "", *, carried: bool = True, url: str = "") -> Wheel:
    """Raises AuditError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        for piece in world.chunks(path):
            digest.update(piece)
        return Wheel(name or os.path.basename(path), digest.hexdigest(), world.stat(path).size, carried, url)
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror or error}", "may you read it?") from error
