#!/usr/bin/env python3
"""How fast are runs taken in and found again, in how much room? Prints rows: what, target, ours, yardstick; rivals take turns.

ci/bench_store.py [--runs N] [--kills N] [--among N]

20,000 runs; no kill test unless asked for; --among 100000: questions over so many runs, which take minutes to make
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from left_runs import LeftRuns

from auditor import codec, spool
from auditor.home import Home
from auditor.model import Capture, Phase
from auditor.store import Store, ingest_spool
from tests import factory as make

Row = tuple[str, str, str, str]
ENVIRONMENTS = 20
INPUT_SETS = 50
YARDSTICK_RUNS = 300
CHUNK = 2000


class Runs:
    """Synthetic runs: packages of one of 20 environments, and files.

    shared: how many of the files are inputs that other runs read too (one of 50 sets, same times); the rest are this run's own.
    """

    def __init__(self, packages: int = 200, files: int = 100, shared: int = 60) -> None:
        self.packages, self.files, self.shared = packages, files, shared
        self._packages = [
            make.seen(make.packages(*(f"package{i}=={e}.{i}" for i in range(packages)))) for e in range(ENVIRONMENTS)
        ]
        self._inputs = [
            [make.file(f"data/set{s}/shard-{i:05d}.h5", content=f"set {s}/{i}") for i in range(shared)] for s in range(INPUT_SETS)
        ]

    def capture(self, n: int) -> Capture:
        when = f"2026-{1 + n // 800_000 % 12:02d}-{1 + n // 28_800 % 28:02d}T{n // 1200 % 24:02d}:{n // 20 % 60:02d}:{n % 20:02d}+00:00"
        rng = random.Random(n)  # the same run again is the same bytes
        own = [
            dataclasses.replace(
                make.file(f"results/run-{n}/part-{i:03d}.npy", "output", f"{n}/{i}"),
                size=rng.randrange(1 << 24),
                mtime_ns=1_795_435_200_000_000_000 + n * 3_000_000_000 + rng.randrange(3_000_000_000),
            )
            for i in range(self.files - self.shared)
        ]
        job = make.job(str(n), submitted_at=when, user=f"user{n % 50}", argv=("train.sh", str(n % 977)))
        tried = make.attempt(submitted=when, started=when, ended=when)
        return make.capture(
            job,
            Phase.END,
            self._packages[n % ENVIRONMENTS],
            *([make.seen(make.manifest(*self._inputs[n % INPUT_SETS]), source="inputs")] if self.shared else []),
            make.seen(make.manifest(*own), source="outputs"),
            make.seen(make.accounting(str(n), tried, used_seconds=float(n % 3600))),
            make.seen(make.environment(SLURM_JOB_ID=str(n), OMP_NUM_THREADS="4", PATH="/usr/local/bin:/usr/bin")),
            make.seen(make.hardware()),
        )


def fill(runs: Runs, first: int, count: int, home: Home) -> int:
    """Spool so many runs without waiting for the disk, as many jobs would have; their bytes."""
    os.makedirs(home.spool, exist_ok=True)
    size = 0
    for n in range(first, first + count):
        capture = runs.capture(n)
        raw = codec.dumps(capture)
        size += len(raw)
        Path(home.spool, f"{n}-0-end-{codec.digest(capture)[:16]}.json").write_bytes(raw)
    return size


def fill_left(runs: LeftRuns, first: int, count: int, home: Home) -> int:
    """The same with runs as they are really left, a few files each; their bytes."""
    os.makedirs(home.spool, exist_ok=True)
    size = 0
    for n in range(first, first + count):
        for name, raw in runs.files(n):
            size += Path(home.spool, name).write_bytes(raw)
    return size


def really_left(folder: Path, total: int, packages: int) -> Iterator[Row]:
    """A real run, many times over; what its spool, archive and store take."""
    (folder / f"left-{packages}").mkdir()
    runs, home = LeftRuns(folder / f"left-{packages}", packages), Home(str(folder / f"left-{packages}" / "many"))
    took, size = [], 0
    for first in range(0, total, CHUNK // 4):
        count = min(CHUNK // 4, total - first)
        size += fill_left(runs, first, count, home)
        begin, cpu = time.perf_counter(), time.process_time()
        with Store.open(home.store) as store:
            ingest_spool(store, home)
        took.append(((time.perf_counter() - begin) / count, (time.process_time() - cpu) / count))
    yield f"ingest, {total:,} runs {runs.what}", "≥ 1,500 runs/s", speed(took), f"spool {size / total / 1000:.0f} KB a run"
    packed = sum(path.stat().st_size for path in Path(home.archive).iterdir())
    yield (
        f"store, runs {runs.what}",
        "≤ 5 KB a run",
        f"{os.path.getsize(home.store) / total / 1000:.1f} KB",
        f"archive {packed / total / 1000:.0f} KB",
    )


def one_by_one(folder: Path, home: Home) -> tuple[float, float]:
    """The plain way: one INSERT of the JSON a run, each its own commit. Wall and CPU seconds a run."""
    import duckdb

    con = duckdb.connect(str(folder / f"plain-{time.monotonic_ns()}.duckdb"))
    con.execute("create table run (id varchar primary key, snapshot json)")
    paths = list(spool.waiting(home.spool))[:YARDSTICK_RUNS]
    begin, cpu = time.perf_counter(), time.process_time()
    for path in paths:
        con.execute("insert or ignore into run values (?, ?)", [path, Path(path).read_text()])
    took = (time.perf_counter() - begin) / len(paths), (time.process_time() - cpu) / len(paths)
    con.close()
    return took


def ingest(folder: Path, total: int, runs: Runs) -> Iterator[Row]:
    """Chunks of 2,000 runs, the yardstick between them."""
    home = Home(str(folder / f"{runs.packages}-{runs.files}-{runs.shared}"))
    ours, plain, size = [], [], 0
    for first in range(0, total, CHUNK):
        count = min(CHUNK, total - first)
        size += fill(runs, first, count, home)
        plain.append(one_by_one(folder, home))
        begin, cpu = time.perf_counter(), time.process_time()
        with Store.open(home.store) as store:
            ingest_spool(store, home)
        ours.append(((time.perf_counter() - begin) / count, (time.process_time() - cpu) / count))
    bytes_ = size / total
    what = f"{total:,} runs of {bytes_ / 1000:.0f} KB: {runs.packages} packages, {runs.files} files, {runs.shared} of them shared"
    yield f"ingest, {what}", "≥ 1,500 runs/s", speed(ours), f"one INSERT a run {speed(plain)}"
    yield (
        f"store, {what}",
        "≤ 5 KB a run",
        f"{os.path.getsize(home.store) / total / 1000:.1f} KB",
        f"spool {bytes_ / 1000:.0f} KB",
    )
    yield "memory of this process", "≤ 1 GiB", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB", ""
    yield from queries(home, total, runs)


def speed(took: list[tuple[float, float]]) -> str:
    """Median over the chunks; CPU seconds are what a busy machine does not change much."""
    return f"{1 / median(wall for wall, _ in took):,.0f} runs/s ({1 / median(cpu for _, cpu in took):,.0f} a CPU s)"


def timed(what: Callable[[], object], repeats: int = 7) -> float:
    """The least of so many, in milliseconds."""
    took = []
    for _ in range(repeats):
        begin = time.perf_counter()
        what()
        took.append(time.perf_counter() - begin)
    return min(took) * 1e3


def _audit(store: Store) -> None:
    """A score for every run, as if each had been judged once."""
    store.con.execute(
        "insert into audit select no, id::blob, id, no % 97 / 97, 1.0, 0.5, 'captured', 'bench', '{}' from run"
        " where not exists (select 1 from audit)"
    )


def queries(home: Home, total: int, runs: Runs) -> Iterator[Row]:
    from reports.diff import diff

    one, other = runs.capture(total // 2), runs.capture(total // 3)
    digest = make.sha(f"{total // 2}/7")
    with Store.open(home.store) as store:
        _audit(store)
        asked: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("last 20 runs", "≤ 50 ms", lambda: store.runs(20)),
            ("score history of a user", "≤ 50 ms", lambda: store.history(one.job.user, 50)),
            ("evidence of a run", "–", lambda: store.evidence(one.job.run_id)),
            ("diff of two runs", "≤ 50 ms", lambda: diff(store.evidence(one.job.run_id), store.evidence(other.job.run_id))),
            ("drift of one package", "≤ 100 ms", lambda: store.package_versions("package7")),
            ("runs that had one version of a package", "≤ 100 ms", lambda: store.packages("package7", "7.7")),
            ("lineage by digest", "≤ 10 ms", lambda: store.uses(digest)),
            ("campaign", "–", lambda: store.campaign(one.job.run_id)),
        )
        for name, target, ask in asked:
            yield f"{name}, {total:,} runs", target, f"{timed(ask):.1f} ms", ""


def small(folder: Path) -> Iterator[Row]:
    """A few captures into a store that is there: what a user waits for."""
    home, runs = Home(str(folder / "small")), Runs()
    fill(runs, 0, 2000, home)
    with Store.open(home.store) as store:
        ingest_spool(store, home)
        for count in (1, 20):
            fill(runs, 10_000 + count, count, home)
            begin = time.perf_counter()
            ingest_spool(store, home)
            yield f"ingest of {count}, store open", "≤ 150 ms", f"{(time.perf_counter() - begin) * 1e3:.0f} ms", ""


KILLED = """
import sys
from auditor.home import Home
from auditor.store import Store, ingest_spool
import auditor.store.ingest as ingest
ingest.BATCH_FILES = 5
home = Home(sys.argv[1])
with Store.open(home.store) as store:
    print("open", flush=True)
    ingest_spool(store, home)
"""


def kills(folder: Path, times: int) -> Iterator[Row]:
    """SIGKILL at a random moment of the ingest, then look."""
    home, runs, rng = Home(str(folder / "killed")), Runs(), random.Random(2)
    expected: set[str] = set()
    interrupted = 0
    for round_ in range(times):
        fill(runs, round_ * 20, 20, home)
        expected |= {e.id for n in range(20) for e in runs.capture(round_ * 20 + n).evidence}
        child = subprocess.Popen([sys.executable, "-c", KILLED, home.root], stdout=subprocess.PIPE)
        assert child.stdout
        child.stdout.readline()
        time.sleep(rng.random() * 0.4)
        child.send_signal(signal.SIGKILL)
        interrupted += child.wait() == -signal.SIGKILL
        child.stdout.close()
    with Store.open(home.store) as store:
        ingest_spool(store, home)
        found = {e.id for run in store.runs(0) for e in store.evidence(run.id)}
        rows = store.query("select * from sight")
        broken = len(store.query("select path, size from file where octet_length(sha256) <> 32"))
    lost, doubled = len(expected - found), len(rows) - len(set(rows))
    yield (
        f"{times} × kill -9 ({interrupted} hit)",
        "0 lost, 0 doubled, 0 corrupt",
        f"{lost} lost, {doubled} doubled, {broken} corrupt",
        "",
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=20_000)
    options.add_argument("--kills", type=int, default=0)
    options.add_argument("--among", type=int, default=0)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in (
            *ingest(folder, asked.among or asked.runs, Runs(75, 45, 30)),
            *ingest(folder, asked.runs // 4, Runs()),
            *ingest(folder, asked.runs // 8, Runs(shared=0)),
            *really_left(folder, asked.runs // 10, 75),
            *really_left(folder, asked.runs // 10, 200),
            *small(folder),
            *(kills(folder, asked.kills) if asked.kills else ()),
        ):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
