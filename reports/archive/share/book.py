"""Who and what is called how in public? A pseudonym by kind, numbered in the order of appearance: nothing can be computed back from it."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints


class Kind(StrEnum):
    """What a name is of; also the rule under which it stands in the redaction record."""

    USER = "user"
    GROUP = "group"
    ACCOUNT = "account"
    CLUSTER = "cluster"
    NODE = "node"
    SITE = "site"
    """A domain."""
    MAIL = "mail"
    ADDRESS = "address"
    DEVICE = "device"
    FOLDER = "folder"
    NUMBER = "id"
    """A uid or gid."""
    WORD = "withheld"
    """What is not even given a name: the value of a comment, of a variable that is not stored."""


COMMON = frozenset(
    """root user users admin administrator test tests guest nobody daemon slurm ubuntu centos debian runner localhost login node nodes
    host server client main master worker cluster compute gpu cpu head home work scratch project projects account group groups default
    none null true false local data input output run job jobs train model lab name file path code normal debug batch short long public
    staff wheel sudo docker video render audio disk adm bin sys tty mail games man www operator service unknown linux python auditor executor
    agent sandbox vm""".split()
)
"""Names that say nothing of anybody: replaced where they stand as a name, not wherever the word occurs."""


@cache
def ordinary() -> frozenset[str]:
    """Words that code and our own pages consist of."""
    from auditor import registry
    from auditor.codec import dumps
    from auditor.model import Job
    from reports.score import score

    formats = registry.formats()
    empty = score(Job("slurm", "1"), ())
    fields = set().union(*(_fields(kind) for kind in registry.kinds().values()))
    own = dumps(empty) + b"".join(formats[f].render(empty) for f in ("html", "markdown") if f in formats)
    return (
        COMMON
        | fields
        | set(keyword.kwlist)
        | set(dir(builtins))
        | set(re.findall(r"[A-Za-z][\w-]*", own.decode("ascii", "replace")))
    )


def _fields(kind: Any, seen: frozenset[Any] = frozenset()) -> set[str]:
    """Names of the fields of a type, of those in it, and values of its enumerations: they stand in every JSON of ours."""
    if kind in seen:
        return set()
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {str(member) for member in kind}
    parts = list(get_args(kind))
    names: set[str] = set()
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        names, parts = set(hints), list(hints.values())
    return names.union(*(_fields(part, seen | {kind}) for part in parts if not isinstance(part, str)))


class Book:
    """The names given so far. Not to be kept with what is published."""

    def __init__(self) -> None:
        self._given: dict[tuple[Kind, str], str] = {}
        self._count: dict[Kind, int] = {}

    def name(self, kind: Kind, real: str, public: str = "") -> str:
        """The pseudonym of `real`; a new one at its first appearance. public: the one it is to have."""
        key = (kind, real)
        if key not in self._given:
            self._count[kind] = self._count.get(kind, 0) + (not public)
            self._given[key] = public or ("[withheld]" if kind is Kind.WORD else f"{kind}-{self._count[kind]}")
        return self._given[key]

    def known(self, kind: Kind, real: str) -> str:
        """Empty: it has none."""
        return self._given.get((kind, real), "")

    def taken(self, public: str) -> bool:
        return public in self._given.values()

    def items(self) -> Iterator[tuple[Kind, str, str]]:
        """Kind, real name, pseudonym."""
        yield from ((kind, real, public) for (kind, real), public in self._given.items())

    def mapping(self) -> Mapping[str, list[str]]:
        """Pseudonym -> what it stands for: for the owner's own eyes."""
        made: dict[str, list[str]] = {}
        for kind, real, public in self.items():
            if kind is not Kind.WORD:
                made.setdefault(public, []).append(real)
        return made


def plain_word(real: str) -> bool:
    """Would replacing it wherever it stands hit other things? Two letters, a number, a common word."""
    return len(real) < 3 or real.isdigit() or real.lower() in COMMON or real in ordinary()
