"""Which parts of a shell word are quoted, which are expansions? Standard library only."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from probes.script.lexer import close, dollar, quoted

MAX_BRACES = 100
MAX_BRACED = 2000
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")


@dataclass(frozen=True)
class Piece:
    """A part of a word without its quotes; code: an expansion (`$X`, `${X}`, `$(..)`) as written."""

    text: str
    quoted: bool
    code: bool


def pieces(raw: str, at: int = 0) -> list[Piece]:
    """Cut a raw word at its quotes and expansions."""
    out: list[Piece] = []
    while at < len(raw):
        char = raw[at]
        if char == "'":
            end = quoted(raw, at)
            out.append(Piece(raw[at + 1 : end].removesuffix("'"), True, False))
        elif char == '"':
            end = quoted(raw, at)
            inner = raw[at + 1 : end - 1] if raw[end - 1 : end] == '"' and end > at + 1 else raw[at + 1 : end]
            out += _inside(inner)
            out.append(Piece("", True, False))
        elif char == "\\":
            end = at + 2
            out.append(Piece("" if raw[at + 1 : end] == "\n" else raw[at + 1 : end], True, False))
        elif char == "`":
            end = quoted(raw, at)
            out.append(Piece(f"$({raw[at + 1 : end - 1]})", False, True))
        elif char == "$" and raw[at + 1 : at + 2] == "'":
            end = dollar(raw, at)
            out.append(Piece(raw[at + 2 : end - 1].replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'"), True, False))
        elif char == "$" and (end := dollar(raw, at)) > at + 1:
            out.append(Piece(raw[at:end], False, True))
        else:
            end = at + 1
            while end < len(raw) and raw[end] not in "'\"\\`$":
                end += 1
            out.append(Piece(raw[at:end], False, False))
        at = end
    return out


def _inside(text: str) -> list[Piece]:
    out: list[Piece] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] in ("\\", '"', "$", "`", "\n"):
            end = at + 2
            out.append(Piece(text[at + 1 : end].strip("\n"), True, False))
        elif char == "`":
            end = quoted(text, at)
            out.append(Piece(f"$({text[at + 1 : end - 1]})", True, True))
        elif char == "$" and (end := dollar(text, at)) > at + 1 and text[at + 1] != "'":
            out.append(Piece(text[at:end], True, True))
        else:
            end = at + 1
            while end < len(text) and text[end] not in "\\`$":
                end += 1
            out.append(Piece(text[at:end], True, False))
        at = end
    return out


def braces(raw: str, groups: int = 8) -> list[str]:
    """`a{1,2}.sh` -> `a1.sh a2.sh`; `{1..3}` -> `1 2 3`. Quoted text and `${..}` are left alone; at most MAX_BRACES."""
    if "{" not in raw or "'" in raw or '"' in raw or groups == 0 or len(raw) > MAX_BRACED:
        return [raw]
    for at, char in enumerate(raw):
        if char != "{" or raw[at - 1 : at] == "$":
            continue
        end = close(raw, at)
        body = raw[at + 1 : end - 1]
        if match := _RANGE.fullmatch(body):
            first, last, step = int(match[1]), int(match[2]), abs(int(match[3] or 1)) or 1
            count = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
            items = [str(n) for n in itertools.islice(count, MAX_BRACES)]
        elif "," in body and "{" not in body:
            items = body.split(",")[:MAX_BRACES]
        else:
            continue
        tails = braces(raw[end:], groups - 1)
        return [raw[:at] + item + tail for item in items for tail in tails][:MAX_BRACES]
    return [raw]
