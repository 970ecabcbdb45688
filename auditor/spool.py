"""How does a capture become an immutable file, and come back? Atomic, private, bounded; broken files are set aside.

Standard library only; written from jobs and from the wrapper's child. Two forms, one meaning: `*.json` is a Capture,
`*.raw` is what the in-job shell hook saved (see auditor.rawfile), parsed when it is ingested. The hook writes it in place.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from auditor.codec import dumps
from auditor.model import Capture

MAX_FILE = 256 << 20
END = b"\0end\0\0"
"""The last bytes of a whole `*.raw`, and of no part of one: a key is never empty."""
PATIENCE = 600.0
"""Seconds since the last write after which a `*.raw` without its end is taken as it is: its writer is gone."""


def write(folder: str, name: str, data: bytes) -> str:
    """Write `folder/name` so that a reader sees all of it or nothing: temporary name, fsync, rename; 0600 in 0700."""
    _private(folder)
    path = os.path.join(folder, name)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
        os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def _private(folder: str) -> None:
    """Make the folder and what is missing above it, 0700 each: `makedirs` gives its mode to the last one only."""
    if not os.path.isdir(folder):
        above = os.path.dirname(folder)
        if above != folder:
            _private(above)
        os.makedirs(folder, mode=0o700, exist_ok=True)


def save(folder: str, capture: Capture) -> str:
    """Spool one capture; the name is unique by content, so spooling twice is spooling once."""
    from auditor.codec import digest

    job = capture.job.job_id.replace("/", "_")
    name = f"{job}-{capture.job.attempt}-{capture.phase}-{digest(capture)[:16]}.json"
    return write(folder, name, dumps(capture))


def waiting(folder: str) -> Iterator[str]:
    """Paths of finished spool files, oldest name first; temporary files and records still being written are left alone."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if not name.startswith(".") and (name.endswith(".json") or (name.endswith(".raw") and not _growing(path))):
            yield path


def _growing(path: str) -> bool:
    """Is a hook's record without its end, and young? What cannot be looked at is not: its reader says why."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        seen = os.fstat(fd)
        tail = os.pread(fd, len(END), max(0, seen.st_size - len(END)))
        return tail != END and time.time() - seen.st_mtime < PATIENCE
    except OSError:  # a folder, a pipe
        return False
    finally:
        os.close(fd)
