"""Which other files does the batch script call, and what was in them? Found statically; hashed at submit and at start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.script.search import Call
from probes.script.trace import Trace, trace

FILE_BYTES = 32 << 20
TOTAL_BYTES = 128 << 20


@dataclass(frozen=True)
class CalledFile:
    """A script or program file the batch script runs or sources, or that such a file imports from beside it.

    line: where it is named in the caller. sha256 empty when `state` is not `ok` (`absent`, `unreadable`, `too-big`).
    """

    path: str
    caller: str
    line: int
    sha256: str
    size: int
    state: str
    how: str = ""
    """`python`, `shell`, `source`, `import`, `program`, `engine`, `input`, `notebook`, `r`, `julia` ..."""


@dataclass(frozen=True)
class CalledFiles:
    """Guest probe, submit and start: comparing the two is drift."""

    files: tuple[CalledFile, ...]
    unresolved: tuple[str, ...]
    """Words that name a file only at run time (`$STEP.sh`), as written, and files inside a container."""


def collect(world: World, job: Job) -> CalledFiles | Absent:
    if not job.script:
        return Absent("the batch script is not known")
    return hashed(world, trace(world, job))


def hashed(world: World, found: Trace) -> CalledFiles:
    """Hash what was found, within FILE_BYTES a file and TOTAL_BYTES in all."""
    files: list[CalledFile] = []
    unresolved = list(found.unresolved)
    left = TOTAL_BYTES
    for call in found.calls:
        file = _file(world, call, min(FILE_BYTES, left))
        if call.inside and file.state == "absent":
            unresolved.append(f"{call.path} (inside {call.inside})")
            continue
        left -= file.size if file.state == "ok" else 0
        files.append(file)
    return CalledFiles(tuple(files), tuple(unresolved))


def _file(world: World, call: Call, limit: int) -> CalledFile:
    size, sha256, state = 0, "", "ok"
    try:
        about = world.stat(call.path)
        size = about.size
        if not about.is_file:
            state = "unreadable"
        elif size > limit:
            state = "too-big"
        else:
            state, sha256 = _digest(world, call.path, limit)
    except FileNotFoundError:
        state = "absent"
    except (OSError, LookupError, ValueError):
        state = "unreadable"
    return CalledFile(call.path, call.caller, call.line, sha256, size, state, call.how)


def _digest(world: World, path: str, limit: int) -> tuple[str, str]:
    digest, seen = hashlib.sha256(), 0
    for piece in world.chunks(path):
        digest.update(piece)
        seen += len(piece)
        if seen > limit:  # it grows while we read
            return "too-big", ""
    return "ok", digest.hexdigest()


PROBE = Probe(
    "called", CalledFiles, collect, frozenset({Phase.SUBMIT, Phase.START}), source="files named by the batch script", guest=True
)
