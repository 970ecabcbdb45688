"""Which lines were meant for us, and say nothing that we understand? A wrong `#AUDITOR` line is named; it never stops a job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from probes.script.sbatch import words

KEYS = ("input", "output", "label", "trace", "smoke")
WAYS = ("auto", "strace", "preload")
"""What `trace=` may be, as in probes.tracing."""
MAX = 50
"""Lines that are named."""
_ALIAS = {"in": "input", "out": "output", "infile": "input", "outfile": "output", "name": "label", "tracer": "trace"}
_LIKE = re.compile(r"\s*#+\s*auditor\b\s*:?\s*(?=-{0,2}\w+\s*=|--\w)", re.IGNORECASE)
_EXAMPLE = {"input": "GLOB", "output": "GLOB", "label": "NAME", "trace": "auto", "smoke": "--epochs=1"}


@dataclass(frozen=True)
class Misread:
    """A line of ours that is wrong, or a part of it. line: its number; text: what stands there; hint: what should; key: which of KEYS."""

    line: int
    text: str
    hint: str
    key: str = ""


def misread(script: str) -> tuple[Misread, ...]:
    """In the order of the lines, the first MAX. What is read as it stands is none, however it is written."""
    found: list[Misread] = []
    for number, line in enumerate(script.split("\n"), 1):
        if line.startswith("#AUDITOR"):
            found += (Misread(number, text[:200], hint, key) for text, hint, key in _wrong(line[8:]))
        elif like := _LIKE.match(line):
            rest = line[like.end() :]
            hint = f"{_written(rest)}, in capitals, from the first column on"
            found.append(Misread(number, line.strip()[:200], hint, _key(next(iter(words(rest)), ""))))
    return tuple(found[:MAX])


def _wrong(line: str) -> Iterator[tuple[str, str, str]]:
    """(what stands there, what should, which of KEYS) of each part that is not read."""
    parts = list(_parts([w for w in words(line) if w != ":"]))
    if not parts:
        yield "#AUDITOR", f"#AUDITOR {_as_read('input', [])}", ""
    for head, *tail in parts:
        key, equals, value = head.partition("=")
        if equals and value and key in KEYS:
            if key == "trace" and value not in WAYS:
                yield head, f"trace= is one of {', '.join(WAYS)}", key
            if tail:
                yield " ".join(tail), f"#AUDITOR {_as_read(key, tail)}", key
            continue
        meant = _key(key)
        values = [v for word in (value, *tail) if (v := word.lstrip("="))]
        right = f"#AUDITOR {_as_read(meant, values)}" if meant else f"the words are {'=, '.join(KEYS)}="
        yield " ".join((head, *tail)), right, meant


def _parts(said: list[str]) -> Iterator[list[str]]:
    """A word that names something, and what follows up to the next such word: `input = x`, `--input x y`."""
    part: list[str] = []
    for word in said:
        if part and (word.startswith("-") or word.find("=") > 0):
            yield part
            part = []
        part.append(word)
    if part:
        yield part


def _key(word: str) -> str:
    """Which of KEYS; empty: none is near."""
    import difflib  # paid by those who have a wrong line

    bare = word.partition("=")[0].strip(":-").lower().removeprefix("auditor-")
    near = [_ALIAS[bare]] if bare in _ALIAS else difflib.get_close_matches(bare, KEYS, 1, 0.7)
    return near[0] if near else ""


def _written(rest: str) -> str:
    """The line as it would be read."""
    parts = []
    for head, *tail in _parts(words(rest)):
        key, _, value = head.partition("=")
        values = [v for word in (value, *tail) if (v := word.lstrip("="))]
        parts.append(_as_read(_key(key) or "input", values))
    return f"#AUDITOR {' '.join(parts)}"


def _as_read(key: str, values: list[str]) -> str:
    return " ".join(f"{key}={_quoted(value)}" for value in values or [_EXAMPLE[key]])


def _quoted(value: str) -> str:
    return f"'{value}'" if re.search(r"[\s#]", value) and "'" not in value else value
