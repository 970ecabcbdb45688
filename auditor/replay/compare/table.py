"""Do two CSV or TSV tables hold the same? Same rows and columns in the same order; numbers within tolerance. Read row by row, of any size."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import zip_longest

from auditor.replay.compare.content import Content
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger
from auditor.replay.compare.text import NUMBER, has_nan, value


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Cell by cell. Raises UnicodeDecodeError or csv.Error for what is no table."""
    header: list[str] = []
    counts = [0, 0]
    for number, (a, b) in enumerate(zip_longest(_rows(expected), _rows(actual)), 1):
        counts[0] += a is not None
        counts[1] += b is not None
        if number == 1 and a:
            header = a
        _row(number, a, b, (header, ledger))
    if counts[0] != counts[1]:
        ledger.shape("rows", str(counts[0]), str(counts[1]))
        ledger.told.insert(0, ledger.told.pop())


def _rows(content: Content) -> Iterator[list[str]]:
    with io.TextIOWrapper(content.open(), encoding="utf-8-sig", newline="") as text:
        first = text.readline(1 << 20)
        delimiter = max(",\t;", key=first.count)  # the header decides; a comma when none occurs
        text.seek(0)
        yield from csv.reader(text, delimiter=delimiter, strict=True)


def _row(number: int, expected: list[str] | None, actual: list[str] | None, to: tuple[list[str], Ledger]) -> None:
    header, ledger = to
    place = f"row {number}"
    if expected is None or actual is None:
        ledger.shape(place, _shown(expected), _shown(actual))
    elif len(expected) != len(actual):
        ledger.shape(place, f"{len(expected)} columns", f"{len(actual)} columns")
    elif expected == actual and not any(map(has_nan, expected)):
        ledger.same += len(expected)
    else:
        for column, (a, b) in enumerate(zip(expected, actual, strict=True)):
            named = column < len(header) and not NUMBER.fullmatch(header[column].strip())
            _cell(f"{place}, {header[column] if named else f'column {column + 1}'}", a.strip(), b.strip(), ledger)


def _shown(row: list[str] | None) -> str:
    return "(no row)" if row is None else ",".join(row)


def _cell(place: str, expected: str, actual: str, ledger: Ledger) -> None:
    if NUMBER.fullmatch(expected) and NUMBER.fullmatch(actual):
        value(place, expected, actual, ledger)
    elif expected != actual:
        ledger.differs(place, expected, actual)
    else:
        ledger.same += 1


COMPARATOR = Comparator("csv", ("csv", "tsv", "tab"), compare)
