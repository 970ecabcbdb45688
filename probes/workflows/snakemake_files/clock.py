"""In which zone was a log written? Its times have none; the same moments stand as epochs in the metadata records and in the log file's own age."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from probes.workflows.snakemake_files.log import Log
from probes.workflows.snakemake_files.metadata import Record

_NAMED = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)(?:\.\d+)?\.snakemake\.log")
_QUARTER = 900
_CLOSE = 10.0
"""Seconds between a job's end and the line that says so."""


def by_records(log: Log, outputs: Mapping[str, tuple[str, ...]], records: Mapping[str, Record]) -> timezone | None:
    """The zone in which most finished jobs of this log ended when their records say they did; outputs: job's id → paths.

    None without a majority, or with records of a later run only.
    """
    votes: Counter[int] = Counter()
    asked = 0
    for name, job in log.jobs.items():
        ended = job.tries[-1].ended if job.tries and job.tries[-1].verdict else ""
        record = next((records[p] for p in outputs.get(name, ()) if p in records), None)
        if not ended or record is None or record.ended is None:
            continue
        asked += 1
        if (quarters := _quarters(ended, record.ended)) is not None:
            votes[quarters] += 1
    return _zone(votes, asked)


def by_age(last: str, modified: float) -> timezone | None:
    """The zone in which the last line was written when the file was changed for the last time (a copy is younger: None)."""
    return None if not last or (q := _quarters(last, modified)) is None else timezone(timedelta(seconds=q * _QUARTER))


def span(log: Log) -> tuple[str, str]:
    """Start and end, local. The log's name carries the start; the last stamp is the end."""
    named = _NAMED.fullmatch(os.path.basename(log.path))
    started = log.header.get("Date", "").replace(" ", "T") or (
        f"{named[1]}T{named[2]}:{named[3]}:{named[4]}" if named else log.first
    )
    try:
        datetime.fromisoformat(started)
    except ValueError:
        started = log.first
    return started, log.last or started


def within(record: Record, first: float | None, until: float | None) -> bool:
    """Was the record written while a run lasted, two seconds more or less? A run of which no start is known has none."""
    moment = record.ended if record.ended is not None else record.started
    return moment is not None and first is not None and first - 2 <= moment and (until is None or moment <= until + 2)


def seconds(local: str, zone: tzinfo | None) -> float | None:
    """A local time as seconds since 1970; zone None: this machine's."""
    if not local:
        return None
    try:
        moment = datetime.fromisoformat(local)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone) if zone else moment.astimezone()).timestamp()
    except (ValueError, OverflowError):
        return None


def _quarters(local: str, epoch: float) -> int | None:
    apart = datetime.fromisoformat(local).replace(tzinfo=UTC).timestamp() - epoch
    quarters = round(apart / _QUARTER)
    return quarters if abs(quarters) <= 14 * 4 and abs(apart - quarters * _QUARTER) <= _CLOSE else None


def _zone(votes: Counter[int], asked: int) -> timezone | None:
    if not votes:
        return None
    quarters, count = votes.most_common(1)[0]
    return timezone(timedelta(seconds=quarters * _QUARTER)) if count * 2 > asked else None
