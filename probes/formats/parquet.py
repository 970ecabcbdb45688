"""How is a Parquet file cut into row groups, and how are they packed? From its footer; nothing but the standard library.

Source: apache/parquet-format, README "File format" and parquet.thrift (FileMetaData, RowGroup, ColumnMetaData).
"""

from __future__ import annotations

from typing import Any

from auditor.world import World
from probes.formats import FormatFile, Part, Reader, Unreadable
from probes.formats.thrift import Compact

MAGIC = b"PAR1"
MAX_FOOTER = 64 << 20
_CODECS = ("uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4-raw")


def read(world: World, path: str) -> FormatFile:
    size = world.stat(path).size
    tail = world.span(path, -8, 8)
    if len(tail) != 8 or tail[4:] != MAGIC:
        raise Unreadable("does not end in PAR1: cut off, encrypted, or still being written")
    length = int.from_bytes(tail[:4], "little")
    if length + 12 > size or length > MAX_FOOTER:
        raise Unreadable(f"its footer would be {length} bytes")
    return parse(Compact(world.span(path, -8 - length, length)).struct(), path, size)


def parse(footer: dict[int, Any], path: str, size: int) -> FormatFile:
    """FileMetaData by field number: 1 version, 3 rows, 4 row groups, 6 the library that wrote it."""
    rows, groups = _whole(footer.get(3)), [g for g in footer.get(4) or () if isinstance(g, dict)]
    columns = [c[3] for g in groups for c in g.get(1) or () if isinstance(c, dict) and isinstance(c.get(3), dict)]
    width = max((len(g.get(1) or ()) for g in groups), default=0)
    codecs = sorted({_CODECS[c[4]] for c in columns if isinstance(c.get(4), int) and 0 <= c[4] < len(_CODECS)})
    per_group = max((_whole(g.get(3)) for g in groups), default=0)
    table = Part(
        name="rows",
        shape=(rows, width),
        dtype="table",
        chunk=(per_group, width) if groups else (),
        chunks=len(groups),
        stored=sum(_whole(c.get(7)) for c in columns),
        logical=sum(_whole(c.get(6)) for c in columns),
        filters=tuple(codecs),
    )
    writer = footer.get(6)
    version = writer.decode("utf-8", "replace")[:100] if isinstance(writer, bytes) else str(footer.get(1, ""))
    return FormatFile(path, "parquet", version, size, parts=(table,), parts_total=1, closed=True)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


READER = Reader("parquet", (".parquet", ".pq"), read, magic=((0, MAGIC),))
