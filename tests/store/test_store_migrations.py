"""Does a store, or an archive, of an older auditor lose anything? Tables as older code wrote them, under `captured/`, brought up to date.

`tables.json` holds every row of a store that the code of that time made of one spool (names of any bytes, failed looks, an array,
two attempts, packages, a data set); `archive.ndjson` is what it archived of the same spool, each line whole.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from auditor import codec, spool
from auditor.home import Home
from auditor.model import Capture, Evidence, Job
from auditor.store import Store, rebuild
from auditor.store.database import connect

CAPTURED = Path(__file__).parent / "captured"
MIGRATIONS = Path(__file__).parents[2] / "auditor/store/migrations"
OLD = ["two-migrations", "four-migrations"]
Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest) -> Path:
    return CAPTURED / str(request.param)


def as_written(old: Path) -> Tables:
    """Every table of the old store, as rows of cells by column."""
    told = json.loads((old / "tables.json").read_text())
    return {table: [dict(zip(t["columns"], map(cell, row), strict=True)) for row in t["rows"]] for table, t in told.items()}


def cell(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def made(path: str, tables: Tables) -> None:
    """The old store: its migrations, then its rows."""
    with connect(path, 1) as con:
        con.execute("create table migration (name varchar, applied_at varchar)")
        for row in tables["migration"]:
            con.execute((MIGRATIONS / row["name"]).read_text())
        for table, rows in tables.items():
            for row in rows:
                con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def rows(store: Store, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    return sorted(store.query(f"select {', '.join(columns)} from {table}"), key=repr)


def without(table: list[dict[str, Any]], *gone: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    columns = [name for name in table[0] if name not in gone] if table else ["*"]
    return columns, sorted((tuple(row[name] for name in columns) for row in table), key=repr)


def test_every_row_of_an_old_store_is_there_after_the_migration(tmp_path: Path, old: Path) -> None:
    tables = as_written(old)
    path = str(tmp_path / "store.duckdb")
    made(path, tables)
    gone = {"evidence": ("id",), "ledger": ("capture_id",)}  # both follow from what is kept
    with Store.open(path) as store:
        for table in sorted(set(tables) - {"migration", "package"}):
            columns, expected = without(tables[table], *gone.get(table, ()))
            assert rows(store, table, columns) == expected, table
        listed = store.query("select l.content_no, c.name, c.version from content_list l join component c using (list_no)")
        assert {(r["content_no"], r["name"], r["version"]) for r in tables.get("package", ())} <= set(listed)


def test_every_piece_of_old_evidence_keeps_its_id(tmp_path: Path, old: Path) -> None:
    tables = as_written(old)
    made(str(tmp_path / "store.duckdb"), tables)
    with Store.open(str(tmp_path / "store.duckdb")) as store:
        ids = {e.id for row in tables["run"] for e in store.evidence(row["id"])}
    assert ids == {row["id"].hex() for row in tables["evidence"]}


def content(path: str) -> dict[str, tuple[Job, tuple[Evidence, ...]]]:
    """Jobs and evidence of all runs, and what was noted of them."""
    with Store.open(path) as store:
        return {run: (store.job(run), store.evidence(run)) for (run,) in store.query("select id from run")}


def packed(old: Path) -> list[tuple[str, bytes]]:
    """Name and bytes of each spool file of the old archive; written here once more, so that no reader of ours vouches for itself."""
    found = []
    for line in (old / "archive.ndjson").read_bytes().splitlines():
        told = json.loads(line)
        raw = base64.b64decode(told["base64"]) if "base64" in told else line.split(b',"json":', 1)[1][:-1]
        found.append((told["name"], raw))
    return found


def test_an_old_archive_gives_back_what_the_old_store_held(tmp_path: Path, old: Path) -> None:
    made(str(tmp_path / "store.duckdb"), as_written(old))
    home = Home(str(tmp_path / "home"))
    Path(home.archive).mkdir(parents=True)
    shutil.copy(old / "archive.ndjson", Path(home.archive) / f"{'0' * 64}.ndjson")
    report = rebuild(home)
    assert (report.files, report.quarantined) == (len(packed(old)), ())
    assert content(home.store) == content(str(tmp_path / "store.duckdb"))


def test_an_old_store_that_is_rebuilt_keeps_its_notes(tmp_path: Path, old: Path) -> None:
    home = Home(str(tmp_path))
    made(home.store, as_written(old))
    Path(home.archive).mkdir()
    shutil.copy(old / "archive.ndjson", Path(home.archive) / f"{'0' * 64}.ndjson")
    before = content(home.store)
    rebuild(home)
    assert content(home.store) == before
    with Store.open(home.store) as store:
        assert [(e.what, e.detail) for e in store.events()] == [("bundled", "run.zip")]


def test_what_an_old_store_knows_is_not_taken_in_twice(tmp_path: Path, old: Path) -> None:
    home = Home(str(tmp_path))
    made(home.store, as_written(old))
    captures = [codec.loads(raw, Capture, name) for name, raw in packed(old)]
    with Store.open(home.store) as store:
        assert store.ingest(captures) == 0
        assert store.query("select count(*) from capture") == [(len(captures),)]
    for name, raw in packed(old):
        spool.write(home.spool, name, raw)
    before = content(home.store)
    assert rebuild(home).files == len(captures)
    assert content(home.store) == before


def test_a_migration_that_breaks_off_leaves_the_old_store_as_it_was(tmp_path: Path, old: Path) -> None:
    tables = as_written(old)
    path = str(tmp_path / "store.duckdb")
    made(path, tables)
    with connect(path, 1) as con:
        con.execute("create table taken (in_the_way integer)")
    with pytest.raises(duckdb.CatalogException):
        Store.open(path)
    with connect(path, 1) as con:
        assert len(con.execute("from evidence").fetchall()) == len(tables["evidence"])
        assert len(con.execute("from capture").fetchall()) == len(tables["capture"])
        con.execute("drop table taken")
    with Store.open(path) as store:
        assert store.query("select count(*) from evidence") == [(len(tables["evidence"]),)]
