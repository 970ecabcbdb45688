"""What is one command of a script, and what does a reader of the script know when it gets there? Types only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from probes.script.expand import Word


@dataclass(frozen=True)
class Loop:
    """A `for`, `while` or `until` and where it starts."""

    kind: str
    line: int


@dataclass(frozen=True)
class Command:
    """One simple command. `file`: the script it stands in; `cwd`: where it runs, empty when only the run will tell.

    environment: assignments before the command; reads: files after `<`; stdin: the here-document, which starts at
    stdin_line (0: none); ends: what follows (`&`, `|` ...).
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

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(w.text for w in self.words)


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
    left: int = 2 << 20
    """Characters that may still be read, nested texts counted again."""
    found: list[Command] = field(default_factory=list)
    sourced: set[str] = field(default_factory=set)


def scope(environment: Mapping[str, str], cwd: str, file: str, read: Callable[[str], str | None] = lambda _: None) -> Scope:
    return Scope({k: (v,) for k, v in environment.items()}, {}, cwd, file, read)
