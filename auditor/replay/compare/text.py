"""Do two texts say the same, when the numbers in them may differ a little? Words and the number of lines may not."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from itertools import zip_longest

from auditor.replay.compare.content import Content, NotComparable
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger

# a number that stands alone: not part of a word, a version (1.2.3) or a hash
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?|[nN][aA][nN]|[iI]nf(?:inity)?)(?!\w|\.\d)")
_INTEGER = re.compile(r"[-+]?\d+")
MAX_LINE = 1 << 20


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Line by line; raises UnicodeDecodeError for what is not text."""
    counts = [0, 0]
    for number, (a, b) in enumerate(zip_longest(lines(expected), lines(actual)), 1):
        counts[0] += a is not None
        counts[1] += b is not None
        line(f"line {number}", a, b, ledger)
    if counts[0] != counts[1]:
        ledger.told.insert(0, f"{counts[0]} lines became {counts[1]}")


def lines(content: Content) -> Iterator[str]:
    """Without their ends, whatever these are. Raises UnicodeDecodeError, NotComparable for a line without an end."""
    with io.TextIOWrapper(content.open(), encoding="utf-8", newline=None) as text:
        while row := text.readline(MAX_LINE):
            if len(row) == MAX_LINE:
                raise NotComparable(f"a line of more than {MAX_LINE} characters")
            if "\0" in row:
                raise NotComparable("a NUL character: no text")
            yield row.rstrip("\n")


def line(place: str, expected: str | None, actual: str | None, ledger: Ledger) -> None:
    """One line; None stands for a line that is not there."""
    if expected == actual and expected is not None and not has_nan(expected):
        ledger.same += 1
    elif expected is None or actual is None:
        ledger.shape(place, expected or "(no line)", actual or "(no line)")
    elif NUMBER.split(expected) != NUMBER.split(actual):
        ledger.differs(place, expected, actual)
    else:
        for a, b in zip(NUMBER.findall(expected), NUMBER.findall(actual), strict=True):
            value(place, a, b, ledger)


def value(place: str, expected: str, actual: str, ledger: Ledger) -> None:
    """Two numbers as written: integers must be equal, others close."""
    if _INTEGER.fullmatch(expected) and _INTEGER.fullmatch(actual):
        if expected != actual and expected.lstrip("+") != actual.lstrip("+"):
            ledger.differs(place, expected, actual)
        else:
            ledger.same += 1
    else:
        ledger.number(place, float(expected), float(actual))


def has_nan(text: str) -> bool:
    return "nan" in text.lower() and any(math.isnan(float(n)) for n in NUMBER.findall(text))


COMPARATOR = Comparator("text", ("txt", "md", "dat", "xyz", "svg", "xml", "html", "tex"), compare)
