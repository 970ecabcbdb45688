"""Which moment is `12-05T09:59:06.030`? The year comes from the history or the file's age; the zone from moments that the log gives in both ways."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from probes.records.times import epoch, local
from probes.workflows.nextflow_files.log import Log
from probes.workflows.nextflow_files.units import whole

_QUARTER = 900
_LATE = 150.0
"""Seconds: between a task's exit and the line that tells it lie a polling interval and a queue's."""


def zone_of(log: Log, year: int) -> timezone | None:
    """By `exited: 2020-12-05T09:59:07.549659Z` in lines stamped with local time, by majority; None where no task tells it."""
    votes: Counter[int] = Counter()
    for task in log.tasks.values():
        exited, stamped = _moment(task.exited), _moment(f"{year}-{task.ended}Z" if task.ended else "")
        if exited is None or stamped is None:
            continue
        late = (stamped - exited).total_seconds()
        quarters = round((late - _LATE / 2) / _QUARTER)
        if abs(quarters) <= 14 * 4 and -5 <= late - quarters * _QUARTER <= _LATE:
            votes[quarters] += 1
    if not votes:
        return None
    quarters, count = votes.most_common(1)[0]
    return timezone(timedelta(seconds=quarters * _QUARTER)) if count * 2 > sum(votes.values()) else None


def stamped(text: str, first: str, year: int, zone: tzinfo | None) -> str:
    """A stamp of the log in UTC. first: the log's first one; a month before it is of the next year."""
    if not text:
        return ""
    return local(f"{year + (text[:2] < first[:2])}-{text}", zone)


def written(text: str, zone: tzinfo | None) -> str:
    """A time of a trace or the history: local `2026-11-23 21:23:35.123`, or milliseconds since 1970."""
    number = whole(text)
    return epoch(number / 1000) if number is not None else local(text.strip(), zone) if text not in ("", "-") else ""


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
