"""What happened here, told so that no line can be changed unseen? A hash chain in one file beside the database. Standard library only.

A line is the canonical JSON (auditor.codec) of `{"event", "hash", "prev", "seq"}`: `hash` is the sha256 of the other three, `prev` the
hash of the line before, `seq` counts from 1. That the tail was cut off no chain can tell: a head that a bundle or signature names can.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from auditor.model import AuditError

MAX_LINE = 64 << 10
TAIL = 256 << 10
"""Bytes at the end in which an event is looked for before it is written again (a writer was killed before it knew)."""
MOST_PROBLEMS = 20
MADE = frozenset({"bundled", "signed"})
"""Events of making a bundle: they never move the head that the next bundle names, so that it has the same bytes when made twice."""
Event = Mapping[str, str]


@dataclass(frozen=True)
class Head:
    """A record that somebody saw: its number, its hash; of: who names it, for messages."""

    seq: int
    hash: str
    of: str = ""


@dataclass(frozen=True)
class Checked:
    """A log looked through. records: how many; head: the last one, None of an empty log; notes: odd, but no sign of a change."""

    records: int
    head: Head | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def append(path: str, events: Sequence[Event]) -> Head | None:
    """Add events that do not stand at the end of the log already; they are on the disk when this returns. The head after it.

    Two events are the same when all but `at` is. Safe with other writers (a lock on the file) and with `kill -9`: a torn last
    line is no record, and the next writer drops it. Raises OSError, and AuditError when the end of the log is damaged.
    """
    with _locked(path) as fd:
        end, tail = _tail(fd)
        last = _head(tail[-1]) if tail else None
        known = {_same(json.loads(line)["event"]) for line in tail if _head(line)}
        lines = bytearray()
        for event in events:
            if (key := _same(event)) not in known:
                known.add(key)
                last, line = _record(last, event)
                lines += line
        if lines:
            _write(fd, end, lines)
        return last


def head(path: str, aside: frozenset[str] = MADE) -> Head | None:
    """The last record but those of the kinds `aside`; None without a log. Raises OSError, and AuditError for a damaged end."""
    if not os.path.exists(path):
        return None
    with _locked(path) as fd:
        _, tail = _tail(fd)
    for line in reversed(tail):
        found = _head(line)
        if json.loads(line)["event"].get("what") not in aside:
            return found
    return None


def check(path: str, witnesses: Iterable[Head] = ()) -> Checked:
    """Look at every record, and whether the log holds those that the witnesses saw. Reads it once, a line at a time. Raises OSError."""
    named: dict[int, list[Head]] = {}
    for witness in witnesses:
        named.setdefault(witness.seq, []).append(witness)
    problems: list[str] = []
    notes: list[str] = []
    last: Head | None = None
    at = ""
    for line in _lines(path):
        if not line.endswith(b"\n") and len(line) < MAX_LINE:
            notes.append("the last line is torn: a writer was killed; the next one drops it")
            break
        record = _parsed(line)
        above = last
        last, told = _judged(record, above)
        seen = str(record["event"].get("at", "")) if record else ""
        if seen and seen < at:
            notes.append(f"record {last.seq} is dated {seen}, before one above it: a clock was wrong, or was set back")
        at = max(at, seen)
        if len(problems) < MOST_PROBLEMS:
            problems += told
        problems += [_other(witness) for witness in named.pop(last.seq, ()) if witness.hash != last.hash]
    count = last.seq if last else 0
    problems += [_missing(w, count) for n in sorted(named) for w in named[n]]
    return Checked(count, last, tuple(problems), tuple(notes[:MOST_PROBLEMS]))


def _judged(record: dict[str, Any] | None, above: Head | None) -> tuple[Head, list[str]]:
    """What is wrong with one record. The next is measured by what this one says, so that only the changed one is told."""
    number = above.seq + 1 if above else 1
    if record is None:
        return Head(number, ""), [f"record {number} cannot be read"]
    told = []
    if record["hash"] != _hash(record):
        told.append(f"record {number} was changed: its hash is not that of what it says")
    if record["seq"] != number:
        told.append(f"record {number} is missing: the next one says that it is number {record['seq']}")
    elif (above is None or above.hash) and record["prev"] != (above.hash if above else ""):
        told.append(f"record {number} does not follow the one above it: one of them was replaced")
    return Head(record["seq"], str(record["hash"])), told


def _other(witness: Head) -> str:
    return f"{witness.of} names another record {witness.seq}: the log was rewritten there or above it"


def _missing(witness: Head, count: int) -> str:
    if witness.seq <= count:
        return f"{witness.of} names record {witness.seq}, which was taken out"
    return f"{witness.of} names record {witness.seq}, but the log ends at record {count}: its tail was cut off"


def _lines(path: str) -> Iterator[bytes]:
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        yield from iter(lambda: file.readline(MAX_LINE), b"")


@contextmanager
def _locked(path: str) -> Iterator[int]:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def _tail(fd: int) -> tuple[int, list[bytes]]:
    """Where the last whole line ends, and the whole lines of the last TAIL bytes."""
    size = os.fstat(fd).st_size
    start = max(0, size - TAIL)
    raw = os.pread(fd, size - start, start)
    whole = raw[: raw.rfind(b"\n") + 1]
    lines = whole.split(b"\n")[:-1]
    if start:
        lines = lines[1:]
    if (not lines and size > MAX_LINE) or (lines and _head(lines[-1]) is None):
        raise AuditError(
            "the run log is damaged at its end", "`auditor verify --log` says how; move runlog.jsonl aside and a new one begins"
        )
    return start + len(whole), lines


def _write(fd: int, end: int, data: bytes | bytearray) -> None:
    """At `end`, over a torn line if there is one."""
    os.ftruncate(fd, end)
    view, at = memoryview(data), end
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done
    os.fsync(fd)


def _record(last: Head | None, event: Event) -> tuple[Head, bytes]:
    record: dict[str, Any] = {
        "seq": last.seq + 1 if last else 1,
        "prev": last.hash if last else "",
        "event": {str(k): str(v) for k, v in event.items()},
    }
    record["hash"] = _hash(record)
    line = _canonical(record) + b"\n"
    if len(line) > MAX_LINE:
        raise AuditError(f"an event of {len(line)} bytes is no event", "log a digest of it")
    return Head(record["seq"], record["hash"]), line


def _hash(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical({k: v for k, v in record.items() if k != "hash"})).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _same(event: Event) -> bytes:
    return _canonical({k: v for k, v in event.items() if k != "at"})


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A record, or None for what is none."""
    try:
        record = json.loads(line)
        fits = (
            isinstance(record, dict)
            and record.keys() == {"seq", "prev", "event", "hash"}
            and isinstance(record["event"], dict)
            and type(record["seq"]) is int
            and _canonical(record) + b"\n" == line
        )
    except (ValueError, RecursionError):
        return None
    return record if fits else None


def _head(line: bytes) -> Head | None:
    record = _parsed(line.rstrip(b"\n") + b"\n")
    return Head(record["seq"], str(record["hash"])) if record else None
