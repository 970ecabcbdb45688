"""How does a result of any size become a file that is whole or not there? Beside it in `FILE.part`, which a killed run leaves and the next takes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from auditor.model import AuditError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def parts(output: str) -> tuple[str, str]:
    """What it may be written to first: one name for all runs, and one for when another run writes there now."""
    return f"{output}.part", f"{output}.{os.getpid()}.part"


@contextmanager
def whole(output: str) -> Iterator[IO[bytes]]:
    """A file to write to; it has its name once the block has ended well, and is gone when it has not. Raises AuditError, OSError."""
    try:
        file, temporary = _open(output)
    except OSError as error:
        folder = os.path.dirname(output) or "."
        why = f"there is no folder {folder}" if not os.path.lexists(folder) else error.strerror or str(error)
        why = f"{folder} is no folder" if os.path.lexists(folder) and not os.path.isdir(folder) else why
        raise AuditError(f"{output} cannot be written: {why}", "make the folder, or name another place with -o") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, output)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno in FULL and not error.filename:
            raise AuditError(
                f"{output} cannot be written: {error.strerror}", "make room, or name another place with -o"
            ) from error
        raise


def _open(output: str) -> tuple[IO[bytes], str]:
    """Ours alone, and empty. What is locked is another run's; what is not locked was left by one that was killed."""
    shared, own = parts(output)
    fd = os.open(shared, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    except OSError:  # a file system without locks: nobody writes there
        os.unlink(shared)
    else:
        if _is_at(fd, shared):  # else another run has just given it its name
            os.ftruncate(fd, 0)
            return os.fdopen(fd, "wb"), shared
    os.close(fd)
    return open(own, "xb"), own


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False
