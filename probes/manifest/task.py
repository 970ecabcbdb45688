"""What goes to a worker and what comes back, as bytes that any engine can carry and any disk can keep?"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from probes.manifest.rows import Skip, quoted

KEY = struct.Struct("<QQqq")
"""Of a file: inode, size, mtime and ctime in ns; zeros: never to be taken for unchanged."""
NO_KEY = bytes(KEY.size)
NEVER_SETTLED = -(1 << 62)
NOT_YET = -1
"""In the place of where an answer lies."""
_TASK = struct.Struct("<IIqq")
_ANSWER = struct.Struct("<4sIIII")
_MAGIC = b"rows"
_CHECK = 8


class Task(NamedTuple):
    """Names in one folder, in order, packed as `words`: what many of them wait as is not a string a name. known: a KEY a name, or nothing.

    limit: larger files are only measured, and those of a MiB and more once so many bytes have gone before them in this task.
    settled: KEYs of files touched after that time (ns) are not kept.
    """

    number: int
    folder: str
    words: bytes
    """Kinds, one letter a name (`f` file, `l` link, `s` neither), then the names, with NULs between them."""
    known: bytes = b""
    limit: int = 1 << 62
    settled: int = NEVER_SETTLED

    @classmethod
    def of(cls, number: int, folder: str, kinds: str, names: Sequence[str], limit: int = 1 << 62) -> Task:
        return cls(number, folder, "\0".join((kinds, *names)).encode("utf-8", "surrogateescape"), limit=limit)

    @property
    def kinds(self) -> str:
        return self.words.partition(b"\0")[0].decode("ascii")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.words.decode("utf-8", "surrogateescape").split("\0")[1:])

    @property
    def files(self) -> int:
        return self.words.index(b"\0")

    def pack(self) -> bytes:
        folder = self.folder.encode("utf-8", "surrogateescape")
        head = _TASK.pack(self.number, len(self.known), self.limit, self.settled)
        return b"".join((head, self.known, folder, b"\0", self.words))

    @classmethod
    def unpack(cls, raw: bytes) -> Task:
        number, size, limit, settled = _TASK.unpack_from(raw)
        at = _TASK.size + size
        end = raw.index(b"\0", at)
        folder = raw[at:end].decode("utf-8", "surrogateescape")
        return cls(number, folder, raw[end + 1 :], raw[_TASK.size : at], limit, settled)


class Large(NamedTuple):
    """A file that was only measured: the number of its line among the task's lines, its kind, name and size."""

    line: int
    kind: str
    name: str
    size: int


@dataclass
class Tally:
    """files: with a digest; bytes: theirs; links: of them; skipped: how many, by reason.

    read: bytes read this time; told: of them, those that were told of while they were read.
    """

    files: int = 0
    bytes: int = 0
    links: int = 0
    read: int = 0
    told: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        self.files += other.files
        self.bytes += other.bytes
        self.links += other.links
        self.read += other.read
        self.told += other.told
        for reason, count in other.skipped.items():
            self.skip(reason, count)

    def skip(self, reason: str, count: int = 1) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + count


class Answer(NamedTuple):
    """One line a name (empty: as it was known; of a large file, too), and a KEY a name; neither where every name is as it was known."""

    number: int
    lines: bytes
    keys: bytes
    tally: Tally
    large: tuple[Large, ...]
    unchanged: int
    """How many of the names were not looked into, because their KEY was known."""

    def pack(self) -> bytes:
        meta = json.dumps([vars(self.tally), self.large, self.unchanged], separators=(",", ":")).encode()
        head = _ANSWER.pack(_MAGIC, self.number, len(meta), len(self.keys), len(self.lines))
        body = b"".join((head, meta, self.keys, self.lines))
        return body + _sum(body)

    @classmethod
    def unpack(cls, raw: bytes, checked: bool = False) -> Answer:
        """Raises ValueError for anything but a whole answer. checked: it was found whole before, in this process."""
        if len(raw) < _ANSWER.size + _CHECK or not (checked or _sum(memoryview(raw)[:-_CHECK]) == raw[-_CHECK:]):
            raise ValueError("not a whole answer")
        magic, number, meta, keys, lines = _ANSWER.unpack_from(raw)
        a = _ANSWER.size
        b, c = a + meta, a + meta + keys
        if magic != _MAGIC or c + lines + _CHECK != len(raw):
            raise ValueError("not an answer")
        tally, large, unchanged = json.loads(raw[a:b])
        return cls(number, raw[c:-_CHECK], raw[b:c], Tally(**tally), tuple(Large(*one) for one in large), unchanged)


def _sum(body: bytes | memoryview) -> bytes:
    return blake2b(body, digest_size=_CHECK).digest()


def nothing(task: Task, reason: Skip) -> Answer:
    """The answer where nobody looked."""
    lines = "".join(f'{{"path":"{quoted(n)}","skipped":"{reason}"}}\n' for n in task.names).encode("utf-8")
    return Answer(task.number, lines, NO_KEY * task.files, Tally(skipped={str(reason): task.files}), (), 0)
