"""How is a part of an image opened that lies in a folder or in a tar? By its name inside; nothing is unpacked, no link leaves it.

Names in a tar are looked up in its own list of members, never on the file system.
"""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from collections.abc import Callable
from typing import Any, BinaryIO

from auditor.world import TooBig, World
from probes.containers.oci import BadImage

MAX_MEMBERS = 20_000
MAX_READ = 16 << 20
"""Of a tar's own headers at once: an extended header may claim any size."""
MAX_LINKS = 8

Part = Callable[[str], BinaryIO]
"""Opens a part by its name inside. Raises FileNotFoundError."""


def opener(world: World, path: str) -> Part:
    """Raises BadImage for what is neither a folder nor a tar, OSError."""
    return folder(world, path) if world.stat(path).is_dir else archive(world, path)


def folder(world: World, root: str) -> Part:
    def part(name: str) -> BinaryIO:
        where = posixpath.normpath(name)
        if where.startswith(("/", "..")):
            raise BadImage(f"{name[:80]!r} points out of the folder")
        path = os.path.join(root, where)
        state = world.stat(path)
        if not state.is_file:  # a pipe would never end
            raise BadImage(f"{name[:80]!r} is not a file")
        return _Span(world, path, 0, state.size).buffered()

    return part


def archive(world: World, path: str) -> Part:
    members = _members(world, path)

    def part(name: str) -> BinaryIO:
        key = posixpath.normpath(name)
        for _ in range(MAX_LINKS):  # `docker save` writes a layer that occurs twice as a link
            found = members.get(key)
            if not isinstance(found, str):
                break
            key = found
        else:
            raise BadImage(f"{name[:80]!r} is a link to links")
        if found is None:
            raise FileNotFoundError(2, "not in the archive", f"{path}:{name}")
        return _Span(world, path, *found).buffered()

    return part


def _members(world: World, path: str) -> dict[str, tuple[int, int] | str]:
    """Name -> place (offset, size) of a file, or the name that a link points to."""
    found: dict[str, tuple[int, int] | str] = {}
    size = world.stat(path).size
    if world.span(path, 0, 2) == b"\x1f\x8b":
        raise BadImage("compressed: unpack it with gunzip first")
    try:
        with tarfile.open(fileobj=_Span(world, path, 0, size, MAX_READ), mode="r:") as tar:
            for count, member in enumerate(tar):
                if count > MAX_MEMBERS:
                    raise BadImage(f"more than {MAX_MEMBERS} files in the archive")
                name = posixpath.normpath(member.name)
                if member.isreg() and not member.issparse():
                    found[name] = (member.offset_data, member.size)
                elif member.issym():
                    found[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
                elif member.islnk():
                    found[name] = posixpath.normpath(member.linkname)
    except (tarfile.TarError, TooBig, OverflowError, EOFError, RecursionError) as error:
        raise BadImage(f"not a readable tar: {error}") from error
    return found


class _Span(io.RawIOBase):
    """A part of a file, read through the world. limit: bytes that one read may ask for."""

    def __init__(self, world: World, path: str, start: int, size: int, limit: int = 0) -> None:
        self._world, self._path, self._start, self._size, self._limit = world, path, start, size, limit
        self._at = 0

    def buffered(self) -> BinaryIO:
        return io.BufferedReader(self, 1 << 16)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._at if size < 0 else min(size, self._size - self._at)
        if self._limit and wanted > self._limit:
            raise TooBig(f"a header of {wanted} bytes")
        data = self._world.span(self._path, self._start + self._at, wanted) if wanted > 0 else b""
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
