"""How does only one sweep work at a time? By a lock that the kernel takes back however its holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from auditor.home import Home
from auditor.model import AuditError

LOCK_SECONDS = 30.0


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Hold the lock. Raises AuditError when another holds it for too long, or the home cannot be written."""
    try:
        os.makedirs(home.root, mode=0o700, exist_ok=True)
        fd = os.open(os.path.join(home.root, "sweep.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AuditError(f"{home.root} cannot be written: {error.strerror}", "set AUDITOR_HOME to a folder of yours") from error
    try:
        end = time.monotonic() + LOCK_SECONDS
        while not _locked(fd):
            if time.monotonic() > end:
                raise AuditError(f"another sweep has been at work for {LOCK_SECONDS:g} s", "it will do the same; try again later")
            time.sleep(0.1)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
