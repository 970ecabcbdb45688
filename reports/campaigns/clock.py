"""How long from one moment to another, and how many at the same time? Texts that are no times say nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def moment(iso: str) -> float | None:
    """Seconds since 1970."""
    try:
        read = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def between(start: str, end: str) -> float | None:
    """Seconds; None where a time is not known or they run backwards."""
    first, last = moment(start), moment(end)
    return last - first if first is not None and last is not None and last >= first else None


def most_at_once(spans: Iterable[tuple[str, str]]) -> int:
    """Most spans over one moment; one that ends as another begins is not beside it."""
    marks: list[tuple[float, int]] = []
    for start, end in spans:
        first, last = moment(start), moment(end)
        if first is not None and last is not None and last > first:
            marks += [(first, 1), (last, -1)]
    now = most = 0
    for _, change in sorted(marks):
        now += change
        most = max(most, now)
    return most
