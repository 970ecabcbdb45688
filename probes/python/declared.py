"""Which lock files lie beside the project, and which wheel do they name for an installed version? Declared, not enacted.

uv.lock, pylock.toml, poetry.lock, pdm.lock and pixi.lock all write a wheel's file name (or address) and, before the next one, its
sha256: one search reads them all. requirements.txt and Pipfile.lock name no files: their hash counts where a version has exactly one.
"""

from __future__ import annotations

import glob
import json
import os.path
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from auditor.world import World
from probes.python.address import public
from probes.python.distributions import Archive, normal, read

LOCK_BYTES = 8 << 20
MAX_FILES = 20
MAX_WHEELS = 100_000
UPWARDS = 3
NAMES = ("uv.lock", "pylock.toml", "pylock.*.toml", "poetry.lock", "pdm.lock", "pixi.lock", "Pipfile.lock", "requirements*.txt")
_FILE = re.compile(
    r"(?P<url>https?://[^\s\"'<>]{1,900}/)?(?P<file>[A-Za-z0-9._]{1,150}-[A-Za-z0-9.!+_%]{1,100}-[\w.%-]{1,400}\.whl)\Z"
)
_SHA256 = re.compile(r"\bsha256[\"':=\s]{1,8}([0-9a-f]{64})\b")
_NEXT = re.compile(r"\.whl|\.tar\.gz")
_STARTS = " \n\r\t\"'<>,{"
_PIN = re.compile(
    r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]{0,150})(?:\[[^\]\n]{0,200}\])?==([A-Za-z0-9.!+_-]{1,100})((?:[^\n]*\\\n)*[^\n]*)$"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """What one lock file says. wheels: by (normal name, version); single: the one hash of a version whose files have no names."""

    file: str
    wheels: dict[tuple[str, str], list[Archive]]
    single: dict[tuple[str, str], str]


def locks(world: World, folders: Iterable[str]) -> tuple[Locked, ...]:
    """The lock files of these folders and of up to three above each, nearest first; none above a repository's top."""
    seen: dict[str, None] = {}
    for start in folders:
        here = start.rstrip("/")
        for _ in range(UPWARDS + 1):
            if here.count("/") < 2:
                break
            seen.update(dict.fromkeys(p for n in NAMES for p in world.glob(f"{glob.escape(here)}/{n}")))
            if world.exists(f"{here}/.git"):
                break
            here = os.path.dirname(here)
    return tuple(parse(os.path.basename(p), read(world, p, LOCK_BYTES)) for p in list(seen)[:MAX_FILES])


def parse(name: str, text: str) -> Locked:
    if name == "Pipfile.lock":
        return Locked(name, {}, dict(_pipfile(text)))
    if name.endswith(".txt"):
        return Locked(name, {}, dict(_pins(text)))
    wheels: dict[tuple[str, str], list[Archive]] = {}
    for url, file, digest in _named(text):
        project, _, rest = file.partition("-")
        address = public(url) if url else ""
        wheels.setdefault((normal(project), rest.partition("-")[0]), []).append(Archive(digest, name, file, address))
    return Locked(name, wheels, {})


def _named(text: str) -> Iterator[tuple[str, str, str]]:
    """(address or empty, file name, sha256) of each wheel. From each `.whl` backwards to where its word starts: linear, whatever the text."""
    for end in (m.end() for m in islice(re.finditer(r"\.whl", text), MAX_WHEELS)):
        before = text[max(0, end - 1500) : end]
        word = before[max(before.rfind(c) for c in _STARTS) + 1 :]
        behind = text[end : end + 500]
        stop = _NEXT.search(behind)
        digest = _SHA256.search(behind, 0, stop.start() if stop else len(behind))
        # a word that is only a file name has no slash; one with an address starts with it
        match = _FILE.match(word) if digest else None
        if match and digest:
            yield (word if match["url"] else ""), unquote(match["file"]), digest[1]


def _pins(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    for match in _PIN.finditer(text):
        found = _HASH.findall(match[3])
        if len(found) == 1:
            yield (normal(match[1]), match[2]), found[0]


def _pipfile(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    try:
        told = json.loads(text)
        entries = [*told.get("default", {}).items(), *told.get("develop", {}).items()]
        for name, entry in entries:
            hashes = [h.removeprefix("sha256:") for h in entry.get("hashes", ()) if re.fullmatch("sha256:[0-9a-f]{64}", h)]
            if len(hashes) == 1:
                yield (normal(name), str(entry.get("version", "")).removeprefix("==")), hashes[0]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return


def archive(found: Iterable[Locked], name: str, version: str, tags: tuple[str, ...]) -> Archive | None:
    """The wheel that a lock names for what is installed: same version, same tags (WHEEL lists what the file name compresses)."""
    key = (normal(name), version)
    for lock in found:
        fitting = {a.sha256: a for a in lock.wheels.get(key, ()) if expanded(a.file) == frozenset(tags)}
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        if digest := lock.single.get(key):
            return Archive(digest, lock.file)
    return None


def expanded(file: str) -> frozenset[str]:
    """The tags of a wheel's file name, one by one (PEP 425, compressed tag sets)."""
    pythons, abis, platforms = ([""] * 3 + file.removesuffix(".whl").split("-"))[-3:]
    return frozenset(f"{p}-{a}-{m}" for p in pythons.split(".") for a in abis.split(".") for m in platforms.split("."))
