"""How is the flat JSON-LD of an RO-Crate read, without any network? Entities by id, values as they come: one, many, literal or reference.

https://www.researchobject.org/ro-crate/specification. Nothing is expanded: names of terms are taken as crates write them.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.world import TooBig, World
from probes.records.lines import one_line, why
from probes.workflows import Place, Unreadable

MAX_BYTES = 64 << 20
Entity = Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """name: the metadata file; root: the crate's own entity; entities in the file's order."""

    name: str
    root: Entity
    descriptor: Entity
    entities: Mapping[str, Entity]

    def get(self, ident: str) -> Entity:
        """Empty where there is none."""
        return self.entities.get(ident, {})

    def of(self, kind: str) -> Iterator[Entity]:
        return (e for e in self.entities.values() if kind in kinds(e))

    def place(self, entity: Entity) -> Place:
        return Place(self.name, one_line(f"@id {text(entity.get('@id'))}"))


def read(world: World, path: str, name: str) -> Graph:
    """Raises Unreadable, OSError."""
    try:
        return parse(world.text(path, MAX_BYTES), name)
    except TooBig:
        raise Unreadable(f"{name}: more than {MAX_BYTES} bytes") from None


def parse(source: str, name: str) -> Graph:
    try:
        document = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{name}: {why(error)}") from None
    listed = document.get("@graph") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise Unreadable(f"{name}: no @graph in it")
    entities: dict[str, Entity] = {}
    for entity in listed:
        if isinstance(entity, dict) and isinstance(entity.get("@id"), str):
            entities.setdefault(entity["@id"], entity)
    descriptor = next((e for i, e in entities.items() if i.endswith(("ro-crate-metadata.json", "ro-crate-metadata.jsonld"))), {})
    root = entities.get(text(descriptor.get("about")) or "./", entities.get("./", {}))
    return Graph(name, root, descriptor, entities)


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def kinds(entity: Entity) -> set[str]:
    """Its types, by their last part (`schema:CreateAction` and `http://schema.org/CreateAction` are `CreateAction`)."""
    return {t.rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1] for t in many(entity.get("@type")) if isinstance(t, str)}


def ids(value: Any) -> list[str]:
    """What is referred to; a text alone counts, too, since some writers leave the braces away."""
    found = [v.get("@id") if isinstance(v, dict) else v for v in many(value)]
    return [i for i in found if isinstance(i, str)]


def text(value: Any) -> str:
    """The first literal, or the id of the first reference."""
    for given in many(value):
        one = given.get("@id", given.get("@value")) if isinstance(given, dict) else given
        if isinstance(one, str):
            return one
        if isinstance(one, (int, float)) and not isinstance(one, bool):
            return json.dumps(one)
    return ""


def escaped(folder: str) -> str:
    return glob.escape(folder)
