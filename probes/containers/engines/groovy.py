"""What do Nextflow's scripts and configuration files set, block by block? Read token by token, never run.

Nextflow documentation, "Configuration" (syntax, scopes, selectors, profiles) and "Processes" (directives).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_TOKENS = 60_000
MAX_DEPTH = 40
MAX_SHOWN = 60
MAX_PARTS = 8
_TOKEN = re.compile(
    r"(?P<skip>//[^\n]*|/\*.*?(?:\*/|\Z)|[ \t\r\f]+|\\\n|\#![^\n]*)"
    r"|(?P<text>\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|\$\{[^{}]*\}|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?)"
    r"|(?P<line>[\n;])|(?P<open>[{(\[])|(?P<close>[})\]])|(?P<name>[A-Za-z_$][\w.$-]*)|(?P<other>.)",
    re.DOTALL,
)
_FILLED = re.compile(r"\$\{([^{}]*)\}|\$([A-Za-z_][\w.]*)")
_CHOICE = re.compile(r"\?\s*(['\"])(.*?)\1\s*:\s*(['\"])(.*?)\3", re.DOTALL)


@dataclass(frozen=True)
class Setting:
    """path: the names of the blocks around it and its own, `("process", "withName:FIT", "container")`; value: source as written."""

    path: tuple[str, ...]
    value: str
    line: int


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int
    line: int


def settings(text: str) -> Iterator[Setting]:
    """`a.b = value`, `a { b = value }` and, as in a process, `name value`; in order. Ends where blocks lie too deep."""
    tokens = _tokens(text)
    blocks: list[tuple[str, ...]] = []
    at = 0
    while at < len(tokens) and len(blocks) <= MAX_DEPTH:
        end = _statement_end(tokens, at)
        words = tokens[at:end]
        opens = end < len(tokens) and tokens[end].text == "{"
        if opens:
            blocks.append(_block(words))
        around = tuple(name for block in blocks for name in block)
        if not opens:
            yield from _assigned(words, text, around)
        elif words and (words[-1].text == "=" or (len(words) == 1 and words[0].text in ("container", "includeConfig"))):
            blocks.pop()  # a closure
            close = _matching(tokens, end)
            yield from _assigned([*words, *tokens[end:close]], text, around[: len(around) - len(_block(words))])
            at = close
            continue
        if end < len(tokens) and tokens[end].text == "}" and blocks:
            blocks.pop()
        at = end + 1


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            found.append(_Token(str(match.lastgroup), match[0], match.start(), line))
        line += match[0].count("\n")
        if len(found) >= MAX_TOKENS:
            break
    return found


def _statement_end(tokens: list[_Token], at: int) -> int:
    """Index of the line end, `{` or `}` that ends the statement; round and square brackets are stepped over."""
    depth = 0
    while at < len(tokens):
        token = tokens[at]
        if token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth = max(0, depth - 1)
        elif depth == 0 and (token.kind == "line" or token.text in ("{", "}")):
            return at
        at += 1
    return at


def _matching(tokens: list[_Token], at: int) -> int:
    depth = 0
    while at < len(tokens):
        depth += (tokens[at].text == "{") - (tokens[at].text == "}")
        at += 1
        if depth == 0:
            break
    return at


def _block(words: list[_Token]) -> tuple[str, ...]:
    """`process FIT` -> (process FIT); `withName: 'FIT|X'` -> (withName:FIT|X); `docker` -> (docker)."""
    if not words:
        return ("",)
    parts = [w.text.strip("\"'") for w in words]
    if parts[0] == "process" and len(parts) > 1:
        return (f"process {parts[1]}",)
    if len(parts) > 1 and parts[1] == ":":
        return ("".join(parts),)
    return tuple(parts[0].split(".", MAX_PARTS))


def _assigned(words: list[_Token], text: str, around: tuple[str, ...]) -> Iterator[Setting]:
    if len(words) < 2 or words[0].kind != "name":
        return
    rest = words[2:] if words[1].text == "=" else words[1:]
    if (rest and rest[0].text not in (".", ":", "+", "-", "?", "(")) or (
        rest and rest[0].text == "(" and words[0].text == "container"
    ):
        source = text[rest[0].at : rest[-1].at + len(rest[-1].text)]
        yield Setting((*around, *words[0].text.split(".", MAX_PARTS)), source, words[0].line)


def value(source: str, known: Mapping[str, str], engine: str) -> str | None:
    """A string's text with what is known filled in; None where only running it would tell. engine: the container engine, or empty."""
    source = source.strip()
    while source[:1] in ("{", "(") and source[-1:] in ("}", ")"):
        source = source[1:-1].strip()
    quote = next(
        (q for q in ('"""', "'''", '"', "'") if source.startswith(q) and source.endswith(q) and len(source) >= 2 * len(q)), ""
    )
    if not quote:
        return _chosen(source, engine) if "?" in source else known.get(source)
    inner = source[len(quote) : len(source) - len(quote)]
    if quote[0] in inner.replace(f"\\{quote[0]}", "") and "${" not in inner:
        return _chosen(source, engine)
    if quote[0] == "'":
        return inner
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        code = (match[1] or match[2]).strip()
        found = known.get(code)
        if found is None and "?" in code:
            found = _chosen(code, engine)
        missing = missing or found is None
        return found or ""

    filled = _FILLED.sub(fill, inner).strip()
    return None if missing else filled


def _chosen(code: str, engine: str) -> str | None:
    """`workflow.containerEngine == 'singularity' && .. ? 'A' : 'B'`, as shared pipelines write it."""
    match = _CHOICE.search(code)
    condition = code[: match.start()] if match else ""
    if match is None or "containerEngine" not in condition or not engine:
        return None
    return match[2] if re.search(rf"['\"]{re.escape(engine)}['\"]", condition) else match[4]


def shown(source: str) -> str:
    line = " ".join(source[:2000].split())
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 2]}.."
