"""How are numbers, times and outcomes put into words? The same words in every format."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.model import Outcome, Phase, Status

OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.WEAK: "weak",
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "not known",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.ERROR: "check broke",
}

SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.WEAK: "≈",
    Outcome.FAILED: "✗",
    Outcome.UNKNOWN: "?",
    Outcome.NOT_APPLICABLE: "–",
    Outcome.ERROR: "!",
}

STATUSES = {
    Status.OK: "seen",
    Status.ABSENT: "looked and absent",
    Status.FAILED: "could not look",
    Status.WITHHELD: "withheld",
}

PHASES = {
    Phase.SUBMIT: "at submission",
    Phase.START: "as the job started",
    Phase.END: "as the job ended",
    Phase.LATER: "afterwards",
}

SAMENESS = {
    "identical": "Identical",
    "equivalent": "Equivalent within tolerance",
    "different": "Different",
    "not-run": "Not run",
}

UNKNOWN = "not known"


@dataclass(frozen=True)
class Headline:
    """The verdict in words. `figure` is the interval, or what stands instead of it."""

    figure: str
    unit: str
    sentence: str
    coverage: str


def floor(number: float) -> int:
    return math.floor(number + 1e-9)


def ceil(number: float) -> int:
    return math.ceil(number - 1e-9)


def percent(low: float, high: float) -> str:
    """An interval on 0–100 in whole numbers, rounded outwards: `48–82`. A point is rounded down: `72`."""
    bottom, top = floor(low), floor(low) if high - low < 1e-9 else ceil(high)
    return f"{bottom}" if bottom == top else f"{bottom}–{top}"


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Bytes: `512 B`, `4.1 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(number) < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.3g} {unit}" if number < 999.5 else f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:,.4g} PiB"


def duration(seconds: float) -> str:
    """Seconds: `0.4 s`, `42 s`, `3 min 20 s`, `2 h 05 min`, `3 d 04 h`."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min" if whole % 3600 >= 60 else f"{whole // 3600} h"
    return f"{whole // 86400:,} d {whole % 86400 // 3600:02d} h"


def quantity(number: float | None, unit: str) -> str:
    """A gauge's number with its unit; `core-s` is printed in core-hours, as allocations are."""
    if number is None:
        return UNKNOWN
    if unit == "byte":
        return size(number)
    if unit == "s":
        return duration(number)
    if unit == "core-s":
        return f"{number / 3600:,.3g} core-hours" if number >= 36 else f"{number:,.3g} core-seconds"
    unit = "GPU" if unit == "gpu" else unit
    return count(round(number), unit) if number == round(number) else f"{number:,.3g} {unit}s"


def when(iso: str) -> str:
    """`2026-11-20 10:04:05 UTC`; what is not such a time is shown as it is; empty is `not known`."""
    moment = instant(iso)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else iso or UNKNOWN


def instant(iso: str) -> datetime | None:
    """The moment an ISO 8601 text names, in UTC; None when it names none."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def kind(name: str) -> str:
    """A data type's name as people say it: `JobAccounting` → `Job accounting`."""
    first, *rest = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=^R)(?=[A-Z])", " ", name).split(" ")
    said = {"Cpu": "CPU", "Sif": "SIF"}.get(first, first)
    return " ".join((said, *(word.lower() for word in rest))) or UNKNOWN


def rung(name: str) -> str:
    """`replayed-elsewhere` → `replayed elsewhere`."""
    return name.replace("-", " ")


def gauge(name: str) -> str:
    """`gpus` → `GPUs`, `memory` → `Memory`."""
    return {"gpus": "GPUs", "cpu": "CPU"}.get(name, upper(name))


def upper(text: str) -> str:
    """The first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]
