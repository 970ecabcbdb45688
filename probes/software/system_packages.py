"""Which packages of the operating system does the machine have on which the job was submitted?

dpkg's status file or the answer of `rpm -qa`. The job's own node is told by the probe `node`: where both have the same database, this
list is the node's, and thousands of tasks need not repeat it. Sources: dpkg(1), "status"; rpm(8), "query options".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.model import Absent, Found, Job, Phase, Probe
from auditor.world import World
from probes.software import Component
from probes.software.osfiles import database, release
from probes.software.reading import text

MAX_PACKAGES = 6000
_ASK = ("rpm", "-qa", "--queryformat", "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n")
_SECONDS = 60.0


@dataclass(frozen=True)
class SystemPackages:
    """The operating system's packages; detail of a component: architecture. manager: `dpkg` or `rpm`; release: `debian 12`.

    changed: when the database last changed, ISO 8601 UTC: the snapshot of the distribution that has these versions is not older.
    list_sha256: over sorted `name version architecture` lines: two machines with the same list have the same. database_sha256: of
    dpkg's status file; empty for rpm, whose file differs from machine to machine.
    """

    manager: str
    release: str
    changed: str
    list_sha256: str
    database_sha256: str
    packages: int
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[SystemPackages] | Absent:
    manager, path = database(world)
    if not manager:
        return Absent("neither dpkg nor rpm keeps a database here")
    if manager == "dpkg":
        status = text(world, path)
        components, digest, source = tuple(parse_dpkg(status)), _sha256(status), path
    else:
        ran = world.run(*_ASK, timeout=_SECONDS)
        if ran.code:
            raise OSError(f"rpm -qa: {ran.err.strip()[:200]}")
        components, digest, source = tuple(parse_rpm(ran.out)), "", "rpm -qa"
    components = tuple(sorted(set(components), key=lambda c: (c.name, c.version, c.detail)))[:MAX_PACKAGES]
    changed = datetime.fromtimestamp(world.stat(path).mtime_ns // 10**9, UTC).isoformat()
    lines = "".join(f"{c.name} {c.version} {c.detail}\n" for c in components)
    seen = SystemPackages(manager, release(world), changed, _sha256(lines), digest, len(components), components)
    return Found(seen, source)


def parse_dpkg(status: str) -> Iterator[Component]:
    """Paragraphs of dpkg's status file whose third word of `Status:` is `installed`; those half removed are not there."""
    for paragraph in status.split("\n\n"):
        told = dict(line.split(": ", 1) for line in paragraph.split("\n") if ": " in line and not line.startswith(" "))
        if told.get("Status", "").endswith(" installed") and told.get("Package"):
            yield Component("deb", told["Package"], told.get("Version", ""), detail=told.get("Architecture", ""))


def parse_rpm(answer: str) -> Iterator[Component]:
    """Rows `name epoch version-release architecture`; an epoch of 0 is not written. Keys in the database are no packages."""
    for row in answer.splitlines():
        name, epoch, version, arch, *_ = (*row.split("\t"), "", "", "", "")
        if name and version and name != "gpg-pubkey":
            yield Component("rpm", name, version if epoch in ("", "0") else f"{epoch}:{version}", detail=arch)


def _sha256(told: str) -> str:
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


PROBE = Probe(
    "system-packages",
    SystemPackages,
    collect,
    frozenset({Phase.SUBMIT}),
    source="the package database of the operating system",
)
