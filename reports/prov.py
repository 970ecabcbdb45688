"""How is a lineage said in W3C PROV? One JSON document: runs are activities, files and data sets entities known by digest. Pure.

Source: PROV-DM (W3C Recommendation, 2013) and the PROV-JSON serialisation (W3C Member Submission, 2013); identifiers and licences of
data sets in DCMI Metadata Terms. Same lineage, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from auditor.campaign import Family, Held, Sibling, Touch

PREFIXES = {
    "run": "urn:run-auditor:run:",
    "sha256": "urn:sha256:",
    "tree": "urn:run-auditor:tree-sha256:",
    "seen": "urn:run-auditor:seen:",
    "ra": "https://w3id.org/run-auditor/terms#",
    "dct": "http://purl.org/dc/terms/",
    "schema": "https://schema.org/",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_LOCAL = re.compile(r"[^A-Za-z0-9_.-]")
Document = dict[str, Any]


def document(family: Family) -> Document:
    """PROV-JSON: activity, entity, used, wasGeneratedBy, wasDerivedFrom, wasInformedBy; those without a member are left out.

    A run that reads and makes is no derivation: the data does not say which byte came from which. What a run read of a data set that was
    not, or not wholly, found as registered is derived from what was.
    """
    touched = [t for t in family.touches if t.role in ("input", "output")]
    reads = [(_run(t.run_id), _file(t)) for t in touched if t.role == "input"]
    reads += [(_run(h.run_id), _set(h)) for h in family.datasets]
    parts = {
        "prefix": PREFIXES,
        "activity": {_run(r.run_id): _activity(r) for r in family.runs},
        "entity": _entities(touched) | _sets(family.datasets),
        "used": _relations("u", reads, "activity", "entity"),
        "wasGeneratedBy": _relations(
            "g", ((_file(t), _run(t.run_id)) for t in touched if t.role == "output"), "entity", "activity"
        ),
        "wasInformedBy": _relations("i", _informed(touched), "informed", "informant"),
    }
    changed = [(_set(h), _registered(h)) for h in family.datasets if h.digest and h.state != "unchanged"]
    derived = {"wasDerivedFrom": _relations("d", changed, "generatedEntity", "usedEntity")} if changed else {}
    return parts | derived


def _activity(run: Sibling) -> Document:
    """Times only where they are known in full: PROV wants xsd:dateTime."""
    times = {"prov:startTime": run.started_at, "prov:endTime": run.ended_at}
    told = {"prov:label": run.name, "ra:job": run.job_id, "ra:state": run.state, "ra:command": run.command}
    return {k: v for k, v in (*times.items(), *told.items()) if v and (k not in times or _TIME.fullmatch(v))}


def _entities(touched: Iterable[Touch]) -> Document:
    """By content: the same bytes under two names are one entity with two labels."""
    names: dict[str, set[str]] = {}
    for touch in touched:
        names.setdefault(_file(touch), set()).add(touch.path)
    return {
        key: {"prov:type": {"$": "ra:File", "type": "prov:QUALIFIED_NAME"}, "prov:label": _one(sorted(paths))}
        for key, paths in sorted(names.items())
    }


def _sets(datasets: Iterable[Held]) -> Document:
    """By the digest of the tree; what a run found changed is an entity of its own, which has none."""
    found: dict[str, dict[str, set[str]]] = {}
    for held in datasets:
        for key, as_registered in ((_registered(held), True), (_set(held), held.state == "unchanged")):
            if key:
                words = found.setdefault(key, {})
                for name, word in _words(held, as_registered).items():
                    words.setdefault(name, set()).add(word)
    types = [{"$": name, "type": "prov:QUALIFIED_NAME"} for name in ("prov:Collection", "ra:DataSet")]
    return {
        key: {"prov:type": types, **{name: _one(sorted(said)) for name, said in sorted(words.items())}}
        for key, words in sorted(found.items())
    }


def _words(held: Held, as_registered: bool) -> dict[str, str]:
    name = " ".join(filter(None, (held.name, held.version, held.part)))
    if not as_registered:
        return {"prov:label": f"{name} ({held.state})", "ra:state": held.state}
    doi = held.doi if "://" in held.doi or not held.doi else f"https://doi.org/{held.doi.removeprefix('doi:')}"
    told = {
        "prov:label": name, "dct:identifier": doi, "dct:license": held.license, "schema:version": held.version, "schema:url": held.url,
        "ra:files": str(held.files), "ra:bytes": str(held.bytes),
    }  # fmt: skip
    return {key: word for key, word in told.items() if word}


def _one(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _informed(touched: list[Touch]) -> Iterable[tuple[str, str]]:
    makers: dict[str, set[str]] = {}
    for touch in touched:
        if touch.role == "output":
            makers.setdefault(touch.sha256, set()).add(touch.run_id)
    return (
        (_run(t.run_id), _run(maker))
        for t in touched
        if t.role == "input"
        for maker in makers.get(t.sha256, ())
        if maker != t.run_id
    )


def _relations(letter: str, pairs: Iterable[tuple[str, str]], first: str, second: str) -> Document:
    return {f"_:{letter}{n}": {f"prov:{first}": a, f"prov:{second}": b} for n, (a, b) in enumerate(sorted(set(pairs)), 1)}


def _run(run_id: str) -> str:
    return f"run:{run_id}"


def _file(touch: Touch) -> str:
    return f"sha256:{touch.sha256}"


def _registered(held: Held) -> str:
    """Empty: the registry's index could not be read."""
    return f"tree:{_LOCAL.sub('_', held.digest.removeprefix('sha256:'))}" if held.digest else ""


def _set(held: Held) -> str:
    """What the run read of a data set."""
    if held.state == "unchanged" and held.digest:
        return _registered(held)
    return f"seen:{held.run_id}-{_LOCAL.sub('_', held.name)}-{_LOCAL.sub('_', held.path)}"
