"""Does the scorecard of a bundle come out again from the bundle alone, byte for byte? If not: what comes out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from auditor import __version__, codec
from auditor.model import Evidence, Job
from auditor.scorecard import Scorecard
from reports.archive import verifier
from reports.judging.ruleset import ruleset

EQUAL = "equal"
OTHER_RULES = "other rules"
OTHER_RELEASE = "other release"
DIFFERENT = "different"
NOT_CHECKED = "not checked"
MOST_CHANGES = 40
SHOWN = 120
"""Characters of a value in a change."""


@dataclass(frozen=True)
class Change:
    """where: the way to a value, list entries by their number or name; stored, again: as JSON, cut to SHOWN; empty: not there."""

    where: str
    stored: str
    again: str


@dataclass(frozen=True)
class Rescored:
    """state: `equal`: the same bytes; `different`: not, though the rules and the release are the same; `other release`: the rules
    are the same, the auditor is not, and whatever rules decide came out again; `other rules`: nothing can be proved here.
    changes: at most MOST_CHANGES. ruleset, auditor: of the stored scorecard, then of this machine."""

    state: str
    changes: tuple[Change, ...]
    low: tuple[float | None, float | None]
    high: tuple[float | None, float | None]
    ruleset: tuple[str, str]
    auditor: tuple[str, str]


def rescore(bundle: verifier.Folder | verifier.Zip, *, others: bool = False) -> tuple[Job, Rescored, str]:
    """Score the evidence again. others: also by rules that are not the stored ones, to show what changes.

    The last value is what is wrong, in a sentence, or empty. Raises AuditError for what does not read.
    """
    from reports.score import score

    job = codec.loads(verifier.read(bundle, "data/job.json"), Job, "job.json")
    raw = verifier.read(bundle, "data/scorecard.json")
    stored = codec.loads(raw, Scorecard, "scorecard.json")
    if stored.run.id != job.run_id:
        told = f"the scorecard is of run {stored.run.id[:40]}, the bundle of run {job.run_id}"
        return job, _found(DIFFERENT, stored, stored, ()), told
    if stored.ruleset != ruleset() and not others:
        return job, _found(OTHER_RULES, stored, None, ()), ""
    evidence = codec.loads(verifier.read(bundle, "data/evidence/evidence.json"), tuple[Evidence, ...], "evidence.json")
    again = score(job, evidence)
    if codec.pretty(again) == raw:
        return job, _found(EQUAL, stored, again, ()), ""
    changes = tuple(islice(_changes("", json.loads(raw), codec.plain(again)), MOST_CHANGES))
    if stored.ruleset != again.ruleset:
        return job, _found(OTHER_RULES, stored, again, changes), ""
    if stored.auditor != again.auditor and _decided(stored) == _decided(again):
        return job, _found(OTHER_RELEASE, stored, again, changes), ""
    told = "the scorecard does not follow from the evidence: scored again it comes out otherwise"
    if not changes:
        told = "the scorecard says what follows from the evidence, but not in the bytes that we write"
    return job, _found(DIFFERENT, stored, again, changes), told


def _found(state: str, stored: Scorecard, again: Scorecard | None, changes: tuple[Change, ...]) -> Rescored:
    return Rescored(
        state,
        changes,
        (stored.low, again.low if again else None),
        (stored.high, again.high if again else None),
        (stored.ruleset, again.ruleset if again else ruleset()),
        (stored.auditor, again.auditor if again else __version__),
    )


def _decided(card: Scorecard) -> bytes:
    """What rules decide: it must come out again by another release that has the same rules."""
    return codec.dumps([card.low, card.high, card.coverage, card.verifiable, card.integrity, card.rungs, card.tips])


def _changes(where: str, stored: Any, again: Any) -> Iterator[Change]:
    """The innermost values that differ."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in sorted({*stored, *again}):
            if key not in stored or key not in again:
                yield Change(f"{where}.{key}".lstrip("."), _shown(stored, key), _shown(again, key))
            else:
                yield from _changes(f"{where}.{key}".lstrip("."), stored[key], again[key])
    elif isinstance(stored, list) and isinstance(again, list):
        for n in range(max(len(stored), len(again))):
            pair = [*stored[n : n + 1], *again[n : n + 1]]
            if len(pair) == 2:
                yield from _changes(f"{where}[{_name(pair[0], n)}]", *pair)
            else:
                yield Change(f"{where}[{_name(pair[0], n)}]", _shown(stored, n), _shown(again, n))
    elif stored != again or type(stored) is not type(again):
        yield Change(where, _cut(stored), _cut(again))


def _name(entry: Any, n: int) -> str:
    """How a person calls an entry of a list."""
    named = [entry[key] for key in ("check", "slug", "name", "id", "path") if key in entry] if isinstance(entry, dict) else []
    return str(named[0])[:40] if named else str(n)


def _shown(values: Any, key: Any) -> str:
    there = key in values if isinstance(values, dict) else key < len(values)
    return _cut(values[key]) if there else ""


def _cut(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
