"""What did a comparator find? Differences by place, the first few in words, and what a rule excused."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from auditor.replay.compare.rules import FieldRule, Rules, field_of
from auditor.verdict import Sameness
from reports.archive.words import shown

MOST = 10
"""Differences that are told; the rest are counted."""
MAX_FIELDS = 1000
"""Fields that differ and are remembered by name."""


@dataclass(frozen=True)
class Compared:
    """The answer of a comparator: its name, the sameness, and what a person reads."""

    sameness: Sameness
    comparator: str
    detail: str


@dataclass(frozen=True)
class Varied:
    """A field that is not the same in both. relative: the largest relative difference, None where it is no number. example: the two values."""

    field: str
    relative: float | None
    example: tuple[str, str]


@dataclass
class Ledger:
    """Counts while a comparator walks. structural: is there a difference that no rule can excuse?"""

    rules: Rules
    told: list[str] = field(default_factory=list)
    count: int = 0
    largest: float = 0.0
    where: str = ""
    structural: bool = False
    same: int = 0
    """Values that were compared and are equal or close."""
    varied: dict[str, Varied] = field(default_factory=dict)
    used: dict[str, FieldRule] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What the comparator left aside by its nature (an image's metadata), each once."""

    def number(self, place: str, expected: float, actual: float) -> None:
        """Two floats at one place."""
        if expected == actual:
            self.same += 1
            return
        name = field_of(place)
        rule = self.rules.of(name)
        finite = math.isfinite(expected) and math.isfinite(actual)
        relative = abs(expected - actual) / max(abs(expected), abs(actual)) if finite else math.inf
        self._vary(name, relative, repr(expected), repr(actual))
        if rule and finite:
            self.used[rule.fields] = rule
            if rule.tolerance is None:
                return
        tolerance = rule.tolerance if rule and rule.tolerance else self.rules.tolerance
        if not tolerance.close(expected, actual):
            self._tell(place, repr(expected), repr(actual))
            self.structural |= not finite
        else:
            self.same += 1
            if relative > self.largest:
                self.largest, self.where = relative, place

    def differs(self, place: str, expected: str, actual: str) -> None:
        """Two values that are no floats, and not the same."""
        name = field_of(place)
        self._vary(name, None, expected, actual)
        rule = self.rules.of(name)
        if rule and rule.tolerance is None:
            self.used[rule.fields] = rule
        else:
            self._tell(place, expected, actual)

    def shape(self, place: str, expected: str, actual: str) -> None:
        """Something is missing, more, or of another form: no rule excuses it."""
        self.structural = True
        self._tell(place, expected, actual)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def tell(self, sentence: str) -> None:
        """A difference in the words of another comparator."""
        self.count += 1
        if len(self.told) < MOST:
            self.told.append(sentence)

    def _tell(self, place: str, expected: str, actual: str) -> None:
        self.tell(f"{shown(place, 80)}: {shown(expected, 120)} became {shown(actual, 120)}")

    def _vary(self, name: str, relative: float | None, expected: str, actual: str) -> None:
        before = self.varied.get(name)
        if before is None and len(self.varied) >= MAX_FIELDS:
            return
        if before is None or (before.relative is not None and relative is not None and relative > before.relative):
            self.varied[name] = Varied(name, relative, (expected[:120], actual[:120]))

    def verdict(self, comparator: str) -> Compared:
        """Called when the bytes differ: equal values then are equivalent, not identical."""
        aside = [f"by rule: {shown(str(rule), 160)}" for rule in self.used.values()] + self.notes
        if self.count:
            more = [f"and {self.count - len(self.told)} more"] if self.count > len(self.told) else []
            return Compared(Sameness.DIFFERENT, comparator, "\n".join([*self.told, *more, *aside]))
        if self.used and not self.same:
            return Compared(Sameness.DIFFERENT, comparator, "\n".join(["nothing that the rules leave is the same", *aside]))
        detail = f"within {self.rules.tolerance}; same values, written differently"
        if self.largest:
            detail = f"within {self.rules.tolerance}; largest relative difference {self.largest:.3g} at {shown(self.where, 80)}"
        return Compared(Sameness.EQUIVALENT, comparator, "\n".join([detail, *aside]))
