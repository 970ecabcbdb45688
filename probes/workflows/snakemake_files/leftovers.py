"""What did a run leave that was not closed: locks, and outputs marked as incomplete? Is a process still at it?

`.snakemake/incomplete/<base64 of the path>` and `.snakemake/locks/*.lock` of the file backend, `incomplete` and table `snakemake_locks` of the other.
"""

from __future__ import annotations

import base64
import glob
import os
import shlex
from dataclasses import dataclass

from auditor.world import NotRecorded, World
from probes.records.inside import inside
from probes.records.sqlite import Broken, opened
from probes.records.within import below

MAX_MARKS = 10_000
MAX_PROCESSES = 50_000


@dataclass(frozen=True)
class Leftovers:
    """incomplete: outputs that were being written. locked: where the lock lies, empty without one."""

    incomplete: frozenset[str] = frozenset()
    locked: str = ""


def leftovers(world: World, folder: str) -> Leftovers:
    return Leftovers(frozenset(_incomplete(world, folder)), _lock_file(world, folder) or _lock_row(world, folder))


def _incomplete(world: World, folder: str) -> list[str]:
    found = []
    for name in _names(world, folder, ".snakemake/incomplete"):
        try:
            found.append(base64.b64decode(name, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape"))
        except ValueError:
            continue
    return found


def _names(world: World, folder: str, sub: str) -> list[str]:
    """Names below a folder; those of folders that begin with `@` are put together."""
    try:
        at = below(world, folder, sub)
    except OSError:
        return []
    found: list[str] = []
    todo = [(at, "")]
    while todo and len(found) < MAX_MARKS:
        where, before = todo.pop()
        for path in world.glob(f"{glob.escape(where)}/*")[:MAX_MARKS]:
            name = os.path.basename(path)
            if not name.startswith("@"):
                found.append(before + name)
            elif len(todo) < MAX_MARKS and world.stat(path, follow=False).is_dir:
                todo.append((path, before + name[1:]))
    return found


def _lock_file(world: World, folder: str) -> str:
    locks = [name for name in _names(world, folder, ".snakemake/locks") if name.endswith(".lock")]
    return f".snakemake/locks/{min(locks)}" if locks else ""


def _lock_row(world: World, folder: str) -> str:
    try:
        with opened(inside(world, folder, ".snakemake/metadata.db")) as database:
            return ".snakemake/metadata.db" if next(database.rows("snakemake_locks", "lock_type"), None) else ""
    except (Broken, OSError):
        return ""


def at_work(world: World, command: str) -> bool | None:
    """Is a process with this command line alive on this machine? None: could not look."""
    try:
        wanted = shlex.split(command)
    except ValueError:
        wanted = command.split()
    if not wanted:
        return None
    try:
        paths = world.glob("/proc/[0-9]*/cmdline")
    except (OSError, NotRecorded):
        return None
    return any(_is(world, path, wanted) for path in paths[:MAX_PROCESSES]) if paths else None


def _is(world: World, path: str, wanted: list[str]) -> bool:
    try:
        words = world.read(path).decode("utf-8", "replace").rstrip("\0").split("\0")
    except (OSError, NotRecorded):
        return False
    return words[-len(wanted) :] == wanted or " ".join(words).endswith(" ".join(wanted))
