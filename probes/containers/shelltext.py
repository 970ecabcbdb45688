"""Which simple commands does a shell text hold, on which lines? A static, bounded reading; nothing is ever run.

Not a shell: it splits commands, words, comments, here-documents and substitutions as POSIX `sh` does (XCU 2.2-2.10), and
fills in variables it can know. What depends on the run stays named as unresolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_DEPTH = 4
MAX_VALUE = 1 << 16
# words before a command, and how they change the depth
_KEYWORDS = dict.fromkeys(("then", "else", "elif", "do", "!", "{", "}", "time"), 0)
_KEYWORDS |= {"if": 1, "while": 1, "until": 1, "fi": -1, "done": -1}
_BREAKS = frozenset(";&|()\n")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?['\"]?)([\w.-]+)")
_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+|[@*#?$!-])|\{(?P<name>!?\w+|[@*])(?P<rest>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\})")
_DEFAULT = re.compile(r":?([-=])(.*)", re.DOTALL)


Closings = dict[int, int]


@dataclass(frozen=True)
class Command:
    """A simple command: words as written (quotes kept), the line of its first word, and how many `if`, `for` ... enclose it."""

    line: int
    words: tuple[str, ...]
    depth: int = 0


def commands(text: str, first_line: int = 1, level: int = 0) -> Iterator[Command]:
    """Simple commands in order of appearance, those in `$(...)` and backticks after the one that holds them."""
    depth = 0
    for line, split in _split(text.replace("\r\n", "\n"), first_line):
        start = 0
        while start < len(split) and split[start] in _KEYWORDS:
            depth += _KEYWORDS[split[start]]
            start += 1
        words = split[start:]
        if not words or words[0] == "esac":
            depth -= bool(words)
            continue
        yield Command(line, tuple(words), max(depth, 0))
        depth += words[0] in {"for", "case", "select"}
        if level < MAX_DEPTH:
            for word in words:
                for inner in _substitutions(word):
                    yield from commands(inner, line, level + 1)


def expand(word: str, known: Mapping[str, str | None]) -> tuple[str, tuple[str, ...]]:
    """A word without its quotes, variables filled in; and the names of those that cannot be known, left as written.

    A variable maps to None when it is known to vary. One that nobody set is unresolved too: the job may know better.
    """
    out: list[str] = []
    missing: list[str] = []
    for quote, piece in _pieces(word):
        out.append(piece if quote == "'" else _fill(piece, known, missing))
    return "".join(out), tuple(dict.fromkeys(missing))


def _fill(piece: str, known: Mapping[str, str | None], missing: list[str]) -> str:
    if "`" in piece or "$(" in piece:
        missing.append("$(...)")
        return piece

    room = MAX_VALUE  # `A=$A$A` a few dozen times over would fill any memory

    def value(match: re.Match[str]) -> str:
        nonlocal room
        name = match["plain"] or match["name"]
        rest = match["rest"] or ""
        default = _DEFAULT.fullmatch(rest)
        found = known.get(name)
        if default and not found and (found is not None or name not in known):
            return _fill(default[2].strip("\"'"), known, missing)
        if found is not None and len(found) <= room and (not rest or (default and found)):
            room -= len(found)
            return found
        missing.append(name)
        return match[0]

    return _VARIABLE.sub(value, piece)


def _pieces(word: str) -> Iterator[tuple[str, str]]:
    """(quote, text) runs of a word: quote is `'` where nothing is filled in, else `"` or empty."""
    at, plain, closings = 0, "", _closings(word)
    while at < len(word):
        char = word[at]
        if char == "\\" and at + 1 < len(word):
            yield "", plain
            yield "'", word[at + 1].replace("\n", "")
            plain, at = "", at + 2
        elif char in "'\"":
            end = _quote_end(word, at, closings)
            yield "", plain
            yield char, word[at + 1 : end]
            plain, at = "", end + 1
        else:
            end = _group_end(word, at, closings)
            plain += word[at:end]
            at = end
    yield "", plain


def _split(text: str, line: int) -> Iterator[tuple[int, list[str]]]:
    words: list[str] = []
    word, started, at, closings = "", line, 0, _closings(text)
    waiting: list[tuple[str, bool]] = []

    def flush() -> None:
        nonlocal word
        if word:
            words.append(word)
        word = ""

    while at < len(text):
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] == "\n":
            at, line = at + 2, line + 1
            continue
        if char == "#" and not word:
            at = _line_end(text, at)
            continue
        if not words and not word:
            started = line
        if char in " \t" or char in _BREAKS:
            flush()
            redirect = char == "&" and (text[at + 1 : at + 2] == ">" or (words and words[-1].endswith(("<", ">"))))
            if char in _BREAKS and not redirect:
                if words:
                    yield started, words
                words = []
                if char == "\n":
                    line += 1
                    at += 1
                    for tag, indented in waiting:
                        at, line = _after_heredoc(text, at, line, tag, indented)
                    waiting = []
                    continue
            at += 1
            continue
        if text.startswith("<<", at) and not text.startswith("<<<", at) and (match := _HEREDOC.match(text, at)):
            flush()
            waiting.append((match[3], match[1] == "-"))
            at = match.end() + bool(match[2].strip("\\"))
            continue
        end = _token_end(text, at, closings)
        word += text[at:end]
        line += text.count("\n", at, end)
        at = end
    flush()
    if words:
        yield started, words


def _closings(text: str) -> Closings:
    """Index of every `(` and `{` that is closed -> index after its closing one. One pass, so that no text costs more than its length."""
    found: Closings = {}
    waiting: dict[str, list[int]] = {")": [], "}": []}
    for at, char in enumerate(text):
        if char in "({":
            waiting[")" if char == "(" else "}"].append(at)
        elif char in ")}" and waiting[char]:
            found[waiting[char].pop()] = at + 1
    return found


def _token_end(text: str, at: int, closings: Closings) -> int:
    char = text[at]
    if char == "\\":
        return at + 2
    if char in "'\"":
        return _quote_end(text, at, closings) + 1
    return _group_end(text, at, closings)


def _group_end(text: str, at: int, closings: Closings) -> int:
    """End of the `$(...)`, `${...}`, backtick group or single character that starts here."""
    if text.startswith(("$(", "${"), at):
        return closings.get(at + 1, at + 1)
    if text[at] == "`" and (end := text.find("`", at + 1)) > 0:
        return end + 1
    return at + 1


def _quote_end(text: str, at: int, closings: Closings) -> int:
    """Index of the closing quote, or of the last character where there is none."""
    quote, end = text[at], at + 1
    if quote == "'":
        end = text.find("'", end)
        return end if end >= 0 else len(text) - 1
    while end < len(text) and text[end] != quote:
        end = end + 2 if text[end] == "\\" else _group_end(text, end, closings)
    return min(end, len(text) - 1)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _after_heredoc(text: str, at: int, line: int, tag: str, indented: bool) -> tuple[int, int]:
    while at < len(text):
        end = _line_end(text, at)
        body = text[at:end]
        at, line = end + 1, line + 1
        if (body.lstrip("\t") if indented else body) == tag:
            break
    return at, line


def _substitutions(word: str) -> Iterator[str]:
    at, closings = 0, _closings(word)
    while at < len(word):
        if word[at] == "'":
            at = _quote_end(word, at, closings) + 1
            continue
        end = _group_end(word, at, closings)
        if end > at + 2 and (word.startswith("$(", at) or word[at] == "`"):
            yield word[at + 2 : end - 1] if word[at] == "$" else word[at + 1 : end - 1]
        at = end
