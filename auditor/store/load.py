"""How do snapshots become rows, once? Known ids are skipped, new ones numbered; the caller holds the transaction."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import UnsetType

from auditor.model import Job
from auditor.store import bulk, index
from auditor.store.components import Lists
from auditor.store.snapshot import FileRow, Look, Manifest, Snapshot, manifest
from auditor.store.text import NULL, dependencies, escape, unescape, word
from auditor.store.work import Work, works

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMPACT_ROWS = 1_000_000


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of the ledger: digest of the spool file, and its name."""

    id: bytes
    name: str


def load(con: DuckDBPyConnection, snapshots: Sequence[Snapshot], entries: Iterable[Entry] = ()) -> int:
    """Store what is not stored yet; the number of new pieces of evidence."""
    known = _numbers(con, "taken", (s.id for s in snapshots))
    new = list({s.id: s for s in snapshots if s.id not in known}.values())
    batch = _Batch(con, new)
    for snapshot in new:
        batch.add(snapshot)
    lines = batch.finish()
    lines["ledger"] = [f"{e.id.hex()}\t{escape(e.name)}" for e in entries]
    for table, rows in lines.items():
        if rows:
            bulk.append(con, table, rows)
    _compact(con)
    return len(lines["sight"])


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
        bodies = {piece.data for s in snapshots for piece in s.pieces if piece.data is not None}
        self._works = works(snapshots)
        bodies |= {work.script for work in self._works.values() if work.script}
        self._bodies = {body: hashlib.sha256(body).digest() for body in bodies}
        self._content = _numbers(con, "content", self._bodies.values())
        self._work = _numbers(con, "work", (work.id for work in self._works.values()))
        self._look: dict[Look, int] = {
            Look._make(map(_unescaped, row)): no for no, *row in con.execute("select no, * exclude (no) from look").fetchall()
        }
        self._next = {table: _next(con, table) for table in ("content", "taken", "run", "work", "look")}
        ids = sorted({s.job.run_id for s in snapshots})
        self._run: dict[str, int] = dict(
            con.execute("select id, no from run where id in (select unnest(?::varchar[]))", [ids]).fetchall()
        )
        seen = con.execute("select * from sight where run_no in (select unnest(?::integer[]))", [sorted(self._run.values())])
        self._seen: set[tuple[int, int, str, str, int | None]] = set(seen.fetchall()) if self._run else set()

    def add(self, s: Snapshot) -> None:
        run_no = self._run_no(s.job)
        self.lines["taken"].append(self._taken(s, run_no))
        deps = list(dependencies(s.job.argv))
        for look, taken_at, host, data in s.pieces:
            content = None if data is None else self._content_no(data, look.kind)
            sight = (run_no, self._look_no(look), word(taken_at), word(host), content)
            if sight not in self._seen:
                self._seen.add(sight)
                self.lines["sight"].append("\t".join((*map(str, sight[:4]), NULL if content is None else str(content))))
                if look.kind == "JobAccounting" and (row := index.accounting(data or b"", run_no, taken_at)):
                    self.lines["accounting"].append(row[0])
                    deps += row[1]
                elif look.kind == "WorkflowRuns" and data:
                    runs, jobs = index.engines(data, run_no, taken_at)
                    self.lines["engine_run"] += runs
                    self.lines["engine_job"] += jobs
        self.lines["dependency"] += [f"{run_no}\t{escape(d)}" for d in dict.fromkeys(deps)]

    def finish(self) -> dict[str, list[str]]:
        """Lines by table, once everything was added."""
        return {**self.lines, **self._lists.finish(self._con, lambda ids: _numbers(self._con, "component_list", ids))}

    def _number(self, table: str) -> int:
        self._next[table] += 1
        return self._next[table] - 1

    def _run_no(self, job: Job) -> int:
        run_id = job.run_id
        if run_id not in self._run:
            no = self._run[run_id] = self._number("run")
            texts = map(escape, (run_id, job.scheduler, job.cluster, job.job_id, job.submission))
            self.lines["run"].append("\t".join((str(no), *texts, str(job.is_array).lower())))
        return self._run[run_id]

    def _taken(self, s: Snapshot, run_no: int) -> str:
        j = s.job
        times = map(word, (j.submitted_at, j.started_at, j.ended_at))
        head = f"{self._number('taken')}\t{s.id.hex()}\t{run_no}\t{s.phase}\t{j.attempt}\t{s.schema}\t{self._work_no(self._works[s.id])}"
        return "\t".join((head, *times))

    def _work_no(self, work: Work) -> int:
        if work.id not in self._work:
            no = self._work[work.id] = self._number("work")
            script = self._content_no(work.script, "") if work.script else NULL
            self.lines["work"].append(f"{no}\t{work.id.hex()}\t{work.job}\t{script}\t{work.words}")
        return self._work[work.id]

    def _look_no(self, look: Look) -> int:
        if look not in self._look:
            no = self._look[look] = self._number("look")
            self.lines["look"].append("\t".join((str(no), *(escape(str(cell)) for cell in look))))
        return self._look[look]

    def _content_no(self, data: bytes, kind: str) -> int:
        id_ = self._bodies[data]
        if id_ not in self._content:
            no = self._content[id_] = self._number("content")
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


def _unescaped(cell: str | int) -> str | int:
    return unescape(cell) if isinstance(cell, str) else cell


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
