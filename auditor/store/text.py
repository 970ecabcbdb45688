"""How does any text survive a database that wants valid UTF-8 on one line? As the inside of a JSON string, in ASCII."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
NULL = "\\N"  # no escaped text equals it: JSON has no escape of that name


def escape(text: str) -> str:
    """Printable ASCII stays as it is, but for the quote and the backslash."""
    if text.isascii() and text.isprintable() and "\\" not in text and '"' not in text:
        return text
    return json.dumps(text)[1:-1]


word = lru_cache(4096)(escape)
"""The same for words that come again and again: roles, kinds, hosts, times."""


def unescape(text: str) -> str:
    return str(json.loads(f'"{text}"')) if "\\" in text else text


def nullable(value: float | None) -> str:
    return NULL if value is None else repr(value)


def numberless(text: str) -> str:
    """Numbers become `#`: what look-alikes have in common."""
    return NUMBER.sub("#", text)


def shape(script: str) -> str:
    """16 hex digits over a script without its numbers; empty for no script."""
    return hashlib.sha256(numberless(script).encode("utf-8", "surrogatepass")).hexdigest()[:16] if script else ""


def dependencies(argv: Sequence[str], text: str = "") -> tuple[str, ...]:
    """Job numbers that a submission waits for: from `--dependency=afterok:12:13`, `-d ...`, or the scheduler's own text.

    sbatch(1), --dependency: `type:job[+time][:job...]`, joined by `,` or `?`; what the scheduler adds in brackets is its state.
    """
    specs = [text]
    for i, word in enumerate(argv):
        if word in ("-d", "--dependency"):
            specs.append(argv[i + 1] if i + 1 < len(argv) else "")
        elif word.startswith("--dependency="):
            specs.append(word.partition("=")[2])
        elif re.match(r"-d[a-z]", word):
            specs.append(word[2:])
    found = (re.match(r"[A-Za-z]?\w*", job) for spec in specs for part in re.split(r"[,?]", spec) for job in part.split(":")[1:])
    return tuple(dict.fromkeys(m[0] for m in found if m and m[0]))
