"""What does a command line say of one image? The shape that every runtime's reader fills, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.redact import allowed
from probes.script.expand import Word
from probes.script.options import Grammar, Option, read

# an unknown variable of such a name, before the image, holds options
_OPTIONS_VARIABLE = re.compile(r"(?i)[\"']?\$\{?\w*(?:opt|arg|flag|bind|mount|gpu|nv)s?\w*(?:\[[@*]\])?\}?[\"']?$")


@dataclass(frozen=True)
class Hit:
    """word: the image; transport: where the command itself decides it; kept: options that let the host in.

    action: `run`, `fetch` (it only gets or makes the image). made: the name or file under which later commands find it.
    """

    runtime: str
    word: Word
    transport: str = ""
    kept: tuple[str, ...] = ()
    action: str = "run"
    made: str = ""


@dataclass(frozen=True)
class Inputs:
    """What variables tell the runtimes: name -> value, as they stand at one command."""

    values: Mapping[str, str] = field(default_factory=dict)

    def word(self, *names: str) -> Word | None:
        name = next((n for n in names if self.values.get(n)), "")
        return Word(self.values[name], True, f"${name}") if name else None


def first(
    runtime: str, words: Sequence[Word], grammar: Grammar, transport: str = "", action: str = "run", made: str = ""
) -> Iterator[Hit]:
    """The first word that is no option is the image."""
    found, rest = read(words, grammar)
    held = kept(found, grammar)
    while len(rest) > 1 and not rest[0].known and _OPTIONS_VARIABLE.match(rest[0].raw):
        held = (*held, rest[0].raw.strip("\"'"))
        more, rest = read(rest[1:], grammar)
        found, held = [*found, *more], (*held, *kept(more, grammar))
    if rest and any(o.name == "--rootfs" for o in found):
        transport = "directory"
    if rest and not any(o.name in {"--help", "-h"} and o.value is None for o in found):
        yield Hit(runtime, rest[0], transport, held, action, made)


def kept(options: Sequence[Option], grammar: Grammar) -> tuple[str, ...]:
    """Those that let the host in or shut it out, in the form they are stored in."""
    return tuple(_text(o, grammar) for o in options if o.name in grammar.host)


def _text(option: Option, grammar: Grammar) -> str:
    if option.value is None:
        return option.name
    value = option.value.text
    if option.name in grammar.sets:  # a variable's name says enough; its value only where it may be stored
        value = ",".join(one if allowed(one.partition("=")[0]) else one.partition("=")[0] for one in value.split(","))
    return f"{option.name}={value}" if option.name.startswith("--") else f"{option.name} {value}"
