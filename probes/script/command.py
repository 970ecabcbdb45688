"""What is one command of a script, and what does a reader of the script know when it gets there? Types only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auditor.redact import NEVER, SECRET_NAME
from probes.script.expand import Word
from probes.script.lexer import Token


@dataclass(frozen=True)
class Loop:
    """A `for`, `while` or `until` and where it starts."""

    kind: str
    line: int


@dataclass(frozen=True)
class Command:
    """One simple command. `file`: the script it stands in; `cwd`: where it runs, empty when only the run will tell.

    environment: assignments before the command; exports: variables that the script hands it beside those it started with, each
    with every value it may have; undecided: variables of which this is one value of several, as branches may set them;
    reads: files after `<`; stdin: the here-document, which starts at stdin_line (0: none); ends: what follows (`&`, `|` ...).
    """

    words: tuple[Word, ...]
    file: str
    line: int
    cwd: str
    environment: tuple[tuple[str, str], ...] = ()
    loops: tuple[Loop, ...] = ()
    reads: tuple[Word, ...] = ()
    stdin: str = ""
    stdin_line: int = 0
    ends: str = ""
    exports: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(w.text for w in self.words)


@dataclass(frozen=True)
class Function:
    """A shell function as defined. commands: its body as read at the definition, until a call tells more."""

    tokens: tuple[Token, ...]
    file: str
    offset: int
    commands: tuple[Command, ...]


@dataclass
class Scope:
    """What the walk knows so far. names: every value a variable may have here; None among them: known only at run time."""

    names: dict[str, tuple[str | None, ...]]
    arrays: dict[str, tuple[str, ...]]
    cwd: str
    file: str
    read: Callable[[str], str | None]
    """Text of a sourced file, or None."""
    loops: list[Loop] = field(default_factory=list)
    nested: int = 0
    """Open branches, loops and functions."""
    depth: int = 0
    left: int = 1 << 20
    """Characters that may still be read, nested texts counted again."""
    found: list[Command] = field(default_factory=list)
    sourced: set[str] = field(default_factory=set)
    functions: dict[str, Function] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    exports: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    looped: set[str] = field(default_factory=set)
    """Variables that take each of their values in turn."""


def scope(
    environment: Mapping[str, str],
    cwd: str,
    file: str,
    read: Callable[[str], str | None] = lambda _: None,
    arguments: tuple[str | None, ...] | None = None,
) -> Scope:
    """What a script knows when it starts. A secret's value is known to nobody; arguments: its `$1 $2 ..`, None: not known."""
    names: dict[str, tuple[str | None, ...]] = {
        name: (None if SECRET_NAME.search(name) or NEVER.search(name) else value,) for name, value in environment.items()
    }
    state = Scope(names, {}, cwd, file, read, exported=set(environment))
    if arguments is not None:
        positional(state, arguments)
    return state


def positional(state: Scope, arguments: tuple[str | None, ...] | None) -> None:
    """Set `$1 $2 .. $@ $#`; None: only the run knows them."""
    for number in range(1, 10):
        state.names[str(number)] = (None,)
    state.arrays.pop("@", None)
    state.names["#"] = (None,)
    if arguments is None:
        return
    for number in range(1, 10):
        state.names.pop(str(number))
    for number, value in enumerate(arguments[:9], 1):
        state.names[str(number)] = (value,)
    known = tuple(value for value in arguments if value is not None)
    if len(known) == len(arguments):
        state.arrays["@"] = known
        state.names["#"] = (str(len(known)),)
