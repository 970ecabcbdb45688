"""What does the evidence say about one data type? The newest fact of the latest moment, or why there is none."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor import codec
from auditor.model import AuditError, Evidence, Fact, Need, Phase, Status
from reports.judging.proofs import idle

ORDER = tuple(Phase)
"""submit, start, end, later."""
WHEN = {
    Phase.SUBMIT: "at submission",
    Phase.START: "as the job started",
    Phase.END: "as the job ended",
    Phase.LATER: "after the run",
}
PER_ATTEMPT = (Phase.START, Phase.END)


@dataclass(frozen=True)
class Piece:
    """Evidence with its id, computed once."""

    id: str
    evidence: Evidence

    @property
    def age(self) -> tuple[int, int, str, str]:
        """Later sorts higher: attempt, phase, time, id."""
        return (self.evidence.attempt, ORDER.index(self.evidence.phase), self.evidence.taken_at, self.id)


@dataclass(frozen=True)
class Answer:
    """What there is for a need.

    stale: why the fact is older than what was asked for; such a fact may show a fault, never a virtue.
    absent: every piece of that moment says "looked, not there". reason: why there is no fact.
    """

    fact: Fact[Any] | None
    stale: str = ""
    absent: bool = False
    reason: str = ""
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """A run's evidence. attempt: the latest known try; what an earlier one showed does not speak for it."""

    pieces: tuple[Piece, ...]
    attempt: int
    _decoded: dict[tuple[str, type], Any] = field(default_factory=dict, repr=False, compare=False)
    _build: Callable[[Any, type, str], Any] = field(default=codec.build, repr=False, compare=False)
    _looked: dict[Need, Answer] = field(default_factory=dict, repr=False, compare=False)
    _kinds: dict[str, list[Piece]] = field(default_factory=dict, repr=False, compare=False)

    def look(self, need: Need) -> Answer:
        """Hiding evidence can only turn a fact into a stale one or none: that is why a low score cannot be raised by it."""
        if need not in self._looked:
            self._looked[need] = self._look(need)
        return self._looked[need]

    def _look(self, need: Need) -> Answer:
        pieces = [p for p in self.of(need.kind) if _in(p.evidence.phase, need.phases)]
        current = [p for p in pieces if self._is_current(p.evidence, need)]
        if ok := _newest([p for p in current if not idle(p.evidence)], Status.OK) or _newest(current, Status.OK):
            return self._read(ok, need)
        if ok := _newest([p for p in pieces if p not in current], Status.OK):
            return self._read(ok, need, stale=_stale(ok.evidence, current, need))
        return _nothing(current, pieces, need)

    def of(self, kind: type) -> list[Piece]:
        """All pieces of a data type, the oldest first."""
        if not self._kinds and self.pieces:
            for piece in self.pieces:
                self._kinds.setdefault(piece.evidence.kind, []).append(piece)
        return self._kinds.get(kind.__name__, [])

    def every(self, need: Need) -> tuple[Answer, ...]:
        """Each current fact by itself, newest first, replays that did not run last; where there is none, the answer of `look`."""
        current = [p for p in self.of(need.kind) if _in(p.evidence.phase, need.phases)]
        told = [p for p in current if p.evidence.status is Status.OK and self._is_current(p.evidence, need)]
        told.reverse()
        told.sort(key=lambda p: idle(p.evidence))
        return tuple(self._read(p, need) for p in told) or (self.look(need),)

    def value(self, kind: type, *phases: Phase) -> Fact[Any] | None:
        """The current fact of a data type, for those who only describe."""
        answer = self.look(Need(kind, phases))
        return None if answer.stale else answer.fact

    def _is_current(self, evidence: Evidence, need: Need) -> bool:
        if need.phases and evidence.phase is not max(need.phases, key=ORDER.index):
            return False
        return evidence.phase not in PER_ATTEMPT or evidence.attempt >= self.attempt

    def _read(self, piece: Piece, need: Need, stale: str = "") -> Answer:
        key = (piece.id, need.kind)
        seen = piece.evidence
        if key not in self._decoded:
            try:
                self._decoded[key] = self._build(seen.data, need.kind, f"evidence {piece.id[:12]}")
            except AuditError as error:
                self._decoded[key] = error
        value = self._decoded[key]
        if isinstance(value, AuditError):
            return Answer(None, reason=f"captured by {seen.probe} v{seen.version}, unreadable here: {value}", cites=(piece.id,))
        fact = Fact(value, piece.id, seen.grade, seen.phase, seen.attempt, seen.source)
        return Answer(fact, stale=stale, cites=(piece.id,))


def record(evidence: Iterable[Evidence], attempt: int) -> Record:
    """Sorted and freed of doubles, so that the order in which evidence arrives changes nothing."""
    return gathered((Piece(_id(e), e) for e in evidence), attempt)


def gathered(
    pieces: Iterable[Piece],
    attempt: int,
    build: Callable[[Any, type, str], Any] = codec.build,
    decoded: Mapping[tuple[str, type], Any] | None = None,
) -> Record:
    """The same for evidence whose ids are known. build: makes typed data of plain; decoded: (id, type) of what is made already."""
    every = {p.id: p for p in pieces}
    latest = max((p.evidence.attempt for p in every.values() if p.evidence.phase in PER_ATTEMPT), default=0)
    return Record(tuple(sorted(every.values(), key=lambda p: p.age)), max(latest, attempt), dict(decoded or {}), build)


def _id(evidence: Evidence) -> str:
    """`Evidence.id`, three times as fast: the data of stored evidence is plain already, a million files of it perhaps."""
    return hashlib.sha256(
        json.dumps(vars(evidence), sort_keys=True, separators=(",", ":"), allow_nan=False, default=codec.plain).encode("ascii")
    ).hexdigest()


def name(kind: type) -> str:
    """`GitState` -> `git state`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


def _in(phase: Phase, phases: tuple[Phase, ...]) -> bool:
    return not phases or phase in phases


def _newest(pieces: list[Piece], status: Status) -> Piece | None:
    return max((p for p in pieces if p.evidence.status is status), key=lambda p: p.age, default=None)


def _when(need: Need) -> str:
    return f" {WHEN[max(need.phases, key=ORDER.index)]}" if need.phases else ""


def _stale(older: Evidence, current: list[Piece], need: Need) -> str:
    missing = current[-1].evidence.reason if current else "nothing was captured then"
    return f"seen only {WHEN[older.phase]} of attempt {older.attempt + 1}, not{_when(need)} of the last one ({missing})"


def _nothing(current: list[Piece], pieces: list[Piece], need: Need) -> Answer:
    broken = _newest(current, Status.FAILED) or _newest(current, Status.WITHHELD)
    if broken:
        verb = "could not look" if broken.evidence.status is Status.FAILED else "withheld"
        return Answer(None, reason=f"{verb}: {name(need.kind)}{_when(need)}: {broken.evidence.reason}", cites=(broken.id,))
    if current:
        return Answer(None, absent=True, reason=current[-1].evidence.reason, cites=tuple(p.id for p in current))
    earlier = f"; {WHEN[pieces[-1].evidence.phase]}: {pieces[-1].evidence.reason}" if pieces else ""
    return Answer(None, reason=f"never captured: {name(need.kind)}{_when(need)}{earlier}")
