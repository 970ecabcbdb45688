"""Which shared libraries have these processes mapped by now, and when is it worth looking again? From /proc, standard library only.

Looking is cheap and short processes are many, so the pauses grow: what a program loads, it mostly loads when it starts. What a process
in a container has mapped is read through that process, at once: the same path means another file out here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from auditor.world import RealWorld
from probes.software.identify import Budget, Library, identify
from probes.software.libraries import LoadedLibraries, look, mapped

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds from one look to the next; the last one stays."""
MAPS_BYTES = 8 << 20
MAX_PROCESSES = 512
MAX_PROGRAMS = 50


@dataclass
class Glances:
    """What was seen of one job so far, and when the next look is due, on the clock of `time.monotonic`."""

    due: float
    paths: set[str] = field(default_factory=set)
    inside: dict[str, Library | None] = field(default_factory=dict)
    """By path, of processes in another mount namespace; None: of no interest."""
    programs: dict[str, None] = field(default_factory=dict)
    looks: int = 0
    budget: Budget = field(default_factory=Budget)

    def look(self, pids: Iterable[int], now: float) -> None:
        """Look at these processes once."""
        ours = _namespace("self")
        for pid, _ in zip(pids, range(MAX_PROCESSES), strict=False):
            found = mapped(_text(f"/proc/{pid}/maps", MAPS_BYTES))
            if found and _namespace(str(pid)) != ours:
                self._inside(pid, found)
            else:
                self.paths |= found
            if found and len(self.programs) < MAX_PROGRAMS:
                self.programs[_text(f"/proc/{pid}/comm", 64).strip()] = None
        self.due = now + PAUSES[min(self.looks + 1, len(PAUSES) - 1)]
        self.looks += 1

    def _inside(self, pid: int, found: set[str]) -> None:
        for path in found - self.inside.keys():
            seen = identify(RealWorld(cwd="/"), f"/proc/{pid}/root{path}", self.budget)
            self.inside[path] = replace(seen, path=path, inside=True) if seen else None

    def told(self, known: dict[str, Library | None] | None = None) -> LoadedLibraries:
        """All that was seen, identified; known: what was identified before, added to."""
        return look("sampled", tuple(self.programs), self.paths, RealWorld(cwd="/"), self.looks, known, self.inside)


def _namespace(pid: str) -> int:
    """The number of a process's mount namespace (namespaces(7)); -1 where we may not ask, which is as good as another one."""
    try:
        return os.stat(f"/proc/{pid}/ns/mnt").st_ino
    except OSError:
        return -1


def first(now: float) -> Glances:
    return Glances(now + PAUSES[0])


def of_job(job_id: str, mine: frozenset[int]) -> Iterator[int]:
    """This user's processes here whose environment says that they belong to this Slurm job, those of `srun` too; not `mine`."""
    sign = b"\0SLURM_JOB_ID=%s\0" % os.fsencode(job_id)
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) not in mine:
            with suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == os.geteuid() and sign in b"\0" + _bytes(f"/proc/{name}/environ", 4 << 20):
                    yield int(name)


def _text(path: str, limit: int) -> str:
    return _bytes(path, limit).decode("utf-8", "surrogateescape")


def _bytes(path: str, limit: int) -> bytes:
    """Empty when the process is gone, or another user's by now."""
    parts: list[bytes] = []
    try:
        with open(path, "rb", buffering=0) as file:  # the kernel gives a page or so at a time
            while limit > 0 and (part := file.read(min(limit, 1 << 16))):
                parts.append(part)
                limit -= len(part)
    except OSError:
        pass
    return b"".join(parts)
