"""What is in these files of one folder? One task in, one answer out, both bytes, so that any engine can carry them.

The hot loop of a manifest: four system calls for a file that must be read, one for a file that has not changed since it was last read.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import NamedTuple

from probes.manifest.content import ONE_READ, Content, Interrupted
from probes.manifest.rows import Skip, plain, quoted

KEY = struct.Struct("<QQqq")
"""Of a file: inode, size, mtime and ctime in ns; zeros: never to be taken for unchanged."""
NO_KEY = bytes(KEY.size)
NEVER_SETTLED = -(1 << 62)
_TASK = struct.Struct("<IIqq")
_ANSWER = struct.Struct("<4sIIII")
_MAGIC = b"rows"
_CHECK = 8
_WINDOW = 128
_COLD_SECONDS = 200e-6
_READ_AHEAD = 1 << 20
_REGULAR = stat.S_IFREG >> 12


class Task(NamedTuple):
    """Names in one folder, in order. kinds: one letter a name: `f` file, `l` link, `s` neither. known: a KEY a name, or nothing.

    limit: larger files are only measured. settled: KEYs of files touched after that time (ns) are not kept.
    """

    number: int
    folder: str
    kinds: str
    names: tuple[str, ...]
    known: bytes = b""
    limit: int = 1 << 62
    settled: int = NEVER_SETTLED

    def pack(self) -> bytes:
        words = "\0".join((self.folder, self.kinds, *self.names)).encode("utf-8", "surrogateescape")
        return _TASK.pack(self.number, len(self.known), self.limit, self.settled) + self.known + words

    @classmethod
    def unpack(cls, raw: bytes) -> Task:
        number, size, limit, settled = _TASK.unpack_from(raw)
        at = _TASK.size + size
        folder, kinds, *names = raw[at:].decode("utf-8", "surrogateescape").split("\0")
        return cls(number, folder, kinds, tuple(names), raw[_TASK.size : at], limit, settled)


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
    """One line a name (empty: as it was known; of a large file, too), and a KEY a name."""

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
        return body + blake2b(body, digest_size=_CHECK).digest()

    @classmethod
    def unpack(cls, raw: bytes) -> Answer:
        """Raises ValueError for anything but a whole answer."""
        if len(raw) < _ANSWER.size + _CHECK or blake2b(memoryview(raw)[:-_CHECK], digest_size=_CHECK).digest() != raw[-_CHECK:]:
            raise ValueError("not a whole answer")
        magic, number, meta, keys, lines = _ANSWER.unpack_from(raw)
        a = _ANSWER.size
        b, c = a + meta, a + meta + keys
        if magic != _MAGIC or c + lines + _CHECK != len(raw):
            raise ValueError("not an answer")
        tally, large, unchanged = json.loads(raw[a:b])
        return cls(number, raw[c:-_CHECK], raw[b:c], Tally(**tally), tuple(Large(*one) for one in large), unchanged)


def nothing(task: Task, reason: Skip) -> Answer:
    """The answer where nobody looked."""
    lines = "".join(f'{{"path":"{quoted(n)}","skipped":"{reason}"}}\n' for n in task.names).encode("utf-8")
    return Answer(task.number, lines, NO_KEY * len(task.names), Tally(skipped={str(reason): len(task.names)}), (), 0)


class Looker:
    """Looks at tasks, one after the other. sample_above: files larger than that are sampled instead of read (0: never)."""

    def __init__(self, content: Content, sample_above: int = 0) -> None:
        self.content = content
        self.sample_above = sample_above
        self._lean = content.algorithms == ("sha256",) and not content.rate
        self._cold = False
        """The last window came slowly, from a disk and not from memory: ask for the next one's content ahead."""

    def look(self, task: Task) -> Answer:
        if time.monotonic() > self.content.deadline:
            return nothing(task, Skip.TIME)
        try:
            folder = os.open(task.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
            return nothing(task, Skip.VANISHED if gone else Skip.UNREADABLE)
        try:
            told = self.content.told
            one = _Looking(self, task, folder)
            one.all()
            one.tally.told = self.content.told - told
        finally:
            os.close(folder)
        return one.answer()

    def ask_ahead(self, names: Sequence[str], folder: int) -> None:
        """Let the kernel fetch these files side by side: three times as fast as one after the other."""
        for name in names:
            try:
                fd = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=folder)
            except OSError:
                continue
            try:
                os.posix_fadvise(fd, 0, _READ_AHEAD, os.POSIX_FADV_WILLNEED)
            except OSError:
                return
            finally:
                os.close(fd)


_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class _Looking:
    """The state of one task."""

    def __init__(self, looker: Looker, task: Task, folder: int) -> None:
        self.looker, self.task, self.folder = looker, task, folder
        self.lines: list[str] = []
        self.keys: list[bytes] = []
        self.tally = Tally()
        self.large: list[Large] = []
        self.unchanged = 0
        self.plain = plain("\0".join(task.names))

    def answer(self) -> Answer:
        lines = "".join(self.lines).encode("utf-8")
        return Answer(self.task.number, lines, b"".join(self.keys), self.tally, tuple(self.large), self.unchanged)

    def all(self) -> None:
        task, looker = self.task, self.looker
        for at in range(0, len(task.names), _WINDOW):
            began = time.monotonic()
            window = task.names[at : at + _WINDOW]
            if began > looker.content.deadline:
                for name in task.names[at:]:
                    self._skip(name, Skip.TIME)
                return
            if looker._cold and not task.known:
                looker.ask_ahead(window, self.folder)
            kinds = task.kinds[at : at + _WINDOW]
            known = task.known[at * KEY.size : (at + _WINDOW) * KEY.size]
            if known:
                self._known(window, kinds, known)
            else:
                self._window(window, kinds)
            looker._cold = time.monotonic() - began > _COLD_SECONDS * len(window)

    def _known(self, names: Sequence[str], kinds: str, known: bytes) -> None:
        """Only what is not as it was."""
        lstat, key, no_key, size = os.stat, KEY.pack, NO_KEY, KEY.size
        for n, name in enumerate(names):
            before = known[n * size : (n + 1) * size]
            if before != no_key:
                try:
                    s = lstat(name, dir_fd=self.folder, follow_symlinks=False)
                except OSError:
                    pass
                else:
                    if key(s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) == before:
                        self.lines.append("\n")
                        self.keys.append(before)
                        self.unchanged += 1
                        continue
            self._window((name,), kinds[n])

    def _window(self, names: Sequence[str], kinds: str) -> None:
        if not (self.looker._lean and self.plain and kinds.count("f") == len(kinds)):
            for name, kind in zip(names, kinds, strict=True):
                self._one(name, kind)
            return
        folder, settled, flags, limit = self.folder, self.task.settled, _FLAGS | os.O_NOFOLLOW, min(self.task.limit, ONE_READ)
        lines, keys, tally = self.lines, self.keys, self.tally
        open_, fstat, read, close, pack, files, count = os.open, os.fstat, os.read, os.close, KEY.pack, 0, 0
        for name in names:
            try:
                fd = open_(name, flags, dir_fd=folder)
            except OSError:
                self._unopened(name)
                continue
            try:
                s = fstat(fd)
                size, mode = s.st_size, s.st_mode
                if mode >> 12 != _REGULAR or size > limit:
                    self._opened(name, fd, s)
                    continue
                data = read(fd, size + 1)
                key = pack(s.st_ino, size, s.st_mtime_ns, s.st_ctime_ns)
                if s.st_ctime_ns < settled and s.st_mtime_ns < settled:
                    changed = len(data) != size
                else:
                    changed = len(data) != size or _key(fstat(fd)) != key
                    key = NO_KEY
                if changed:
                    self._skip(name, Skip.CHANGED)
                    continue
            except OSError:
                self._skip(name, Skip.UNREADABLE)
                continue
            finally:
                close(fd)
            extra = ',"executable":true' if mode & 0o100 else ""
            lines.append(f'{{"path":"{name}","size":{size},"sha256":"{sha256(data).hexdigest()}"{extra}}}\n')
            keys.append(key)
            files += 1
            count += size
        tally.files += files
        tally.bytes += count
        tally.read += count

    def _one(self, name: str, kind: str) -> None:
        if kind == "s":
            self._skip(name, Skip.SPECIAL)
            return
        if kind == "l":
            self._link(name)
            return
        try:
            fd = os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=self.folder)
        except OSError:
            self._unopened(name)
            return
        try:
            self._opened(name, fd, os.fstat(fd))
        except OSError:
            self._skip(name, Skip.UNREADABLE)
        finally:
            os.close(fd)

    def _link(self, name: str) -> None:
        """Never opened unless it leads to a file: a pipe or a device would notice."""
        try:
            text = os.readlink(name, dir_fd=self.folder)
        except OSError:
            self._skip(name, Skip.VANISHED)
            return
        link = f'"link":"{quoted(text)}",'
        try:
            mode = os.stat(name, dir_fd=self.folder).st_mode
        except PermissionError:
            self._skip(name, Skip.UNREADABLE, link)
            return
        except OSError:
            self._skip(name, Skip.DANGLING, link)
            return
        if not stat.S_ISREG(mode):
            self._skip(name, Skip.TO_FOLDER if stat.S_ISDIR(mode) else Skip.SPECIAL, link)
            return
        try:
            fd = os.open(name, _FLAGS, dir_fd=self.folder)
        except OSError:
            self._skip(name, Skip.UNREADABLE, link)
            return
        try:
            self._opened(name, fd, os.fstat(fd), link)
        except OSError:
            self._skip(name, Skip.UNREADABLE, link)
        finally:
            os.close(fd)

    def _opened(self, name: str, fd: int, s: os.stat_result, link: str = "") -> None:
        """A file of any size and age, read with care."""
        if not stat.S_ISREG(s.st_mode):
            self._skip(name, Skip.SPECIAL, link)
            return
        size, content = s.st_size, self.looker.content
        if 0 < self.looker.sample_above < size:
            self._skip(name, Skip.SAMPLED, link, f',"size":{size},"sample":"{content.sample(fd, size)}"')
            return
        if size > self.task.limit:
            self.large.append(Large(len(self.lines), "l" if link else "f", name, size))
            self.lines.append("\n")
            self.keys.append(NO_KEY)
            return
        sparse = s.st_blocks * 512 < size and size >= ONE_READ
        try:
            if size <= ONE_READ:
                data = os.read(fd, size + 1)
                digests = content.of_bytes(data) if len(data) == size else None
            else:
                digests = content.of_file(fd, size, sparse)
        except Interrupted:
            self._skip(name, Skip.TIME, link, f',"size":{size}')
            return
        if digests is None or _key(os.fstat(fd)) != _key(s):
            self._skip(name, Skip.CHANGED, link)
            return
        fields = ",".join(f'"{a}":"{d}"' for a, d in zip(content.algorithms, digests, strict=True))
        extra = ',"executable":true' if s.st_mode & 0o100 and not link else ""
        self.lines.append(f'{{"path":"{quoted(name)}",{link}"size":{size},{fields}{extra}}}\n')
        settled = max(s.st_mtime_ns, s.st_ctime_ns) < self.task.settled and not link
        self.keys.append(_key(s) if settled else NO_KEY)
        self.tally.files += 1
        self.tally.bytes += size
        self.tally.read += size
        self.tally.links += bool(link)

    def _unopened(self, name: str) -> None:
        """Gone, or a link, socket or device that took a file's place, or a file that may not be read."""
        try:
            mode = os.stat(name, dir_fd=self.folder, follow_symlinks=False).st_mode
        except OSError:
            self._skip(name, Skip.VANISHED)
            return
        if stat.S_ISLNK(mode):
            self._link(name)
        else:
            self._skip(name, Skip.UNREADABLE if stat.S_ISREG(mode) else Skip.SPECIAL)

    def _skip(self, name: str, reason: Skip, link: str = "", more: str = "") -> None:
        self.lines.append(f'{{"path":"{quoted(name)}",{link}"skipped":"{reason}"{more}}}\n')
        self.keys.append(NO_KEY)
        self.tally.skip(str(reason))


def _key(s: os.stat_result) -> bytes:
    return KEY.pack(s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
