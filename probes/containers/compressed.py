"""What do compressed bytes of an image hold? Blocks and streams, each bounded.

Python's own zlib and lzma; zstd from Python 3.14 (PEP 784) or the package `backports.zstd`; lzo, which Enroot packs with by default, and lz4
from the system's own libraries, which squashfs-tools need too. Loaded only when met.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

MEMORY = 256 << 20
_GZIP, _ZSTD, _XZ, _BZIP2 = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh"

_LIBRARIES = {"lzo": "liblzo2.so.2", "lz4": "liblz4.so.1"}


class Unreadable(ValueError):
    """The image's content is damaged, or of a kind that is not read here; the message says which."""


def unpacker(compression: str) -> Callable[[bytes, int], bytes]:
    """A function of (block, most bytes it may become). It raises Unreadable; so does this for a compression that is not read."""
    if compression == "gzip":
        return _zlib
    if compression in {"xz", "lzma"}:
        return _lzma
    if compression == "zstd":
        return _zstd_block(zstd())
    if compression in _LIBRARIES:
        return _library_block(compression)
    raise Unreadable(f"compressed with {compression}, which is not read here")


def stream(blob: BinaryIO) -> BinaryIO:
    """The uncompressed bytes, by the magic number at the start. Raises Unreadable; reading from it raises what `ERRORS` lists."""
    start = blob.read(6)
    whole = io.BufferedReader(_Rejoined(start, blob), 1 << 18)
    opened: Any = whole
    if start.startswith(_GZIP):
        import gzip

        opened = gzip.GzipFile(fileobj=whole, mode="rb")
    elif start.startswith(_ZSTD):
        opened = zstd().ZstdFile(whole, "rb")
    elif start.startswith((_XZ, _BZIP2)):
        raise Unreadable("a layer compressed with xz or bzip2, which image layers are not")
    result: BinaryIO = opened
    return result


def zstd() -> Any:
    """The module, of Python 3.14 or backported. Raises Unreadable."""
    try:
        from compression import zstd as module  # type: ignore[import-not-found]
    except ImportError:
        try:
            from backports import zstd as module
        except ImportError:
            raise Unreadable("compressed with zstd: pip install 'run-auditor[zstd]'") from None
    return module


class _Rejoined(io.RawIOBase):
    """What was read to look at the magic number, and then the rest."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._start[: len(buffer)] or self._rest.read(len(buffer))
        self._start = self._start[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _zlib(block: bytes, most: int) -> bytes:
    import zlib

    tool = zlib.decompressobj()
    try:
        out = tool.decompress(block, most + 1)
    except zlib.error as error:
        raise Unreadable(f"a damaged block: {error}") from None
    return _whole(out, most, tool.eof)


def _lzma(block: bytes, most: int) -> bytes:
    import lzma

    try:
        tool = lzma.LZMADecompressor(format=lzma.FORMAT_AUTO, memlimit=MEMORY)
        out = tool.decompress(block, most + 1)
    except (lzma.LZMAError, EOFError, MemoryError) as error:
        raise Unreadable(f"a damaged block: {error}") from None
    return _whole(out, most, True)


def _zstd_block(module: Any) -> Callable[[bytes, int], bytes]:
    def unpack(block: bytes, most: int) -> bytes:
        try:
            out: bytes = module.ZstdDecompressor().decompress(block, most + 1)
        except (module.ZstdError, EOFError, MemoryError) as error:
            raise Unreadable(f"a damaged block: {error}") from None
        return _whole(out, most, True)

    return unpack


def _library_block(compression: str) -> Callable[[bytes, int], bytes]:
    """`lzo1x_decompress_safe` and `LZ4_decompress_safe`: both write no more than they are told to, whatever the block says."""
    import ctypes

    name = _LIBRARIES[compression]
    try:
        library = ctypes.CDLL(name)
    except OSError:
        raise Unreadable(f"compressed with {compression}, and there is no {name} here") from None

    def lzo(block: bytes, most: int) -> bytes:
        out, size = ctypes.create_string_buffer(most), ctypes.c_size_t(most)
        failed = library.lzo1x_decompress_safe(block, ctypes.c_size_t(len(block)), out, ctypes.byref(size), None)
        return _whole(out.raw[: size.value], most, not failed)

    def lz4(block: bytes, most: int) -> bytes:
        out = ctypes.create_string_buffer(most)
        size = library.LZ4_decompress_safe(block, out, len(block), most)
        return _whole(out.raw[: max(size, 0)], most, size >= 0)

    return lzo if compression == "lzo" else lz4


def _whole(out: bytes, most: int, ended: bool) -> bytes:
    if len(out) > most or not ended:
        raise Unreadable("a damaged block: it does not unpack to what it should")
    return out
