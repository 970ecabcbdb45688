"""How is the file opened, waited for, brought up to date, and what if it is broken? The only import of duckdb."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING

from auditor.model import AuditError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

REBUILD = "`auditor sweep --rebuild` makes it again from the archive and the spool; the broken file is kept beside it"
ROOM = "make room on the disk; nothing that waits in the spool is lost"
SHARED = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "ceph", "panfs", "afs", "fuse.sshfs", "wekafs", "pvfs2")


def connect(path: str, wait: float) -> DuckDBPyConnection:
    """Open or make the file, private. Raises AuditError: held by another process for longer than `wait` seconds, newer, damaged."""
    import duckdb

    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    except OSError as error:
        raise AuditError(
            f"no folder for the store: {error.filename or path}: {error.strerror}",
            "set AUDITOR_HOME to a folder you can write to",
        ) from error
    deadline = time.monotonic() + wait
    while True:
        before = os.umask(0o077)
        try:
            return duckdb.connect(path, config=_config())
        except duckdb.Error as error:
            if "Conflicting lock" not in str(error):
                raise _explained(error, path) from error
            if time.monotonic() >= deadline:
                raise _busy(error) from error
        finally:
            os.umask(before)
        time.sleep(0.05)


def _config() -> dict[str, str | bool | int | float | list[str]]:
    return {
        "storage_compatibility_version": "v1.0.0",  # DuckDB 1.5 and 2.0 read it
        "memory_limit": "768MB",
        "checkpoint_threshold": "128MB",  # once a batch would write everything twice
        "threads": str(min(4, len(os.sched_getaffinity(0)))),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }


def _busy(error: Exception) -> AuditError:
    pid = re.search(r"PID (\d+)", str(error))
    return AuditError(
        f"the store is busy: {f'process {pid[1]}' if pid else 'another process'} holds it", "try again when it has finished"
    )


def _explained(error: Exception, path: str) -> AuditError:
    text = str(error).splitlines()[0]
    if re.search(r"version number \d+, but we can only read", text):
        return AuditError(f"the store {path} was written by a newer DuckDB", "upgrade duckdb: pip install -U duckdb")
    if "set lock on file" in text:
        return AuditError(
            f"the file system of the store gives no locks: {text}", "set AUDITOR_HOME to a local disk of one machine"
        )
    if re.search(r"(?i)is a directory", text):
        return AuditError(f"{path} is a folder, not a store", "move it away")
    if re.search(r"(?i)no space left|disk quota|file too large|failed to write|could not write|not enough space", text):
        return AuditError(f"the store could not be written: {text}", ROOM)
    if re.search(r"(?i)permission denied|read-only|cannot open file", text):
        return AuditError(f"the store cannot be opened: {text}", "is it yours, and the disk writable?")
    return AuditError(f"the store {path} is damaged: {text}", REBUILD)


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Failures of the file or the disk become an AuditError; mistakes in our own SQL stay what they are."""
    import duckdb

    file_trouble = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
    try:
        yield
    except (*file_trouble, duckdb.TransactionException) as error:
        raise _explained(error, path) from error
    except OSError as error:
        raise AuditError(f"the store could not be written: {error.strerror or error}", ROOM) from error
    except duckdb.OutOfMemoryException as error:
        raise AuditError(
            f"the store ran out of memory or disk: {str(error).splitlines()[0]}", "make room and try again"
        ) from error


def migrate(con: DuckDBPyConnection, path: str) -> None:
    """Apply what is missing of migrations/*.sql, each in its own transaction. Raises AuditError on one we do not know."""
    con.execute("create table if not exists migration (name varchar, applied_at varchar)")
    applied = {name for (name,) in con.execute("select name from migration").fetchall()}
    folder = resources.files("auditor.store") / "migrations"
    known = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    if newer := sorted(applied - {entry.name for entry in known}):
        raise AuditError(
            f"the store {path} was written by a newer auditor ({newer[-1]})",
            "upgrade auditor, or set AUDITOR_HOME to another folder",
        )
    for entry in known:
        if entry.name not in applied:
            con.begin()
            con.execute(entry.read_text(encoding="utf-8"))
            con.execute("insert into migration values (?, strftime(now()::timestamp, '%Y-%m-%dT%H:%M:%S+00:00'))", [entry.name])
            con.commit()


def shared_file_system(path: str, mountinfo: str) -> str:
    """`lustre`, `nfs4` ...: the type of the file system that holds `path`, when it is one of many machines; else empty.

    mountinfo: text of /proc/self/mountinfo, proc_pid_mountinfo(5): field 5 is the mount point, the one after `-` the type.
    """
    best, kind = "", ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind if kind in SHARED else ""


def warning(path: str) -> str:
    """What to say of the place where the store lies; empty when it is a good one."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            kind = shared_file_system(os.path.realpath(path), file.read())
    except OSError:
        return ""
    if not kind:
        return ""
    return f"the store lies on {kind}: locks are unreliable there; set AUDITOR_HOME to a local disk of one machine"


def roll_back(con: DuckDBPyConnection) -> None:
    """Undo, where there is still something to undo: a failed commit has done so already."""
    import duckdb

    try:
        con.rollback()
    except duckdb.Error:
        return
