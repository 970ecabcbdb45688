#!/usr/bin/env python3
"""How fast are trackers' records read? Rows: what, target, ours, yardstick: reading the same bytes with nothing but SQLite and open().

ci/bench_tracking.py [--runs N]      stores of N runs (5,000), each of 20 parameters and 10 metrics of 20 points
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.probes.tracking.stores import EXPERIMENT, META, SCHEMA, START  # noqa: E402  # the schema is written down once

PARAMETERS, METRICS, POINTS = 20, 10, 20
TARGET = "5,000 runs ≤ 10 s, ≤ 500 MB"
OURS = """
import resource, sys, time
sys.path.insert(0, {root!r})
from auditor.model import Job
from auditor.world import RealWorld
from probes.tracking.experiments import collect
start = time.perf_counter()
found = collect(RealWorld({{}}, {folder!r}), Job("slurm", "1", workdir={folder!r}))
assert (found.seen, found.unread, found.runs[0].metrics[0].count) == ({runs}, (), {points}), (found.seen, found.unread)
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
ROWS = """
import resource, sqlite3, time
start = time.perf_counter()
db = sqlite3.connect({folder!r} + "/mlflow.db")
count = sum(1 for table in ("runs", "params", "tags", "latest_metrics", "metrics") for _ in db.execute("select * from " + table))
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
FILES = """
import os, resource, time
start = time.perf_counter()
for folder, _, names in os.walk({folder!r}):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            file.read()
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def database(folder: Path, runs: int) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "mlflow.db")) as db:
        db.executescript(SCHEMA)
        ids = [f"{n:032x}" for n in range(runs)]
        db.executemany(
            "insert into runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)"
            " values (?, 'train', 'ada', 'FINISHED', ?, ?, 'active', '/x/mlruns/1/' || ?, 1)",
            ((i, START + n, START + n + 60_000, i) for n, i in enumerate(ids)),
        )
        db.executemany("insert into params values (?, ?, ?)", ((f"p{k}", str(k), i) for i in ids for k in range(PARAMETERS)))
        db.executemany("insert into tags values (?, ?, ?)", ((f"mlflow.t{k}", "x", i) for i in ids for k in range(6)))
        points = ((f"m{k}", s / 7, START + s, i, s) for i in ids for k in range(METRICS) for s in range(POINTS))
        db.executemany("insert into metrics values (?, ?, ?, ?, ?, 0)", points)
        latest = ((f"m{k}", 19 / 7, START + 19, 19, i) for i in ids for k in range(METRICS))
        db.executemany("insert into latest_metrics values (?, ?, ?, ?, 0, ?)", latest)
        db.commit()


def store(folder: Path, runs: int) -> None:
    (folder / "mlruns/7").mkdir(parents=True)
    (folder / "mlruns/7/meta.yaml").write_text(EXPERIMENT)
    series = "".join(f"{START + s} {s / 7} {s}\n" for s in range(POINTS))
    for n in range(runs):
        run = folder / f"mlruns/7/{n:032x}"
        for inner in ("params", "metrics", "tags", "artifacts"):
            (run / inner).mkdir(parents=True)
        (run / "meta.yaml").write_text(META.replace("run_id: a1", f"run_id: {n:032x}"))
        for kind, count, text in (("params", PARAMETERS, "0.1"), ("metrics", METRICS, series), ("tags", 6, "x")):
            for k in range(count):
                (run / kind / f"{kind[0]}{k}").write_text(text)


class Cost(NamedTuple):
    """Of a child: wall seconds of its work, seconds of CPU of all of it (which a busy machine changes less), MB at the peak."""

    wall: float
    cpu: float
    memory: float

    def __str__(self) -> str:
        return f"{self.wall:.1f} s ({self.cpu:.1f} CPU), {self.memory:.0f} MB"


def measured(code: str) -> Cost:
    """Least of two."""
    said = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout for _ in range(2)]
    return min(Cost(*map(float, s.split())) for s in said)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=5000)
    runs = asked.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        for kind, make, yardstick in (("SQLite store", database, ROWS), ("file store", store, FILES)):
            folder = Path(name) / make.__name__
            make(folder, runs)
            told = {"root": str(ROOT), "folder": str(folder), "runs": runs, "points": POINTS}
            ours, theirs = measured(OURS.format(**told)), measured(yardstick.format(**told))
            least = f"{theirs}: every row or file once ({ours.cpu / theirs.cpu:.1f} x CPU)"
            print(f"| MLflow, {kind} of {runs:,} runs, found, read, summed up | {TARGET} | {ours} | {least} |")


if __name__ == "__main__":
    main()
