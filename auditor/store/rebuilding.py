"""How is a lost or damaged store made again? From the archive, line by line, then from the spool."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

from auditor.home import Home
from auditor.model import AuditError
from auditor.store import archive
from auditor.store.incoming import BROKEN, ledger_id, read
from auditor.store.ingest import BATCH_BYTES, BATCH_FILES, IngestReport, ingest_spool
from auditor.store.load import Entry
from auditor.store.snapshot import Snapshot
from auditor.store.store import Store

NOTES = {"audit": 9, "event": 5}
"""Tables that no spool file can give back, with their number of columns."""


def rebuild(home: Home, wait: float) -> IngestReport:
    """See auditor.store.ingest.rebuild."""
    new = f"{home.store}.new"
    notes = _salvage(home.store, wait)
    _remove(new)
    broken: list[tuple[str, str]] = []
    files = evidence = 0
    with Store.open(new, wait=wait) as store:
        for batch in _batches(home, broken):
            evidence += store.load([s for s, _ in batch], [e for _, e in batch])
            files += len(batch)
        with store.transaction() as con:
            for table, rows in notes.items():
                for row in rows:
                    con.execute(f"insert into {table} values ({', '.join('?' * NOTES[table])})", row)
        rest = ingest_spool(store, home)
        runs = store.query("select count(*) from run where not is_array")[0][0]
    _swap(home.store, new)
    return IngestReport(files + rest.files, runs, (*broken, *rest.quarantined), evidence + rest.evidence, rest.left)


def _salvage(path: str, wait: float) -> dict[str, list[tuple[Any, ...]]]:
    """Audits and events of the old store; none when it is not there or cannot be read. Raises AuditError when it is busy."""
    if not os.path.exists(path):
        return {}
    try:
        with Store.open(path, wait=wait) as old:
            return {table: old.query(f"from {table} order by no") for table in NOTES}
    except AuditError as error:
        if "busy" in error.message:
            raise
        return {}


def _batches(home: Home, broken: list[tuple[str, str]]) -> Iterator[list[tuple[Snapshot, Entry]]]:
    """Each archived spool file once."""
    seen: set[bytes] = set()
    batch: list[tuple[Snapshot, Entry]] = []
    known: dict[bytes, bytes] = {}
    size = 0
    names = sorted(n for n in (os.listdir(home.archive) if os.path.isdir(home.archive) else ()) if n.endswith(".ndjson"))
    for name in names:
        parts: dict[str, bytes] = {}
        for line in archive.lines(os.path.join(home.archive, name)):
            try:
                if part := archive.part(line):
                    parts[part[0]] = part[1]
                    continue
                file, raw = archive.unpack(line, parts)
                digest = hashlib.sha256(raw).digest()
                id_ = ledger_id(file, digest)
                if id_ in seen:
                    continue
                snapshot = read(file, raw, digest, known)
            except BROKEN as error:
                broken.append((name, str(error)))
                continue
            seen.add(id_)
            batch.append((snapshot, Entry(id_, file)))
            size += len(raw)
            if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
                yield batch
                batch, known, size = [], {}, 0
    if batch:
        yield batch


def _remove(path: str) -> None:
    for name in (path, f"{path}.wal"):
        if os.path.exists(name):
            os.unlink(name)


def _swap(path: str, new: str) -> None:
    _remove(f"{path}.old")
    for suffix in ("", ".wal"):
        if os.path.exists(path + suffix):
            os.rename(path + suffix, f"{path}.old{suffix}")
    os.rename(new, path)
