"""How is somebody's SQLite file read, be it locked, half-written, of another schema or hostile? https://www.sqlite.org/uri.html"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

SECONDS = 20.0
PATIENCE = 0.4
"""Seconds for a writer to let go: a writer's lock is held for milliseconds, and several readers may look at one file."""
MAX_VALUE = 1 << 20
"""Bytes of one value or row: what is longer is a damaged or a hostile file."""
_STEPS = 100_000
_MANY = 400


class Broken(OSError):
    """The file is no SQLite database, is damaged, or gave no answer in time: one line why."""


class Database:
    """An open file. stale: why the newest rows may be missing (a journal that could not be read), empty: they are there."""

    def __init__(self, connection: sqlite3.Connection, stale: str) -> None:
        self._connection = connection
        self.stale = stale
        self.tables: Mapping[str, tuple[str, ...]] = {
            name: tuple(row[1] for row in connection.execute(f"pragma table_info({_quoted(name)})"))
            for (name,) in connection.execute("select name from sqlite_master where type = 'table' order by name")
        }

    def rows(
        self, table: str, *columns: str, where: str = "", values: tuple[Any, ...] = (), order: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """The columns in the order asked for; one that this version of the table lacks is None. A table that is not there has no rows.

        where, order: SQL over columns that the caller knows to be there. Raises Broken.
        """
        there = self.tables.get(table)
        if there is None:
            return
        wanted = ", ".join(_quoted(c) if c in there else "null" for c in columns)
        asked = (
            f"select {wanted} from {_quoted(table)}{f' where {where}' if where else ''}{f' order by {order}' if order else ''}"
        )
        try:
            yield from self._connection.execute(asked, values)
        except (sqlite3.Error, OverflowError) as error:
            raise Broken(f"table {table}: {error}") from None

    def among(self, table: str, by: str, keys: tuple[Any, ...], *columns: str) -> Iterator[tuple[Any, ...]]:
        """As rows, those whose column `by` is one of the keys; none where there is no such column. Raises Broken."""
        for at in range(0, len(keys) if by in self.tables.get(table, ()) else 0, _MANY):
            some = keys[at : at + _MANY]
            yield from self.rows(table, *columns, where=f"{_quoted(by)} in ({','.join('?' * len(some))})", values=some)

    def measured(
        self, table: str, keys: tuple[str, ...], value: str, unless: str = "", where: str = "", values: tuple[Any, ...] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """(*keys, rows, least, most) of each group of rows with the same keys; rows whose column `unless` is true are counted, not compared.

        Nothing where the table or one of the columns is not there (`unless` may be missing). Raises Broken.
        """
        there = self.tables.get(table, ())
        if any(c not in there for c in (*keys, value)):
            return
        number = f"case when {_quoted(unless)} then null else {_quoted(value)} end" if unless in there else _quoted(value)
        by = ", ".join(map(_quoted, keys))
        asked = f"select {by}, count(*), min({number}), max({number}) from {_quoted(table)}{f' where {where}' if where else ''} group by {by}"
        try:
            yield from self._connection.execute(asked, values)
        except (sqlite3.Error, OverflowError) as error:
            raise Broken(f"table {table}: {error}") from None


@contextmanager
def opened(path: str, seconds: float = SECONDS) -> Iterator[Database]:
    """Read only, and for as long as the time lasts; never a lock that others would wait for. path: absolute. Raises Broken, FileNotFoundError.

    A database in WAL mode on a read-only mount, or one that is locked for good, is read as it lies on the disk, without its journal.
    """
    with open(path, "rb") as file:  # a clear FileNotFoundError or PermissionError instead of SQLite's own words
        head = file.read(20)
    if head and not head.startswith(b"SQLite format 3\0"):
        raise Broken("not a SQLite database")
    connection, stale = _connected(path, head)
    with closing(connection):
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield Database(connection, stale)
        except sqlite3.Error as error:
            raise Broken(str(error)) from None


def _connected(path: str, head: bytes) -> tuple[sqlite3.Connection, str]:
    """In WAL mode SQLite makes files beside the database even for readers: where there is no journal, none is asked for."""
    idle = head[18:20] == b"\x02\x02" and not os.path.exists(f"{path}-wal")
    try:
        return _tried(path, "mode=ro&immutable=1" if idle else "mode=ro"), ""
    except sqlite3.Error as error:
        try:
            return _tried(path, "mode=ro&immutable=1"), f"read without its journal: {error}"
        except sqlite3.Error:
            raise Broken(str(error)) from None


def _tried(path: str, options: str) -> sqlite3.Connection:
    """A connection that has answered once."""
    connection = sqlite3.connect(f"file:{quote(path)}?{options}", uri=True, timeout=PATIENCE)
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
        connection.execute("pragma trusted_schema = off")
        connection.execute("pragma query_only = on")
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
