"""Which `$(..)` have an answer that follows from the text alone? `pwd`, `dirname`, `basename`, `seq` and their kin."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable

from probes.script.expand import Values, one, words
from probes.script.lexer import tokens

MAX_SEQUENCE = 100
_CD_PWD = re.compile(r"cd (?:-P |-- )?(\S+|\"[^\n]*?\") ?(?:&>/dev/null ?|>/dev/null 2>&1 ?)?(?:&&|;) ?pwd(?: -P)?")


def answer(code: str, values: Values) -> str | tuple[str, ...] | None:
    """What the substitution prints, without its final newline; None when it would have to be run."""
    if code == "pwd":
        return values.cwd or None
    if match := _CD_PWD.fullmatch(code):
        folder = one(match[1], values)
        return _absolute(folder.text, values) if folder.known and values.cwd else None
    parts = tokens(code)
    if any(t.kind != "word" for t in parts):
        return None
    found = [w for t in parts for w in words(t.text, values)]
    if not found or not all(w.known for w in found):
        return None
    name, *arguments = (w.text for w in found)
    return _sequence(arguments) if name == "seq" else _path(name, [a for a in arguments if not a.startswith("-")], values)


def _path(name: str, arguments: list[str], values: Values) -> str | None:
    known: dict[str, Callable[[str], str]] = {
        "dirname": lambda p: os.path.dirname(p.rstrip("/")) or ("/" if p.startswith("/") else "."),
        "basename": lambda p: os.path.basename(p.rstrip("/")),
        "realpath": lambda p: _absolute(p, values),
        "readlink": lambda p: _absolute(p, values),
        "which": str,
        "echo": str,
    }
    if name in known and len(arguments) == 1:
        return known[name](arguments[0])
    if name == "basename" and len(arguments) == 2:
        return os.path.basename(arguments[0]).removesuffix(arguments[1])
    return None


def _absolute(path: str, values: Values) -> str:
    return os.path.normpath(os.path.join(values.cwd, path))


def _sequence(arguments: list[str]) -> tuple[str, ...] | None:
    if not 1 <= len(arguments) <= 2 or not all(re.fullmatch(r"\d{1,6}", a) for a in arguments):
        return None
    first, last = (1, int(arguments[0])) if len(arguments) == 1 else (int(arguments[0]), int(arguments[1]))
    return tuple(str(n) for n in range(first, min(last, first + MAX_SEQUENCE - 1) + 1))
