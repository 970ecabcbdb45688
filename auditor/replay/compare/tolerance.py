"""When are two numbers the same result? |a - b| <= max(atol, rtol * max(|a|, |b|)); integers exactly; NaN never."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.archive.recipe import ATOL, RTOL


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
