"""How is a run told to others? As a Process Run Crate 0.5 on RO-Crate 1.1 (w3id.org/ro/wfrun/process/0.5), byte-stable; with its
steps, where they are known, as a Provenance Run Crate.

Written by hand: every entity at the top level, lists of one as a single value, times with `+00:00` and whole seconds,
plain strings where the profile wants them. What is not known is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.scorecard import Scorecard
from reports.archive import crate_dataset as dataset
from reports.archive import crate_facts as facts
from reports.archive import crate_modern, crate_steps
from reports.archive import crate_provenance as inner
from reports.archive.known import Known
from reports.archive.recipe import Recipe, RecipeFile

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
Entity = dict[str, Any]


@dataclass(frozen=True)
class Author:
    """Who publishes the bundle. Without a name the crate says `Anonymous`, fit for double-blind review."""

    name: str
    affiliation: str

    @staticmethod
    def of(name: str, affiliation: str) -> Author:
        return Author(name or "Anonymous", affiliation or "Withheld")


@dataclass(frozen=True)
class Part:
    """A file of the crate: its path, what it is, media type, bytes, sha256; original: where it lay."""

    path: str
    description: str
    media_type: str
    size: int
    sha256: str
    original: str = ""


VERSIONS = ("1.1", "1.3")
"""Of RO-Crate; with each goes one of Workflow Run RO-Crate, 0.5 and 0.6."""


def crate(
    known: Known,
    recipe: Recipe,
    scorecard: Scorecard,
    parts: Sequence[Part],
    author: Author,
    license_: str,
    version: str = VERSIONS[0],
) -> bytes:
    """ro-crate-metadata.json. parts: every other file of the crate; license_: an SPDX id or URL, empty for none; version: of VERSIONS."""
    people = _people(author)
    told = crate_steps.steps(known, recipe)
    action = _action(known, recipe, parts, people[0]["@id"])
    files = [_file(p) for p in parts]
    if told:
        action["instrument"] = _ref(crate_steps.workflow(recipe))
        files = [
            inner.as_workflow(f, known, recipe, people[0]["@id"], _license(license_)["@id"])
            if f["@id"] == crate_steps.workflow(recipe)
            else f
            for f in files
        ]
    graph: list[Entity] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": _ref("https://w3id.org/ro/crate/1.1", *([inner.WORKFLOW_CRATE] if told else [])),
            "about": _ref("./"),
        },
        _root(known, recipe, scorecard, parts, people, license_) | _inner(told, recipe),
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        *(entity for d in recipe.datasets for entity in dataset.entities(d)),
        _license(license_),
        *people,
        *(e for e in facts.software(known, recipe) if not told or e["@id"] != facts.tool_id(known, recipe)),
        action,
        *inner.entities(known, recipe, people[0]["@id"], action),
        *facts.images(recipe),
        *facts.environment(recipe),
        *facts.resources(known),
        *files,
        *(_outside(f) for f in recipe.files if not f.carried and f.role not in recipe.listed),
        *(_tree(role, path) for role, path in recipe.listed.items()),
    ]
    entities, context = _once(graph), CONTEXT
    if version != VERSIONS[0]:
        entities, context = crate_modern.modern(entities), crate_modern.CONTEXT
    return (json.dumps({"@context": context, "@graph": entities}, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def _ref(*ids: str) -> Any:
    """A reference; a list only when there are several."""
    return {"@id": ids[0]} if len(ids) == 1 else [{"@id": i} for i in ids]


def _once(graph: Iterable[Entity]) -> list[Entity]:
    return list({e["@id"]: e for e in graph}.values())


def _root(
    known: Known, recipe: Recipe, scorecard: Scorecard, parts: Sequence[Part], people: Sequence[Entity], license_: str
) -> Entity:
    score = "no score" if scorecard.low is None else f"score {scorecard.low:.0f} to {scorecard.high:.0f} of 100"
    return {
        "@id": "./",
        "@type": "Dataset",
        "conformsTo": _ref(PROFILE),
        "name": f"Run {recipe.name} ({recipe.scheduler} job {recipe.job_id})",
        "description": f"A batch run with its evidence, its audit ({score}) and what is needed to run it again.",
        "datePublished": known.when,
        "license": _ref(_license(license_)["@id"]),
        "author": _ref(people[0]["@id"]),
        "publisher": _ref(people[1]["@id"]),
        "hasPart": _ref(*(p.path for p in parts)),
        "mentions": _ref(_action_id(recipe)),
    }


def _inner(told: Sequence[crate_steps.Told], recipe: Recipe) -> Entity:
    """What the root says of a run whose steps are known."""
    if not told:
        return {}
    return {
        "conformsTo": _ref(*(profile for profile, _, _ in inner.PROFILES)),
        "mainEntity": _ref(crate_steps.workflow(recipe)),
        "mentions": _ref(_action_id(recipe), *(one.id for one in told), inner.organised(recipe)),
    }


def _license(given: str) -> Entity:
    if not given:
        text = "No licence was chosen. Ask the author before you use more than the law allows."
        return {"@id": "#no-licence", "@type": "CreativeWork", "name": "No licence", "description": text}
    url = given if "://" in given else f"https://spdx.org/licenses/{given}"
    return {"@id": url, "@type": "CreativeWork", "name": given, "description": f"Licence {given}, chosen by the author."}


def _people(author: Author) -> list[Entity]:
    nowhere = "https://withheld.invalid/"  # the profile wants a URL; `.invalid` never resolves (RFC 2606)
    organisation = {"@id": "#organisation", "@type": "Organization", "name": author.affiliation, "url": nowhere}
    person = {"@id": "#author", "@type": "Person", "name": author.name, "affiliation": _ref(organisation["@id"])}
    return [person, organisation]


def _action_id(recipe: Recipe) -> str:
    return f"#run-{recipe.run_id}"


def _action(known: Known, recipe: Recipe, parts: Sequence[Part], agent: str) -> Entity:
    carried = {p.path for p in parts}
    datasets = [dataset.name(d) for d in recipe.datasets]
    inputs = [
        *_ids(recipe, ("code", "input"), carried),
        *datasets,
        *(p for p in ("environment/requirements.txt",) if p in carried),
    ]
    results = _ids(recipe, ("expected", "log"), carried)
    action: Entity = {
        "@id": _action_id(recipe),
        "@type": "CreateAction",
        "name": f"{recipe.scheduler} job {recipe.job_id}: {recipe.name}",
        "description": " ".join(recipe.command) or f"batch script {recipe.script}",
        "instrument": _ref(facts.tool_id(known, recipe)),
        "agent": _ref(agent),
        "result": _ref(*results) if results else _ref("report.html"),
        **facts.times_and_state(known),
    }
    lists = {
        "object": inputs,
        "containerImage": [e["@id"] for e in facts.images(recipe)],
        "environment": [e["@id"] for e in facts.environment(recipe)],
        "resourceUsage": [e["@id"] for e in facts.resources(known)],
    }
    return action | {key: _ref(*ids) for key, ids in lists.items() if ids}


def _ids(recipe: Recipe, roles: tuple[str, ...], carried: set[str]) -> list[str]:
    """One by one, but for a role with too many files their tree."""
    single = [f for f in recipe.files if f.role in roles and (f.carried or f.role not in recipe.listed)]
    trees = [f"#ext-{role}" for role in recipe.listed if role in roles]
    return list(dict.fromkeys([*(f.carried if f.carried in carried else _outside_id(f) for f in single), *trees]))


def _tree(role: str, checksums: str) -> Entity:
    """Many files that stay where they are: one Dataset, described by its checksum list."""
    return {
        "@id": f"#ext-{role}",
        "@type": "Dataset",
        "name": f"{role} files outside the bundle",
        "description": f"Not in the bundle; names and checksums stand in {checksums}.",
        "subjectOf": _ref(checksums),
    }


def _file(part: Part) -> Entity:
    entity: Entity = {
        "@id": part.path,
        "@type": "File",
        "name": part.path.rsplit("/", 1)[-1],
        "description": part.description,
        "encodingFormat": part.media_type,
        "contentSize": str(part.size),
        "sha256": part.sha256,
    }
    entity |= {"about": _ref("./")} if part.path == "README.md" else {}
    return entity | ({"alternateName": _text(part.original)} if part.original else {})


def _outside_id(file: RecipeFile) -> str:
    return f"#ext-{file.role}-{file.sha256[:32] or facts.mark(file.place)}"


def _outside(file: RecipeFile) -> Entity:
    """A file that stays where it is: no File (it is not here), but its name, size and checksum."""
    entity: Entity = {
        "@id": _outside_id(file),
        "@type": "CreativeWork",
        "name": _text(file.place.rsplit("/", 1)[-1]),
        "description": f"Not in the bundle; {file.reason or 'by reference'}.",
        "alternateName": _text(file.place),
        "contentSize": str(file.size),
    }
    return entity | ({"sha256": file.sha256} if file.sha256 else {})


def _text(value: str) -> str:
    """JSON-LD readers refuse lone surrogates."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
