"""Do two texts say the same, when the numbers in them may differ a little? Words and the number of lines may not."""

from __future__ import annotations

import math
import re
from itertools import zip_longest

from auditor.replay.compare.tolerance import Compared, Ledger, Tolerance
from auditor.verdict import Sameness

# a number that stands alone: not part of a word, a version (1.2.3) or a hash
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?|[nN][aA][nN]|[iI]nf(?:inity)?)(?!\w|\.\d)")
_INTEGER = re.compile(r"[-+]?\d+")


def compare(expected: bytes, actual: bytes, tolerance: Tolerance) -> Compared:
    """Line by line; raises UnicodeDecodeError for what is not text."""
    ledger = Ledger(tolerance)
    before, after = expected.decode("utf-8").splitlines(), actual.decode("utf-8").splitlines()
    for number, (a, b) in enumerate(zip_longest(before, after), 1):
        line(f"line {number}", a, b, ledger)
    if len(before) != len(after):
        answer = ledger.verdict("text")
        return Compared(Sameness.DIFFERENT, "text", f"{len(before)} lines became {len(after)}\n{answer.detail}")
    return ledger.verdict("text")


def line(place: str, expected: str | None, actual: str | None, ledger: Ledger) -> None:
    """One line; None stands for a line that is not there."""
    if expected == actual and expected is not None and not has_nan(expected):
        return
    if expected is None or actual is None:
        ledger.differs(place, expected or "(no line)", actual or "(no line)")
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
        ledger.number(place, float(expected), float(actual))


def has_nan(text: str) -> bool:
    return "nan" in text.lower() and any(math.isnan(float(n)) for n in NUMBER.findall(text))
