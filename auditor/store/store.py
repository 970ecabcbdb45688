"""What can one ask the store? One process at a time, briefly: open, ask or write, close."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from auditor.campaign import Family, Row
from auditor.model import Capture, Evidence, Job
from auditor.scorecard import Edge, Node, Scorecard
from auditor.store import database
from auditor.store.rows import Event, FileUse, PackageVersion, RunRow, SoftwareUse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from auditor.store.campaigns import Campaigns
    from auditor.store.load import Entry
    from auditor.store.snapshot import Snapshot


class Store:
    """An open store. `notes`: what the user should be told (a shared file system, which of two runs was taken)."""

    def __init__(self, path: str, con: DuckDBPyConnection) -> None:
        self.path = path
        self.con = con
        self.notes: list[str] = []

    @classmethod
    def open(cls, path: str, wait: float = 10.0) -> Store:
        """Open or make the store, private to the user; use it as a context manager.

        Raises AuditError when another process holds it for longer than `wait` seconds, when a newer auditor or DuckDB
        wrote it, when it is damaged, or when its folder cannot be written.
        """
        con = database.connect(path, wait)
        try:
            with database.explained(path):
                database.migrate(con, path)
        except BaseException:
            con.close()
            raise
        store = cls(path, con)
        if note := database.warning(path):
            store.notes.append(note)
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.con.close()

    @contextmanager
    def transaction(self) -> Iterator[DuckDBPyConnection]:
        """All of it or nothing."""
        with database.explained(self.path):
            self.con.begin()
            try:
                yield self.con
                self.con.commit()
            except BaseException:
                database.roll_back(self.con)
                raise

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of one question."""
        with database.explained(self.path):
            rows: list[tuple[Any, ...]] = self.con.execute(sql, values).fetchall()
        return rows

    # writing

    def ingest(self, captures: Iterable[Capture]) -> int:
        """Remember captures; those known already change nothing. The number of new pieces of evidence."""
        from auditor.store.snapshot import from_capture

        return self.load([from_capture(c) for c in captures])

    def load(self, snapshots: Sequence[Snapshot], entries: Iterable[Entry] = ()) -> int:
        """The same for captures taken apart, with the ledger rows of the files they came from."""
        from auditor.store.load import load

        with self.transaction() as con:
            return load(con, snapshots, entries)

    def save_scorecard(self, card: Scorecard) -> None:
        """Remember an audit; the last one counts. The same scorecard again changes nothing."""
        from auditor.store import notes

        notes.save_scorecard(self, card)

    def record(self, run_id: str, what: str, detail: str) -> None:
        """Note an event of a run, with the time of now."""
        from auditor.store import notes

        notes.record(self, run_id, what, detail)

    # asking

    def resolve(self, name: str | None = None) -> str:
        """The run id behind a run id, a prefix of one, a job id (`123`, `123_4`), `last` or None (the newest run).

        A choice that was made on the way is told in `notes`. Raises AuditError: unknown, ambiguous, an array, an empty store.
        """
        from auditor.store import find

        return find.resolve(self, name)

    def runs(self, limit: int = 20, label: str = "", state: str = "") -> tuple[RunRow, ...]:
        """Newest first; only those of this label, in this state, if given. A limit of 0 means all."""
        from auditor.store import find

        return find.runs(self, limit, label=label, state=state)

    def history(self, user: str = "", limit: int = 0) -> tuple[RunRow, ...]:
        """Audited runs, oldest first, of one user or all: how scores moved over time."""
        from auditor.store import find

        return find.history(self, user, limit)

    def unfinished(self) -> tuple[Job, ...]:
        """Runs, and arrays as submitted, whose accounting is not final; without those given up (an event `given-up`)."""
        from auditor.store import find

        return find.unfinished(self)

    def job(self, run_id: str) -> Job:
        """All that is known of the job, from its captures and, for an array task, its array's submission."""
        from auditor.store import read

        return read.job(self, run_id)

    def evidence(self, run_id: str) -> tuple[Evidence, ...]:
        """A run's own evidence and its array submission's, in the order it came about."""
        from auditor.store import read

        return read.evidence(self, run_id)

    def campaign(self, run_id: str) -> Evidence:
        """Which runs belong to this one, as evidence of kind Campaign."""
        from auditor.store import relate

        return relate.campaign(self, run_id)

    def group(self, name: str, most: int = 0) -> Campaigns:
        """The runs that belong to a label, run, job or array: their group, and each with its evidence; at most 10,000 (or `most`) of them.

        Raises AuditError: unknown.
        """
        from auditor.store import belong
        from auditor.store.campaigns import Campaigns

        return Campaigns(self, name, most or belong.MAX_MEMBERS)

    def campaigns(self, limit: int = 0) -> tuple[tuple[Row, ...], int]:
        """Campaigns of two runs or more, newest first, and how many runs are too old to have been looked through."""
        from auditor.store import campaigns

        return campaigns.known(self, limit)

    def lineage(self, run_id: str) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
        """Runs and files this run's data came from and went to; at most 60 nodes, the rest summed up."""
        from auditor.store import relate

        return relate.lineage(self, run_id)

    def family(self, run_id: str) -> Family:
        """The run and all that its data, label, array and dependencies join it to, with every file they touched; at most 500 runs."""
        from auditor.store import relate

        return relate.family(self, run_id)

    def scorecard(self, run_id: str) -> Scorecard | None:
        """The last audit of a run."""
        from auditor.store import notes

        return notes.scorecard(self, run_id)

    def events(self, run_id: str = "") -> tuple[Event, ...]:
        """Events of one run, or all; oldest first."""
        from auditor.store import notes

        return notes.events(self, run_id)

    def uses(self, sha256: str) -> tuple[FileUse, ...]:
        """Which runs read or made a file with this digest? Oldest first."""
        from auditor.store import find

        return find.uses(self, sha256)

    def packages(
        self, name: str, version: str = "", *, ecosystem: str = "", limit: int = 100
    ) -> tuple[tuple[SoftwareUse, ...], int]:
        """Runs that had this software or image (in this version), newest first, and how many runs there are in all.

        name: of a package in any ecosystem, however it is written; of an image; or a digest `sha256:...`.
        """
        from auditor.store import software

        return software.packages(self, name, version, ecosystem, limit)

    def package_versions(self, name: str, ecosystem: str = "") -> tuple[PackageVersion, ...]:
        """How a piece of software drifted over all runs, by first use."""
        from auditor.store import software

        return software.versions(self, name, ecosystem)
