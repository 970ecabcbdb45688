"""Which variables does a script set, and how does the shell split what they hold? Static: a value that only one branch sets is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from auditor.redact import NEVER, SECRET_NAME
from probes.containers.shelltext import Command, expand

ASSIGNMENT = re.compile(r"(?s)([A-Za-z_]\w*)(\+?)=(.*)")
_REDIRECT = re.compile(r"\d*(?:>>?|<)(?:&?\d*-?|[^<].*)$")
_DECLARES = frozenset({"export", "readonly", "declare", "typeset", "local"})

Variables = dict[str, str | None]
"""Name -> value; None: known to vary."""


def at_start(environ: Mapping[str, str], arguments: Sequence[str]) -> Variables:
    """What a script sees when it starts, less what looks like a secret; arguments as `1`, `2` ..."""
    known: Variables = {name: value for name, value in environ.items() if not (SECRET_NAME.search(name) or NEVER.search(name))}
    return known | {str(n): value for n, value in enumerate(arguments, 1)}


def assigned(command: Command, known: Variables) -> bool:
    """Note what this command sets. True when setting is all it does."""
    words = command.words
    if words[0] in {"for", "select", "read", "getopts"}:
        for word in words[1:2] if words[0] in {"for", "select"} else words[1:]:
            known[word] = None
        return True
    if words[0] in {":", "unset"}:
        for name, value in re.findall(r"\$\{(\w+):?=([^{}]*)\}", " ".join(words)):
            known.setdefault(name, expand(value, known)[0])
        return True
    rest = words[1:] if words[0] in _DECLARES else words
    pairs = [ASSIGNMENT.fullmatch(word) for word in rest if not word.startswith("-")]
    if words[0] not in _DECLARES and not all(pairs):
        return False
    for pair in filter(None, pairs):
        _assign(pair[1], pair[2], pair[3], command.depth, known)
    return True


def _assign(name: str, plus: str, written: str, depth: int, known: Variables) -> None:
    value, missing = expand(written, known)
    if plus:
        before = known.get(name)
        value = "" if before is None else before + value
        missing = missing if before is not None else (name,)
    varies = depth > 0 and name in known and known[name] != value  # only one branch sets it
    known[name] = None if missing or varies else value


def fields(words: Iterable[str], known: Variables) -> Iterator[str]:
    """Unquoted variables that hold several words, options, or nothing, as the shell would split them."""
    for word in words:
        if "$" not in word or word[0] in "\"'":
            yield word
            continue
        value, missing = expand(word, known)
        if missing or (value and not value.startswith("-") and " " not in value):
            yield word
        else:
            yield from value.split()


def without_redirects(words: Sequence[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("<(") or not _REDIRECT.match(word):
            yield word
        else:
            skip = word.endswith((">", "<"))
