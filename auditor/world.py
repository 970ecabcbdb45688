"""How does anything outside reach us? Through one door: run, read, stat, glob, env, now; bounded in time and size.

Standard library only: this module is loaded inside users' jobs.
"""

from __future__ import annotations

import glob as _glob
import os
import signal
import stat as _stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

COMMAND_SECONDS = 20.0
OUTPUT_BYTES = 32 << 20
READ_BYTES = 8 << 20


class TooBig(OSError):
    """The answer was larger than the limit we set; nothing of it was kept."""


class NotRecorded(LookupError):
    """A recorded world was asked for something its recorder did not save: we could not look."""


@dataclass(frozen=True)
class Ran:
    """What a command answered: exit code (negative: killed by that signal), text of stdout and stderr."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Stat:
    """What the file system says of a path. Times in nanoseconds since the epoch, size in bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    ino: int
    dev: int

    @property
    def is_file(self) -> bool:
        return _stat.S_ISREG(self.mode)

    @property
    def is_dir(self) -> bool:
        return _stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return _stat.S_ISLNK(self.mode)


class World(Protocol):
    """The outside as a probe sees it. Text is UTF-8 with `surrogateescape`, so that any bytes survive."""

    @property
    def env(self) -> Mapping[str, str]:
        """The environment, whole. Only what `auditor.redact` allows may go into evidence."""

    @property
    def cwd(self) -> str: ...

    @property
    def host(self) -> str: ...

    def now(self) -> datetime: ...

    def run(
        self,
        *argv: str,
        timeout: float = COMMAND_SECONDS,
        limit: int = OUTPUT_BYTES,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ran:
        """Run a command to its end. `env` adds to the environment.

        Raises FileNotFoundError (no such program), TimeoutError, TooBig, PermissionError.
        """

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        """The bytes of a file. Raises FileNotFoundError, PermissionError, IsADirectoryError, TooBig."""

    def text(self, path: str, limit: int = READ_BYTES) -> str: ...

    def span(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on, fewer at the end of the file; a negative start counts from the end. Raises as `read`."""

    def stat(self, path: str, follow: bool = True) -> Stat:
        """Raises FileNotFoundError, PermissionError."""

    def exists(self, path: str) -> bool: ...

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Matching paths, sorted; `**` is recursive. Relative patterns start at `cwd`."""

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        """The bytes of a file in pieces, for hashing; no size limit, constant memory."""


class RealWorld:
    """This machine, now. tell: who wants to hear, in the middle of a long reading, how many bytes are read, and of how many."""

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        tell: Callable[[int, int], None] | None = None,
    ) -> None:
        self._env = dict(os.environ if env is None else env)
        self._cwd = cwd or os.getcwd()
        self.tell = tell

    @property
    def env(self) -> Mapping[str, str]:
        return self._env

    @property
    def cwd(self) -> str:
        return self._cwd

    @property
    def host(self) -> str:
        return os.uname().nodename

    def now(self) -> datetime:
        return datetime.now(UTC)

    def run(
        self,
        *argv: str,
        timeout: float = COMMAND_SECONDS,
        limit: int = OUTPUT_BYTES,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ran:
        import subprocess  # 30 ms: paid only by those who run something
        import tempfile

        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd or self._cwd,
                env={**self._env, **(env or {})},
                start_new_session=True,
            )
            try:
                child.communicate(stdin or None, timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                raise TimeoutError(f"{argv[0]} gave no answer in {timeout:g} s") from None
            except BaseException:  # interrupted: the command is in a session of its own and would go on
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                raise
            return Ran(child.returncode, _slurp(out, limit, argv[0]), _slurp(err, limit, argv[0]))

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        with open(self._at(path), "rb", buffering=0) as file:
            parts: list[bytes] = []
            left = limit + 1
            while left > 0 and (part := file.read(min(left, 1 << 20))):
                parts.append(part)
                left -= len(part)
        if left <= 0:
            raise TooBig(f"{path} is larger than {limit} bytes")
        return b"".join(parts)

    def text(self, path: str, limit: int = READ_BYTES) -> str:
        return self.read(path, limit).decode("utf-8", "surrogateescape")

    def span(self, path: str, start: int, length: int) -> bytes:
        with open(self._at(path), "rb", buffering=0) as file:
            file.seek(start if start >= 0 else max(0, file.seek(0, 2) + start))
            parts: list[bytes] = []
            while length > 0 and (part := file.read(min(length, 1 << 20))):
                parts.append(part)
                length -= len(part)
        return b"".join(parts)

    def stat(self, path: str, follow: bool = True) -> Stat:
        s = os.stat(self._at(path), follow_symlinks=follow)
        return Stat(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_mode, s.st_ino, s.st_dev)

    def exists(self, path: str) -> bool:
        return os.path.exists(self._at(path))

    def glob(self, pattern: str) -> tuple[str, ...]:
        found = _glob.iglob(self._at(pattern), recursive=True, include_hidden=True)
        return tuple(sorted(found, key=os.fsencode))

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        import mmap

        # page-aligned: the kernel copies into an unaligned buffer up to four times slower
        with mmap.mmap(-1, size) as buffer, open(self._at(path), "rb", buffering=0) as file:
            with memoryview(buffer) as view:
                while n := file.readinto(view):
                    with view[:n] as piece:
                        yield piece

    def _at(self, path: str) -> str:
        return os.path.join(self._cwd, path)


def _slurp(file: object, limit: int, name: str) -> str:
    size = file.seek(0, 2)  # type: ignore[attr-defined]  # any binary file object
    if size > limit:
        raise TooBig(f"{name} printed {size} bytes, more than {limit}")
    file.seek(0)  # type: ignore[attr-defined]
    raw: bytes = file.read()  # type: ignore[attr-defined]
    return raw.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class RecordedWorld:
    """A machine as somebody saved it: the in-job hook's record, or a test's folder under tests/worlds.

    What is in `missing` was looked for and not there; what is in neither was not recorded and raises NotRecorded.
    """

    environment: Mapping[str, str]
    files: Mapping[str, bytes]
    commands: Mapping[tuple[str, ...], Ran]
    missing: frozenset[str]
    taken: datetime
    node: str
    directory: str

    @property
    def env(self) -> Mapping[str, str]:
        return self.environment

    @property
    def cwd(self) -> str:
        return self.directory

    @property
    def host(self) -> str:
        return self.node

    def now(self) -> datetime:
        return self.taken

    def run(
        self,
        *argv: str,
        timeout: float = COMMAND_SECONDS,
        limit: int = OUTPUT_BYTES,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ran:
        if argv in self.commands:
            return self.commands[argv]
        if argv[0] in self.missing:
            raise FileNotFoundError(2, "No such file or directory", argv[0])
        raise NotRecorded(f"`{' '.join(argv)}` was not recorded")

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        where = os.path.join(self.directory, path)
        if where in self.files:
            data = self.files[where]
            if len(data) > limit:
                raise TooBig(f"{path} is larger than {limit} bytes")
            return data
        if where in self.missing or path in self.missing:
            raise FileNotFoundError(2, "No such file or directory", path)
        raise NotRecorded(f"{path} was not recorded")

    def text(self, path: str, limit: int = READ_BYTES) -> str:
        return self.read(path, limit).decode("utf-8", "surrogateescape")

    def span(self, path: str, start: int, length: int) -> bytes:
        whole = self.read(path, 1 << 62)
        first = start if start >= 0 else max(0, len(whole) + start)
        return whole[first : first + length]

    def stat(self, path: str, follow: bool = True) -> Stat:
        size = len(self.read(path, 1 << 62))
        return Stat(size, 0, 0, _stat.S_IFREG | 0o644, 0, 0)

    def exists(self, path: str) -> bool:
        try:
            self.read(path, 1 << 62)
        except FileNotFoundError:
            return False
        return True

    def glob(self, pattern: str) -> tuple[str, ...]:
        import fnmatch

        where = os.path.join(self.directory, pattern)
        found = sorted(p for p in self.files if fnmatch.fnmatchcase(p, where))
        if not found and where not in self.missing:
            raise NotRecorded(f"{pattern} was not recorded")
        return tuple(found)

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        with memoryview(self.read(path, 1 << 62)) as whole:
            for start in range(0, len(whole), size):
                yield whole[start : start + size]
