"""What does CWLProv's PROV-JSON tell: which step began when, what it used and what it made? https://www.w3.org/submissions/prov-json/

A record repeated for one id is a list of objects there; it is one object here. Times are local, without a zone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.world import World
from probes.records.lines import one_line, why
from probes.workflows import Unreadable

MAX_BYTES = 96 << 20
MAX_MEMBERS = 2000
"""Files of one collection."""
_DEEPEST = 20


@dataclass(frozen=True)
class Artefact:
    """A file or a value. sha1: of its content, empty for a value."""

    id: str
    name: str = ""
    sha1: str = ""
    value: str | None = None


@dataclass
class Activity:
    """One step, or the run itself. label: `main/simulate_2`; times as written, local; used, made: port → artefacts; inner: files of a nested run."""

    id: str
    label: str
    of_run: bool = False
    parent: str = ""
    started: str = ""
    ended: str = ""
    used: list[tuple[str, Artefact]] = field(default_factory=list)
    made: list[tuple[str, Artefact]] = field(default_factory=list)
    inner: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.label.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Provenance:
    """engine: `cwltool 3.3...`; person: who ran it, where that was asked for; activities in the order of the record."""

    engine: str
    person: str
    activities: tuple[Activity, ...]
    engine_started: str = ""


def read(world: World, path: str) -> Provenance:
    """Raises Unreadable, OSError."""
    return parse(world.text(path, MAX_BYTES))


def parse(text: str) -> Provenance:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no PROV-JSON: {why(error)}") from None
    if not isinstance(document, dict):
        raise Unreadable("no PROV-JSON: not an object")
    records = {kind: _single(document.get(kind)) for kind in _KINDS}
    activities = {key: _activity(key, record) for key, record in records["activity"].items()}
    _times(records, activities)
    artefacts = _Artefacts(records)
    for record in records["used"].values():
        if (activity := activities.get(_ref(record, "prov:activity"))) is not None:
            activity.used += [(_port(record), a) for a in artefacts.files(_ref(record, "prov:entity"))]
    for record in records["wasGeneratedBy"].values():
        if (activity := activities.get(_ref(record, "prov:activity"))) is not None:
            activity.made += [(_port(record), a) for a in artefacts.files(_ref(record, "prov:entity"))]
    engine, person = _agents(records)
    begun = [r for r in records["wasStartedBy"].values() if _ref(r, "prov:activity") not in activities]
    return Provenance(engine, person, tuple(activities.values()), _text(begun[0].get("prov:time")) if begun else "")


_KINDS = (
    "agent",
    "activity",
    "entity",
    "used",
    "wasGeneratedBy",
    "wasStartedBy",
    "wasEndedBy",
    "hadMember",
    "hadDictionaryMember",
    "derivedByInsertionFrom",
    "specializationOf",
)


def _single(records: Any) -> dict[str, dict[str, Any]]:
    """id → one object, with what its repetitions say put together."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in records.items() if isinstance(records, dict) else ():
        merged: dict[str, Any] = {}
        for record in value if isinstance(value, list) else [value]:
            for name, said in record.items() if isinstance(record, dict) else ():
                merged[name] = [*_many(merged[name]), *_many(said)] if name in merged else said
        found[str(key)] = merged
    return found


def _activity(key: str, record: Mapping[str, Any]) -> Activity:
    label = _text(record.get("prov:label")).removeprefix("Run of ").rsplit("#", 1)[-1]
    inner = tuple(_text(name).rsplit(":", 1)[-1] for name in _many(record.get("prov:has_provenance")))
    return Activity(
        key,
        one_line(label),
        of_run=any(_text(t).endswith("WorkflowRun") for t in _many(record.get("prov:type"))),
        started=_text(record.get("prov:startTime")),
        inner=tuple(name for name in inner if name.endswith(".json")),
    )


def _times(records: Mapping[str, dict[str, dict[str, Any]]], activities: Mapping[str, Activity]) -> None:
    for kind in ("wasStartedBy", "wasEndedBy"):
        for record in records[kind].values():
            activity = activities.get(_ref(record, "prov:activity"))
            if activity is None:
                continue
            if kind == "wasEndedBy":
                activity.ended = activity.ended or _text(record.get("prov:time"))
            else:
                activity.started = activity.started or _text(record.get("prov:time"))
                activity.parent = activity.parent or _ref(record, "prov:starter")


class _Artefacts:
    """Entities with what lies in them: collections and dictionaries become their members."""

    def __init__(self, records: Mapping[str, dict[str, dict[str, Any]]]) -> None:
        self._entities = records["entity"]
        self._general: dict[str, str] = {}
        for record in records["specializationOf"].values():
            self._general.setdefault(_ref(record, "prov:specificEntity"), _ref(record, "prov:generalEntity"))
        self._members: dict[str, list[str]] = {}
        for kind, whole in (("hadMember", "prov:collection"), ("hadDictionaryMember", "prov:dictionary")):
            for record in records[kind].values():
                self._members.setdefault(_ref(record, whole), []).append(_ref(record, "prov:entity"))

    def files(self, entity: str) -> list[Artefact]:
        found: list[Artefact] = []
        seen: set[str] = set()
        waiting = [(entity, 0)]
        while waiting and len(found) < MAX_MEMBERS:
            here, depth = waiting.pop()
            if not here or here in seen or depth > _DEEPEST:
                continue
            seen.add(here)
            if members := self._members.get(here):
                waiting += [(m, depth + 1) for m in reversed(members)]
            elif (artefact := self._one(here)) is not None:
                found.append(artefact)
        return found

    def _one(self, entity: str) -> Artefact | None:
        record = self._entities.get(entity, {})
        sha1 = next((e.split(":", 1)[1] for e in (entity, self._general.get(entity, "")) if e.startswith("data:")), "")
        if name := _text(record.get("cwlprov:basename")):
            return Artefact(entity, one_line(name), sha1)
        if "prov:value" in record:
            return Artefact(entity, value=one_line(_text(record["prov:value"])))
        if sha1:  # a text value is kept as a file of the bundle, too
            return Artefact(entity, "", sha1)
        return None


def _agents(records: Mapping[str, dict[str, dict[str, Any]]]) -> tuple[str, str]:
    engine, person = "", ""
    for record in records["agent"].values():
        kinds = [_text(t) for t in _many(record.get("prov:type"))]
        label = one_line(_text(record.get("prov:label") or record.get("foaf:name") or ""))
        if any(k.endswith("WorkflowEngine") for k in kinds):
            engine = engine or label
        elif any(k.endswith("Person") for k in kinds):
            person = person or label
    return engine, person


def _port(record: Mapping[str, Any]) -> str:
    return one_line(_text(record.get("prov:role"))).rsplit("/", 1)[-1]


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _ref(record: Mapping[str, Any], name: str) -> str:
    return _text(record.get(name))


def _text(value: Any) -> str:
    """A literal or a reference as text, of which a list has the first."""
    first = next(iter(_many(value)), "")
    if isinstance(first, dict):
        first = first.get("$", "")
    return first if isinstance(first, str) else json.dumps(first) if first is not None else ""


def nested(provenance: Provenance) -> Iterator[str]:
    """Names of the files, beside this one, that tell of nested runs."""
    for activity in provenance.activities:
        yield from activity.inner
