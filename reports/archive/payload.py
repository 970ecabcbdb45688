"""Which files does a bundle carry by content, and which by reference? Code always, data when small or asked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from auditor.redact import Redactor
from auditor.world import TooBig, World
from probes.data import DataFile
from reports.archive.bag import Item
from reports.archive.cleaned import Redaction, clean
from reports.archive.known import Known
from reports.archive.names import Names, place
from reports.archive.recipe import RecipeFile

Objects = Callable[[str], bytes | None]

CODE_FILE = 4 << 20
CODE_TOTAL = 16 << 20
AUTO_FILE = 64_000
AUTO_TOTAL = 100_000
"""Bytes: a bundle without large data stays a mail attachment."""
SECRET = "by reference: it holds what looks like a secret"


@dataclass(frozen=True)
class Payload:
    """What goes into the crate, what the recipe says of it, what was redacted."""

    items: tuple[Item, ...]
    files: tuple[RecipeFile, ...]
    redactions: tuple[Redaction, ...]


@dataclass(frozen=True)
class Wanted:
    """A file that could be carried: where it lay, what it must hash to (empty: not known), text that stands for it."""

    role: str
    place: str
    path: str
    sha256: str
    size: int
    text: str = ""


@dataclass(frozen=True)
class Shelf:
    """Where content comes from, and what cleans it."""

    objects: Objects
    world: World
    redactor: Redactor


def choose(known: Known, shelf: Shelf, payload: str, limit: int) -> Payload:
    """Code first, then data. payload: `auto` (small files), `none`, `all` (up to `limit` bytes in total)."""
    names = Names()
    parts = [*_code(known, shelf, names)]
    carried = {f.sha256: f.carried for _, f, _ in parts if f.carried and not f.redacted}
    parts += _data(wanted_data(known), shelf, names, (payload, limit), carried)
    return Payload(
        items=tuple(item for item, _, _ in parts if item),
        files=tuple(file for _, file, _ in parts),
        redactions=tuple(redaction for _, _, redaction in parts if redaction),
    )


Part = tuple[Item | None, RecipeFile, Redaction | None]


def _code(known: Known, shelf: Shelf, names: Names) -> Iterator[Part]:
    left = CODE_TOTAL
    for wanted in wanted_code(known):
        data = content(wanted, shelf, min(CODE_FILE, left))
        if isinstance(data, str):
            if not wanted.text:
                yield None, RecipeFile("code", wanted.place, wanted.sha256, wanted.size, reason=data), None
                continue
            data = wanted.text.encode("utf-8", "surrogateescape")
        left -= len(data)
        cleaned, count = clean(data, shelf.redactor)
        name = names.new("code", wanted.place)
        changed = bool(wanted.sha256) and hashlib.sha256(cleaned).hexdigest() != wanted.sha256
        file = RecipeFile("code", wanted.place, wanted.sha256, wanted.size, carried=name, redacted=changed)
        redaction = Redaction(name, "secret", max(count, 1), "replaced") if changed or count else None
        yield Item(name, cleaned, executable=cleaned.startswith(b"#!")), file, redaction


def wanted_code(known: Known) -> tuple[Wanted, ...]:
    """The batch script first; then what it calls; then source files of a folder without version control."""
    made: dict[str, Wanted] = {}

    def want(path: str, sha256: str, size: int, text: str = "") -> None:
        where = place(path, known.root)
        made.setdefault(where, Wanted("code", where, os.path.join(known.root, path), sha256, size, text))

    s = known.submission
    scripts = {place(c.path, known.root) for c in known.called.files} if known.called else set()
    unnamed = next(
        n for n in ("job.sh", "run-job.sh", "run-this-job.sh") if n not in scripts
    )  # a command line has no file of its own
    if s:
        want(s.script_path or unnamed, s.script_sha256, s.script_size, s.script_text)
    elif known.job.script:
        want(known.job.script_path or unnamed, "", len(known.job.script), known.job.script)
    for called in known.called.files if known.called else ():
        if called.state == "ok":
            want(called.path, called.sha256, called.size)
    outputs = {place(f.path, known.root) for f in known.outputs}
    for source in known.folder.files if known.folder else ():
        where = os.path.join(known.folder.root if known.folder else "", source.path)
        if place(where, known.root) in outputs:
            continue  # left over from an earlier run: a replay must make it itself
        want(where, source.sha256, source.size)
    return tuple(made.values())


def wanted_data(known: Known) -> tuple[Wanted, ...]:
    a = known.accounting
    logs = {place(p, known.root) for p in ((a.stdout, a.stderr) if a else ()) if p}

    def wanted(role: str, file: DataFile) -> Wanted:
        where = place(file.path, known.root)
        return Wanted("log" if where in logs else role, where, os.path.join(known.root, file.path), file.sha256, file.size)

    return (*(wanted("input", f) for f in known.inputs), *(wanted("expected", f) for f in known.outputs))


def _data(files: Iterable[Wanted], shelf: Shelf, names: Names, policy: tuple[str, int], carried: dict[str, str]) -> list[Part]:
    """Small files first, so that the limit holds as many as it can; reported in the order of their paths."""
    payload, limit = policy
    most, left = {"none": (0, 0), "auto": (AUTO_FILE, min(AUTO_TOTAL, limit)), "all": (limit, limit)}[payload]
    parts: list[Part] = []
    for wanted in sorted(files, key=lambda w: (w.size, w.place, w.role)):
        file = RecipeFile(wanted.role, wanted.place, wanted.sha256, wanted.size)
        if wanted.sha256 in carried:
            parts.append((None, replace(file, carried=carried[wanted.sha256]), None))
            continue
        if wanted.size > min(most, left):
            reason = "by reference, as asked" if payload == "none" else f"by reference: {wanted.size} bytes are over the limit"
            parts.append((None, replace(file, reason=reason), None))
            continue
        part = _datum(wanted, file, shelf, names)
        if part[0]:
            left -= wanted.size
            carried[wanted.sha256] = part[1].carried
        parts.append(part)
    return sorted(parts, key=lambda p: (p[1].role, p[1].place))


def _datum(wanted: Wanted, file: RecipeFile, shelf: Shelf, names: Names) -> Part:
    """A data file is carried as it is or not at all: a cleaned input would be another input."""
    folder = "inputs" if wanted.role == "input" else "expected"
    if wanted.size > CODE_FILE:
        if reason := _unfit(wanted, shelf):
            return None, replace(file, reason=reason), _left_out(wanted, 1) if reason == SECRET else None
        name = names.new(folder, wanted.place)
        return Item(name, source=wanted.path, sha256=wanted.sha256, size=wanted.size), replace(file, carried=name), None
    data = content(wanted, shelf, CODE_FILE)
    if isinstance(data, str):
        return None, replace(file, reason=data), None
    _, count = clean(data, shelf.redactor)
    if count:
        return None, replace(file, reason=SECRET), _left_out(wanted, count)
    name = names.new(folder, wanted.place)
    return Item(name, data), replace(file, carried=name), None


def _left_out(wanted: Wanted, count: int) -> Redaction:
    return Redaction(wanted.place, "secret", count, "left-out")


def content(wanted: Wanted, shelf: Shelf, limit: int) -> bytes | str:
    """The bytes that hash to what was seen, or in words why they are not to be had."""
    if wanted.sha256 and (kept := shelf.objects(wanted.sha256)) is not None:
        return kept if len(kept) <= limit else f"{len(kept)} bytes are over the limit"
    if not wanted.sha256:
        return "its content was not seen"
    try:
        data = shelf.world.read(wanted.path, limit)
    except TooBig:
        return "it is over the limit"
    except OSError as error:
        return f"it cannot be read any more: {error.strerror or error}"
    return data if hashlib.sha256(data).hexdigest() == wanted.sha256 else "it has changed since the run"


def _unfit(wanted: Wanted, shelf: Shelf) -> str:
    """Why a large file cannot be carried; empty when it can. Read once, in pieces; texts are searched for secrets too."""
    digest, before, binary = hashlib.sha256(), "", False
    try:
        for piece in shelf.world.chunks(wanted.path):
            digest.update(piece)
            binary = binary or b"\0" in bytes(piece[:4096])
            if not binary:
                text = before + str(piece, "latin-1")
                if shelf.redactor.text(text) != text:
                    return SECRET
                before = text[-4096:]  # a secret may lie across two pieces
    except OSError as error:
        return f"it cannot be read any more: {error.strerror or error}"
    return "" if digest.hexdigest() == wanted.sha256 else "it has changed since the run"
