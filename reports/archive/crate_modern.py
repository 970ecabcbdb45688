"""How is the same crate told in the newer words? RO-Crate 1.3 with Workflow Run RO-Crate 0.6, made from the older one.

Of that generation other people's validators know only the base (roc-validator 0.13.0), so it is not the default. What differs: the ids of
profiles and context, `version` for software, a schema.org type beside each of ours, `contactPoint`. Source: the changelogs of both
(w3id.org/ro/crate/1.3, w3id.org/ro/wfrun/process/0.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Entity = dict[str, Any]
OLD, NEW = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/crate/1.3"
CONTEXT = [f"{NEW}/context", "https://w3id.org/ro/terms/workflow-run/context"]
RENAMED = {OLD: NEW, "#no-licence": "https://withheld.invalid/no-licence"}
"""A licence is an absolute URL now; this one never resolves (RFC 2606)."""
RUN = "https://w3id.org/ro/wfrun/"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
"""It has no version for RO-Crate 1.3."""
CONTACT = {
    "@id": "#contact",
    "@type": "ContactPoint",
    "contactType": "author",
    "name": "The author of this bundle",
    "url": "https://withheld.invalid/",
    "email": "mailto:withheld@withheld.invalid",
}
"""An address that never resolves (RFC 2606): a person adds a real one, or stays anonymous."""


def modern(graph: Sequence[Entity]) -> list[Entity]:
    """The entities of a 1.1 crate as those of a 1.3 one."""
    made = [_entity(e) for e in graph if e["@id"] != WORKFLOW_CRATE]
    return [*made, dict(CONTACT)]


def _entity(old: Entity) -> Entity:
    entity = {key: _value(value) for key, value in old.items()}
    types = entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]
    if str(entity["@id"]).startswith(RUN):
        entity |= {"@type": ["CreativeWork", "Profile"], "version": "0.6"}
    if "softwareVersion" in entity:
        entity["version"] = entity.pop("softwareVersion")
    if "ContainerImage" in types:
        entity["@type"] = ["ContainerImage", "SoftwareApplication"]
    if "ComputerLanguage" in types:
        entity |= {key: entity[key]["@id"] for key in ("url", "identifier")}
    if "ComputationalWorkflow" in types:
        del entity["license"]  # a part has the licence of the whole
    if "Organization" in types:
        entity["contactPoint"] = {"@id": CONTACT["@id"]}
    return entity


def _value(value: Any) -> Any:
    """References to renamed entities, wherever they stand; a list of one becomes a single value."""
    if isinstance(value, dict):
        return {key: _value(v) for key, v in value.items()}
    if isinstance(value, list):
        kept = [_value(v) for v in value if v != {"@id": WORKFLOW_CRATE}]
        return kept[0] if len(kept) == 1 else kept
    if isinstance(value, str) and value in RENAMED:
        return RENAMED[value]
    if isinstance(value, str) and value.startswith(RUN) and value.endswith("/0.5"):
        return f"{value[:-4]}/0.6"
    return value
