"""What may differ in an output without its being another result? A tolerance, others for some fields, and fields that vary by nature.

A field is a place without its position: `seconds` (a column), `$.runs[*].time`, `/weights` (a data set), `line 12`. Structure is no field:
a missing row, another shape, a NaN or another type can be excused by no rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from auditor.replay.compare.tolerance import Tolerance

_POSITION = re.compile(r"\[\d+\]")
_ROW = re.compile(r"^row \d+, ")


@dataclass(frozen=True)
class FieldRule:
    """fields: a glob. tolerance: for its numbers; None: the field is not compared. why: who says so, as the verdict shows it."""

    fields: str
    tolerance: Tolerance | None
    why: str

    def __str__(self) -> str:
        return f"{self.fields}: {self.tolerance or 'not compared'} ({self.why})"


@dataclass(frozen=True)
class Rules:
    """The first rule whose glob fits a field holds for it, else the tolerance of the whole output."""

    tolerance: Tolerance = field(default_factory=Tolerance)
    fields: tuple[FieldRule, ...] = ()

    def of(self, name: str) -> FieldRule | None:
        return next((r for r in self.fields if r.fields == name or fnmatchcase(name, r.fields)), None)


def field_of(place: str) -> str:
    """`row 5, seconds` -> `seconds`; `$.runs[3].time` -> `$.runs[*].time`."""
    return _POSITION.sub("[*]", _ROW.sub("", place))
