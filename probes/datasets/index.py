"""What did each file of a data set look like when it was hashed? One SQLite file, written once, read by anybody without a lock.

Facts: size, mtime and ctime in ns, sha256; of a symbolic link those of the file it leads to, with the later ctime of the two.
ctime cannot be set: a rewrite with a restored mtime, a file put in another's place and a link that was turned all change it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple
from urllib.parse import quote

VERSION = 1
_SCHEMA = """
CREATE TABLE meta (version INTEGER, digest TEXT);
CREATE TABLE file (folder BLOB, name BLOB, size INTEGER, mtime INTEGER, ctime INTEGER, sha256 BLOB, PRIMARY KEY (folder, name)) WITHOUT ROWID;
CREATE TABLE folder (path BLOB PRIMARY KEY, parent BLOB, name BLOB, digest TEXT, files INTEGER, bytes INTEGER) WITHOUT ROWID;
CREATE INDEX below ON folder (parent);
"""


class Facts(NamedTuple):
    """size in bytes, times in ns."""

    size: int
    mtime: int
    ctime: int


class Known(NamedTuple):
    """A file as it was hashed; sha256 bare hex, empty for what has none (a link to a folder)."""

    facts: Facts
    sha256: str


class Folder(NamedTuple):
    """A folder and all below it; digest `sha256:<hex>`."""

    digest: str
    files: int
    bytes: int


class Damaged(OSError):
    """The index is not what was written."""


def facts(path: str) -> Facts:
    """Raises FileNotFoundError, PermissionError. A link to nothing or to a folder counts by itself."""
    own = os.lstat(path)
    if not stat.S_ISLNK(own.st_mode):
        return Facts(own.st_size, own.st_mtime_ns, own.st_ctime_ns)
    try:
        target = os.stat(path)
    except FileNotFoundError:
        target = own
    if stat.S_ISDIR(target.st_mode):
        target = own
    return Facts(target.st_size, target.st_mtime_ns, max(own.st_ctime_ns, target.st_ctime_ns))


def write(path: str, digest: str, files: Iterable[tuple[str, Known]], folders: Iterable[tuple[str, Folder]]) -> None:
    """A new index of relative paths; `path` must not exist. Raises OSError (a full disk)."""
    import sqlite3

    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            db.executescript(_SCHEMA)
            db.execute("BEGIN")
            db.execute("INSERT INTO meta VALUES (?, ?)", (VERSION, digest))
            db.executemany("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?)", map(_row, files))
            db.executemany("INSERT OR REPLACE INTO folder VALUES (?, ?, ?, ?, ?, ?)", map(_folder_row, folders))
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(f"the index of the data set cannot be written: {error}") from error


def _row(file: tuple[str, Known]) -> tuple[bytes, bytes, int, int, int, bytes]:
    folder, name = os.path.split(os.fsencode(file[0]))
    return folder, name, *file[1].facts, bytes.fromhex(file[1].sha256)


def _folder_row(folder: tuple[str, Folder]) -> tuple[bytes, bytes | None, bytes, str, int, int]:
    path = os.fsencode(folder[0])
    parent, name = os.path.split(path)
    return path, parent if path else None, name, *folder[1]


class Index:
    """An open index. Every method raises Damaged where it cannot be read."""

    def __init__(self, path: str, digest: str) -> None:
        """digest: of the data set that it must belong to."""
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Damaged("it is no file")
        try:
            import sqlite3  # opened in a job only where a data set is registered; some builds of Python lack it
        except ImportError as error:
            raise Damaged(f"this Python has no sqlite3: {error}") from error
        # immutable: no lock, no journal is looked for; the file is replaced, never written again
        self._db = sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro&immutable=1", uri=True)
        odd = "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"
        if self._ask(odd) != [(0,)] or self._ask("SELECT version, digest FROM meta") != [(VERSION, digest)]:
            self.close()
            raise Damaged("it belongs to another registration")

    def close(self) -> None:
        self._db.close()

    def files(self, folder: str) -> dict[str, tuple[int, int, int, bytes]]:
        """The folder's own files by name: size, mtime, ctime, digest. Plain tuples: there may be millions."""
        rows = self._ask("SELECT name, size, mtime, ctime, sha256 FROM file WHERE folder = ?", os.fsencode(folder))
        return {os.fsdecode(name): (size, mtime, ctime, digest) for name, size, mtime, ctime, digest in rows}

    def folders(self, folder: str) -> frozenset[str]:
        """Names of the folders right in it."""
        return frozenset(
            os.fsdecode(name) for (name,) in self._ask("SELECT name FROM folder WHERE parent = ?", os.fsencode(folder))
        )

    def folder(self, path: str) -> Folder | None:
        """None: the data set has no such folder."""
        rows = self._ask("SELECT digest, files, bytes FROM folder WHERE path = ?", os.fsencode(path))
        return Folder(*rows[0]) if rows else None

    def file(self, path: str) -> Known | None:
        """None: the data set has no such file."""
        folder, name = os.path.split(path)
        sql = "SELECT size, mtime, ctime, sha256 FROM file WHERE folder = ? AND name = ?"
        rows = self._ask(sql, os.fsencode(folder), os.fsencode(name))
        return Known(Facts(*rows[0][:3]), rows[0][3].hex()) if rows else None

    def _ask(self, sql: str, *values: bytes) -> list[tuple]:  # type: ignore[type-arg]  # what the columns hold
        import sqlite3

        try:
            return self._db.execute(sql, values).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise Damaged(f"the index is damaged: {error}") from error
