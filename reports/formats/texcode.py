"""How is a stranger's text written in LaTeX, so that it is shown and does nothing? Pure ASCII, every special character by name.

LaTeX2e's ten special characters, quotes and dashes that would become others by ligature, and letters beyond ASCII: accents that every
encoding has by their command, all others by number, which XeTeX and LuaTeX print and pdfTeX spells out.
"""

from __future__ import annotations

import re
import unicodedata

from reports.formats.clean import line

PREAMBLE = r"""\providecommand{\auditfill}[1]{\textbf{[to be filled in by a person: #1]}}
\ifdefined\Umathchar\providecommand{\auditchar}[1]{\char"#1\relax}\else\providecommand{\auditchar}[1]{[U+#1]}\fi"""
"""What the fragments define; a paper may define them otherwise before it."""

_ASCII = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\char34{}", "'": r"\char39{}", "`": r"\char96{}",
}  # fmt: skip
_NAMED = {
    "–": "--", "—": "---", "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "“": r"\textquotedblleft{}", "”": r"\textquotedblright{}",
    "…": r"\dots{}", "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$",
    "→": r"$\rightarrow$", "≈": r"$\approx$", "µ": r"$\mu$", "±": r"$\pm$", "·": r"$\cdot$", "\u00a0": "~",
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ł": r"\l{}", "Ł": r"\L{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r", "\u030c": "v", "\u0327": "c", "\u0304": "=",
    "\u0306": "u", "\u0307": ".", "\u030b": "H",
}  # fmt: skip
_LIGATURE = re.compile(r"(?<=-)(?=-)|(?<=,)(?=,)")
"""Where two characters would become another one."""
_BREAK = re.compile(r"[0-9a-f]{16}(?=[0-9a-f])|[/.:=@_-]")
"""After what a path, an address or a digest may be broken."""


def tex(text: str, limit: int = 600) -> str:
    """On one line. Nothing in it can open a command, a group, math, a comment or a table cell."""
    return _chars(line(text, limit))


def code(text: str, limit: int = 300) -> str:
    """A path, a command or a digest in typewriter face, that may be broken where such words can."""
    pieces = _BREAK.sub("\\g<0>\0", line(text, limit)).split("\0")  # a cleaned text holds no such character
    shown = r"\allowbreak{}".join(map(_chars, pieces))
    return rf"\texttt{{{shown}}}" if text else ""


def comment(text: str, limit: int = 200) -> str:
    """The inside of a comment: one line, ASCII."""
    return line(text, limit).encode("ascii", "backslashreplace").decode("ascii")


def fill(what: str) -> str:
    """A place that a person must fill."""
    return rf"\auditfill{{{tex(what)}}}"


def _chars(text: str) -> str:
    return "{}".join("".join(map(_char, part)) for part in _LIGATURE.split(text))


def _char(char: str) -> str:
    if char in _ASCII:
        return _ASCII[char]
    if char in _NAMED:
        return _NAMED[char]
    if " " <= char <= "~":
        return char
    parts = unicodedata.normalize("NFD", char)
    if len(parts) == 2 and parts[1] in _ACCENTS and parts[0].isascii() and parts[0].isalpha():
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return rf"\auditchar{{{ord(char):04X}}}"
