"""What did MLflow track here? Its SQLite store (the default since 3.0, whatever the file is called) and its file store (`mlruns/`).

mlflow.org, "Backend Stores". A server is named by the environment and never asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from auditor.world import World
from probes.records.inside import there
from probes.records.sqlite import Broken, opened
from probes.tracking import Reader, TrackedRun, mlflow_db, mlflow_files
from probes.tracking.listed import files
from probes.workflows import Unreadable

DATABASES = ("*.db", "*.sqlite", "*.sqlite3")
SECONDS = 60.0


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """Runs of every store in the folder. A database of another program has none; a broken `mlflow.db` raises Unreadable."""
    for name in files(folder):
        if name.endswith(tuple(d[1:] for d in DATABASES)):
            yield from of_database(world, folder, name)
    if not there(world, folder, "meta.yaml"):  # an experiment's folder looks like a store from inside
        yield from mlflow_files.runs(world, folder)


def of_database(world: World, folder: str, name: str) -> Iterator[TrackedRun]:
    """Runs of one SQLite file. Raises Unreadable where it is MLflow's by its name and cannot be read, OSError where reading broke off."""
    begun = False
    try:
        with opened(os.path.join(folder, name), SECONDS) as database:
            if {"runs", "experiments"} <= database.tables.keys() and "run_uuid" in database.tables["runs"]:
                begun = True
                yield from mlflow_db.runs(world, folder, name, database)
    except Broken as error:
        if begun or name.startswith(("mlflow", "mlruns")):
            raise Unreadable(f"{name}: {error}") from None


READER = Reader("mlflow", (*DATABASES, "[0-9]*/meta.yaml"), read)
