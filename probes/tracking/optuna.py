"""Which trials did Optuna keep here? Its SQL schema (optuna/storages/_rdb/models.py) in SQLite, and its journal of JSON lines.

A categorical parameter is kept as an index into its choices. Times are local to the machine, without a zone, but in journals since 5.0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from auditor.world import World
from probes.records.sqlite import Broken, opened
from probes.tracking import Reader, TrackedRun, optuna_db, optuna_journal
from probes.tracking.listed import files
from probes.workflows import Unreadable

DATABASES = ("*.db", "*.sqlite", "*.sqlite3")
JOURNALS = ("*optuna*", "*journal*", "*study*")
SECONDS = 60.0


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """Trials of every storage in the folder: databases of other programs and other files have none."""
    for name in files(folder):
        if name.endswith(tuple(d[1:] for d in DATABASES)):
            yield from of_database(world, folder, name)
        elif any(word.strip("*") in name for word in JOURNALS) and optuna_journal.is_one(world, f"{folder}/{name}"):
            yield from optuna_journal.trials(world, folder, name)


def of_database(world: World, folder: str, name: str) -> Iterator[TrackedRun]:
    """Trials of one SQLite file. Raises Unreadable where it is Optuna's by its name and cannot be read, OSError where reading broke off."""
    begun = False
    try:
        with opened(os.path.join(folder, name), SECONDS) as database:
            if {"studies", "trials", "trial_params"} <= database.tables.keys():
                begun = True
                yield from optuna_db.trials(folder, name, database)
    except Broken as error:
        if begun or "optuna" in name:
            raise Unreadable(f"{name}: {error}") from None


READER = Reader("optuna", (*DATABASES, *JOURNALS), read)
