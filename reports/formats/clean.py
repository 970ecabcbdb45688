"""What may a stranger's text do on our pages? Nothing: whatever acts instead of showing itself is spelled out.

Job names, paths and log lines are hostile until cleaned. Control characters, terminal escapes, direction overrides (the
"Trojan Source" trick), zero-width and private characters become visible escapes such as `\\x1b` and `\\u202e`; a byte that
was not UTF-8 becomes `\\xff` again. Markup is left to the format: escaping for HTML or Markdown comes after cleaning.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

_ACTS = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode general categories whose members act or hide: controls, format, surrogates, private use, line separators."""

_JOINERS = "\u200c\u200d"
"""Needed to write Persian and most emoji; they hide nothing."""

LONG = 20_000
"""Characters of one text that any page shows."""


_SUSPECT = re.compile(r"[^ -~\n\t]")


def clean(text: str, limit: int = LONG) -> str:
    """`text` with everything that acts made visible; newlines and tabs stay. Cut at `limit` characters, saying so."""
    kept = text if len(text) <= limit else text[:limit]
    if not kept.isprintable():
        kept = _SUSPECT.sub(lambda found: _visible(found[0]), kept.replace("\r\n", "\n"))
    return kept if len(text) <= limit else f"{kept}… [{len(text) - limit:,} more characters]"


def line(text: str, limit: int = 300) -> str:
    """The same on one line, for names, headings and table cells."""
    return clean(text, limit).replace("\n", "\\n").replace("\t", "\\t")


def brief(text: str, limit: int) -> str:
    """The beginning of a name where the whole of it stands elsewhere."""
    return line(text, 10 * limit) if len(text) <= limit else line(text[: limit - 1]).rstrip() + "…"


def tidy(value: T) -> T:
    """A value type with every text in it cleaned: what a format works on, so that no place can be forgotten.

    Excerpts of evidence are left alone, since they may be large: `excerpt.blocks` cleans the part that is shown.
    """
    return _tidy(value)  # type: ignore[no-any-return]


def _tidy(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return clean(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{f.name: _tidy(getattr(value, f.name)) for f in dataclasses.fields(value)})
    if isinstance(value, tuple):
        return tuple(map(_tidy, value))
    return value


def _visible(char: str) -> str:
    code = ord(char)
    if char in "\n\t" or char in _JOINERS or unicodedata.category(char) not in _ACTS:
        return char
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return {"\r": "\\r"}.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
