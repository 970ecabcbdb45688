"""Is what lies here still what the run began with? A file that was written since is not, whoever wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.model import Job
from auditor.world import World
from probes.data.when import SECOND_NS, exact, over, start
from probes.manifest.build import Entry, Left
from probes.tracing.roles import Roles


@dataclass(frozen=True)
class Since:
    """Times in ns since the epoch: from `start` on a file's mtime says that the run did not begin with it; after `over` the run had ended.

    written: real paths that a trace saw the run write, whatever their times say.
    """

    start: int
    over: int
    written: frozenset[str] = frozenset()

    def split(self, paths: Iterable[str]) -> tuple[Left, ...]:
        """Those of these files that were written since."""
        found = []
        for path in paths:
            try:
                seen = os.stat(path)
            except OSError:
                continue  # whoever reads it says so
            found += self._one(path, seen.st_size, seen.st_mtime_ns)
        return tuple(found)

    def among(self, entries: Iterable[Entry]) -> tuple[Left, ...]:
        """The same of files that were read already: those of folders."""
        return tuple(left for e in entries for left in self._one(e.path, e.size, e.mtime_ns))

    def _one(self, path: str, size: int, mtime_ns: int) -> list[Left]:
        if mtime_ns > self.over:
            return [Left(path, "written-since", size, mtime_ns)]
        if mtime_ns >= self.start or (self.written and os.path.realpath(path) in self.written):
            return [Left(path, "written-meanwhile", size, mtime_ns)]
        return []


def since(world: World, job: Job, seen: Roles | None) -> Since | None:
    """None: nobody knows when the run began. seen: what a trace saw."""
    if not job.started_at:
        return None
    # a second is long: the run before may have ended in it, or somebody have laid out the input
    grace = 0 if exact(world, job) else SECOND_NS
    written = frozenset(map(os.path.realpath, seen.outputs)) if seen else frozenset[str]()
    return Since(start(world, job) + grace, over(job), written)
