"""How does a series of numbers become one metric? Last, least, most, how many; a value that is no number is counted, not compared."""

from __future__ import annotations

import math
from typing import Any

from probes.records.lines import one_line
from probes.tracking import Metric

MAX_METRICS = 300


class Series:
    """Metrics by name as their points come in, in the order of the record."""

    def __init__(self) -> None:
        self._points: dict[str, _Points] = {}
        self.omitted = 0
        """Points of names beyond MAX_METRICS."""

    def add(self, name: str, value: Any, step: int | None = None) -> None:
        points = self._points.get(name)
        if points is None:
            if len(self._points) >= MAX_METRICS:
                self.omitted += 1
                return
            points = self._points[name] = _Points()
        points.add(number(value), step)

    def metrics(self) -> tuple[Metric, ...]:
        return tuple(p.metric(one_line(name, 200)) for name, p in self._points.items())


class _Points:
    """One series so far."""

    __slots__ = ("count", "highest", "last", "lowest", "step")

    def __init__(self) -> None:
        self.count = 0
        self.last: float | None = None
        self.lowest: float | None = None
        self.highest: float | None = None
        self.step: int | None = None

    def add(self, value: float | None, step: int | None) -> None:
        self.count += 1
        if step is None or self.step is None or step >= self.step:  # written late, belongs before
            self.last, self.step = value, step
        if value is not None:
            self.lowest = value if self.lowest is None or value < self.lowest else self.lowest
            self.highest = value if self.highest is None or value > self.highest else self.highest

    def metric(self, name: str) -> Metric:
        return Metric(name, self.last, self.count, self.lowest, self.highest, self.step)


def number(value: Any) -> float | None:
    """A finite number; None for everything else. Texts that are numbers are ones."""
    try:
        read = float(value) if value is not None else math.nan
    except (TypeError, ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def whole(value: Any) -> int | None:
    """A whole number that fits 64 bits, else None."""
    read = number(value)
    return int(read) if read is not None and read == int(read) and abs(read) < 1 << 63 else None
