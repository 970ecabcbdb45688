"""Are two runs of raw numbers the same within tolerance? Equal pieces are skipped as bytes; the others are looked at number by number.

With NumPy, where it is installed, at the speed of memory; without it, up to SLOW numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from auditor.replay.compare.content import NotComparable
from auditor.replay.compare.ledger import Ledger

SLOW = 16_000_000
"""Numbers that are compared one by one without NumPy: some ten seconds."""
CODES = {
    "f2": "e", "f4": "f", "f8": "d", "c8": "ff", "c16": "dd", "b1": "?",
    "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
}  # fmt: skip
"""NumPy's type without its byte order → struct's."""


@dataclass
class Numbers:
    """Walks two arrays of one type in step. name: goes before each index; done: how many elements were seen. kind: `<f8` and the like."""

    name: str
    kind: str
    ledger: Ledger
    done: int = 0
    slow: int = 0

    @property
    def width(self) -> int:
        """Bytes of one element."""
        return int(self.kind[2:])

    def feed(self, a: bytes, b: bytes) -> None:
        """The next piece of both: the same whole number of elements. Raises NotComparable."""
        elements = len(a) // self.width
        if a == b and not (self.kind[1] in "fc" and _has_nan(a, self.kind)):
            self.ledger.same += elements
        else:
            self._fast(a, b) if _numpy() else self._slowly(a, b)
        self.done += elements

    def _fast(self, a: bytes, b: bytes) -> None:
        np = _numpy()
        x, y = np.frombuffer(a, self.kind), np.frombuffer(b, self.kind)
        if self.kind[1] == "c":
            part = f"{self.kind[0]}f{self.width // 2}"
            x, y = x.view(part), y.view(part)
        per = len(x) * self.width // len(a)
        with np.errstate(all="ignore"):
            odd = np.flatnonzero(~(x == y))  # a NaN is not equal to itself
            self.ledger.same += len(x) - len(odd)
            if self.kind[1] == "f" or self.kind[1] == "c":
                odd = self._tolerated(np, x, y, odd)
        for at in odd[:2000].tolist():
            self._tell(f"{self.name}[{self.done + at // per}]", x[at].item(), y[at].item())
        self.ledger.count += max(0, len(odd) - 2000)

    def _tolerated(self, np: Any, x: Any, y: Any, odd: Any) -> Any:
        """Positions that the tolerance does not cover; of the others the largest difference goes through the ledger."""
        rule = self.ledger.rules.of(f"{self.name}[*]")
        if rule:  # rare: let the ledger apply it, number by number
            return odd
        t = self.ledger.rules.tolerance
        p, q = x[odd].astype("f8"), y[odd].astype("f8")
        size = np.maximum(np.abs(p), np.abs(q))
        close = np.isfinite(p) & np.isfinite(q) & (np.abs(p - q) <= np.maximum(t.atol, t.rtol * size))
        if close.any():
            relative = np.where(close, np.abs(p - q) / np.where(size == 0, 1, size), -1)
            at = int(odd[int(relative.argmax())])
            per = 2 if self.kind[1] == "c" else 1
            self._tell(f"{self.name}[{self.done + at // per}]", x[at].item(), y[at].item())
            self.ledger.same += int(close.sum()) - 1
        return odd[~close]

    def _slowly(self, a: bytes, b: bytes) -> None:
        self.slow += len(a) // self.width
        if self.slow > SLOW:
            raise NotComparable(f"more than {SLOW} numbers differ in their bytes; with NumPy installed they are compared")
        order = ">" if self.kind[0] == ">" else "<"
        code = order + CODES[self.kind[1:]]
        for n, (row, other) in enumerate(zip(struct.iter_unpack(code, a), struct.iter_unpack(code, b), strict=True)):
            for x, y in zip(row, other, strict=True):
                if x == y:
                    self.ledger.same += 1
                else:
                    self._tell(f"{self.name}[{self.done + n}]", x, y)

    def _tell(self, place: str, x: Any, y: Any) -> None:
        if self.kind[1] in "fc":
            self.ledger.number(place, x, y)
        else:
            self.ledger.differs(place, repr(x), repr(y))


def in_step(a: Callable[[int], bytes], b: Callable[[int], bytes], to: Numbers, total: int) -> None:
    """Read `total` bytes of both and compare them. Raises NotComparable where one is shorter."""
    piece = (1 << 20) // to.width * to.width
    while total > 0:
        x, y = a(min(piece, total)), b(min(piece, total))
        if len(x) != min(piece, total) or len(y) != len(x):
            raise NotComparable("as many values as its shape says are not there")
        to.feed(x, y)
        total -= len(x)


def _has_nan(raw: bytes, kind: str) -> bool:
    np = _numpy()
    if np:
        part = f"{kind[0]}f{int(kind[2:]) // 2}" if kind[1] == "c" else kind
        return bool(np.isnan(np.frombuffer(raw, part)).any())
    code = ("<" if kind[0] != ">" else ">") + CODES[kind[1:]]
    return any(v != v for row in struct.iter_unpack(code, raw) for v in row)  # noqa: PLR0124  # what a NaN is


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        return None
    return numpy
