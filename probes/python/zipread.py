"""How is a ZIP read through the door without reading all of it? Its directory lies at the end."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from typing import Any

from auditor.world import TooBig, World

MAX_READ = 64 << 20
MAX_MEMBERS = 100_000
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError)


class _Spans(io.RawIOBase):
    """A file of the world that can be sought in; no single read is longer than MAX_READ."""

    def __init__(self, world: World, path: str) -> None:
        super().__init__()
        self._world, self._path, self._at, self._size = world, path, 0, world.stat(path).size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        if len(buffer) > MAX_READ:
            raise TooBig(f"{self._path} has a directory of {len(buffer)} bytes")
        data = self._world.span(self._path, self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def opened(world: World, path: str) -> zipfile.ZipFile:
    """Raises ValueError for what is no ZIP, TooBig (an OSError) and what reading raises."""
    try:
        found = zipfile.ZipFile(io.BufferedReader(_Spans(world, path), 1 << 16))
    except _DAMAGED as error:
        raise ValueError(f"{path} is no ZIP: {error}") from error
    if len(found.infolist()) > MAX_MEMBERS:
        raise TooBig(f"{path} has more than {MAX_MEMBERS} members")
    return found


def member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One member, unpacked. Raises ValueError when it is not there, damaged, encrypted or longer than `limit`."""
    try:
        with archive.open(name) as file:
            data = file.read(limit + 1)
    except (*_DAMAGED, KeyError, OSError) as error:
        raise ValueError(f"{name}: {error}") from error
    if len(data) > limit:
        raise ValueError(f"{name} is longer than {limit} bytes")
    return data
