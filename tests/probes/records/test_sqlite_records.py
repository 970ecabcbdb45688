"""Is somebody's SQLite file read, be it locked, cut off, of another schema, in WAL mode on a read-only folder, or hostile?"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from probes.records import sqlite
from probes.records.sqlite import Broken, opened


def made(path: Path, *statements: str, wal: bool = False) -> str:
    with closing(sqlite3.connect(path)) as db:
        if wal:
            db.execute("pragma journal_mode = wal")
        for statement in statements:
            db.execute(statement)
        db.commit()
    return str(path)


RUNS = ("create table runs (id text, state text)", "insert into runs values ('a', 'done'), ('b', 'going')")


def test_columns_come_in_the_order_asked_and_a_missing_one_is_none(tmp_path: Path) -> None:
    with opened(made(tmp_path / "x.db", *RUNS)) as db:
        assert list(db.rows("runs", "state", "host", "id", order="id")) == [("done", None, "a"), ("going", None, "b")]


def test_a_table_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    with opened(made(tmp_path / "x.db", *RUNS)) as db:
        assert [*db.rows("tasks", "id"), *db.among("tasks", "id", ("a",), "id"), *db.measured("tasks", ("id",), "x")] == []


def test_more_keys_than_sqlite_takes_at_once_are_asked_in_parts(tmp_path: Path) -> None:
    with opened(made(tmp_path / "x.db", *RUNS)) as db:
        keys = tuple(f"k{n}" for n in range(2000))

        assert list(db.among("runs", "id", (*keys, "b"), "state")) == [("going",)]


def test_groups_are_measured_without_the_rows_that_hold_no_number(tmp_path: Path) -> None:
    points = ("create table m (run text, value float, is_nan int)", "insert into m values ('a', 3, 0), ('a', 1, 0), ('a', 0, 1)")
    with opened(made(tmp_path / "x.db", *points)) as db:
        assert list(db.measured("m", ("run",), "value", "is_nan")) == [("a", 3, 1.0, 3.0)]
        assert list(db.measured("m", ("run",), "value", "no_such")) == [("a", 3, 0.0, 3.0)]


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("hello, I am a text file")

    with pytest.raises(Broken, match="not a SQLite database"), opened(str(tmp_path / "x.db")):
        pass


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened(str(tmp_path / "x.db")):
        pass


def test_an_empty_file_is_a_database_without_tables(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"")

    with opened(str(tmp_path / "x.db")) as db:
        assert dict(db.tables) == {}


def test_a_database_that_was_cut_off_is_broken_and_not_empty(tmp_path: Path) -> None:
    path = Path(
        made(tmp_path / "x.db", *RUNS, "insert into runs select hex(randomblob(500)), 'x' from runs, runs, runs, runs, runs")
    )
    path.write_bytes(path.read_bytes()[:9000])

    with pytest.raises(Broken), opened(str(path)) as db:
        list(db.rows("runs", "id"))


def test_what_a_writer_has_locked_is_read_as_it_lies_and_said_to_be_stale(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", *RUNS)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("begin exclusive")
        with opened(path) as db:
            assert [row[0] for row in db.rows("runs", "id", order="id")] == ["a", "b"]
            assert db.stale == "read without its journal: database is locked"


def test_reading_a_database_in_wal_mode_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", *RUNS, wal=True)
    with opened(path) as db:
        assert [row[0] for row in db.rows("runs", "id", order="id")] == ["a", "b"]

    assert os.listdir(tmp_path) == ["x.db"]


def test_rows_that_are_only_in_the_journal_are_read(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", *RUNS, wal=True)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("insert into runs values ('c', 'new')")
        writer.commit()
        with opened(path) as db:
            assert ([row[0] for row in db.rows("runs", "id", order="id")], db.stale) == (["a", "b", "c"], "")


def test_in_a_folder_that_cannot_be_written_to_the_journal_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    """As on a read-only mount. Root may write everywhere: then a child of nobody's reads."""
    with tempfile.TemporaryDirectory() as name:
        path = made(Path(name) / "x.db", *RUNS, wal=True)
        with closing(sqlite3.connect(path)) as writer:
            writer.execute("insert into runs values ('c', 'new')")
            writer.commit()
            for part in ("x.db", "x.db-wal"):
                shutil.copy(Path(name) / part, Path(name) / f"copy-{part}")
        Path(name, "copy-x.db-wal").rename(Path(name) / "copy.db-wal")
        Path(name, "copy-x.db").rename(Path(name) / "copy.db")
        Path(name).chmod(0o555)
        found = as_nobody(lambda: rows_and_stale(f"{name}/copy.db"))
        Path(name).chmod(0o755)

    assert found == "['a', 'b'] read without its journal: unable to open database file"


def rows_and_stale(path: str) -> str:
    with opened(path) as db:
        return f"{[row[0] for row in db.rows('runs', 'id', order='id')]} {db.stale}"


def as_nobody(call: Callable[[], str]) -> str:
    if os.getuid() != 0:
        return call()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            os.write(writer, call().encode())
        except BaseException as error:  # noqa: BLE001  # the parent shows it
            os.write(writer, repr(error).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as answer:
        return answer.read().decode()


def test_nothing_is_written_to_the_database(tmp_path: Path) -> None:
    path = Path(made(tmp_path / "x.db", *RUNS))
    before = path.read_bytes()
    with opened(str(path)) as db:
        list(db.rows("runs", "id"))

    assert (path.read_bytes(), os.listdir(tmp_path)) == (before, ["x.db"])


def test_a_query_without_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "x.db", "create table t (i)", "insert into t values (1)")
    endless = "i in (with recursive n(i) as (select 2 union all select i + 1 from n) select i from n)"
    monkeypatch.setattr(sqlite, "_STEPS", 1000)

    with pytest.raises(Broken, match="interrupted"), opened(path, seconds=0.2) as db:
        list(db.rows("t", "i", where=endless))


def test_a_value_of_more_than_a_megabyte_ends_the_reading(tmp_path: Path) -> None:
    path = made(tmp_path / "x.db", *RUNS, "insert into runs values (hex(zeroblob(2000000)), 'x')")

    with pytest.raises(Broken, match="too big"), opened(path) as db:
        list(db.rows("runs", "id"))


def test_a_name_with_a_quotation_mark_is_a_name(tmp_path: Path) -> None:
    with opened(made(tmp_path / "x.db", 'create table "a""b" ("c""d" text)', """insert into "a""b" values ('e')""")) as db:
        assert list(db.rows('a"b', 'c"d')) == [("e",)]


def test_text_that_is_not_utf_8_survives(tmp_path: Path) -> None:
    with opened(made(tmp_path / "x.db", "create table t (a text)", "insert into t values (cast(x'ff61' as text))")) as db:
        assert list(db.rows("t", "a")) == [("\udcffa",)]
