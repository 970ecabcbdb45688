"""How are the bytes of a file of any size taken in order, so many at a time? Constant memory, and an end to it."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.world import World


class Bytes:
    """A file from its beginning to its end, or to `limit` bytes. Raises as World.chunks when it is first asked."""

    def __init__(self, world: World, path: str, limit: int) -> None:
        self._pieces: Iterator[memoryview] = world.chunks(path)
        self._rest = b""
        self._left = limit
        self.cut = False
        """Whether there was more than `limit`."""

    def take(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        parts, have = [self._rest], len(self._rest)
        while have < size and (piece := self._next()):
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]

    def skip(self, size: int) -> bool:
        """Pass over so many, holding none of them; False at the end."""
        while size > len(self._rest):
            size -= len(self._rest)
            self._rest = self._next()
            if not self._rest:
                return False
        self._rest = self._rest[size:]
        return True

    def _next(self) -> bytes:
        if self._left <= 0:
            self.cut = True
            return b""
        piece = bytes(next(self._pieces, b""))[: self._left]
        self._left -= len(piece)
        return piece
