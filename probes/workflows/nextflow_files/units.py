"""How much is `1m 57s`, `11.7 MB`, `609.5%`? Nextflow's own words, or raw numbers with `trace.raw`.

nextflow/util/Duration.groovy, MemoryUnit.groovy (1 KB is 1024 bytes), trace/TraceRecord.groovy (raw: milliseconds, bytes; `-`: not measured).
"""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0}
_TIME = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s?(ms|sec|min|hour|day|s|m|h|d)s?\b")
_MEMORY = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s?([KMGTPE]?)B?")
_PLAIN = re.compile(r"\d{1,18}(?:\.\d{1,9})?")
_POWERS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}


def seconds(text: str) -> float | None:
    """A bare number is milliseconds."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text) / 1000
    parts = _TIME.findall(text)
    return sum(float(n) * _SECONDS[unit] for n, unit in parts) if parts else None


def size(text: str) -> int | None:
    """In bytes."""
    found = _MEMORY.fullmatch(text.strip())
    return int(float(found[1]) * (1 << _POWERS[found[2]])) if found else None


def percent(text: str) -> float | None:
    return number(text.strip().removesuffix("%"))


def number(text: str) -> float | None:
    return float(text) if _PLAIN.fullmatch(text.strip()) else None


def whole(text: str) -> int | None:
    found = number(text)
    return None if found is None else int(found)
