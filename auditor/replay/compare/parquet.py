"""Do two Parquet files hold the same? Same columns, types and rows in the same order; floats within tolerance. Read in batches."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from auditor.replay.compare.content import Content
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable's kin (ValueError) for what is damaged."""
    from auditor.store.parquet import opened

    with expected.on_disk() as a, actual.on_disk() as b, opened(a) as one, opened(b) as other:
        if one.columns != other.columns:
            ledger.shape("columns", _shown(one.columns), _shown(other.columns))
        if one.count != other.count:
            ledger.shape("rows", str(one.count), str(other.count))
        if one.columns != other.columns:
            return
        names = [name for name, _ in one.columns]
        first = 0
        nothing: list[tuple[Any, ...]] = []
        for x, y in zip_longest(one.batches(), other.batches(), fillvalue=nothing):
            if x == y and not any(v != v for row in x for v in row):  # noqa: PLR0124  # a NaN
                ledger.same += len(x) * len(names)
            else:
                for number, (p, q) in enumerate(zip(x, y, strict=False), first + 1):
                    _row(number, names, p, q, ledger)
            first += len(x)


def _row(number: int, names: list[str], a: tuple[Any, ...], b: tuple[Any, ...], ledger: Ledger) -> None:
    for name, x, y in zip(names, a, b, strict=True):
        place = f"row {number}, {name}"
        if isinstance(x, float) and isinstance(y, float):
            ledger.number(place, x, y)
        elif type(x) is not type(y):  # a value that became missing
            ledger.shape(place, repr(x), repr(y))
        elif x != y:
            ledger.differs(place, repr(x), repr(y))
        else:
            ledger.same += 1


def _shown(columns: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns)


def _knows(head: bytes) -> bool:
    return head.startswith(b"PAR1")


COMPARATOR = Comparator("parquet", ("parquet", "pq"), compare, _knows)
