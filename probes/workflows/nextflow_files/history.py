"""Which runs does `.nextflow/history` know? One line each: time, duration, name, `OK`, `ERR` or `-`, revision, session, command.

nextflow/util/HistoryFile.groovy: tabs, no header, local time without a zone; a duration and status of `-` were never filled in: the run goes on or was killed.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import lines

MAX_BYTES = 16 << 20
MAX_RUNS = 10_000


@dataclass(frozen=True)
class Row:
    """when: local, as written (`2026-11-23 21:23:35`). revision: a commit of 40 digits, or the MD5 of a local script."""

    line: int
    when: str
    duration: str
    name: str
    status: str
    revision: str
    session: str
    command: str


def history(world: World, folder: str) -> tuple[list[Row], list[str]]:
    """Oldest first; and what could not be read. Raises OSError but FileNotFoundError."""
    rows: list[Row] = []
    broken = 0
    try:
        path = inside(world, folder, ".nextflow/history")
        for number, text in lines(world, path, MAX_BYTES):
            columns = text.split("\t")
            if len(columns) >= 7:
                rows.append(_row(number, columns))
            elif text.strip():
                broken += 1
    except FileNotFoundError:
        return [], []
    gaps = [f"{broken} lines of .nextflow/history are not runs"] if broken else []
    if len(rows) > MAX_RUNS:
        gaps.append(f".nextflow/history has {len(rows)} runs: the last {MAX_RUNS} were read")
    return rows[-MAX_RUNS:], gaps


def _row(number: int, columns: list[str]) -> Row:
    when, duration, name, status, revision, session = columns[:6]
    return Row(number, when, duration, name, status, revision, session, "\t".join(columns[6:]))
