"""What does a command change for those after it: the folder, variables, and the text it makes the shell read?"""

from __future__ import annotations

import itertools
import os.path
import re
from collections.abc import Iterator

from probes.script.command import Command, Scope
from probes.script.expand import Values, one, used, words
from probes.script.lexer import close, tokens

MAX_WAYS = 32
MAX_DEPTH = 6
ASSIGN = re.compile(r"([A-Za-z_]\w*)(\[[^]]*\])?(\+?)=")
_INNER = re.compile(r"'[^']*'|[$<>]\(|`")
_DECLARE = frozenset("export declare local readonly typeset".split())


def ways(raws: list[str], state: Scope) -> Iterator[Values]:
    """Every combination of the values that the variables used here may have, at most MAX_WAYS."""
    single = {k: v[-1] if len(v) == 1 else None for k, v in state.names.items()}
    many = sorted(n for n in set().union(*map(used, raws)) if len(state.names.get(n, ())) > 1)
    for chosen in itertools.islice(itertools.product(*(state.names[n] for n in many)), MAX_WAYS):
        yield Values({**single, **dict(zip(many, chosen, strict=True))}, state.arrays, state.cwd)


def assign(text: str, state: Scope) -> None:
    match = ASSIGN.match(text)
    if match is None:
        return
    name, value = match[1], text[match.end() :]
    if value.startswith("("):
        way = next(ways([value], state))
        items = tuple(w.text for t in tokens(value[1:-1]) if t.kind == "word" for w in words(t.text, way))
        state.arrays[name] = (state.arrays.get(name, ()) if match[3] else ()) + items
        return
    new = [w.text if w.known else None for w in (one(value, way) for way in ways([value], state))]
    old = state.names.get(name, ())
    if match[3]:
        new = [None if o is None or n is None else o + n for o in old or ("",) for n in new]
    keep = old if state.nested and not match[3] else ()
    state.names[name] = tuple(dict.fromkeys((*keep, *new)))[-MAX_WAYS:]


def effect(command: Command, raw: list[str], state: Scope) -> None:
    """What a command changes for those after it: folder, variables; and the text it has the shell read."""
    from probes.script.walk import walk

    name, *rest = command.texts
    if name in ("cd", "pushd"):
        folder = next((w for w in command.words[1:] if not w.text.startswith("-")), None)
        target = folder.text if folder else next(iter(state.names.get("HOME", ("",)))) or ""
        known = folder.known if folder else bool(target)
        state.cwd = os.path.normpath(os.path.join(state.cwd, target)) if known and (state.cwd or target.startswith("/")) else ""
    elif name == "popd":
        state.cwd = ""
    elif name in _DECLARE:
        for text in raw[1:]:
            assign(text, state)
    elif name in ("read", "mapfile", "readarray", "getopts"):
        state.names.update({word: (None,) for word in rest if re.fullmatch(r"[A-Za-z_]\w*", word)})
    elif name == "unset":
        for word in rest:
            state.names.pop(word, None)
    elif name == "eval" and all(w.known for w in command.words):
        walk(" ".join(rest), state, command.line - 1)
    elif name == "trap" and len(rest) > 1 and command.words[1].known:
        walk(rest[0], state, command.line - 1)
    elif name in ("source", ".") and rest and command.words[1].known and (state.cwd or rest[0].startswith("/")):
        _source(os.path.normpath(os.path.join(state.cwd, rest[0])), state)


def _source(path: str, state: Scope) -> None:
    from probes.script.walk import walk  # the two halves of one recursion

    text = state.read(path) if path not in state.sourced and state.depth < MAX_DEPTH else None
    state.sourced.add(path)
    if text is not None:
        before, state.file = state.file, path
        walk(text, state)
        state.file = before


def substitutions(raw: str, state: Scope, offset: int) -> None:
    """Commands inside `$(..)`, backticks and `<(..)` run as well."""
    from probes.script.walk import walk

    at = 0
    while state.depth < MAX_DEPTH and (match := _INNER.search(raw, at)):
        at = match.end()
        if match[0] == "`":
            end = raw.find("`", at)
            inner = raw[at : end if end > 0 else len(raw)]
            at = end + 1 if end > 0 else len(raw)
        elif match[0].startswith("'") or raw.startswith("((", at - 1):
            continue
        else:
            at = close(raw, at - 1)
            inner = raw[match.end() : at - 1]
        cwd, nested = state.cwd, state.nested
        walk(inner, state, offset + raw.count("\n", 0, match.start()))
        state.cwd, state.nested = cwd, nested
