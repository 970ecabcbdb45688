"""Which operating system and C library does the job's own node have, and are its packages those of the machine that submitted?

Runs in the job, because no other machine can tell; it reads three files and lists nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.software import Component
from probes.software.osfiles import database, libc, release
from probes.software.reading import NOTE_BYTES


@dataclass(frozen=True)
class NodeSystem:
    """The node. release: `debian 12`; manager: `dpkg`, `rpm` or empty; components: its C library.

    database_sha256: of dpkg's status file, to hold against SystemPackages; empty for rpm.
    """

    release: str
    manager: str
    database_sha256: str
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> NodeSystem | Absent:
    manager, path = database(world)
    name, library = release(world), libc(world)
    if not (manager or name or library):
        return Absent("no os-release, no C library where it usually is, and no package database")
    digest = hashlib.sha256(world.read(path, NOTE_BYTES)).hexdigest() if manager == "dpkg" else ""
    return NodeSystem(name, manager, digest, (library,) if library else ())


PROBE = Probe(
    "node",
    NodeSystem,
    collect,
    frozenset({Phase.START}),
    source="os-release, the C library, the package database",
    guest=True,
)
