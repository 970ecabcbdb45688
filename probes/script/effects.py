"""What does a command change for those after it: the folder, variables, and the text it makes the shell read?"""

from __future__ import annotations

import itertools
import os.path
import re
from collections.abc import Callable, Iterator

from probes.script.command import Command, Scope, positional
from probes.script.expand import MAX_FIELDS, Values, one, used, words
from probes.script.functions import MAX_DEPTH, call
from probes.script.lexer import close, tokens

MAX_WAYS = 32
_ALWAYS = frozenset(["HOME", "BASH_SOURCE", *"0123456789#?!$-"])
"""Names that a word may need without spelling them as a variable's."""
MAX_EXPORTS = 500
ASSIGN = re.compile(r"([A-Za-z_]\w*)(\[[^]]*\])?(\+?)=")
_INNER = re.compile(r"'[^']*'|[$<>]\(|`")


def ways(raws: list[str], state: Scope) -> Iterator[Values]:
    """Every combination of the values that the variables used here may have, at most MAX_WAYS."""
    mentioned = set().union(_ALWAYS, *map(used, raws))
    single = {n: v[-1] if len(v) == 1 else None for n in mentioned if (v := state.names.get(n)) is not None}
    many = sorted(n for n in mentioned if len(state.names.get(n, ())) > 1)
    for chosen in itertools.islice(itertools.product(*(state.names[n] for n in many)), MAX_WAYS):
        yield Values({**single, **dict(zip(many, chosen, strict=True))}, state.arrays, state.cwd)


def undecided(raws: list[str], state: Scope) -> tuple[str, ...]:
    """Variables used here that one branch sets so and another otherwise."""
    return tuple(sorted(n for n in set().union(*map(used, raws)) if len(state.names.get(n, ())) > 1 and n not in state.looped))


def assign(text: str, state: Scope) -> None:
    match = ASSIGN.match(text)
    if match is None:
        return
    _set(match, text, state)
    if match[1] in state.exported:
        export(match[1], state)


def export(name: str, state: Scope) -> None:
    """From here on commands get this variable."""
    state.exported.add(name)
    if name in state.names and (name in state.exports or len(state.exports) < MAX_EXPORTS):
        state.exports = {**state.exports, name: state.names[name]}


def _set(match: re.Match[str], text: str, state: Scope) -> None:
    name, value = match[1], text[match.end() :]
    if value.startswith("("):
        way = next(ways([value], state))
        items = tuple(w.text for t in tokens(value[1:-1]) if t.kind == "word" for w in words(t.text, way))
        state.left -= sum(map(len, items))
        state.arrays[name] = ((state.arrays.get(name, ()) if match[3] else ()) + items)[:MAX_FIELDS]
        return
    in_turn = any(n in state.looped for n in used(value)) and not undecided([value], state)
    new = [w.text if w.known else None for w in (one(value, way) for way in ways([value], state))]
    old = state.names.get(name, ())
    if match[3]:
        new = [None if o is None or n is None else o + n for o in old or ("",) for n in new]
    keep = old if state.nested and not match[3] else ()
    (state.looped.add if in_turn and not keep else state.looped.discard)(name)
    state.names[name] = tuple(dict.fromkeys((*keep, *new)))[-MAX_WAYS:]


def effect(command: Command, raw: list[str], state: Scope) -> None:
    """What a command changes for those after it: folder, variables; and the text it has the shell read."""
    name = command.texts[0]
    if name in state.functions:
        call(name, command.words[1:], state)
    elif name in _EFFECTS:
        _EFFECTS[name](command, raw, state)


def _cd(command: Command, raw: list[str], state: Scope) -> None:
    folder = next((w for w in command.words[1:] if not w.text.startswith("-")), None)
    target = folder.text if folder else next(iter(state.names.get("HOME", ("",)))) or ""
    known = folder.known if folder else bool(target)
    state.cwd = os.path.normpath(os.path.join(state.cwd, target)) if known and (state.cwd or target.startswith("/")) else ""


def _popd(command: Command, raw: list[str], state: Scope) -> None:
    state.cwd = ""


def _declare(command: Command, raw: list[str], state: Scope) -> None:
    name = command.texts[0]
    for text in raw[1:]:
        assign(text, state)
        if name == "export" or (name in ("declare", "typeset") and "-x" in raw):
            export(text.partition("=")[0].rstrip("+"), state)


def _read(command: Command, raw: list[str], state: Scope) -> None:
    state.names.update({word: (None,) for word in command.texts[1:] if re.fullmatch(r"[A-Za-z_]\w*", word)})


def _unset(command: Command, raw: list[str], state: Scope) -> None:
    for word in command.texts[1:]:
        state.names.pop(word, None)
        if word in state.exported:
            state.exports = {**state.exports, word: ()}


def _eval(command: Command, raw: list[str], state: Scope) -> None:
    from probes.script.walk import walk

    if all(w.known for w in command.words):
        walk(" ".join(command.texts[1:]), state, command.line - 1)


def _trap(command: Command, raw: list[str], state: Scope) -> None:
    from probes.script.walk import walk

    if len(command.words) > 2 and command.words[1].known:
        walk(command.texts[1], state, command.line - 1)


def _sourcing(command: Command, raw: list[str], state: Scope) -> None:
    name = command.texts[1] if len(command.words) > 1 and command.words[1].known else ""
    if name and (state.cwd or name.startswith("/")):
        _source(os.path.normpath(os.path.join(state.cwd, name)), state)


def _set_arguments(command: Command, raw: list[str], state: Scope) -> None:
    words = command.words[1:]
    at = next((n for n, w in enumerate(words) if w.text == "--"), None)
    if at is not None:
        positional(state, None if state.nested else tuple(w.text if w.known else None for w in words[at + 1 :]))


def _shift(command: Command, raw: list[str], state: Scope) -> None:
    rest = command.texts[1:]
    count = int(rest[0]) if rest and re.fullmatch(r"\d{1,3}", rest[0]) else 1
    known = None if state.nested or "@" not in state.arrays else state.arrays["@"][count:]
    positional(state, known)


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

    at = counted = lines = 0
    while state.depth < MAX_DEPTH and state.left > 0 and (match := _INNER.search(raw, at)):
        lines, counted = lines + raw.count("\n", counted, match.start()), match.start()
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
        walk(inner, state, offset + lines)
        state.cwd, state.nested = cwd, nested


_EFFECTS: dict[str, Callable[[Command, list[str], Scope], None]] = {
    "cd": _cd, "pushd": _cd, "popd": _popd, "unset": _unset, "eval": _eval, "trap": _trap, "source": _sourcing, ".": _sourcing,
    "shift": _shift, "set": _set_arguments,
    **dict.fromkeys(("read", "mapfile", "readarray", "getopts"), _read),
    **dict.fromkeys(("export", "declare", "local", "readonly", "typeset"), _declare),
}  # fmt: skip
