"""Which shared libraries have these processes mapped by now, and when is it worth looking again? From /proc, standard library only.

Looking is cheap and short processes are many, so the pauses grow: what a program loads, it mostly loads when it starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from probes.software.libraries import mapped

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
    programs: dict[str, None] = field(default_factory=dict)
    looks: int = 0

    def look(self, pids: Iterable[int], now: float) -> None:
        """Look at these processes once."""
        for pid, _ in zip(pids, range(MAX_PROCESSES), strict=False):
            found = mapped(_text(f"/proc/{pid}/maps", MAPS_BYTES))
            self.paths |= found
            if found and len(self.programs) < MAX_PROGRAMS:
                self.programs[_text(f"/proc/{pid}/comm", 64).strip()] = None
        self.due = now + PAUSES[min(self.looks + 1, len(PAUSES) - 1)]
        self.looks += 1


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
