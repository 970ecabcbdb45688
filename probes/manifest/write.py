"""How do answers become a manifest, while others are still awaited? In the order of the tree, every folder with its digest after all that
lies below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from probes.manifest.rows import HARMLESS, PATH, VERSION, Skip, escaped, line, quoted
from probes.manifest.task import NOT_YET, Answer, Tally

if TYPE_CHECKING:
    from hashlib import _Hash

    from probes.manifest.descent import Place
    from probes.manifest.look import Look


class Total(NamedTuple):
    """A manifest in a few words; read: bytes that had to be read for it. complete: nothing of what was asked for was left out."""

    digest: str
    files: int
    folders: int
    links: int
    bytes: int
    read: int
    skipped: dict[str, int]
    complete: bool


@dataclass
class _Open:
    """A folder whose rows are being written."""

    rel: str
    name: str
    prefix: bytes
    hash: _Hash = field(default_factory=sha256)
    files: int = 0
    bytes: int = 0


class Writer:
    """Gives the manifest's lines to `out`, in pieces: `go_on` all that stand next, `end` the rest."""

    def __init__(self, look: Look, out: Callable[[bytes], object]) -> None:
        self._look, self._out = look, out
        self._open: list[_Open] = []
        self._tally = Tally()
        self._place = self._task = 0
        """The next place, and the next task where one is entered."""
        self._entered = False
        out(line(_head(look)))

    def go_on(self) -> None:
        places = self._look.descent.places
        while self._place < len(places):
            place = places[self._place]
            if not self._entered:
                self._enter(place)
            if not self._tasks(place.first + place.tasks):
                return
            self._place, self._entered = self._place + 1, False

    def end(self) -> Total:
        """The look is over: nothing is missing."""
        self.go_on()
        look, tally = self._look, self._tally
        digest = ""
        while self._open:
            digest = _close(self._open, self._out)
        skipped = dict(sorted(_skipped(look, tally).items()))
        folders = sum(1 for place in look.descent.places if not place.skipped)
        complete = not set(skipped) - set(HARMLESS)
        row = {"files": tally.files, "bytes": tally.bytes, "folders": folders, "links": tally.links, "skipped": skipped}
        self._out(line({"total": row, "complete": complete, "digest": digest}))
        return Total(digest, tally.files, folders, tally.links, tally.bytes, look.total.read, skipped, complete)

    def _enter(self, place: Place) -> None:
        self._entered, self._task = True, place.first
        while len(self._open) > place.depth:
            _close(self._open, self._out)
        if not place.skipped:
            prefix = f"{PATH}{quoted(place.rel)}/".encode() if place.rel else b""
            self._open.append(_Open(place.rel, place.name, prefix))
            return
        self._out(line({"folder": escaped(place.rel), "skipped": place.skipped}))
        if self._open:
            self._open[-1].hash.update(line({"folder": escaped(place.name), "skipped": place.skipped}))
        self._tally.skip(place.skipped)

    def _tasks(self, end: int) -> bool:
        """The lines of the tasks that are whole; are they all?"""
        look = self._look
        while self._task < end:
            number = self._task
            if number >= len(look.at) or look.at[number] == NOT_YET or number in look.waiting:
                return False
            here = self._open[-1]
            for answer, lines in _lines(look, number):
                self._tally.add(answer)
                here.files += answer.files
                here.bytes += answer.bytes
                if lines:
                    here.hash.update(lines)
                    self._out(lines.replace(_PATH, here.prefix) if here.prefix else lines)
            self._task += 1
        return True


_PATH = PATH.encode()


def _head(look: Look) -> dict[str, object]:
    head: dict[str, object] = {"auditor": "manifest", "version": VERSION, "algorithms": list(look.wish.algorithms)}
    if look.wish.exclude:
        head["exclude"] = list(map(escaped, look.wish.exclude))
    if trees := [escaped(root.rel) for root in look.roots if root.rel]:
        head["trees"] = trees
    return head


def _skipped(look: Look, tally: Tally) -> dict[str, int]:
    found = Tally()
    found.add(tally)
    for lines in look.left.values():
        found.skip(Skip.BUDGET, len(lines))
    return found.skipped


def _lines(look: Look, number: int) -> Iterator[tuple[Tally, bytes]]:
    """A task's lines with those in their places that were put off."""
    answer = look.fresh.pop(number, None) or look.kept.read(look.at[number])
    if not answer.large:
        yield answer.tally, answer.lines
        return
    rows = answer.lines.splitlines(keepends=True)
    for part in look.parts.get(number, ()):
        found: Answer = look.kept.read(part.at)
        yield found.tally, b""
        for n, row in zip(part.lines, found.lines.splitlines(keepends=True), strict=True):
            rows[n] = row
    left = look.left.get(number, ())
    for one in answer.large if left else ():
        if one.line in left:
            rows[one.line] = line({"path": escaped(one.name), "skipped": Skip.BUDGET, "size": one.size})
    yield answer.tally, b"".join(rows)


def _close(open_: list[_Open], out: Callable[[bytes], object]) -> str:
    done = open_.pop()
    digest = f"sha256:{done.hash.hexdigest()}"
    out(line({"folder": escaped(done.rel), "files": done.files, "bytes": done.bytes, "digest": digest}))
    if open_:
        above = open_[-1]
        above.hash.update(line({"folder": escaped(done.name), "digest": digest}))
        above.files += done.files
        above.bytes += done.bytes
    return digest
