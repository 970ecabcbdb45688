"""From calls in order to roles: which files were read first, which were written, which are gone again? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_PATHS = 1_000_000
_SYSTEM = ("/usr/", "/lib/", "/lib32/", "/lib64/", "/bin/", "/sbin/", "/etc/", "/proc/", "/sys/", "/dev/", "/run/", "/boot/")
_SYSTEM_VAR = ("/var/lib/", "/var/cache/", "/var/run/", "/var/spool/slurm", "/var/log/")
_SOFTWARE = re.compile(
    r"/(?:site|dist)-packages/|/lib(?:64)?/python\d|/__pycache__/|\.py[co]$|\.so(?:\.[0-9.]+)?$|/pyvenv\.cfg$|/\.singularity\.d/"
    r"|/\.(?:pyenv|conda|cargo|rustup|git|config|nvm|lmod\.d|bash[^/]*|profile|terminfo)(?:/|$)"
)


class Call(NamedTuple):
    """op: `r` read, `w` written from nothing or appended, `u` opened for both, `c` likewise or made by it, `x` executed, `d` removed,
    `m` moved to `target`."""

    op: str
    path: str
    target: str = ""


@dataclass
class _File:
    """What is known of one path so far. before: it existed when it was first touched; made: or that call made it, nobody knows."""

    before: bool
    read: bool = False
    written: bool = False
    there: bool = True
    executed: bool = False
    made: bool = False
    sure: bool = False
    """It was written: opened for nothing else, or moved here."""


@dataclass
class History:
    """Files by path. cut: more paths than MAX_PATHS: the later ones were not noted. own: a folder whose files are the tracer's."""

    files: dict[str, _File] = field(default_factory=dict)
    calls: int = 0
    cut: bool = False
    own: str = ""
    folders: set[str] = field(default_factory=set)
    """All folders above the files."""

    def add(self, calls: Iterable[Call]) -> None:
        for call in calls:
            self.calls += 1
            self._one(call)

    def _one(self, call: Call) -> None:
        op, path, target = call
        if self.own and path.startswith(f"{self.own}/"):
            return
        file = self.files.get(path)
        if file is None:
            if len(self.files) >= MAX_PATHS:
                self.cut = True
                return
            if op == "m" and path in self.folders:
                self._moved_folder(path, target)
                return
            file = self._new(path, _File(before=op != "w", made=op == "c"))
        if op in "ruc" and not file.written and file.there:
            file.read = True
        if op in "wuc":
            file.written = file.there = True
            file.sure = file.sure or op == "w"
        elif op == "x":
            file.executed = True
        elif op == "d":
            file.there = False
        elif op == "m":
            self._moved(file, target)

    def _new(self, path: str, file: _File) -> _File:
        self.files[path] = file
        above = path.rpartition("/")[0]
        while above and above not in self.folders:
            self.folders.add(above)
            above = above.rpartition("/")[0]
        return file

    def _moved(self, file: _File, target: str) -> None:
        """The target holds what was written, or what was there before and now is elsewhere: both are outputs."""
        known = self.files.get(target)
        file.there = False
        self._new(
            target, _File(before=known.before if known else False, read=known.read if known else False, written=True, sure=True)
        )

    def _moved_folder(self, path: str, target: str) -> None:
        below = [(p, f) for p, f in self.files.items() if p.startswith(f"{path}/") and f.there]
        for old, file in below:
            if file.written:
                self._moved(file, target + old[len(path) :])

    def perhaps_made(self, mixed: bool = False) -> list[str]:
        """Inputs that the first call that touched them may have made. mixed: of several traces nobody knows whose calls came first."""
        return [p for p in self.inputs() if self.files[p].made or (mixed and self.files[p].written)]

    def perhaps_written(self) -> list[str]:
        """Outputs that were opened for reading and writing, and perhaps never written."""
        return [p for p in self.outputs() if not self.files[p].sure]

    def inputs(self) -> list[str]:
        return sorted(p for p, f in self.files.items() if f.read and f.before and not f.executed and is_data(p))

    def outputs(self) -> list[str]:
        return sorted(p for p, f in self.files.items() if f.written and f.there and is_data(p))

    def programs(self) -> list[str]:
        return sorted(p for p, f in self.files.items() if f.executed and not is_system(p))

    def scratch(self) -> int:
        return sum(1 for p, f in self.files.items() if f.written and not f.there and is_data(p))

    def software(self) -> int:
        return sum(1 for p in self.files if not is_data(p))


def is_system(path: str) -> bool:
    return path.startswith(_SYSTEM) or path.startswith(_SYSTEM_VAR)


def is_data(path: str) -> bool:
    """Neither the system's nor a library's file; those are evidence of other probes."""
    return not is_system(path) and not _SOFTWARE.search(path)
