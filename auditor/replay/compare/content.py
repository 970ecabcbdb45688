"""Where do the two contents come from, that a comparator reads? Files, or members of an archive; read in pieces, from wherever it likes."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEAD = 4096
PIECE = 1 << 20


@dataclass(frozen=True)
class Content:
    """path: a file; raw: bytes at hand instead. name: what it is called, for its suffix."""

    name: str
    path: Path | None = None
    raw: bytes = b""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path else len(self.raw)

    @property
    def suffix(self) -> str:
        """Lower case, without the dot; `tar.gz` is `gz`."""
        return self.name.rpartition("/")[2].rpartition(".")[2].lower()

    def open(self) -> BinaryIO:
        return self.path.open("rb") if self.path else io.BytesIO(self.raw)

    def head(self) -> bytes:
        with self.open() as file:
            return file.read(HEAD)

    def pieces(self) -> Iterator[bytes]:
        with self.open() as file:
            while piece := file.read(PIECE):
                yield piece

    def whole(self, limit: int) -> bytes:
        """Raises NotComparable where it is larger."""
        if self.size > limit:
            raise NotComparable(f"{self.size} bytes, and this kind is read whole up to {limit}")
        with self.open() as file:
            return file.read(limit + 1)

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """For libraries that want a path."""
        if self.path:
            yield self.path
            return
        with tempfile.NamedTemporaryFile(prefix="auditor-compare-") as file:
            file.write(self.raw)
            file.flush()
            yield Path(file.name)


class NotComparable(ValueError):
    """It is of this kind and yet its values are not read: why, in a line. The next kind, or the bytes, decide."""


def first_difference(a: Content, b: Content) -> int:
    """The first byte that is not the same in both, counted from 0."""
    at = 0
    with a.open() as one, b.open() as other:
        while True:
            x, y = one.read(PIECE), other.read(PIECE)
            if x != y:
                return at + next((i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y)))
            if not x:
                return at
            at += len(x)
