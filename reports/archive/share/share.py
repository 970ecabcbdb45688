"""How does the whole record of a run become one for strangers? Job, evidence and the files that may be carried, by one book of names.

What changes in content changes its digest: the evidence then names the digest of what is published, as the old one, of a text that
differs in a name only, would let names be tried out. Evidence gets new ids; the old ones are kept nowhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditor import codec
from auditor.model import Evidence, Job
from auditor.redact import Redactor, allowed
from auditor.world import World
from probes.packages import PythonPackages
from reports.archive.cleaned import Redaction
from reports.archive.known import Known, known
from reports.archive.payload import AUTO_FILE, CODE_FILE, Objects, Shelf, Wanted, content, wanted_code, wanted_data
from reports.archive.share.book import Book, Kind
from reports.archive.share.cover import Cover
from reports.archive.share.harvest import harvest
from reports.archive.share.paths import PublicPaths
from reports.archive.share.shapes import named_secret

GUESSABLE = 4096
"""Bytes of a file whose content could be guessed from its digest and from all that is published."""
LOG = 4 << 20
"""Bytes of a log that is rewritten; a longer one is not carried."""


@dataclass(frozen=True)
class Shared:
    """A run as others may see it. world: reads files by their public paths. objects: content by its public digest.

    mapped: public digests of code in which paths have another name; cut: of code that lacks more than that.
    """

    job: Job
    evidence: tuple[Evidence, ...]
    world: World
    objects: Objects
    cover: Cover
    notes: tuple[Redaction, ...]
    book: Book
    mapped: frozenset[str]
    cut: frozenset[str]
    packages: PythonPackages | None
    """As they really lie, to find their wheels."""


def share(job: Job, evidence: Sequence[Evidence], objects: Objects, world: World) -> Shared:
    """Everything of one run under pseudonyms. Raises AuditError for evidence that does not read."""
    facts = known(job, evidence)
    shelf = Shelf(objects, world, Redactor(world.env))
    texts = {w.place: (w, raw) for w in _texts(facts) if isinstance(raw := _content(w, shelf), bytes)}
    ordered = sorted(evidence, key=lambda e: (e.taken_at, e.phase, e.probe, e.id))
    book = harvest(
        job, ordered, world.env, [raw.decode("utf-8", "surrogateescape") for _, raw in texts.values() if b"\0" not in raw[:8192]]
    )
    mine = next((r for k, r, _ in book.items() if k is Kind.USER and r == job.user), "") or next(
        (r for k, r, _ in book.items() if k is Kind.USER), ""
    )
    cover = Cover(book, world.env, mine)
    public = codec.build(cover.value(codec.plain(job)), Job)
    pieces = [_covered(e, cover) for e in ordered]
    counted = cover.fresh()
    files = _Files.of(texts, cover)
    public = replace(public, script=files.script(job, public))
    told = tuple(_renamed([files.redigest(e) for e in pieces], _ids(ordered), (job.run_id, public.run_id)))
    notes = (*_notes("evidence/evidence.json", counted), *files.notes)
    kept = files.content
    return Shared(
        public,
        told,
        PublicPaths(world, _places(facts, cover), cover),
        lambda digest: kept[digest] if digest in kept else objects(digest),
        cover,
        notes,
        book,
        frozenset(files.mapped),
        frozenset(files.cut),
        facts.packages,
    )


def _texts(facts: Known) -> Iterator[Wanted]:
    """Files that may be carried in another form: code, what was printed, small inputs that name folders; and small ones that may not."""
    yield from wanted_code(facts)
    most = {"log": LOG, "input": AUTO_FILE, "expected": GUESSABLE}
    yield from (w for w in wanted_data(facts) if w.size <= most[w.role])


def _content(wanted: Wanted, shelf: Shelf) -> bytes | str:
    found = content(wanted, shelf, CODE_FILE)
    return wanted.text.encode("utf-8", "surrogateescape") if isinstance(found, str) and wanted.text else found


def _notes(file: str, counted: Mapping[str, int]) -> Iterator[Redaction]:
    yield from (Redaction(file, rule, count, "replaced") for rule, count in sorted(counted.items()) if count)


def _covered(evidence: Evidence, cover: Cover) -> Evidence:
    data = evidence.data
    if evidence.kind == "Environment" and data and isinstance(data.get("values"), Mapping):
        values = {k: v for k, v in data["values"].items() if allowed(k)}  # by the list of today, whatever it was then
        data = {**data, "values": values, "withheld": sorted({*data.get("withheld", ()), *(set(data["values"]) - set(values))})}
    return replace(
        evidence,
        source=cover.text(evidence.source),
        reason=cover.text(evidence.reason),
        host=cover.book.known(Kind.NODE, evidence.host.partition(".")[0]) or cover.text(evidence.host),
        data=cover.value(data),
    )


@dataclass
class _Files:
    """Rewritten texts. content: by public digest; digests: old -> (new, size)."""

    content: dict[str, bytes]
    digests: dict[str, tuple[str, int]]
    notes: list[Redaction]
    mapped: set[str]
    cut: set[str]
    scripts: dict[str, str]

    @staticmethod
    def of(texts: Mapping[str, tuple[Wanted, bytes]], cover: Cover) -> _Files:
        made = _Files({}, {}, [], set(), set(), {})
        for where in sorted(texts):
            made._add(*texts[where], cover)
        return made

    def _add(self, wanted: Wanted, raw: bytes, cover: Cover) -> None:
        binary = b"\0" in raw[:8192]
        text = raw.decode("latin-1" if binary else "utf-8", "strict" if binary else "surrogateescape")
        new = cover.text(text).encode("latin-1" if binary else "utf-8", "replace" if binary else "surrogateescape")
        tally = cover.fresh()
        secret = wanted.role in ("input", "expected") and named_secret(wanted.place)
        if new == raw and not secret:
            return
        if secret or (wanted.role in ("input", "expected") and (wanted.role == "expected" or set(+tally) != {Kind.FOLDER.value})):
            self._untold(wanted)
            return
        old, now = wanted.sha256 or hashlib.sha256(raw).hexdigest(), hashlib.sha256(new).hexdigest()
        self.digests[old], self.content[now] = (now, len(new)), new
        if tally[Kind.FOLDER.value]:
            self.mapped.add(now)
        if any(count for rule, count in tally.items() if rule != Kind.FOLDER.value):
            self.cut.add(now)
        self.notes += _notes(cover.text(wanted.place), tally)
        self.scripts[text] = new.decode("utf-8", "surrogateescape")

    def _untold(self, wanted: Wanted) -> None:
        """It stays out as it is; of a small file the digest too, which would let its content be tried out."""
        if wanted.size <= GUESSABLE and wanted.sha256:
            self.digests[wanted.sha256] = ("", wanted.size)

    def script(self, job: Job, public: Job) -> str:
        """The batch script as the file of it is published."""
        return self.scripts.get(job.script, public.script)

    def redigest(self, evidence: Evidence) -> Evidence:
        return replace(evidence, data=self._digests(evidence.data)) if self.digests and evidence.data else evidence

    def _digests(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            made = {k: self._digests(v) for k, v in value.items()}
            for field, size in (("sha256", "size"), ("script_sha256", "script_size")):
                if value.get(field) in self.digests and isinstance(value.get(size), int):
                    made[size] = self.digests[value[field]][1]
            return made
        if isinstance(value, (list, tuple)):
            return [self._digests(v) for v in value]
        if isinstance(value, str) and len(value) >= 64:
            return re.sub(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", lambda m: self.digests.get(m[0], (m[0], 0))[0], value)
        return value


def _ids(evidence: Sequence[Evidence]) -> list[str]:
    return [e.id for e in evidence]


def _renamed(evidence: Sequence[Evidence], old: Sequence[str], runs: tuple[str, str]) -> Iterator[Evidence]:
    """Evidence may cite evidence, and name its run: by the new ids. What is cited is older than what cites it."""
    to: dict[str, str] = {runs[0]: runs[1]} if runs[0] != runs[1] else {}
    for piece, before in zip(evidence, old, strict=True):
        new = replace(piece, data=_cited(piece.data, to)) if to else piece
        if new.id != before:
            to[before] = new.id
        yield new


def _cited(value: Any, to: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {k: _cited(v, to) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cited(v, to) for v in value]
    return to.get(value, value) if isinstance(value, str) else value


def _places(facts: Known, cover: Cover) -> dict[str, str]:
    """Public path -> real one, of all files that may be carried."""
    made = {}
    root = cover.text(facts.root)
    for wanted in (*wanted_code(facts), *wanted_data(facts)):
        for path in (wanted.path, wanted.place):
            made[os.path.join(root, cover.text(path))] = wanted.path
    cover.fresh()
    return made
