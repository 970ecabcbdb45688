"""What did the job open, run, move and remove, by strace's account? Lines of `strace -f -y -qq`, read as a stream.

Source: strace(1), "OUTPUT FORMAT": `PID call(arguments) = result`; -y adds `<path>` to descriptors, so that a successful open
tells its absolute path, and `-s 0` keeps the arguments of programs out, where people put secrets. A call that another process
interrupted comes in two lines, `<unfinished ...>` and `<... call resumed>`.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator

from probes.tracing.history import Call

MAX_LINE = 64 << 10
_LINE = re.compile(r"(\d+) +(\w+)\((.*)$", re.DOTALL)
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
_RESULT = re.compile(r"\)\s+= (-?\d+)(?:<(.*)>)?(?:\(deleted\))?[^>]*$", re.DOTALL)
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?')
_CWD = re.compile(r"AT_FDCWD<((?:[^>\\]|\\.)*)>")
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}
_MOVES = frozenset({"rename", "renameat", "renameat2"})
_MAKE = frozenset({"link", "linkat", "symlink", "symlinkat", "truncate"})
_FORKS = frozenset({"clone", "clone3", "fork", "vfork"})


class Reader:
    """State between lines: where each process stands, and which calls wait for their second half."""

    def __init__(self, start: str = "/") -> None:
        self.start = start
        self.places: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        self.broken = 0
        """Lines that could not be read, or paths that could not be resolved."""

    def calls(self, lines: Iterable[str]) -> Iterator[Call]:
        for line in lines:
            whole = self._whole(line.rstrip("\n"))
            if whole and (found := _LINE.match(whole)):
                yield from self._call(found[1], found[2], found[3])

    def _whole(self, line: str) -> str:
        """The line, its two halves put together; empty while one is missing, and for signals and exits."""
        if "resumed>" in line and (found := _RESUMED.match(line)):
            return self.waiting.pop(found[1], "") + found[3]
        if line.endswith("<unfinished ...>"):
            self.waiting[line.partition(" ")[0]] = line.removesuffix("<unfinished ...>").rstrip()
            return ""
        return line

    def _call(self, pid: str, name: str, rest: str) -> Iterator[Call]:
        result = _RESULT.search(rest)
        if not result:
            self.broken += not rest.endswith("?")  # the process died in the middle of it
            return
        if cwd := _CWD.search(rest):
            self.places[pid] = text(cwd[1])
        if result[1].startswith("-"):
            return
        if name in _FORKS:
            self.places.setdefault(result[1], self.places.get(pid, self.start))
        elif name in _MOVES:
            yield from self._move(pid, rest)
        elif name in _MAKE:
            yield from (Call("w", path) for path in self._paths(pid, rest)[-1:])
        elif name in ("unlink", "unlinkat"):
            yield from (Call("d", path) for path in self._paths(pid, rest)[:1])
        elif name in ("execve", "execveat"):
            yield from (Call("x", path) for path in self._paths(pid, rest.partition(", [")[0]))
        elif name == "chdir":
            self.places[pid] = next(iter(self._paths(pid, rest)), self.places.get(pid, self.start))
        elif name == "fchdir":
            if found := _FOLDER.search(rest):
                self.places[pid] = text(found[1])
        elif "O_DIRECTORY" not in rest and "O_PATH" not in rest:
            yield from self._open(pid, name, rest, result[2])

    def _open(self, pid: str, name: str, rest: str, told: str | None) -> Iterator[Call]:
        path = text(told) if told and told.startswith("/") else next(iter(self._paths(pid, rest)), "")
        if not path.startswith("/"):
            return  # a pipe, a socket, an anonymous inode
        if name == "creat" or ("O_WRONLY" in rest) or ("O_RDWR" in rest and "O_TRUNC" in rest):
            yield Call("w", path)
        elif "O_RDWR" in rest:
            yield Call("w" if "O_EXCL" in rest else "c" if "O_CREAT" in rest else "u", path)
        else:
            yield Call("r", path)

    def _move(self, pid: str, rest: str) -> Iterator[Call]:
        paths = self._paths(pid, rest)
        if len(paths) == 2:
            yield Call("m", paths[0], paths[1])
            if "RENAME_EXCHANGE" in rest:
                yield Call("w", paths[0])
        else:
            self.broken += 1

    def _paths(self, pid: str, rest: str) -> list[str]:
        """Absolute paths of the string arguments; each is relative to the folder named before it, else to where the process stands."""
        found: list[str] = []
        at = 0
        for match in _STRINGS.finditer(rest):
            base = _FOLDER.findall(rest[at : match.start()])
            at = match.end()
            if match[2]:  # cut by strace
                self.broken += 1
                continue
            here = text(base[-1]) if base else self.places.get(pid, self.start)
            found.append(os.path.normpath(os.path.join(here, text(match[1]))))
        return found


def text(quoted: str) -> str:
    """strace's escapes undone: octal, hexadecimal and C's; bytes that are no UTF-8 survive."""
    if "\\" not in quoted:
        return quoted
    raw = _ESCAPE.sub(_unescaped, quoted)
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2]:
        return chr(int(match[2], 8) & 0xFF)
    return _PLAIN.get(match[3], match[3])
