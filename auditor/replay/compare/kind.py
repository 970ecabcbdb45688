"""Which comparator reads these two contents? By what is in them; by the name where the content does not tell."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from auditor.replay.compare.content import Content
from auditor.replay.compare.ledger import Ledger


@dataclass(frozen=True)
class Comparator:
    """One kind of output; a new kind is one file of this folder with one constant COMPARATOR.

    knows: is this content of the kind, by its first HEAD bytes? None: any text may be (the suffix decides). suffixes: without dots.
    compare: fills the ledger; raises NotComparable, ValueError and the like for what does not read after all.
    """

    name: str
    suffixes: tuple[str, ...]
    compare: Callable[[Content, Content, Ledger], None]
    knows: Callable[[bytes], bool] | None = None


@cache
def comparators() -> tuple[Comparator, ...]:
    package = importlib.import_module("auditor.replay.compare")
    modules = (importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__))
    found = [m.COMPARATOR for m in modules if hasattr(m, "COMPARATOR")]
    return tuple(sorted(found, key=lambda c: c.name))


def recognised(content: Content) -> Comparator | None:
    """By content alone."""
    head = content.head()
    return next((c for c in comparators() if c.knows and c.knows(head)), None)


def candidates(a: Content, b: Content) -> tuple[Comparator, ...]:
    """Those that may read both, the surest first. Two contents that are recognisably not of one kind have none."""
    one, other = recognised(a), recognised(b)
    if one or other:
        return (one,) if one is other and one else ()
    named = [c for c in comparators() if c.knows is None and a.suffix in c.suffixes]
    text = [c for c in comparators() if c.name == "text"]
    return tuple(dict.fromkeys((*named, *text)))
