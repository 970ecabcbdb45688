"""How is the evidence of many runs made ready to be judged? As for one run; what runs share is worked out once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from auditor import codec
from auditor.campaign import Campaign, RunSeen
from auditor.model import Check, Evidence, Grade, Phase, Status
from auditor.scorecard import Finding
from auditor.verdict import ReplayVerdict
from reports.judging.judge import judge, judged
from reports.judging.record import Answer, Piece, Record, gathered

KEPT = 20_000
"""Decoded or written data that is held at the same time; runs of a campaign share most of it."""


class Reader:
    """Records of runs, one after the other."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, object], tuple[Any, Any]] = {}
        self._said: dict[tuple[object, ...], tuple[list[Answer], Finding]] = {}

    def record(self, seen: RunSeen) -> Record:
        """The run's evidence with its place in the campaign, which is made for it and not written out."""
        pieces = [Piece(self._id(e), e) for e in seen.evidence if e.kind != "Campaign"]
        place = _placed(seen)
        return gathered((*pieces, place), seen.job.attempt, self._decode, {(place.id, Campaign): seen.place})

    def judge(self, check: Check, tip: int, record: Record) -> Finding:
        """What `judge` says. Where the facts are those of an earlier run the answer is too, but for its citations: it is of the first such run."""
        if record.of(ReplayVerdict) and any(need.kind is ReplayVerdict for need in check.needs):
            return judge(check, tip, record)
        answers = [record.look(need) for need in check.needs]
        key = (check.id, *map(_key, answers))
        if key not in self._said:
            if len(self._said) >= KEPT:
                self._said.clear()
            self._said[key] = (answers, judged(check, tip, answers))
        return self._said[key][1]

    def _decode(self, data: Any, kind: type, what: str) -> Any:
        return self._once(data, kind, lambda: codec.build(data, kind, what))

    def _id(self, e: Evidence) -> str:
        """`Evidence.id`: the same canonical JSON, put together from parts."""
        body = b"null" if e.data is None else self._once(e.data, "json", lambda: _json(e.data))
        return codec.evidence_id(e, body)

    def _once(self, data: Any, key: object, make: Any) -> Any:
        at = (id(data), key)
        if at not in self._held:
            if len(self._held) >= KEPT:
                self._held.clear()
            self._held[at] = (data, make())  # the data itself is held too, so that its address is not given to another
        return self._held[at][1]


def _json(data: Any) -> bytes:
    """Canonical; the data of stored evidence is plain already."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _placed(seen: RunSeen) -> Piece:
    newest = max((e.taken_at for e in seen.evidence), default="")
    told = Evidence(
        "campaign", 1, "Campaign", Phase.LATER, seen.job.attempt, Status.OK, Grade.OBSERVED, "store", "", newest, "", {}
    )
    return Piece(f"campaign of {seen.place.run_id}", told)


def _key(a: Answer) -> tuple[object, ...]:
    """What a judge can tell of an answer. The value by its address: equal data of two runs is decoded once, and held while it is in use."""
    f = a.fact
    return (a.absent, a.stale, a.reason) if f is None else (id(f.value), f.grade, f.phase, f.attempt, f.source, a.stale)


def ids(pieces: Sequence[Piece], *kinds: str) -> tuple[str, ...]:
    """Ids of the newest good evidence of each of these kinds."""
    newest = {p.evidence.kind: p.id for p in pieces if p.evidence.status is Status.OK}
    return tuple(dict.fromkeys(newest[kind] for kind in kinds if kind in newest))
