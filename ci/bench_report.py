#!/usr/bin/env python3
"""How long does a report take, as the whole process a user waits for? Prints rows: what, target, ours, yardstick."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
CONSOLE = str(Path(sys.executable).with_name("auditor"))


def seconds(*argv: str) -> float:
    begin = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> int:
    card = str(ROOT / "tests/golden/ml_job/scorecard.json")
    if not Path(card).exists():
        card = str(next((ROOT / "tests/golden").glob("ml_job*.json")))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        times: dict[str, list[float]] = {"ours": [], "bare": []}
        for _ in range(5):
            times["ours"].append(seconds(CONSOLE, "report", card, "-o", str(page)))
            times["bare"].append(seconds(sys.executable, "-c", "import jinja2"))
        took, bare = median(times["ours"]), median(times["bare"])
        print(f"| report of one run, whole process | ≤ 1 s | {took:.2f} s | python -c 'import jinja2' {bare:.2f} s |")
        print(f"| HTML report, one file | ≤ 1 MB | {page.stat().st_size / 1e3:.0f} kB | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
