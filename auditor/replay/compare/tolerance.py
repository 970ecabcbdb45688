"""When are two numbers the same result? |a - b| <= max(atol, rtol * max(|a|, |b|)); integers exactly; NaN never."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from auditor.verdict import Sameness
from reports.archive.recipe import ATOL, RTOL
from reports.archive.words import shown

MOST = 10
"""Differences that are told; the rest are counted."""


@dataclass(frozen=True)
class Tolerance:
    """rtol: relative; atol: absolute, in the unit of the data. Defaults and their reasons: reports.archive.recipe."""

    rtol: float = RTOL
    atol: float = ATOL

    def close(self, a: float, b: float) -> bool:
        """False for NaN, also beside NaN: two missing results are not one result."""
        if a == b:
            return True
        if not (math.isfinite(a) and math.isfinite(b)):
            return False
        return abs(a - b) <= max(self.atol, self.rtol * max(abs(a), abs(b)))

    def __str__(self) -> str:
        return f"rtol {self.rtol:g}, atol {self.atol:g}"


@dataclass(frozen=True)
class Compared:
    """The answer of a comparator: its name, the sameness, and what a person reads."""

    sameness: Sameness
    comparator: str
    detail: str


@dataclass
class Ledger:
    """Counts differences while a comparator walks; keeps the first few in words and the largest that was tolerated."""

    tolerance: Tolerance
    told: list[str] = field(default_factory=list)
    count: int = 0
    largest: float = 0.0
    where: str = ""

    def number(self, place: str, expected: float, actual: float) -> None:
        """Two floats at one place."""
        if not self.tolerance.close(expected, actual):
            self.differs(place, repr(expected), repr(actual))
        elif expected != actual:
            relative = abs(expected - actual) / max(abs(expected), abs(actual))
            if relative > self.largest:
                self.largest, self.where = relative, place

    def differs(self, place: str, expected: str, actual: str) -> None:
        self.count += 1
        if len(self.told) < MOST:
            self.told.append(f"{shown(place, 80)}: {shown(expected, 120)} became {shown(actual, 120)}")

    def verdict(self, comparator: str) -> Compared:
        """Called when the bytes differ: equal values then are equivalent, not identical."""
        if self.count:
            more = [f"and {self.count - len(self.told)} more"] if self.count > len(self.told) else []
            return Compared(Sameness.DIFFERENT, comparator, "\n".join([*self.told, *more]))
        detail = f"within {self.tolerance}; same values, written differently"
        if self.largest:
            detail = f"within {self.tolerance}; largest relative difference {self.largest:.3g} at {shown(self.where, 80)}"
        return Compared(Sameness.EQUIVALENT, comparator, detail)


Comparator = Callable[[bytes, bytes, Tolerance], Compared]
