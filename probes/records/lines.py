"""How is a log of any size read line by line? In pieces, with long lines cut, control sequences taken out, and an end to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.world import World

MAX_BYTES = 512 << 20
MAX_LINE = 16_384
TAIL_BYTES = 1 << 20
# ECMA-48: strings for the terminal (titles, links) up to their end, control sequences; then what remains of the C0 and C1 controls but tab,
# and what turns the direction of text or breaks a line in a page (Unicode TR 9, TR 14)
_CONTROL = re.compile(
    r"\x1b[P\]X^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def lines(world: World, path: str, limit: int = MAX_BYTES) -> Iterator[tuple[int, str]]:
    """(number from 1, text without its end) of each line among the first `limit` bytes. A line longer than MAX_LINE bytes is cut there.

    Raises as World.chunks.
    """
    number, rest, cut = 1, b"", False
    seen = 0
    for piece in world.chunks(path):
        seen += len(piece)
        *whole, rest_new = bytes(piece).split(b"\n")
        for part in whole:
            text = rest if cut else rest + part
            yield number, clean(text[:MAX_LINE].decode("utf-8", "replace"))
            number, rest, cut = number + 1, b"", False
        if not cut:
            rest += rest_new
            cut = len(rest) > MAX_LINE
            rest = rest[:MAX_LINE]
        if seen >= limit:
            return
    if rest:
        yield number, clean(rest.decode("utf-8", "replace"))


def beyond(world: World, path: str, limit: int = MAX_BYTES, length: int = TAIL_BYTES) -> tuple[str, ...]:
    """The last lines of a file of which `lines` gives less than all, without the first of them, which is cut; none of a smaller file.

    How a run ended stands at the end of its log. Raises as World.span.
    """
    if world.stat(path).size <= limit:
        return ()
    tail = world.span(path, -length, length).decode("utf-8", "replace").split("\n")
    return tuple(clean(part[:MAX_LINE]) for part in tail[1:] if part)


def clean(text: str) -> str:
    """Without control sequences, which a terminal would obey."""
    return text if text.isprintable() else _CONTROL.sub("", text.rstrip("\r"))  # nearly every line is


def why(error: BaseException) -> str:
    """An exception as one clean line, without the path that the operating system repeats."""
    return one_line(
        (error.strerror or "") if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    )


def one_line(text: str, limit: int = 300) -> str:
    """Words of a stranger as one clean line of at most `limit` characters."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
