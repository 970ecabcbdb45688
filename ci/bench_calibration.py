#!/usr/bin/env python3
"""How well do the checks judge the campaigns of tests/calibration? Prints expected x got for each check, and every case that differs.

ci/bench_calibration.py            prints the table; exit status 1 where an outcome is not the expected one
ci/bench_calibration.py --write    keeps it as the golden one, tests/calibration/confusion.txt
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.calibration.confusion import GOLDEN, table, wrong


def main() -> int:
    told = table()
    print(told, end="")
    if "--write" in sys.argv[1:]:
        GOLDEN.write_text(told)
    differing = wrong()
    for case, check, expected, got, message in differing:
        print(f"{case}: {check}: expected {expected}, got {got}: {message}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
