"""What becomes of a shell function: read where it is defined, and read again, with its arguments, where it is called?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from probes.script.command import Function, Scope, positional
from probes.script.expand import Word
from probes.script.lexer import Token

MAX_DEPTH = 6
MAX_FUNCTIONS = 500
CALL_COST = 200
"""Characters of the budget that a call takes beside its body, so that functions that call each other end soon."""


@dataclass
class Body:
    """An open `{`; name: of the function whose body it is, else empty. What the body sets while it is only being defined is undone."""

    name: str
    start: int
    found: int
    names: dict[str, tuple[str | None, ...]]
    arrays: dict[str, tuple[str, ...]]
    cwd: str
    exported: set[str]
    exports: Mapping[str, tuple[str | None, ...]]


def opened(name: str, start: int, state: Scope) -> Body:
    """A `{`, whose first token is at `start`. In a function's body the arguments are those of a call that is yet to come."""
    body = Body(name, start, len(state.found), state.names, state.arrays, state.cwd, state.exported, state.exports)
    if name:
        state.names, state.arrays, state.exported = dict(state.names), dict(state.arrays), set(state.exported)
        positional(state, None)
    return body


def defined(body: Body, tokens: list[Token], end: int, offset: int, state: Scope) -> None:
    """Its `}`, which is the token at `end`."""
    if not body.name:
        return
    state.names, state.arrays, state.cwd = body.names, body.arrays, body.cwd
    state.exported, state.exports = body.exported, body.exports
    if len(state.functions) < MAX_FUNCTIONS:
        inner = tuple(tokens[body.start : end])
        state.functions[body.name] = Function(inner, state.file, offset, tuple(state.found[body.found :]))


def call(name: str, arguments: tuple[Word, ...], state: Scope) -> None:
    """Read a function's body once more, with the arguments of this call; the reading at its definition then falls away."""
    from probes.script.walk import replay

    function = state.functions[name]
    state.left -= CALL_COST + len(function.tokens)
    if state.depth >= MAX_DEPTH or state.left <= 0:
        return
    if function.commands:
        read_before = {id(command) for command in function.commands}
        state.found[:] = [c for c in state.found if id(c) not in read_before]
        state.functions[name] = replace(function, commands=())
    kept = {k: v for k, v in state.names.items() if k.isdigit() or k == "#"}
    given, file = state.arrays.get("@"), state.file
    positional(state, tuple(w.text if w.known else None for w in arguments))
    state.file = function.file
    replay(function, state)
    state.file = file
    positional(state, None)
    for number in [k for k in state.names if (k.isdigit() and k != "0") or k == "#"]:
        state.names.pop(number)
    state.names.update(kept)
    if given is not None:
        state.arrays["@"] = given
