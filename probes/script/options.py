"""Which options lead a command line, and which words are their values? For programs that read them as getopt or Go's pflag do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from probes.script.expand import Word

MAX_CLUSTER = 30


@dataclass(frozen=True)
class Grammar:
    """alone: options without a value; others take one. optional: their value, if any, is in the same word.

    host: those that let the host in or shut it out; sets: of these, ones that set a variable.
    """

    alone: frozenset[str]
    host: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Option:
    """One option as read. value: the word that holds it, or that part of the option's own word; None: it stands alone."""

    name: str
    value: Word | None = None


def read(words: Sequence[Word], grammar: Grammar) -> tuple[list[Option], list[Word]]:
    """The options that lead `words`, and the words from the first on that is none. `--` ends them and is left out."""
    found: list[Option] = []
    at = 0
    while at < len(words):
        word = words[at].text
        if word == "--":
            at += 1
            break
        if not word.startswith("-") or word == "-":
            break
        *single, last = _parts(words[at], grammar)
        found += single
        needs = last.value is None and last.name not in grammar.alone and last.name not in grammar.optional
        if needs and at + 1 < len(words):
            at += 1
            last = Option(last.name, words[at])
        found.append(last)
        at += 1
    return found, list(words[at:])


def _parts(word: Word, grammar: Grammar) -> Iterator[Option]:
    """A cluster such as `-it` or `-v/a:/b`: the letters that stand alone; then the last, or the first that takes a value, with it."""
    if word.text.startswith("--"):
        name, equals, _ = word.text.partition("=")
        yield Option(name, _tail(word, len(name) + 1) if equals else None)
        return
    for at in range(1, min(len(word.text), MAX_CLUSTER)):
        name = f"-{word.text[at]}"
        if name not in grammar.alone and at + 1 < len(word.text):
            yield Option(name, _tail(word, at + 1 + word.text.startswith("=", at + 1)))
            return
        yield Option(name)


def _tail(word: Word, at: int) -> Word:
    raw = word.raw if word.raw == word.text else word.raw.lstrip("\"'")
    return replace(word, text=word.text[at:], raw=raw[at:])
