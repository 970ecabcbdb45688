"""Where does one shell word end and the next begin? Bash text -> tokens; here-documents are kept with what reads them.

Rules: POSIX.1-2024 Shell Command Language 2.3 (token recognition) and bash(1) for `<<<`, `$'..'`, `((..))`, `A=(..)`.
Standard library only: loaded inside users' jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TEXT = 256 << 10
MAX_NESTED = 12  # brackets inside quotes inside brackets: what is deeper is plain text
MAX_SUM = 1000  # characters of a ((..)), so that a hostile line stays cheap
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|&>>|&>|\|&|<<<|<<-?|<&|>&|>>|>\||<>|[;&|<>()]")
_PLAIN = re.compile(r"[^\s\\'\"$`|&;<>()]+")
_BLANKS = re.compile(r"(?:[ \t\r\f\v]|\\\n)+")
_PARAMETER = re.compile(r"\$(?:\w+|[@*#?$!-])?")
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=")
_IN_QUOTES = re.compile(r"[\\\"`$]")
_BRACKET = re.compile(r"[\\'\"`(){}]")
_QUOTES = re.compile(r"['\"\\]")


@dataclass(frozen=True)
class Token:
    """kind: `word` (raw, quotes kept), `op`, `newline`, `heredoc` (text: the body; line: where the body starts)."""

    kind: str
    text: str
    line: int


def tokens(text: str) -> list[Token]:
    """All tokens. Never raises: an open quote or bracket reaches to the end of the text. Reads at most MAX_TEXT characters."""
    text = text[:MAX_TEXT]
    out: list[Token] = []
    waiting: list[tuple[int, str, bool]] = []  # index in `out`, delimiter, strip tabs
    at, line = 0, 1
    while at < len(text):
        if blanks := _BLANKS.match(text, at):
            line += blanks[0].count("\n")
            at = blanks.end()
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif text[at] == "\n":
            out.append(Token("newline", "\n", line))
            at, line = at + 1, line + 1
            for index, delimiter, strip in waiting:
                start = line
                body, at, line = _heredoc(text, at, line, delimiter, strip)
                out[index] = Token("heredoc", body, start)
            waiting.clear()
        elif text.startswith("((", at) and (end := text.find("))", at, at + MAX_SUM)) > 0 and "\n" not in text[at:end]:
            out.append(Token("word", text[at : end + 2], line))
            at = end + 2
        elif text[at] in "<>" and text[at + 1 : at + 2] == "(":
            end = close(text, at + 1)
            out.append(Token("word", text[at:end], line))
            line += text.count("\n", at, end)
            at = end
        elif operator := _OPERATOR.match(text, at):
            at = operator.end()
            out.append(Token("op", operator[0], line))
            if operator[0] in ("<<", "<<-"):
                blanks = _BLANKS.match(text, at)
                start = blanks.end() if blanks else at
                at = _word_end(text, start)
                waiting.append((len(out) - 1, _QUOTES.sub("", text[start:at]), operator[0] == "<<-"))
        else:
            end = max(_word_end(text, at), at + 1)
            if not (text[at:end].isdigit() and text[end : end + 1] in ("<", ">")):  # the 2 of 2>file
                out.append(Token("word", text[at:end], line))
            line += text.count("\n", at, end)
            at = end
    return out


def _word_end(text: str, at: int) -> int:
    start = at
    while at < len(text):
        if plain := _PLAIN.match(text, at):
            at = plain.end()
            continue
        char = text[at]
        if char == "\\":
            at += 2
        elif char in "'\"`":
            at = quoted(text, at)
        elif char == "$":
            at = dollar(text, at)
        elif char == "(" and _ARRAY.fullmatch(text, start, at):  # an array
            at = close(text, at)
        else:
            break
    return min(at, len(text))


def quoted(text: str, at: int, depth: int = 0) -> int:
    """Index after the quote that opens at `at`; in double quotes `$(..)` and backslashes are stepped over."""
    mark = text[at]
    if mark == "'":
        end = text.find("'", at + 1)
        return len(text) if end < 0 else end + 1
    at += 1
    while special := _IN_QUOTES.search(text, at):
        at = special.start()
        if text[at] == mark:
            return at + 1
        if text[at] == "\\":
            at += 2
        elif text[at] == "$" and mark == '"':
            at = dollar(text, at, depth + 1)
        else:
            at += 1
    return len(text)


def dollar(text: str, at: int, depth: int = 0) -> int:
    """Index after the expansion (or the lone `$`) at `at`."""
    following = text[at + 1 : at + 2] if depth < MAX_NESTED else ""
    if following in ("(", "{"):
        return close(text, at + 1, depth)
    if following == "'":  # $'..' knows backslashes
        at += 2
        while at < len(text) and text[at] != "'":
            at += 2 if text[at] == "\\" else 1
        return min(at + 1, len(text))
    name = _PARAMETER.match(text, at)
    return name.end() if name else at + 1


def close(text: str, at: int, depth: int = 0) -> int:
    """Index after the bracket that matches the one at `at`, quotes respected."""
    opening = text[at]
    closing = {"(": ")", "{": "}"}[opening]
    level = 0
    while special := _BRACKET.search(text, at):
        at = special.start()
        char = text[at]
        if char == "\\":
            at += 2
        elif char in "'\"`":
            at = quoted(text, at, depth)
        else:
            level += (char == opening) - (char == closing)
            at += 1
            if level == 0:
                return at
    return len(text)


def _heredoc(text: str, at: int, line: int, delimiter: str, strip: bool) -> tuple[str, int, int]:
    body: list[str] = []
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        row = text[at:end]
        at, line = min(end + 1, len(text)), line + 1
        row = row.lstrip("\t") if strip else row
        if row == delimiter:
            break
        body.append(row)
    return "".join(f"{row}\n" for row in body), at, line
