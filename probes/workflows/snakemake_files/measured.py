"""What did jobs use, by Snakemake's benchmark files and by the Slurm plugin's efficiency report? Tables are read by the names of their columns.

benchmark.py of Snakemake 7 to 9: seconds, MiB, `NA` or `-` where nothing was measured; one row a repetition; `.jsonl` with the same names.
efficiency_report.py of the plugin 2.8: one row a job step: `JobID` (`15.0`), `MainJobID`, `Elapsed_sec`, `TotalCPU_sec`, `MaxRSS_MB` (of 2**20 bytes).
"""

from __future__ import annotations

import csv
import glob
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping

from auditor.world import World
from probes.records.inside import inside
from probes.workflows import Place, Used

MAX_BYTES = 8 << 20
MAX_ROWS = 100_000
_MIB = 1 << 20


def benchmark(world: World, folder: str, path: str) -> Used | None:
    """Time of all repetitions together, the highest memory; None where the file is not there, or tells nothing. Raises OSError."""
    text = world.text(inside(world, folder, path), MAX_BYTES)
    rows = list(_json_rows(text) if path.endswith(".jsonl") else _rows(text, "\t"))
    if not rows or all(_number(row.get("s")) is None for row in rows):
        return None
    return Used(
        seconds=_total(rows, "s"),
        cpu_seconds=_total(rows, "cpu_time"),
        memory=_bytes(max((n for row in rows if (n := _number(row.get("max_rss"))) is not None), default=None)),
        read=_bytes(_total(rows, "io_in")),
        written=_bytes(_total(rows, "io_out")),
        place=Place(path, "line 2"),
    )


def efficiency(world: World, folder: str, run: str) -> dict[str, Used]:
    """Slurm job number → what the report of this Slurm run says. Only reports in the run's folder are looked for. Raises OSError."""
    found: dict[str, Used] = {}
    for path in world.glob(f"{glob.escape(folder)}/efficiency_report_{glob.escape(run)}.csv"):
        name = os.path.relpath(path, folder)
        for line, row in enumerate(_rows(world.text(inside(world, folder, name), MAX_BYTES), ","), 2):
            job = (row.get("MainJobID") or row.get("JobID", "").partition(".")[0]).strip()
            used = Used(
                seconds=_number(row.get("Elapsed_sec")),
                cpu_seconds=_number(row.get("TotalCPU_sec")),
                memory=_bytes(_number(row.get("MaxRSS_MB"))) or None,
                place=Place(name, f"line {line}"),
            )
            if job and (job not in found or (used.seconds or 0) > (found[job].seconds or 0)):  # of several steps, the longest
                found[job] = used
    return found


def _rows(text: str, sep: str) -> Iterator[Mapping[str, str]]:
    try:
        for count, row in enumerate(csv.DictReader(text.replace("\0", "").splitlines(), delimiter=sep)):
            if count >= MAX_ROWS:
                return
            yield {k: v for k, v in row.items() if isinstance(k, str) and isinstance(v, str)}
    except csv.Error:
        return


def _json_rows(text: str) -> Iterator[Mapping[str, str]]:
    for line in text.splitlines()[:MAX_ROWS]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield {k: str(v) for k, v in row.items()}


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _total(rows: Iterable[Mapping[str, str]], column: str) -> float | None:
    numbers = [n for row in rows if (n := _number(row.get(column))) is not None]
    return sum(numbers) if numbers else None


def _bytes(mib: float | None) -> int | None:
    return None if mib is None else int(mib * _MIB)
