"""What did programs open through the C library? Records of our preloaded shim: an operation, a NUL, an absolute path, a NUL."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator

from probes.tracing.history import Call

_OPERATIONS = frozenset("rwucxd")


def calls(pieces: Iterable[memoryview]) -> Iterator[Call]:
    """Records in any pieces; what is no record (two nodes wrote at once) is left out up to the next one that is."""
    rest = b""
    words: list[str] = []
    for piece in pieces:
        *whole, rest = (rest + bytes(piece)).split(b"\0")
        words += [word.decode("utf-8", "surrogateescape") for word in whole]
        while len(words) >= 3:
            if words[0] == "m" and words[1].startswith("/") and words[2].startswith("/"):
                yield Call("m", _plain(words[1]), _plain(words[2]))
                del words[:3]
            elif words[0] in _OPERATIONS and words[1].startswith("/"):
                yield Call(words[0], _plain(words[1]))
                del words[:2]
            else:
                del words[:1]
    if len(words) == 2 and words[0] in _OPERATIONS and words[1].startswith("/"):
        yield Call(words[0], _plain(words[1]))


def _plain(path: str) -> str:
    return os.path.normpath(path)
