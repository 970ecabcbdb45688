"""What is known of many runs, read together? Jobs and evidence in batches; what runs share is read and held once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from auditor.model import Evidence, Job
from auditor.store import belong, read
from auditor.store.snapshot import joined

if TYPE_CHECKING:
    from auditor.store.store import Store

BATCH_RUNS, BATCH_FILES = 100, 100_000
KEPT_BYTES = 64 << 20
"""Of shared data that is held for the next batch, as JSON."""


def many(store: Store, runs: Mapping[int, str], kinds: Collection[str] = ()) -> Iterator[tuple[int, Job, tuple[Evidence, ...]]]:
    """(number, job, evidence) of each of these runs (number -> id), as `Store.job` and `Store.evidence` tell them, in this order.

    kinds: only evidence of these kinds; all, if empty. Data that runs share is one object.
    """
    shared = _Shared(store)
    for batch in _batches(store, list(runs)):
        jobs = read.jobs(store, [runs[no] for no in batch])
        rows = _rows(store, batch, kinds)
        shared.fetch({row[11] for own in rows.values() for row in own if row[11] is not None})
        for no in batch:
            yield no, jobs[runs[no]], tuple(shared.evidence(row) for row in sorted(rows.get(no, ()), key=read.order))


def _batches(store: Store, numbers: Sequence[int]) -> Iterator[list[int]]:
    """Few enough runs, and few enough of their files, to be held together."""
    belong.ask(store, numbers)
    count: dict[int, int] = dict(
        store.query(
            f"select w.of, count(*) from {belong.OWN_AND_ARRAYS} w join evidence e on e.run_no = w.no join file f using (content_no) group by 1"
        )
    )
    batch: list[int] = []
    files = 0
    for no in numbers:
        if batch and (len(batch) >= BATCH_RUNS or files + count.get(no, 0) > BATCH_FILES):
            yield batch
            batch, files = [], 0
        batch.append(no)
        files += count.get(no, 0)
    if batch:
        yield batch


def _rows(store: Store, numbers: Sequence[int], kinds: Collection[str]) -> dict[int, list[tuple[Any, ...]]]:
    """Each piece once; an array's final record speaks for the task most in need of attention, not for this one."""
    belong.ask(store, numbers)
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for run, *row in store.query(
        f"""select distinct w.of, probe, version, e.kind, phase, attempt, status, grade, source, reason, taken_at, host, content_no
        from {belong.OWN_AND_ARRAYS} w join evidence e on e.run_no = w.no
        where not (e.kind = 'JobAccounting' and e.phase = 'later' and w.no <> w.of) and (len($1) = 0 or e.kind in (select unnest($1::varchar[])))
        order by all""",
        sorted(kinds),
    ):
        found[run].append(tuple(row))
    return found


class _Shared:
    """Data by content number, from one batch to the next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._data: dict[int, Any] = {}
        self._bytes = 0

    def fetch(self, contents: Collection[int]) -> None:
        if self._bytes > KEPT_BYTES:
            self._data, self._bytes = {}, 0
        wanted = sorted(set(contents) - self._data.keys())
        if not wanted:
            return
        rows = self._store.query("select no, body, split from content where no in (select unnest(?::integer[]))", wanted)
        files = read.files(self._store, sorted(no for no, _, split in rows if split))
        for no, body, split in rows:
            self._data[no] = joined(body, files[no]) if split else json.loads(body)
            self._bytes += len(body) + 200 * len(files.get(no, ()))

    def evidence(self, row: tuple[Any, ...]) -> Evidence:
        return read.piece(row[:11], None if row[11] is None else self._data[row[11]])
