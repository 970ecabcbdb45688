"""Which runs does MLflow's SQLite store hold? Schemas of 1.x, 2.x and 3.x: columns by name, some hundred runs at a time."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from auditor.world import World
from probes.records.sqlite import Database
from probes.tracking import Metric, TrackedRun
from probes.tracking.artifacts import Counter
from probes.tracking.mlflow_links import datasets, logged, registered
from probes.tracking.mlflow_model import modelled, within
from probes.tracking.mlflow_run import Recorded, finite, tracked
from probes.tracking.series import MAX_METRICS, Series, whole
from probes.workflows import Place

BATCH = 400
MAX_RUNS = 50_000
_RUN = "run_uuid name status start_time end_time experiment_id user_id source_name source_version lifecycle_stage artifact_uri".split()


def runs(world: World, folder: str, name: str, db: Database) -> Iterator[TrackedRun]:
    """Newest first. folder: where the database lies; name: its file name. Raises probes.records.sqlite.Broken."""
    experiments = {key: str(text or "") for key, text in db.rows("experiments", "experiment_id", "name")}
    order = "start_time desc, run_uuid" if "start_time" in db.tables["runs"] else "run_uuid"
    every = islice(db.rows("runs", *_RUN, order=order), MAX_RUNS)
    files = Counter()
    while rows := list(islice(every, BATCH)):
        batch = _Batch(db, tuple(str(row[0]) for row in rows), world, folder)
        for row in rows:
            told = dict(zip(_RUN, row, strict=True))
            experiment = experiments.get(told["experiment_id"], "")
            yield tracked(_recorded(told, batch, Place(name, f"table runs, run_uuid {row[0]}"), experiment, files, db.stale))


def _recorded(told: dict[str, Any], batch: _Batch, place: Place, experiment: str, files: Counter, stale: str) -> Recorded:
    run = str(told["run_uuid"])
    where = within(batch.world, batch.folder, str(told["artifact_uri"] or ""))
    count, size = files.count(os.path.join(batch.folder, where)) if where else (None, None)
    models = modelled(
        batch.world, batch.folder, batch.logged[run], batch.registered[run], batch.tags[run], str(told["artifact_uri"] or "")
    )
    metrics, seen = batch.metrics.get(run, ((), None))
    return Recorded(
        id=run,
        place=place,
        folder=batch.folder,
        status=str(told["status"] or ""),
        start=told["start_time"],
        end=told["end_time"],
        seen=seen,
        name=str(told["name"] or ""),
        experiment=experiment,
        user=str(told["user_id"] or ""),
        source=str(told["source_name"] or ""),
        commit=str(told["source_version"] or ""),
        lifecycle=str(told["lifecycle_stage"] or ""),
        parameters=batch.parameters[run],
        tags=batch.tags[run],
        metrics=metrics,
        datasets=tuple(batch.datasets[run]),
        models=models,
        artifacts=count,
        artifact_bytes=size,
        gaps=(stale,) if stale else (),
    )


class _Batch:
    """What other tables say of some hundred runs."""

    def __init__(self, db: Database, ids: tuple[str, ...], world: World, folder: str) -> None:
        self._db, self._ids, self.world, self.folder = db, ids, world, folder
        self.parameters = self._pairs("params")
        self.tags = self._pairs("tags")
        self.metrics = self._metrics()
        self.datasets = datasets(db, ids)
        self.logged = logged(db, ids)
        self.registered = registered(db, ids)

    def _pairs(self, table: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for run, key, value in self._db.among(table, "run_uuid", self._ids, "run_uuid", "key", "value"):
            found[run][str(key)] = "" if value is None else str(value)
        return found

    def _metrics(self) -> dict[str, tuple[tuple[Metric, ...], Any]]:
        """Run -> its metrics, and when the newest was written."""
        if "latest_metrics" not in self._db.tables:
            return self._replayed()
        spans = {
            (run, key): rest
            for run, key, *rest in self._db.measured(
                "metrics", ("run_uuid", "key"), "value", "is_nan", f"run_uuid in ({','.join('?' * len(self._ids))})", self._ids
            )
        }
        found: dict[str, list[Metric]] = defaultdict(list)
        seen: dict[str, Any] = {}
        latest = self._db.among(
            "latest_metrics", "run_uuid", self._ids, "run_uuid", "key", "value", "step", "is_nan", "timestamp"
        )
        for run, key, value, step, is_nan, at in latest:
            count, least, most = spans.get((run, key), (1, value, value))
            last = None if is_nan else finite(value)
            if len(found[run]) < MAX_METRICS:
                found[run].append(Metric(str(key), last, count, finite(least), finite(most), whole(step)))
            seen[run] = max(at or 0, seen.get(run, 0))
        return {run: (tuple(metrics), seen[run]) for run, metrics in found.items()}

    def _replayed(self) -> dict[str, tuple[tuple[Metric, ...], Any]]:
        """Before MLflow 1.1 there was no table of the latest ones."""
        found: dict[str, Series] = defaultdict(Series)
        seen: dict[str, Any] = {}
        for run, key, value, step, at in self._db.among(
            "metrics", "run_uuid", self._ids, "run_uuid", "key", "value", "step", "timestamp"
        ):
            found[run].add(str(key), finite(value), whole(step))
            seen[run] = max(at or 0, seen.get(run, 0))
        return {run: (series.metrics(), seen[run]) for run, series in found.items()}
