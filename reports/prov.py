"""How is a lineage said in W3C PROV? One JSON document: runs are activities, files are entities known by digest. Pure.

Source: PROV-DM (W3C Recommendation, 2013) and the PROV-JSON serialisation (W3C Member Submission, 2013). Same lineage, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from auditor.campaign import Family, Sibling, Touch

PREFIXES = {"run": "urn:run-auditor:run:", "sha256": "urn:sha256:", "ra": "https://w3id.org/run-auditor/terms#"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
Document = dict[str, Any]


def document(family: Family) -> Document:
    """PROV-JSON: activity, entity, used, wasGeneratedBy, wasDerivedFrom only where one run both read and made, wasInformedBy.

    A derivation is what the data says (this run read that and made this), not which byte came from which.
    """
    touched = [t for t in family.touches if t.role in ("input", "output")]
    return {
        "prefix": PREFIXES,
        "activity": {_run(r.run_id): _activity(r) for r in family.runs},
        "entity": _entities(touched),
        "used": _relations("u", ((_run(t.run_id), _file(t)) for t in touched if t.role == "input"), "activity", "entity"),
        "wasGeneratedBy": _relations(
            "g", ((_file(t), _run(t.run_id)) for t in touched if t.role == "output"), "entity", "activity"
        ),
        "wasInformedBy": _relations("i", _informed(touched), "informed", "informant"),
    }


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
