"""How is a Thrift structure read without Thrift? The compact protocol, as far as Parquet's footer needs it; bounded.

Source: thrift/doc/specs/thrift-compact-protocol.md. A structure becomes field number -> value.
"""

from __future__ import annotations

from typing import Any

from probes.formats import Unreadable

MAX_DEPTH = 16
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12


class Compact:
    """A place in a buffer. Raises Unreadable where the bytes are no compact Thrift."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > MAX_DEPTH:
            raise Unreadable("structures too deep")
        found: dict[int, Any] = {}
        field = 0
        while (head := self._byte()) != 0:
            kind, step = head & 0x0F, head >> 4
            field = field + step if step else self._zigzag()
            found[field] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind == _BYTE:
            return self._byte()
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _DOUBLE:
            return self._take(8)
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _MAP:
            return self._map(depth)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_TRUE, _FALSE):  # in a list each takes a byte
            return self._byte() == _TRUE
        raise Unreadable(f"no Thrift type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        kind, count = head & 0x0F, head >> 4
        count = self._varint() if count == 15 else count
        self._enough(count)
        if depth >= MAX_DEPTH:
            raise Unreadable("lists too deep")
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _map(self, depth: int) -> dict[Any, Any]:
        count = self._varint()
        if not count:
            return {}
        self._enough(count)
        kinds = self._byte()
        return {str(self._value(kinds >> 4, depth + 1)): self._value(kinds & 0x0F, depth + 1) for _ in range(count)}

    def _enough(self, count: int) -> None:
        if count > len(self.data) - self.at:  # each element takes a byte at least: a lying count costs nothing
            raise Unreadable("a list longer than the file")

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) != size:
            raise Unreadable("ends too early")
        self.at += size
        return piece

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise Unreadable("a number of more than 64 bits")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
