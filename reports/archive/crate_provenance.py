"""How are the steps of a run told? As a Provenance Run Crate 0.5: the batch script is the workflow, each step an action of a tool.

Profile: w3id.org/ro/wfrun/provenance/0.5. It wants an end and a result of each step; what was not recorded is said in `description`.
Without steps, or without the script in the crate, there is nothing to tell: then it is a Process Run Crate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reports.archive.crate_facts import SACCT, UNIT, interpreter, mark
from reports.archive.crate_steps import Told, clean, steps
from reports.archive.known import Known
from reports.archive.recipe import Recipe

Entity = dict[str, Any]
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    (WORKFLOW_CRATE, "Workflow RO-Crate", "1.0"),
)
RECORD = "evidence/evidence.json"
BIOSCHEMAS = {
    "@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
    "@type": "CreativeWork",
    "name": "Bioschemas ComputationalWorkflow",
    "version": "1.0-RELEASE",
}
BASH = {
    "@id": "#bash",
    "@type": "ComputerLanguage",
    "name": "GNU Bash",
    "version": "not recorded",
    "url": {"@id": "https://www.gnu.org/software/bash/"},
    "identifier": {"@id": "https://www.gnu.org/software/bash/"},
}


def entities(known: Known, recipe: Recipe, agent: str, run: Entity) -> Iterator[Entity]:
    """The tools, the steps, the actions and what they used. run: the run's own action; its end is that of steps with none recorded."""
    told = steps(known, recipe)
    for name in dict.fromkeys(one.tool for one in told):
        yield {
            "@id": _tool(name),
            "@type": "SoftwareApplication",
            "name": clean(name),
            "url": "replay.json",
            "softwareVersion": "not recorded",
        }
    for position, one in enumerate(told):
        used = list(_usage(one))
        yield _action(one, agent, run["endTime"], [e["@id"] for e in used])
        yield from used
        yield from _ordered(one, position)
    if told:
        yield from _engine(recipe, told, agent, run)
        yield BASH
        yield BIOSCHEMAS
        yield from ({"@id": id_, "@type": "CreativeWork", "name": name, "version": version} for id_, name, version in PROFILES)


def _ordered(one: Told, position: int) -> Iterator[Entity]:
    """The step of the script, and that it was carried out."""
    yield {
        "@id": _how(one),
        "@type": "HowToStep",
        "position": str(position),
        "name": clean(one.name),
        "workExample": {"@id": _tool(one.tool)},
    }
    yield {
        "@id": f"#control-{one.id[1:]}",
        "@type": "ControlAction",
        "name": f"carried out: {clean(one.name)}",
        "instrument": {"@id": _how(one)},
        "object": {"@id": one.id},
    }


def _engine(recipe: Recipe, told: Sequence[Told], agent: str, run: Entity) -> Iterator[Entity]:
    """Who carried the steps out, on whose behalf."""
    controls = [{"@id": f"#control-{one.id[1:]}"} for one in told]
    system = told[0].system
    address = f"http://engine.invalid/{mark(system)}"
    times: Entity = {key: run[key] for key in ("startTime", "endTime") if key in run}
    yield {
        "@id": organised(recipe),
        "@type": "OrganizeAction",
        "name": f"{system} carried out the steps",
        "instrument": {"@id": address},
        "agent": {"@id": agent},
        "object": controls[0] if len(controls) == 1 else controls,
        "result": {"@id": run["@id"]},
        **times,
    }
    yield {
        "@id": address,
        "@type": "SoftwareApplication",
        "name": system,
        "url": "replay.json",
        "softwareVersion": told[0].version,
    }


def organised(recipe: Recipe) -> str:
    return f"#steps-{recipe.run_id}"


def _how(one: Told) -> str:
    return f"#how-{one.id[1:]}"


def _action(one: Told, agent: str, end: str, used: Sequence[str]) -> Entity:
    action: Entity = {
        "@id": one.id,
        "@type": "CreateAction",
        "name": clean(one.name),
        "description": clean(one.description),
        "instrument": {"@id": _tool(one.tool)},
        "agent": {"@id": agent},
        "result": {"@id": RECORD},
        "endTime": one.ended or end,
    }
    if one.started:
        action["startTime"] = one.started
    if used:
        action["resourceUsage"] = {"@id": used[0]} if len(used) == 1 else [{"@id": u} for u in used]
    if one.failed:
        return action | {"actionStatus": "http://schema.org/FailedActionStatus", "error": clean(one.error)}
    return action | ({} if one.failed is None else {"actionStatus": "http://schema.org/CompletedActionStatus"})


def _usage(one: Told) -> Iterator[Entity]:
    for field, name, value, unit in one.usage:
        yield {
            "@id": f"#use-{one.id[1:]}-{field or mark(name)[:8]}",
            "@type": "PropertyValue",
            "name": name,
            "propertyID": SACCT + field if field else f"urn:run-auditor:quantity:{name.replace(' ', '-').replace(',', '')}",
            "unitCode": UNIT + unit,
            "value": value,
        }


def as_workflow(file: Entity, known: Known, recipe: Recipe, agent: str, license_: str) -> Entity:
    """The batch script's File entity, told as the workflow that it is."""
    needs = {"softwareRequirements": {"@id": interpreter(recipe)}} if recipe.python else {}
    told = steps(known, recipe)
    hows = [{"@id": _how(one)} for one in told]
    tools = [{"@id": _tool(name)} for name in dict.fromkeys(one.tool for one in told)]
    return (
        file
        | needs
        | {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "step": hows[0] if len(hows) == 1 else hows,
            "conformsTo": {"@id": BIOSCHEMAS["@id"]},
            "programmingLanguage": {"@id": BASH["@id"]},
            "hasPart": tools[0] if len(tools) == 1 else tools,
            "version": f"sha256:{file['sha256']}",
            "url": "replay.json",
            "license": {"@id": license_},
            "creator": {"@id": agent},
            "dateCreated": known.when,
            "sdPublisher": {"@id": "#organisation"},
        }
    )


def _tool(name: str) -> str:
    """The profile wants an absolute URI; this host cannot exist (RFC 2606)."""
    return f"http://step.invalid/{mark(name)}"
