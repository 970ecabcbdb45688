#!/usr/bin/env python3
"""What does it cost to know a Python environment file by file, and to compare two? Prints rows: what, target, ours, yardstick; rivals take turns.

ci/bench_python.py [--repeats N] [--distributions N]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auditor.replay.compared import compare
from auditor.world import RealWorld
from probes.packages import HASH_BYTES, HASH_FILES, PythonPackages, look
from probes.python.interpreter import inspect
from probes.python.record import Check
from tests.wheels import digest, environment, site

FILES = 133
"""Files a distribution: with 300 of them 40,000, what a scientific environment has."""
BYTES = 4000


def row(what: str, target: str, ours: str, yardstick: str) -> None:
    print(f"| {what} | {target} | {ours} | {yardstick} |")


def turns(rivals: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each with its children, the rivals taking turns."""
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, do in rivals.items():
            begin = _cpu()
            do()
            found[name].append(_cpu() - begin)
    return {name: median(times) for name, times in found.items()}


def _cpu() -> float:
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def fill(prefix: Path, distributions: int) -> list[Path]:
    """Installed distributions as pip leaves them; their files."""
    lib, made = site(prefix), []
    for n in range(distributions):
        info = lib / f"dist{n}-1.0.dist-info"
        info.mkdir()
        (lib / f"dist{n}").mkdir()
        rows = []
        for k in range(FILES):
            path, data = lib / f"dist{n}/m{k}.py", f"# {n} {k}\n".encode().ljust(BYTES, b"x")
            path.write_bytes(data)
            made.append(path)
            rows.append(f"dist{n}/m{k}.py,{digest(data)},{len(data)}")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist{n}\nVersion: 1.0\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py3-none-any\n")
        (info / "RECORD").write_text("\n".join([*rows, f"{info.name}/RECORD,,", ""]))
    return made


def seen(prefix: Path) -> PythonPackages:
    world = RealWorld()
    return look(world, inspect(world, str(prefix / "bin/python"), ""), {}, Check(HASH_BYTES, HASH_FILES))


def bare(files: list[Path]) -> None:
    """The least that anybody can do who wants to know: read and hash each file."""
    for path in files:
        hashlib.sha256(path.read_bytes()).digest()


def inspected(prefix: Path) -> None:
    """What pip itself tells of an environment: metadata, no file is hashed."""
    argv = [sys.executable, "-m", "pip", "--python", str(prefix / "bin/python"), "inspect"]
    subprocess.run(argv, capture_output=True, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--distributions", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-python-") as folder:
        prefix = environment(Path(folder) / "venv")
        files = fill(prefix, options.distributions)
        found = seen(prefix)
        times = turns(
            {"ours": lambda: seen(prefix), "bare": lambda: bare(files), "pip": lambda: inspected(prefix)}, options.repeats
        )
        what = f"Python environment of {len(found.packages)} packages: {found.files_checked:,} files against RECORD, {found.files_skipped} skipped"
        row(
            what,
            "≤ 2 × a bare loop",
            f"{times['ours']:.2f} s CPU",
            f"read and sha256 {times['bare']:.2f} s, pip inspect {times['pip']:.2f} s",
        )
        begin = time.perf_counter()
        same = compare(found, found).same
        row("compare it with another, both read", "–", f"{(time.perf_counter() - begin) * 1e3:.1f} ms, equal: {same}", "–")


if __name__ == "__main__":
    main()
