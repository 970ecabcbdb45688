"""Which files lie in a squashfs file system, and what is in them? Read natively, block by block; nothing is mounted or unpacked.

Format 4.0, little-endian: https://docs.kernel.org/filesystems/squashfs.html and https://dr-emann.github.io/squashfs/. Memory stays constant
whatever the image claims of itself: blocks are at most 1 MiB, lists are followed as they are used, and a folder is entered once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from probes.containers.compressed import Unreadable, unpacker

MAGIC = b"hsqs"
_SUPER = struct.Struct("<4s4I6H8Q")
_COMPRESSIONS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
_META = 8192
_LIST = 32 << 20
_NONE = 0xFFFFFFFF
_FOLDERS, _FILES, _LINKS = (1, 8), (2, 9), (3, 10)

Read = Callable[[int, int], bytes]
"""At most so many bytes from that offset of the file system on."""


@dataclass(frozen=True)
class Inode:
    """kind: `folder`, `file`, `link`, `other`. block, offset: of a folder's list or, with `at`, of a file's data. Sizes in bytes."""

    kind: str
    mode: int
    size: int = 0
    target: bytes = b""
    block: int = 0
    offset: int = 0
    fragment: int = _NONE
    at: tuple[int, int] = (0, 0)
    """Where the list of the file's block sizes begins."""


class Squashfs:
    """An open file system. Every method raises Unreadable for what is damaged, and what `read` raises."""

    def __init__(self, read: Read) -> None:
        self._read = read
        raw = read(0, _SUPER.size)
        if len(raw) < _SUPER.size or not raw.startswith(MAGIC):
            raise Unreadable("no squashfs file system")
        (_, _, _, self._block, self._fragments, compression, log, _, _, major, minor, root, self._end, *tables) = _SUPER.unpack(
            raw
        )
        if (major, minor) != (4, 0):
            raise Unreadable(f"squashfs {major}.{minor} is not read here, only 4.0")
        if not 12 <= log <= 20 or self._block != 1 << log:
            raise Unreadable("the block size of the file system makes no sense")
        _, _, self._inodes, self._folders, self._fragment_table, _ = tables
        self._unpack = unpacker(_COMPRESSIONS.get(compression, f"method {compression}"))
        self._meta = lru_cache(maxsize=256)(self._meta_block)
        self._fragment = lru_cache(maxsize=4)(self._fragment_block)
        self.root = self._inode(root >> 16, root & 0xFFFF)

    def walk(self) -> Iterator[tuple[bytes, Inode]]:
        """Every entry below the root: path without a leading slash, inode."""
        entered = {(self.root.block, self.root.offset)}
        todo = [(b"", self.root)]
        while todo:
            above, folder = todo.pop()
            for name, place in self._entries(folder):
                path, inode = above + name, self._inode(*place)
                yield path, inode
                if inode.kind == "folder" and inode.size > 3:
                    if (inode.block, inode.offset) in entered:
                        raise Unreadable("a folder lies within itself")
                    entered.add((inode.block, inode.offset))
                    todo.append((path + b"/", inode))

    def find(self, path: bytes) -> Inode | None:
        """The inode at this path; links are not followed."""
        here = self.root
        for part in path.split(b"/"):
            if here.kind != "folder":
                return None
            found = next((place for name, place in self._entries(here) if name == part), None)
            if found is None:
                return None
            here = self._inode(*found)
        return here

    def content(self, file: Inode) -> Iterator[bytes]:
        """The bytes of a file, in pieces of at most a block."""
        cursor = _Cursor(self._meta, *file.at)
        place, left = file.block, file.size
        while left >= self._block or (left and file.fragment == _NONE):
            want = min(left, self._block)
            (stored,) = struct.unpack("<I", cursor.take(4))
            piece = self._data(place, stored, want) if stored else bytes(want)
            if len(piece) != want:
                raise Unreadable("a block of a file is shorter than it should be")
            yield piece
            place += stored & 0xFFFFFF
            left -= want
        if left:
            piece = self._fragment(file.fragment)[file.offset : file.offset + left]
            if len(piece) != left:
                raise Unreadable("the end of a file is not where it should be")
            yield piece

    def _entries(self, folder: Inode) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """A folder's list: runs of (name, place of the inode), each with a head; its stated size counts three bytes that are not there."""
        cursor = _Cursor(self._meta, self._folders + folder.block, folder.offset)
        left = folder.size - 3
        if left > _LIST:
            raise Unreadable("a folder's list is larger than any")
        while left > 0:
            count, block, _ = struct.unpack("<III", cursor.take(12))
            left -= 12
            if count >= 256:
                raise Unreadable("a folder's list makes no sense")
            for _ in range(count + 1):
                offset, _, _, size = struct.unpack("<HhHH", cursor.take(8))
                name = cursor.take(size + 1)
                left -= 9 + size
                if name in {b".", b".."} or b"/" in name or b"\0" in name or size >= 256:
                    raise Unreadable("a name in a folder makes no sense")
                yield name, (block, offset)

    def _inode(self, block: int, offset: int) -> Inode:
        cursor = _Cursor(self._meta, self._inodes + block, offset)
        kind, mode, *_ = struct.unpack("<4H2I", cursor.take(16))
        if kind in _FOLDERS:
            if kind == 1:
                start, _, size, at, _ = struct.unpack("<IIHHI", cursor.take(16))
            else:
                _, size, start, _, _, at, _ = struct.unpack("<4IHHI", cursor.take(24))
            return Inode("folder", mode, size, block=start, offset=at)
        if kind in _FILES:
            if kind == 2:
                start, fragment, at, size = struct.unpack("<4I", cursor.take(16))
            else:
                start, size, _, _, fragment, at, _ = struct.unpack("<3Q4I", cursor.take(40))
            return Inode("file", mode, size, block=start, offset=at, fragment=fragment, at=cursor.place)
        if kind in _LINKS:
            _, size = struct.unpack("<II", cursor.take(8))
            if size > 65536:
                raise Unreadable("a link's target is too long to be one")
            return Inode("link", mode, size, target=cursor.take(size))
        if kind in {4, 5, 6, 7, 11, 12, 13, 14}:
            return Inode("other", mode)
        raise Unreadable(f"an inode of kind {kind}, which there is not")

    def _meta_block(self, place: int) -> tuple[bytes, int]:
        """A block of at most 8 KiB of lists, unpacked, and where the next one starts."""
        raw = self._span(place, 2 + _META)
        if len(raw) < 2:
            raise Unreadable("cut short: a list lies beyond the end")
        (head,) = struct.unpack_from("<H", raw)
        size = head & 0x7FFF
        if not 0 < size <= _META or len(raw) < 2 + size:
            raise Unreadable("cut short: a list lies beyond the end")
        stored = raw[2 : 2 + size]
        return (stored if head & 0x8000 else self._unpack(stored, _META)), place + 2 + size

    def _fragment_block(self, number: int) -> bytes:
        """Several files' ends, packed together."""
        if number >= self._fragments:
            raise Unreadable("a file's end lies in a fragment that is not there")
        raw = self._span(self._fragment_table + number // 512 * 8, 8)
        if len(raw) < 8:
            raise Unreadable("cut short: the table of fragments lies beyond the end")
        cursor = _Cursor(self._meta, struct.unpack("<Q", raw)[0], number % 512 * 16)
        start, stored, _ = struct.unpack("<QII", cursor.take(16))
        return self._data(start, stored, self._block)

    def _data(self, place: int, stored: int, most: int) -> bytes:
        size = stored & 0xFFFFFF
        if size > self._block:
            raise Unreadable("a stored block is larger than a block")
        raw = self._span(place, size)
        if len(raw) < size:
            raise Unreadable("cut short: a block lies beyond the end")
        return raw if stored & 1 << 24 else self._unpack(raw, most)

    def _span(self, place: int, size: int) -> bytes:
        return self._read(place, min(size, self._end - place)) if place < self._end else b""


class _Cursor:
    """Reads on over the borders of metadata blocks."""

    def __init__(self, block: Callable[[int], tuple[bytes, int]], start: int, offset: int) -> None:
        self._block = block
        self.place = (start, offset)

    def take(self, size: int) -> bytes:
        start, offset = self.place
        data, after = self._block(start)
        out = data[offset : offset + size]
        offset += len(out)
        while len(out) < size:
            if offset < len(data):
                raise Unreadable("a list starts beyond its block")
            start, offset = after, size - len(out)
            data, after = self._block(start)
            if not data:
                raise Unreadable("an empty block in a list")
            out += data[:offset]
            offset = min(offset, len(data))
        self.place = (start, offset)
        return out
