"""Did two runs report the same? As text, after what no two runs have in common is taken out: clock times, durations, process numbers, addresses."""

from __future__ import annotations

import re
from itertools import zip_longest

from auditor.replay.compare import text
from auditor.replay.compare.content import Content
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger

# name, pattern, what stands there instead; in this order
_DAY, _CLOCK = r"\d{4}[-/]\d\d[-/]\d\d", r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_UNITS = "ns us µs ms s sec secs second seconds min minute minutes hour hours it/s s/it".replace(" ", "|")
VOLATILE = (
    ("dates and clock times", re.compile(rf"\b{_DAY}(?:[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)|\b{_CLOCK}(?!\d)"), "<time>"),
    ("durations", re.compile(rf"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)? ?(?:{_UNITS})\b"), "<duration>"),
    ("addresses", re.compile(r"\b0x[0-9a-fA-F]{6,16}\b"), "<address>"),
    ("process numbers", re.compile(r"(?i)\b(pid[ =:]+)\d+\b"), r"\1<pid>"),
    ("temporary paths", re.compile(r"/(?:tmp|var/tmp|dev/shm)/[^\s'\":,)]+"), "<temporary>"),
)


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises UnicodeDecodeError for what is not text."""
    used: dict[str, int] = {}
    counts = [0, 0]
    for number, (a, b) in enumerate(zip_longest(text.lines(expected), text.lines(actual)), 1):
        counts[0] += a is not None
        counts[1] += b is not None
        if a is not None and b is not None and a != b:
            a, b = _calmed(a, b, used)  # noqa: PLW2901  # the line without what is volatile takes its place
        text.line(f"line {number}", a, b, ledger)
    if counts[0] != counts[1]:
        ledger.told.insert(0, f"{counts[0]} lines became {counts[1]}")
    for name, lines in used.items():
        ledger.note(f"left aside in {lines} lines: {name}")


def _calmed(a: str, b: str, used: dict[str, int]) -> tuple[str, str]:
    """Both without what is volatile; only patterns that make a difference are counted."""
    for name, pattern, instead in VOLATILE:
        found = [m[0] for m in pattern.finditer(a)] != [m[0] for m in pattern.finditer(b)]
        if found:
            used[name] = used.get(name, 0) + 1
            a, b = pattern.sub(instead, a), pattern.sub(instead, b)
    return a, b


COMPARATOR = Comparator("log", ("log", "out", "err", "stdout", "stderr"), compare)
