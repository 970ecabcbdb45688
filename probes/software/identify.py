"""Exactly which build of a library is this file? Its name, SONAME, build id, the sentence its build left in it, and its digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.world import World
from probes.software import Component, elf
from probes.software.libnames import ECOSYSTEM, SIGNS, own_name, rule, version

FILE_BYTES = 96 << 20
TOTAL_BYTES = 512 << 20
_OVERLAP = 512


@dataclass(frozen=True)
class Library:
    """A shared library. role, name: as in probes/software/libnames.py; size in bytes, None: not looked at.

    build: what the build wrote into it (`OpenBLAS 0.3.27 DYNAMIC_ARCH ...`); sha256: of the file, empty when it was over the budget.
    """

    path: str
    role: str
    name: str
    version: str
    soname: str = ""
    build_id: str = ""
    build: str = ""
    sha256: str = ""
    size: int | None = None
    inside: bool = False
    """The path is one inside a container."""


@dataclass
class Budget:
    """How many bytes may still be read."""

    left: int = TOTAL_BYTES


def named(path: str) -> Library | None:
    """What the name alone tells, for a file that cannot be read from here; None when it is not of interest."""
    kind = rule(path)
    return Library(path, kind.role, kind.name or own_name(path), version(path)) if kind else None


def identify(world: World, path: str, budget: Budget) -> Library | None:
    """All that the file tells. One that cannot be read is known by its name; None when it is not of interest."""
    known = named(path)
    if known is None:
        return None
    try:
        size = world.stat(path).size
        head = elf.read(world, path)
    except (OSError, LookupError, elf.NotElf):
        return known
    digest, build, told, number = "", "", "", ""
    if size <= min(FILE_BYTES, budget.left):
        budget.left -= size
        digest, told, build, number = _pass(world, path, known.role)
    return Library(path, known.role, told or known.name, number or known.version, head.soname, head.build_id, build, digest, size)


def _pass(world: World, path: str, role: str) -> tuple[str, str, str, str]:
    """(sha256, implementation, sentence, version) in one reading."""
    digest, found, tail = hashlib.sha256(), ("", "", ""), b""
    signs = SIGNS.get(role, ())
    try:
        for piece in world.chunks(path):
            digest.update(piece)
            if signs and not found[0]:
                text = tail + bytes(piece)
                found = _sentence(text, signs)
                tail = text[-_OVERLAP:]
    except (OSError, LookupError):
        return "", *found
    return digest.hexdigest(), *found


def _sentence(text: bytes, signs: Iterable[tuple[str, re.Pattern[bytes]]]) -> tuple[str, str, str]:
    for name, pattern in signs:
        if match := pattern.search(text):
            said = " ".join(match[0].decode("ascii", "replace").split())
            return name, said, match["version"].decode("ascii", "replace")
    return "", "", ""


def components(libraries: Iterable[Library]) -> tuple[Component, ...]:
    """One component a library; detail: what its build says, else its build id. Of the C library's parts only the one that says its version."""
    return tuple(
        Component(
            ECOSYSTEM.get(lib.role, lib.role),
            lib.name if lib.role != "openmp" else f"openmp-{lib.name}",
            lib.version,
            f"sha256:{lib.sha256}" if lib.sha256 else "",
            lib.path,
            ("in a container: " if lib.inside else "") + (lib.build or (f"build-id {lib.build_id}" if lib.build_id else "")),
        )
        for lib in libraries
        if lib.role != "libc" or lib.build
    )
