"""How do epochs and clock readings of other programs become ISO 8601 in UTC? What cannot be one becomes empty."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone, tzinfo


def epoch(seconds: float | int | str | None) -> str:
    """Seconds since 1970; milliseconds and nanoseconds are the caller's to divide. Empty for None, nonsense, zero and what is before 1980."""
    try:
        value = float(seconds) if seconds is not None else math.nan
        return "" if not 315_532_800 <= value < 253_402_300_800 else _iso(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, TypeError):
        return ""


def local(text: str | None, zone: tzinfo | None, form: str = "") -> str:
    """A clock reading without a zone (ISO 8601, or strptime's `form`), taken to be of `zone` (None: this machine's); one that has a zone keeps it."""
    if not text:
        return ""
    try:
        read = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        placed = read if read.tzinfo else (read.replace(tzinfo=zone) if zone else read.astimezone())
        return _iso(placed.astimezone(UTC))
    except (ValueError, OverflowError):
        return ""


def zone(name: str) -> tzinfo | None:
    """The zone of a `TZ` text such as `Europe/London` or `UTC`; None where it names none that is known here."""
    from zoneinfo import ZoneInfo  # loads the interpreter's build settings: not where jobs import probes

    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, LookupError):
        return None


def offset(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


def between(start: str, end: str) -> float | None:
    """Seconds from one ISO time to another; None where one is missing."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() if start and end else None


def _iso(moment: datetime) -> str:
    """Whole seconds as the rest of the evidence has them; with milliseconds where there are any."""
    return moment.isoformat(timespec="milliseconds" if moment.microsecond >= 1000 else "seconds")
