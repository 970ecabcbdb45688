"""Do two CSV or TSV tables hold the same? Same rows and columns in the same order; numbers within tolerance."""

from __future__ import annotations

import csv
import io
from itertools import zip_longest

from auditor.replay.compare.text import NUMBER, value
from auditor.replay.compare.tolerance import Compared, Ledger, Tolerance


def compare(expected: bytes, actual: bytes, tolerance: Tolerance) -> Compared:
    """Cell by cell. Raises UnicodeDecodeError or csv.Error for what is no table."""
    before, after = _rows(expected), _rows(actual)
    ledger = Ledger(tolerance)
    if len(before) != len(after):
        ledger.differs("rows", str(len(before)), str(len(after)))
    header = before[0] if before else []
    for number, (a, b) in enumerate(zip_longest(before, after), 1):
        _row(number, a, b, (header, ledger))
    return ledger.verdict("csv")


def _rows(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)  # the header decides; a comma when none occurs
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def _row(number: int, expected: list[str] | None, actual: list[str] | None, to: tuple[list[str], Ledger]) -> None:
    header, ledger = to
    place = f"row {number}"
    if expected is None or actual is None:
        ledger.differs(place, _shown(expected), _shown(actual))
    elif len(expected) != len(actual):
        ledger.differs(place, f"{len(expected)} columns", f"{len(actual)} columns")
    else:
        for column, (a, b) in enumerate(zip(expected, actual, strict=True)):
            name = (
                header[column]
                if column < len(header) and not NUMBER.fullmatch(header[column].strip())
                else f"column {column + 1}"
            )
            _cell(f"{place}, {name}", a.strip(), b.strip(), ledger)


def _shown(row: list[str] | None) -> str:
    return "(no row)" if row is None else ",".join(row)


def _cell(place: str, expected: str, actual: str, ledger: Ledger) -> None:
    if NUMBER.fullmatch(expected) and NUMBER.fullmatch(actual):
        value(place, expected, actual, ledger)
    elif expected != actual:
        ledger.differs(place, expected, actual)
