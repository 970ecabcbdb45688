"""Which files does a stack of image layers make? The tars are read one after the other; nothing is unpacked to disk.

https://github.com/opencontainers/image-spec/blob/main/layer.md: whiteouts (`.wh.NAME`), opaque folders (`.wh..wh..opq`), hard links. A
whiteout hides what lower layers hold, wherever it stands in its own. A path that leaves the image is refused.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from probes.containers.compressed import Unreadable, stream
from probes.containers.limits import Budget
from probes.containers.tarstream import Forward, digest

_WHITEOUT, _OPAQUE = b".wh.", b".wh..wh..opq"
_HOPS = 40
_DAMAGE = (tarfile.TarError, ValueError, EOFError, zlib.error, OverflowError, IndexError, RecursionError, ArithmeticError)


class Leaf(NamedTuple):
    """What is no folder. kind: `f` a file, `x` one its owner may execute, `l` a link, `o` a device or the like; what: digest or target."""

    kind: bytes
    what: bytes


class Folder:
    """Names below; said: the layer has an entry of its own for it, and it did not only come about as part of a longer path."""

    __slots__ = ("below", "said")

    def __init__(self, said: bool = False) -> None:
        self.below: dict[bytes, Folder | Leaf] = {}
        self.said = said


def merged(blobs: Iterable[BinaryIO], budget: Budget) -> Folder:
    """The root after all layers, the lowest first; tars, plain or compressed. Raises Unreadable, OSError (TooBig, TimeoutError)."""
    root = Folder(True)
    for number, blob in enumerate(blobs, 1):
        try:
            layer = _Layer(root)
            layer.read(Forward(stream(blob), budget))
        except _DAMAGE as error:
            raise Unreadable(f"layer {number}: {str(error) or type(error).__name__}") from error
        layer.apply()
    return root


def leaves(root: Folder) -> Iterator[tuple[bytes, Leaf]]:
    """Path without a leading slash, leaf; in no order."""
    todo = [(b"", root)]
    while todo:
        above, folder = todo.pop()
        for name, node in folder.below.items():
            if isinstance(node, Leaf):
                yield above + name, node
            else:
                todo.append((above + name + b"/", node))


class _Layer:
    """One layer's own entries, and what it hides of those below."""

    def __init__(self, lower: Folder) -> None:
        self.lower = lower
        self.new = Folder(True)
        self.hidden: list[tuple[tuple[bytes, ...], bytes]] = []

    def read(self, source: Forward) -> None:
        with tarfile.open(fileobj=source, mode="r:", errors="surrogateescape", encoding="utf-8") as tar:  # type: ignore[call-overload]
            while member := tar.next():
                self._member(member, tar, source)
                tar.members.clear()  # it keeps all it saw
        source.check_end()

    def _member(self, member: tarfile.TarInfo, tar: tarfile.TarFile, source: Forward) -> None:
        path = _parts(member.name)
        if not path:
            return
        source.budget.entry()
        *above, name = path
        if name == _OPAQUE:
            self.hidden.append((tuple(above), b""))
        elif name.startswith(_WHITEOUT) and name != _WHITEOUT:
            self.hidden.append((tuple(above), name.removeprefix(_WHITEOUT)))
        elif member.isdir():
            self._folder(path).said = True
        else:
            self._folder(above).below[name] = self._leaf(member, tar, source)

    def _leaf(self, member: tarfile.TarInfo, tar: tarfile.TarFile, source: Forward) -> Leaf:
        if member.issym():
            return Leaf(b"l", _bytes(member.linkname))
        if member.islnk():
            path = _parts(member.linkname)
            found = _at(self.new, path) or _at(self.lower, path)
            if not isinstance(found, Leaf):
                raise Unreadable("a hard link to what is not there")
            return found
        if not member.isfile():
            return Leaf(b"o", b"")
        return Leaf(b"x" if member.mode & 0o100 else b"f", digest(member, tar, source))

    def _folder(self, path: list[bytes]) -> Folder:
        """This layer's folder at that path, made where it is not there; what is in its way goes: the later entry counts."""
        here = self.new
        for part in path:
            below = here.below.get(part)
            if not isinstance(below, Folder):
                below = here.below[part] = Folder()
            here = below
        return here

    def apply(self) -> None:
        for above, name in self.hidden:
            folder = _at(self.lower, above)
            if isinstance(folder, Folder):
                if name:
                    folder.below.pop(name, None)
                else:
                    folder.below.clear()
        todo: list[tuple[Folder, Folder, tuple[bytes, ...]]] = [(self.lower, self.new, ())]
        while todo:
            low, new, where = todo.pop()
            for name, node in new.below.items():
                old = low.below.get(name)
                if isinstance(node, Leaf):
                    low.below[name] = node
                    continue
                if isinstance(old, Leaf) and old.kind == b"l" and not node.said:
                    old = _behind(self.lower, where, old.what)  # a longer path goes through a lower layer's link
                if not isinstance(old, Folder):
                    old = low.below[name] = Folder(True)
                todo.append((old, node, (*where, name)))


def _at(root: Folder, path: Iterable[bytes]) -> Folder | Leaf | None:
    here: Folder | Leaf | None = root
    for part in path:
        here = here.below.get(part) if isinstance(here, Folder) else None
    return here


def _behind(root: Folder, where: tuple[bytes, ...], target: bytes) -> Folder | None:
    """The folder that a link in `where` leads to; the image's root is as far up as it goes."""
    todo = [*reversed(target.split(b"/"))]
    path = [] if target.startswith(b"/") else list(where)
    hops = 0
    while todo:
        part = todo.pop()
        if part == b"..":
            path[-1:] = []
        elif part not in {b"", b"."}:
            found = _at(root, [*path, part])
            if isinstance(found, Leaf) and found.kind == b"l":
                hops += 1
                if hops > _HOPS:
                    return None
                path = [] if found.what.startswith(b"/") else path
                todo += reversed(found.what.split(b"/"))
            else:
                path.append(part)
    end = _at(root, path)
    return end if isinstance(end, Folder) else None


def _parts(name: str) -> list[bytes]:
    parts = [part for part in _bytes(name).split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        raise Unreadable(f"a path leaves the image: {name[:200]!r}")
    return parts


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
