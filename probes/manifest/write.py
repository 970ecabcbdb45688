"""How do the journal's answers become a manifest? In the order of the tree, every folder with its digest after all that lies below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from probes.manifest.rows import HARMLESS, PATH, VERSION, escaped, line, quoted
from probes.manifest.task import Answer, Tally

if TYPE_CHECKING:
    from hashlib import _Hash

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
    hash: _Hash = field(default_factory=sha256)
    files: int = 0
    bytes: int = 0


def write(look: Look, out: Callable[[bytes], object]) -> Total:
    """Give the manifest's lines to `out`, in pieces."""
    look.kept.flush()
    out(line(_head(look)))
    open_: list[_Open] = []
    tally = Tally()
    for place in look.descent.places:
        while len(open_) > place.depth:
            _close(open_, out)
        if place.skipped:
            out(line({"folder": escaped(place.rel), "skipped": place.skipped}))
            if open_:
                open_[-1].hash.update(line({"folder": escaped(place.name), "skipped": place.skipped}))
            tally.skip(place.skipped)
            continue
        here = _Open(place.rel, place.name)
        open_.append(here)
        prefix = f"{PATH}{quoted(place.rel)}/".encode() if place.rel else b""
        for number in range(place.first, place.first + place.tasks):
            for answer, lines in _lines(look, number):
                tally.add(answer)
                here.files += answer.files
                here.bytes += answer.bytes
                if lines:
                    here.hash.update(lines)
                    out(lines.replace(_PATH, prefix) if prefix else lines)
    digest = ""
    while open_:
        digest = _close(open_, out)
    skipped = dict(sorted(_skipped(look, tally).items()))
    folders = sum(1 for place in look.descent.places if not place.skipped)
    complete = not set(skipped) - set(HARMLESS)
    row = {"files": tally.files, "bytes": tally.bytes, "folders": folders, "links": tally.links, "skipped": skipped}
    out(line({"total": row, "complete": complete, "digest": digest}))
    return Total(digest, tally.files, folders, tally.links, tally.bytes, look.total.read, skipped, complete)


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
        found.skip("budget", len(lines))
    return found.skipped


def _lines(look: Look, number: int) -> Iterator[tuple[Tally, bytes]]:
    """A task's lines with those in their places that were put off."""
    answer = look.kept.read(look.at[number])
    if not answer.large:
        yield answer.tally, answer.lines
        return
    rows = answer.lines.splitlines(keepends=True)
    for part in look.parts.get(number, ()):
        found: Answer = look.kept.read(part.at)
        yield found.tally, b""
        for n, row in zip(part.lines, found.lines.splitlines(keepends=True), strict=True):
            rows[n] = row
    for n, row in look.left.get(number, {}).items():
        rows[n] = row
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
