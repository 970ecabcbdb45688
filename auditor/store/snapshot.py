"""What does one capture hold, ready to be stored? From the bytes of a spool file, or from a Capture; both give the same.

Canonical bytes are cut, not decoded: the data inside them is stored byte for byte.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from auditor import codec
from auditor.model import AuditError, Capture, Evidence, Grade, Job, Phase, Status

_FILES = b'"files":'
SCHEMA = 1
"""The newest capture schema that this code reads."""

# plain words: an enum is hashed in Python, a word in C, and there are fifty looks in a run
_GRADE, _PHASE, _STATUS = (Literal[tuple(word.value for word in words)] for words in (Grade, Phase, Status))

Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    attempt: Int
    data: msgspec.Raw
    grade: _GRADE  # type: ignore[valid-type]
    host: str
    kind: str
    phase: _PHASE  # type: ignore[valid-type]
    probe: str
    reason: str
    source: str
    status: _STATUS  # type: ignore[valid-type]
    taken_at: str
    version: Int


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    evidence: list[_Head]
    job: Job
    phase: Phase
    schema: Int


class Look(NamedTuple):
    """What a piece of evidence says besides content, run, time and host; few of them are seen again and again."""

    probe: str
    version: int
    kind: str
    phase: str
    attempt: int
    status: str
    grade: str
    source: str
    reason: str


class Piece(NamedTuple):
    """A piece of evidence; its data as canonical JSON (None: no data)."""

    look: Look
    taken_at: str
    host: str
    data: bytes | None


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A capture taken apart. id: sha256 over its canonical JSON, 32 bytes."""

    id: bytes
    job: Job
    phase: Phase
    schema: int
    pieces: tuple[Piece, ...]


def from_canonical(raw: bytes, digest: bytes, what: str = "capture", known: dict[bytes, bytes] | None = None) -> Snapshot:
    """The bytes that `codec.dumps` wrote of a Capture, and their sha256. Raises AuditError when they hold something else.

    known: data seen before, added to here; what a thousand captures share is in memory once.
    """
    known = {} if known is None else known
    try:
        if not raw.isascii() or any(blank in raw for blank in (b"\n", b"\t", b"\r")):
            raise msgspec.ValidationError("not canonical")
        envelope = msgspec.json.decode(raw, type=_Envelope)
        pieces = tuple(_piece(head, known) for head in envelope.evidence)
    except (msgspec.MsgspecError, RecursionError):  # other fields, or text that is not UTF-8: the slow way tells, or reads it
        return from_capture(codec.loads(raw, Capture, what))
    return Snapshot(digest, envelope.job, envelope.phase, envelope.schema, pieces)


def from_capture(capture: Capture) -> Snapshot:
    """Raises AuditError when the capture cannot be written as JSON, or holds a number beyond 64 bits."""
    try:
        pieces = tuple(_cut(e, None if e.data is None else codec.dumps(e.data)) for e in capture.evidence)
        numbers = (capture.schema, capture.job.attempt, *(n for e in capture.evidence for n in (e.version, e.attempt)))
        if any(not -(2**63) <= n < 2**63 for n in numbers):
            raise ValueError("a number beyond 64 bits")
        return Snapshot(bytes.fromhex(codec.digest(capture)), capture.job, capture.phase, capture.schema, pieces)
    except (ValueError, TypeError, RecursionError) as error:
        raise AuditError(f"capture of job {capture.job.job_id!a} cannot be stored: {error}", "made by a broken probe?") from error


def _piece(head: _Head, known: dict[bytes, bytes]) -> Piece:
    data = bytes(head.data)
    data = known.setdefault(data, data)
    if data != b"null" and not data.startswith(b"{"):
        raise msgspec.ValidationError("data is neither an object nor null")
    return _cut(head, None if data == b"null" else data)


def _cut(e: _Head | Evidence, data: bytes | None) -> Piece:
    return Piece(
        Look(e.probe, e.version, e.kind, str(e.phase), e.attempt, str(e.status), str(e.grade), e.source, e.reason),
        e.taken_at,
        e.host,
        data,
    )


class FileRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A probes.data.DataFile as evidence holds it; fields in the order of their names, as canonical JSON has them."""

    dataset: str | msgspec.UnsetType = msgspec.UNSET
    how: str
    kind: str
    mtime_ns: Int
    path: str
    role: str
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
    size: Int


class _Known(FileRow, frozen=True, forbid_unknown_fields=False):
    """The same with fields that we do not know yet."""


class _Split(msgspec.Struct):
    files: msgspec.Raw


class _Listed(msgspec.Struct):
    files: list[FileRow]


class _Loose(msgspec.Struct):
    files: list[_Known]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """split: `body` is without its files, and the rows give back the very same bytes; else rows are for finding alone."""

    body: bytes
    rows: Sequence[FileRow]
    split: bool


def manifest(data: bytes) -> Manifest:
    """A manifest's data, its files apart where rows can hold all of them. A shape we do not know is kept, and found by what we do."""
    try:
        text = bytes(msgspec.json.decode(data, type=_Split).files)
        rows = msgspec.json.decode(text, type=list[FileRow])
        same = msgspec.json.encode(rows) == text or codec.dumps(msgspec.to_builtins(rows)) == text
    except msgspec.MsgspecError:  # other fields, or a path that is not UTF-8
        return _slowly(data)
    at = data.find(_FILES) + len(_FILES)
    if rows and same and data.count(_FILES) == 1 and data.startswith(text, at):
        return Manifest(b"".join((data[:at], b"[]", data[at + len(text) :])), rows, True)
    return Manifest(data, rows, False)


def _slowly(data: bytes) -> Manifest:
    import json

    value: dict[str, Any] = json.loads(data)
    try:
        rows = msgspec.convert(value, _Listed).files
    except msgspec.ValidationError:
        return Manifest(data, _loosely(value), False)
    if rows and data.count(_FILES) == 1:
        return Manifest(codec.dumps({**value, "files": []}), rows, True)
    return Manifest(data, rows, False)


def _loosely(value: object) -> Sequence[FileRow]:
    try:
        return msgspec.convert(value, _Loose).files
    except msgspec.ValidationError:
        return ()


def joined(body: str, rows: list[dict[str, Any]]) -> Mapping[str, Any]:
    """The manifest again."""
    import json

    return {**json.loads(body), "files": rows}
