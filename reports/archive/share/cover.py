"""How does a text come out without names, places and secrets? Each is replaced wherever it stands, in whatever form it is written.

Also per cent encoded, in base64, split over continued lines; in a table of jobs a line of another user goes as a whole.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from auditor.redact import MARK, Redactor
from reports.archive.share import hosts
from reports.archive.share.book import COMMON, Book, Kind, plain_word
from reports.archive.share.harvest import KEYS, LINE, rows
from reports.archive.share.shapes import NAMED, SECRETS, is_address, value

OTHERS_JOB = "[a job of another user]"
_DIGEST = re.compile(r"(?:sha\d{3}:)?[0-9a-f]{32,128}")
_ESCAPE = re.compile(r"(\\[nrt])")
"""In a program's text a line may end in two letters, and a name begin right after."""
_CENT = re.compile(r"[\w.~%+/:@=&?#-]{0,4000}%[0-9A-Fa-f]{2}[\w.~%+/:@=&?#-]{0,4000}")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{12,65536}={0,2}(?![\w+/=-])")
_CONTINUED = re.compile(r"[^\n]*(?:\\\n[^\n]*)+")
_JOIN = re.compile(r"[ \t]*\\\n[ \t]*")


class Cover(Redactor):
    """Redacts secrets as at capture, and names by the book. tally: what was replaced by now, by rule."""

    def __init__(self, book: Book, environ: Mapping[str, str], mine: str = "") -> None:
        super().__init__(environ)
        self.book = book
        self.tally: Counter[str] = Counter()
        self._mine = mine
        self._exact = {(k, real): public for k, real, public in book.items()}
        self._names = _Names(book)

    def fresh(self) -> Counter[str]:
        """The tally since the last time."""
        tally, self.tally = self.tally, Counter()
        return tally

    def text(self, text: str) -> str:
        if len(text) < 3 or (len(text) < 140 and _DIGEST.fullmatch(text)):
            return text
        if "\0" in text[:8192]:
            return self.binary(text)
        text = self._coded(self._plain(self._coded(text)))
        if "\\" in text:
            parts = _ESCAPE.split(text)
            parts[::2] = [self._plain(part) if len(part) > 7 else part for part in parts[::2]]
            text = "".join(parts)
        return _CONTINUED.sub(self._continued, text) if "\\\n" in text else text

    def binary(self, text: str) -> str:
        """Bytes as Latin-1: only what is too long to be there by chance."""
        return self._names.long(self._names.words(super().text(text), self.tally), self.tally)

    def value(self, value: Any) -> Any:
        """JSON-like data: keys too; a field that says whose name it holds, and a value whose key says that it is secret."""
        if isinstance(value, Mapping):
            return {self.text(k): self._entry(str(k), v) for k, v in value.items()}
        return super().value(value)

    def _entry(self, name: str, value: Any) -> Any:
        kind = KEYS.get(name.lower())
        if kind is None:
            made = super()._entry(name, value)
            self.tally["secret"] += made == MARK != value
            return made
        if isinstance(value, (list, tuple)):
            return [self._entry(name, v) for v in value]
        if not isinstance(value, str) or not (public := self._exact.get((kind, value))):
            return self.value(value)
        self.tally[kind.value] += 1
        return public

    def _plain(self, text: str) -> str:
        """As it stands, nothing decoded."""
        if self._mine and ("USER" in text or "User" in text):
            text = self._others(text)
        text = self._names.words(text, self.tally)
        cleaned = super().text(text)
        if cleaned != text:
            self.tally["secret"] += max(cleaned.count(MARK) - text.count(MARK), 1)
            text = cleaned
        for rule, form in SECRETS.items():
            text = self._shape(text, rule, form, lambda _: MARK)
        for kind, form in NAMED.items():
            text = self._shape(text, kind.value, form, partial(self._named, kind))
        return self._names.sub(text, self.tally)

    def _named(self, kind: Kind, found: str) -> str:
        if kind is Kind.ADDRESS and not is_address(found):
            return found
        return self.book.name(kind, found)

    def _shape(self, text: str, rule: str, form: re.Pattern[str], new: Callable[[str], str]) -> str:
        made, end = [], 0
        for match in form.finditer(text):
            start, stop = value(match)
            found = text[start:stop]
            if found.startswith((MARK, "$")) or (to := new(found)) == found:
                continue
            self.tally[rule] += 1
            made += [text[end:start], to]
            end = stop
        return "".join((*made, text[end:])) if made else text

    def _others(self, text: str) -> str:
        lines = LINE.split(text)
        for number, user, line in rows(text):
            if user not in {self._mine, self.book.known(Kind.USER, self._mine)} and line != OTHERS_JOB:
                lines[2 * number] = OTHERS_JOB
                self.tally["job of another"] += 1
        return "".join(lines)

    def _coded(self, text: str) -> str:
        """What is written in per cent codes, or in base64."""
        if "%" in text:
            text = _CENT.sub(self._cent, text)
        return _BASE64.sub(self._base64, text) if len(text) > 11 else text

    def _cent(self, match: re.Match[str]) -> str:
        plain = unquote(match[0])
        covered = self._plain(plain)
        if covered == plain:
            return match[0]
        self.tally["encoded"] += 1
        return quote(covered, safe="/:@=&?#+~$[]")

    def _base64(self, match: re.Match[str]) -> str:
        if (plain := decoded(match[0])) and self._plain(plain) != plain:
            self.tally["encoded"] += 1
            return MARK
        return match[0]

    def _continued(self, match: re.Match[str]) -> str:
        """A shell joins such lines; where only the joined line shows what must go, it is kept joined."""
        joined = _JOIN.sub(lambda m: " " if m[0] != "\\\n" else "", match[0])
        covered = self._coded(self._plain(joined))
        if covered == joined:
            return match[0]
        return covered


class _Names:
    """The book as two searches: folders and names, and words that are withheld. Two, as words go before all else."""

    def __init__(self, book: Book) -> None:
        self._to: dict[str, str] = {}
        self._rule: dict[str, str] = {}
        parts: list[str] = []
        entries = sorted(
            ((k, r, p) for k, r, p in book.items() if k is not Kind.WORD and r), key=lambda e: (-len(e[1]), e[1], e[0])
        )
        for number, (kind, real, public) in enumerate(entries):
            if kind in (Kind.MAIL, Kind.ADDRESS, Kind.DEVICE):
                continue
            parts.append(f"(?P<n{number}>{_pattern(kind, real)})")
            self._to[f"n{number}"], self._rule[f"n{number}"] = public, kind.value
        self._search = [re.compile("|".join(parts[i : i + 90])) for i in range(0, len(parts), 90)]
        self._nodes = {r.casefold(): p for k, r, p in book.items() if k is Kind.NODE}
        words = {form for k, r, _ in book.items() if k is Kind.WORD for form in forms(r)}
        self._long = [
            (_pattern(k, r), p, k)
            for k, r, p in entries
            if len(r) > 5 and k in (Kind.FOLDER, Kind.USER, Kind.NODE, Kind.ACCOUNT, Kind.SITE)
        ]
        self._words = re.compile("|".join(map(re.escape, sorted(words, key=lambda w: (-len(w), w))))) if words else None

    def words(self, text: str, tally: Counter[str]) -> str:
        if not self._words:
            return text
        text, count = self._words.subn(MARK, text)
        tally[Kind.WORD.value] += count
        return text

    def long(self, text: str, tally: Counter[str]) -> str:
        for form, public, kind in self._long:
            text, count = re.subn(form, public, text)  # pseudonyms hold no backslash
            tally[kind.value] += count
        return text

    def sub(self, text: str, tally: Counter[str]) -> str:
        if self._nodes and "[" in text:
            text = hosts.LIST.sub(lambda m: self._list(m, tally), text)
        for search in self._search:
            text = search.sub(lambda m: self._one(m, tally), text)
        return text

    def _list(self, match: re.Match[str], tally: Counter[str]) -> str:
        names = list(hosts.expand(match))
        if not names or names[0].casefold() not in self._nodes:
            return match[0]
        tally[Kind.NODE.value] += 1
        return ",".join(self._nodes.get(n.casefold(), "node-0") for n in names)

    def _one(self, match: re.Match[str], tally: Counter[str]) -> str:
        group = str(match.lastgroup)
        tally[self._rule[group]] += 1
        to, text = self._to[group], match.string
        beside = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        return to.replace("-", "_") if "_" in beside and self._rule[group] != Kind.FOLDER else to


def _pattern(kind: Kind, real: str) -> str:
    """Where it is that name, and not a part of another word."""
    if kind is Kind.FOLDER:
        return (r"(?<![\w.$-])" if len(real) < 8 else "") + re.escape(real) + r"(?![\w-]|\.\w)"
    if kind is Kind.NUMBER:
        return rf"(?:(?<=uid=)|(?<=gid=)|(?<=serId=)|(?<=oupId=)|(?<=uid\W )|(?<=/user/)){real}(?!\d)"
    word = rf"(?<![A-Za-z0-9$]){re.escape(real)}(?![A-Za-z0-9])"
    if kind is Kind.NODE:
        word = rf"(?i:(?<![A-Za-z0-9$]){re.escape(real)}(?![A-Za-z0-9]))"
    if not plain_word(real):
        return word
    if real.lower() in COMMON:  # `root` in `root@n1` says nothing of anybody; such fields are named by their field
        return r"(?!)"
    fixed = re.escape(real)
    if kind is not Kind.USER:
        return rf"(?:(?<=//){fixed}(?=[.:/])|(?<=\w@){fixed}(?=[.:])|(?<=host=){fixed}\b|(?<=account=){fixed}\b)"
    return rf"(?:(?<=/){fixed}(?=/)|(?<![\w$]){fixed}(?=@)|(?<=user=){fixed}\b|(?<=USER=){fixed}\b|(?<=account=){fixed}\b)"


def forms(real: str) -> Iterator[str]:
    """A value as it is, in per cent codes, in JSON and HTML, and the middle of its base64 at each of the three alignments."""
    yield real
    yield from {quote(real, safe=""), quote(real), quote_plus(real), quote(real, safe="").lower()}
    yield real.replace("\\", "\\\\").replace('"', '\\"')
    yield real.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    raw = real.encode("utf-8", "surrogateescape")
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        middle = coded[(0, 2, 3)[before] : len(coded) // 4 * 4 - 4 if (before + len(raw)) % 3 else None].decode()
        if len(middle) >= 8:
            yield middle
            yield middle.replace("+", "-").replace("/", "_")


def decoded(text: str) -> str:
    """Of base64 the text in it; empty: it is none, or no text. Digests and identifiers are none by all likelihood."""
    if _DIGEST.fullmatch(text):
        return ""
    try:
        raw = base64.b64decode(
            text.rstrip("=").replace("-", "+").replace("_", "/") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
        plain = raw.decode("utf-8")
    except ValueError:
        return ""
    return plain if len(plain) >= 6 and plain.replace("\n", "").isprintable() else ""
