"""How do spool files become rows, with nothing lost and nothing doubled wherever we are killed?

Archive (fsync), then one transaction with a ledger row a file, then delete. Killed before the commit: the files are still
there. Killed after it: the ledger knows them, and they are only deleted.
"""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auditor import runlog, spool
from auditor.home import Home
from auditor.model import AuditError, Phase
from auditor.store.incoming import BROKEN, Newer, content, ledger_id, read, reason, set_aside

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from auditor.store.snapshot import Snapshot
    from auditor.store.store import Store

BATCH_FILES = 1000
BATCH_BYTES = 64 << 20


@dataclass(frozen=True)
class IngestReport:
    """files: taken in; runs: different jobs among them; evidence: new pieces. quarantined, left: (name, reason)."""

    files: int
    runs: int
    quarantined: tuple[tuple[str, str], ...] = ()
    evidence: int = 0
    left: tuple[tuple[str, str], ...] = ()
    """Files that stay in the spool: from a newer auditor, or not readable now."""


@dataclass(frozen=True)
class _File:
    path: str
    raw: bytes
    id: bytes
    snapshot: Snapshot

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def ingest_spool(store: Store, home: Home) -> IngestReport:
    """Take in everything that waits in the spool. Broken files go to quarantine with a `.why` beside them.

    Raises AuditError when the store or the archive cannot be written; what was not committed still waits.
    """
    from concurrent.futures import ThreadPoolExecutor

    files = evidence = 0
    runs: set[str] = set()
    aside: list[tuple[str, str]] = []
    left: list[tuple[str, str]] = []
    with _without_gc(), ThreadPoolExecutor(1) as beside:
        removed = []
        for batch in _batches(home, aside, left):
            evidence += _commit(store, home, batch, beside)
            left += _log(home, batch)
            removed.append(beside.submit(_remove, [file.path for file in batch]))
            files += len(batch)
            runs |= {file.snapshot.job.run_id for file in batch if not file.snapshot.job.is_array}
        for done in removed:
            left += done.result()
    return IngestReport(files, len(runs), tuple(aside), evidence, tuple(left))


@contextmanager
def _without_gc() -> Iterator[None]:
    """A hundred thousand small tuples that refer to nothing: looking through them for circles takes a tenth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _remove(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Delete what is committed; what cannot be deleted is told, and known to the ledger next time."""
    left = []
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            left.append((os.path.basename(path), f"is taken in, but cannot be deleted: {error.strerror or error}"))
    return left


def _log(home: Home, batch: Sequence[_File]) -> list[tuple[str, str]]:
    """Chain what ended, was accounted for or replayed, before its file goes: killed in between, it is chained the next time."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    ended = [f for f in batch if f.snapshot.phase in (Phase.END, Phase.LATER) and not f.snapshot.job.is_array]
    try:
        if ended:
            runlog.append(home.runlog, [{**_event(file), "at": at} for file in ended])
    except (OSError, AuditError) as error:  # the evidence is safe; the log says later that a record is missing
        return [(os.path.basename(home.runlog), str(error))]
    return []


def _event(file: _File) -> dict[str, str]:
    look = file.snapshot
    replay = any(piece.look.kind == "ReplayVerdict" for piece in look.pieces)
    what = "ended" if look.phase is Phase.END else "replayed" if replay else "accounted"
    return {"what": what, "run": look.job.run_id, "job": look.job.job_id[:80], "capture": look.id.hex()}


def _commit(store: Store, home: Home, batch: Sequence[_File], beside: Executor) -> int:
    """Archive and store; the archive is written beside the loading, and is on the disk before the commit."""
    from auditor.store.load import Entry, load

    ids = [[file.id for file in batch]]
    known = {id_ for (id_,) in store.query("select id from ledger where id in (select unnest(?::blob[]))", *ids)}
    new = list({file.id: file for file in batch if file.id not in known}.values())
    if not new:
        return 0
    with store.transaction() as con:
        packed = beside.submit(_archive, home, new)
        count = load(con, [f.snapshot for f in new], [Entry(f.id, f.name) for f in new])
        packed.result()
    return count


def _batches(home: Home, aside: list[tuple[str, str]], left: list[tuple[str, str]]) -> Iterator[list[_File]]:
    batch: list[_File] = []
    known: dict[bytes, bytes] = {}
    size = 0
    for path in list(spool.waiting(home.spool)):
        name = os.path.basename(path)
        try:
            raw = content(path)
            digest = hashlib.sha256(raw).digest()
            file = _File(path, raw, ledger_id(name, digest), read(name, raw, digest, known))
        except FileNotFoundError:  # another sweep took it
            continue
        except Newer as error:
            left.append((name, str(error)))
            continue
        except OSError as error:
            left.append((name, f"cannot be read: {error.strerror or error}"))
            continue
        except BROKEN as error:
            set_aside(home, path, reason(error), aside, left)
            continue
        batch.append(file)
        size += len(file.raw)
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, known, size = [], {}, 0
    if batch:
        yield batch


def _archive(home: Home, batch: Sequence[_File]) -> None:
    """One file a batch, named by its content; each line a spool file."""
    from auditor.store import archive

    try:
        archive.write(home.archive, [(f.name, f.raw, f.id, [p.data for p in f.snapshot.pieces if p.data]) for f in batch])
    except OSError as error:
        raise AuditError(f"the archive cannot be written: {error}", "make room; what waits in the spool is kept") from error


def rebuild(home: Home, wait: float = 10.0) -> IngestReport:
    """Make the store again from the archive and the spool; what it was stays beside it as `store.duckdb.old`.

    Audits and events exist nowhere else: they are carried over when the old file can still be read.
    Raises AuditError when another process holds the store.
    """
    from auditor.store import rebuilding

    return rebuilding.rebuild(home, wait)
