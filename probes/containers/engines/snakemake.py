"""Which images do a Snakefile's `container:`, `containerized:` and `singularity:` lines name, and is Snakemake told to use them?

Snakemake documentation, "Distribution and Reproducibility" (Running jobs in containers) and "Command line interface".
"""

from __future__ import annotations

import hashlib
import io
import os.path
import re
import shlex
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from probes.containers.engines import literal
from probes.containers.engines.shelf import Image, Shelf
from probes.containers.engines.snakemakeline import Settings, settings_of
from probes.script.command import Command
from probes.script.expand import Word

_IMAGES = frozenset({"container", "containerized", "singularity"})
_FOLLOWED = frozenset({"include", "snakefile"})
_DEFAULTS = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
_CONSTANT = re.compile(r"^([A-Za-z_]\w*)\s*=\s*((?:[rRfF]?['\"]).*)$", re.MULTILINE)
_SKIPPED = frozenset({tokenize.COMMENT, tokenize.NL})
MAX_DEPTH = 10
MAX_CONSTANTS = 2000


@dataclass(frozen=True)
class Line:
    """One directive of a Snakefile: its name, the expression as written, the rule it is in (empty: the whole file)."""

    name: str
    expression: str
    line: int
    rule: str


def images(command: Command, words: tuple[Word, ...], shelf: Shelf, environment: Mapping[str, str]) -> Iterator[Image]:
    """Images that one `snakemake ...` command would run its rules in."""
    settings = settings_of(words, command.cwd, shelf, environment)
    if settings.snakefile is not None and not settings.snakefile.known:
        shelf.unread[settings.snakefile.raw] = "only the run knows this Snakefile's name"
        return
    if not command.cwd:
        shelf.unread["Snakefile"] = "the folder that snakemake runs in is not known"
        return
    user = f"snakemake {command.file} {command.line}"
    asked = (settings.snakefile.text,) if settings.snakefile else _DEFAULTS
    found = shelf.first(*(os.path.join(command.cwd, name) for name in asked), user=user)
    if found is None:
        return
    path, text = found
    folder = os.path.normpath(os.path.join(command.cwd, settings.folder))
    for image in _of_file(path, text, shelf, user, {}):
        copy = _copy(image.resolved, settings.prefix, folder)
        yield replace(image, enabled=settings.enabled, kept=_kept(settings, folder), folder=folder, copy=copy)


def _copy(address: str | None, prefix: str, folder: str) -> str:
    """Snakemake runs `PREFIX/<md5 of the address>.simg`; an image file it runs as it is."""
    if address is None or "://" not in address or address.startswith("file://"):
        return ""
    name = hashlib.md5(address.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return os.path.normpath(os.path.join(folder, prefix or ".snakemake/singularity", f"{name}.simg"))


def _kept(settings: Settings, folder: str) -> tuple[str, ...]:
    """Snakemake starts Apptainer with `--home` of its own work directory, then the arguments it was given."""
    try:
        given = shlex.split(settings.arguments)
    except ValueError:
        given = settings.arguments.split()
    return (f"--home={folder}", *given)


def _of_file(path: str, text: str, shelf: Shelf, user: str, known: Mapping[str, str], depth: int = 0) -> Iterator[Image]:
    constants = _constants(text, known)
    for line in lines(text):
        if line.name in _IMAGES:
            if not literal.is_none(line.expression):
                yield _image(line, path, constants)
        elif depth < MAX_DEPTH:
            name = literal.value(line.expression, constants)
            if name is None or "://" in name:
                shelf.unread[f"{line.name}: {literal.shown(line.expression)}"] = (
                    f"not a file's name as such ({path}, line {line.line})"
                )
                continue
            inner = os.path.normpath(os.path.join(os.path.dirname(path), name))
            more = shelf.text(inner, user=user)
            if more is not None:
                yield from _of_file(inner, more, shelf, user, constants, depth + 1)


def _image(line: Line, path: str, constants: Mapping[str, str]) -> Image:
    name = literal.value(line.expression, constants)
    missing = (literal.shown(line.expression),) if name is None else ()
    return Image(
        "snakemake",
        "apptainer",
        literal.shown(line.expression) if name is None else name,
        name,
        missing,
        path,
        line.line,
        line.rule,
    )


def _constants(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """Names that are set once, at the margin, to a literal."""
    rows = _CONSTANT.findall(text)[:MAX_CONSTANTS]
    times = Counter(name for name, _ in rows)
    found = dict(known)
    for name, expression in rows:
        value = literal.value(expression, found) if times[name] == 1 else None
        if value is not None and len(value) <= literal.MAX_EXPRESSION:
            found[name] = value
    return found


def lines(text: str) -> Iterator[Line]:
    """The directives that name images or other Snakefiles. Read token by token, as Snakemake does; ends where no token can be read."""
    rule = ""
    tokens = [t for t in _tokens(text) if t.type not in _SKIPPED]
    rows = text.splitlines()
    start = True
    for at, token in enumerate(tokens):
        following = tokens[at + 1 : at + 2]
        if start and token.type == tokenize.NAME and following:
            if token.string in ("rule", "checkpoint"):
                rule = following[0].string if following[0].type == tokenize.NAME else ""
            elif token.string == "use":
                rule = next(
                    (t.string for t in reversed(tokens[at : at + 12]) if t.type == tokenize.NAME and t.string != "with"), ""
                )
            elif token.string in _IMAGES | _FOLLOWED and following[0].string == ":":
                yield Line(token.string, _expression(tokens, at + 2, rows), token.start[0], rule if token.start[1] else "")
        start = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return


def _expression(tokens: list[tokenize.TokenInfo], at: int, rows: list[str]) -> str:
    """What follows the colon, on this line or indented below it."""
    below = [t.type for t in tokens[at : at + 2]] == [tokenize.NEWLINE, tokenize.INDENT]
    at += 2 if below else 0
    ends = (tokenize.DEDENT,) if below else (tokenize.NEWLINE,)
    end = at
    while end < len(tokens) and tokens[end].type not in ends and tokens[end].type != tokenize.ENDMARKER:
        end += 1
    inner = [t for t in tokens[at:end] if t.type != tokenize.NEWLINE]
    if not inner:
        return ""
    (first, left), (last, right) = inner[0].start, inner[-1].end
    part = rows[first - 1 : last]
    if not part:
        return ""
    part[-1] = part[-1][:right]
    part[0] = part[0][left:]
    return "\n".join(part).rstrip(",")
