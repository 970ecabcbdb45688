"""How do snapshots become rows, once? Known ids are skipped, new ones numbered; the caller holds the transaction."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import UnsetType

from auditor import codec
from auditor.model import Job
from auditor.store import bulk, index
from auditor.store.components import Lists
from auditor.store.snapshot import FileRow, Manifest, Piece, Snapshot, manifest
from auditor.store.text import NULL, dependencies, escape, numberless, shape, word

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPACT_ROWS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of the ledger: digest of the spool file, its name, the capture in it."""

    id: bytes
    name: str
    capture_id: bytes


def load(con: DuckDBPyConnection, snapshots: Sequence[Snapshot], entries: Iterable[Entry] = ()) -> int:
    """Store what is not stored yet; the number of new pieces of evidence."""
    known = _numbers(con, "capture", (s.id for s in snapshots))
    new = list({s.id: s for s in snapshots if s.id not in known}.values())
    batch = _Batch(con, new)
    for snapshot in new:
        batch.add(snapshot)
    lines = batch.finish()
    lines["ledger"] = [f"{e.id.hex()}\t{escape(e.name)}\t{e.capture_id.hex()}" for e in entries]
    for table, rows in lines.items():
        if rows:
            bulk.append(con, table, rows)
    _compact(con)
    return len(lines["evidence"])


def _numbers(con: DuckDBPyConnection, table: str, ids: Iterable[bytes]) -> dict[bytes, int]:
    """Which of these ids the table has, with their numbers."""
    con.execute("create or replace temp table wanted (id blob)")
    bulk.append(con, "wanted", [i.hex() for i in ids])
    return dict(con.execute(f"select id, no from {table} where id in (select id from wanted)").fetchall())


def _next(con: DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select coalesce(max(no) + 1, 0) from {table}").fetchone()
    return int(row[0]) if row else 0


class _Batch:
    """Rows of one transaction, with the numbers that are given out on the way."""

    def __init__(self, con: DuckDBPyConnection, snapshots: Sequence[Snapshot]) -> None:
        self.lines: dict[str, list[str]] = {table: [] for table in bulk.TABLES if not table.startswith("wanted")}
        self._con = con
        self._lists = Lists()
        bodies = {body for s in snapshots for body in (*_data(s), _script(s.job))}
        self._bodies = {body: hashlib.sha256(body).digest() for body in bodies}
        self._content = _numbers(con, "content", self._bodies.values())
        self._next_content = _next(con, "content")
        self._next_capture = _next(con, "capture")
        self._next_run = _next(con, "run")
        ids = sorted({s.job.run_id for s in snapshots})
        self._run: dict[str, int] = dict(
            con.execute("select id, no from run where id in (select unnest(?::varchar[]))", [ids]).fetchall()
        )
        seen = con.execute(
            "select run_no, id from evidence where run_no in (select unnest(?::integer[]))", [sorted(self._run.values())]
        )
        self._seen: set[tuple[int, bytes]] = set(seen.fetchall()) if self._run else set()

    def add(self, s: Snapshot) -> None:
        run_no = self._run_no(s.job)
        self.lines["capture"].append(self._capture(s, run_no))
        deps = list(dependencies(s.job.argv))
        for piece in s.pieces:
            if (run_no, piece.id) not in self._seen:
                self._seen.add((run_no, piece.id))
                self.lines["evidence"].append(self._evidence(piece, run_no))
                if piece.head.kind == "JobAccounting" and (
                    row := index.accounting(piece.data or b"", run_no, piece.head.taken_at)
                ):
                    self.lines["accounting"].append(row[0])
                    deps += row[1]
        self.lines["dependency"] += [f"{run_no}\t{escape(d)}" for d in dict.fromkeys(deps)]

    def finish(self) -> dict[str, list[str]]:
        """Lines by table, once everything was added."""
        return {**self.lines, **self._lists.finish(self._con, lambda ids: _numbers(self._con, "component_list", ids))}

    def _run_no(self, job: Job) -> int:
        run_id = job.run_id
        if run_id not in self._run:
            self._run[run_id] = self._next_run
            texts = map(escape, (run_id, job.scheduler, job.cluster, job.job_id, job.submission))
            self.lines["run"].append("\t".join((str(self._next_run), *texts, str(job.is_array).lower())))
            self._next_run += 1
        return self._run[run_id]

    def _capture(self, s: Snapshot, run_no: int) -> str:
        j = s.job
        no = self._next_capture
        self._next_capture += 1
        script = str(self._content_no(_script(j), "")) if j.script else NULL
        slim = codec.dumps(dataclasses.replace(j, script="")).decode("ascii")
        name = os.path.basename(j.script_path or next(iter(j.argv), ""))
        texts = map(escape, (j.submitted_at, j.label, j.user, name, numberless(" ".join(j.argv)), shape(j.script)))
        head = f"{no}\t{s.id.hex()}\t{run_no}\t{s.phase}\t{j.attempt}\t{s.schema}\t{slim}\t{script}"
        return "\t".join((head, *texts))

    def _evidence(self, piece: Piece, run_no: int) -> str:
        h = piece.head
        content = NULL if piece.data is None else str(self._content_no(piece.data, h.kind))
        return (
            f"{piece.id.hex()}\t{run_no}\t{word(h.probe)}\t{h.version}\t{word(h.kind)}\t{h.phase}\t{h.attempt}\t{h.status}\t{h.grade}"
            f"\t{word(h.source)}\t{escape(h.reason)}\t{word(h.taken_at)}\t{word(h.host)}\t{content}"
        )

    def _content_no(self, data: bytes, kind: str) -> int:
        id_ = self._bodies[data]
        if id_ not in self._content:
            no = self._content[id_] = self._next_content
            self._next_content += 1
            parts = manifest(data) if kind == "DataManifest" else Manifest(data, (), False)
            self.lines["content"].append(f"{no}\t{id_.hex()}\t{parts.body.decode('ascii')}\t{str(parts.split).lower()}")
            self._files(no, parts.rows)
            if kind:
                self._lists.add(no, kind, data)
        return self._content[id_]

    def _files(self, no: int, rows: Sequence[FileRow]) -> None:
        self.lines["file"] += [
            f"{no}\t{i}\t{word(r.role)}\t{word(r.how)}\t{word(r.kind)}\t{escape(r.path)}\t{r.size}\t{r.mtime_ns}\t{r.sha256}"
            f"\t{NULL if isinstance(r.dataset, UnsetType) else word(r.dataset)}"
            for i, r in enumerate(rows)
        ]
        self.lines["file_key_tail"] += [f"{int(r.sha256[:8], 16)}\t{no}" for r in rows if r.sha256]


def _data(s: Snapshot) -> Iterable[bytes]:
    return (p.data for p in s.pieces if p.data is not None)


def _script(job: Job) -> bytes:
    return codec.dumps(job.script)


def _compact(con: DuckDBPyConnection) -> None:
    """Sort the tail of new digests into the rest once it has grown to a quarter of it: lookups read a few blocks, not all."""
    tail, rest = (con.execute(f"select count(*) from {t}").fetchall()[0][0] for t in ("file_key_tail", "file_key"))
    if tail < max(COMPACT_ROWS, rest // 4):
        return
    con.execute(
        "create table file_key_new as select * from (from file_key union all from file_key_tail) order by key, content_no"
    )
    con.execute("drop table file_key")
    con.execute("alter table file_key_new rename to file_key")
    con.execute("truncate file_key_tail")
