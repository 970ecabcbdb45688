"""How is text from jobs shown in a terminal? Without control sequences."""

from __future__ import annotations

import re

# C0 and C1 controls but newline and tab, and the marks that turn the direction of writing
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with every control character as `\\x1b`-like escapes; bytes that are not UTF-8 as `\\xff`."""
    clean = _CONTROL.sub(lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04x}", text)
    return clean.encode("utf-8", "backslashreplace").decode("utf-8")
