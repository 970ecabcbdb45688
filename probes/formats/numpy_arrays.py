"""Which arrays are in a NumPy file? From the headers; nothing is loaded, never unpickled.

Source: NumPy enhancement proposal 1 ("A simple file format for NumPy arrays"); `.npz` is a ZIP of such files.
"""

from __future__ import annotations

import ast
import math
import zipfile

from auditor.world import World
from probes.formats import FormatFile, Part, Reader, Unreadable, largest

MAGIC = b"\x93NUMPY"
MAX_HEADER = 64 << 10
MAX_MEMBERS = 10_000


def read(world: World, path: str) -> FormatFile:
    size = world.stat(path).size
    if world.span(path, 0, 6) == MAGIC:
        part = array(world.span(path, 0, MAX_HEADER), "array", size)
        return FormatFile(path, "npy", "", size, parts=(part,), parts_total=1)
    return _npz(path, size)


def _npz(path: str, size: int) -> FormatFile:
    parts: list[Part] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            for member in members[:MAX_MEMBERS]:
                with archive.open(member) as file:
                    head = file.read(MAX_HEADER)
                name = member.filename.removesuffix(".npy")
                packed = ("deflate",) if member.compress_type == zipfile.ZIP_DEFLATED else ()
                parts.append(array(head, name, member.compress_size, packed))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unreadable(str(error)) from error
    if not parts:
        raise Unreadable("a ZIP without an array")
    return FormatFile(path, "npz", "", size, parts=largest(parts), parts_total=len(members))


def array(head: bytes, name: str, stored: int, filters: tuple[str, ...] = ()) -> Part:
    """The header of one array. Raises Unreadable."""
    if not head.startswith(MAGIC) or len(head) < 12:
        raise Unreadable(f"{name} is no array of NumPy")
    wide = head[6] >= 2
    start = 12 if wide else 10
    length = int.from_bytes(head[8:start], "little")
    try:
        told = ast.literal_eval(head[start : start + length].decode("utf-8" if head[6] >= 3 else "latin-1"))
        shape, dtype = tuple(int(n) for n in told["shape"]), str(told["descr"])[:200]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{name}: its header does not read") from error
    width = int(dtype[2:]) if dtype[:1] in "<>|=" and dtype[2:].isdigit() else 0
    return Part(name, shape, dtype, stored=stored, logical=math.prod(shape) * width if width else None, filters=filters)


READER = Reader("numpy", (".npy", ".npz"), read, magic=((0, MAGIC), (0, b"PK\x03\x04")))
