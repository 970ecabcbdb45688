#!/usr/bin/env python3
"""How long does the audit of a large campaign take, as the whole process a user waits for? Prints rows: what, target, ours, yardstick.

ci/bench_campaign.py [--runs N]      1,000 runs of the study in tests/study.py, filled through the spool
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median_low as median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from auditor import spool
from auditor.home import Home
from auditor.store import Store, ingest_spool
from tests.study import LABEL, driven, study

CONSOLE = str(Path(sys.executable).with_name("auditor"))
TASKS = 98


def filled(home: Home, runs: int) -> int:
    """The study in rounds of a hundred runs, and the run that held an engine; how many runs there are."""
    for capture in (*study(max(1, runs // (TASKS + 2)), TASKS, files=10), *driven("1001", "1003")):
        spool.save(home.spool, capture)
    with Store.open(home.store) as store:
        ingest_spool(store, home)
        return int(store.query("select count(*) from run where not is_array")[0][0])


def timed(folder: str, *argv: str) -> tuple[float, float]:
    """Seconds by the wall clock, and of CPU: the machine that measures may be busy."""
    begin, before = time.perf_counter(), _cpu()
    subprocess.run(
        [CONSOLE, *argv],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AUDITOR_HOME": folder},
    )
    return time.perf_counter() - begin, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    wanted = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        runs = filled(Home(folder), wanted)
        page, data = Path(folder) / "page.html", Path(folder) / "card.json"
        times: dict[str, list[tuple[float, float]]] = {"page": [], "one": [], "list": []}
        for _ in range(3):
            times["page"].append(timed(folder, "campaign", LABEL, "-o", str(page)))
            times["one"].append(timed(folder, "report", "last", "-o", str(Path(folder) / "one.html")))
            times["list"].append(timed(folder, "campaign"))
        timed(folder, "campaign", LABEL, "-o", str(data))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        (whole, cpu), (one, _) = median(times["page"]), median(times["one"])
        each = f"`auditor report` of each: {one * runs:,.0f} s"
        took = f"{whole:.1f} s ({cpu:.1f} CPU), {peak:.0f} MiB"
        print(f"| campaign of {runs:,} runs scored and reported, whole process | ≤ 10 s | {took} | {each} |")
        print(f"| its page | ≤ 1 MB | {page.stat().st_size / 1e3:.0f} kB | its JSON {data.stat().st_size / 1e6:.1f} MB |")
        print(f"| list of campaigns over {runs:,} runs | | {median(times['list'])[0]:.2f} s | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
