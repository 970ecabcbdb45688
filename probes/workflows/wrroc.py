"""What does a Workflow Run RO-Crate say was run? Process, Workflow and Provenance Run Crates 0.1 to 0.6, of any engine, and our own bundles.

https://www.researchobject.org/workflow-run-crate/profiles/. A crate declares: an action without `actionStatus` is not known to have succeeded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import one_line
from probes.workflows import (
    Construct,
    Definition,
    Event,
    Place,
    Reader,
    State,
    Task,
    WorkflowRun,
    wrroc_facts,
    wrroc_graph,
    wrroc_tasks,
)
from probes.workflows.wrroc_graph import Entity, Graph, ids, kinds, text

METADATA = "ro-crate-metadata.json"
MAX_RUNS = 200
MAX_TASKS = 100_000
_ACTIONS = {"CreateAction", "ActivateAction", "UpdateAction"}


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    """One run for each execution of the crate's workflow; one for all actions of a crate without a workflow; none of a crate without actions."""
    for path in world.glob(f"{wrroc_graph.escaped(folder)}/*{METADATA}")[:20]:
        name = path.rsplit("/", 1)[-1]
        graph = wrroc_graph.read(world, inside(world, folder, name), name)
        yield from _runs(folder, graph)


def _runs(folder: str, graph: Graph) -> Iterator[WorkflowRun]:
    actions = [e for e in graph.entities.values() if kinds(e) & _ACTIONS]
    main = text(graph.root.get("mainEntity"))
    workflows = {i for i, e in graph.entities.items() if "ComputationalWorkflow" in kinds(e)}
    own = [a for a in actions if main in ids(a.get("instrument"))] if main in workflows else []
    own = own or [a for a in actions if workflows & set(ids(a.get("instrument")))]
    if not actions:
        return
    if not own:
        yield _run(folder, graph, None, actions)
        return
    for number, action in enumerate(own[:MAX_RUNS]):
        yield _run(folder, graph, action, _parts(graph, action, own, actions, number))


def _parts(graph: Graph, action: Entity, own: list[Entity], actions: list[Entity], number: int) -> list[Entity]:
    """The actions within one execution: those that an engine's OrganizeAction binds to it, else, where there is one execution only, all others."""
    tools = [a for a in actions if a not in own]
    if len(own) == 1:
        workflow = graph.get(text(action.get("instrument")))
        declared = set(ids(workflow.get("hasPart")))
        engines = set(_engine_ids(graph))
        return [
            t
            for t in tools
            if not set(ids(t.get("instrument"))) & engines and (declared & set(ids(t.get("instrument"))) or not declared)
        ]
    bound: set[str] = set()
    for organise in graph.of("OrganizeAction"):
        if text(action.get("@id")) in ids(organise.get("result")):
            controls = [graph.get(i) for i in ids(organise.get("object"))]
            bound |= {i for c in controls for i in ids(c.get("object"))}
    return [t for t in tools if text(t.get("@id")) in bound]


def _engine_ids(graph: Graph) -> list[str]:
    return [i for o in graph.of("OrganizeAction") for i in ids(o.get("instrument"))]


def _run(folder: str, graph: Graph, action: Entity | None, parts: list[Entity]) -> WorkflowRun:
    tools = parts[:MAX_TASKS]
    steps = wrroc_tasks.steps(graph)
    tasks = wrroc_tasks.bound(tuple(wrroc_tasks.task(graph, a, steps) for a in tools))
    state, proof = _end(graph, action, tasks)
    workflow = graph.get(text(action.get("instrument"))) if action else {}
    engine, version = _engine(graph, action, workflow)
    gaps = [] if tasks else ["the crate records the run as a whole, and none of its steps"]
    gaps += [f"only {MAX_TASKS} of {len(parts)} actions were read"] if len(parts) > MAX_TASKS else []
    return WorkflowRun(
        engine,
        version,
        text(action.get("@id")) if action else text(graph.root.get("identifier")) or graph.name,
        folder,
        state,
        proof,
        name=one_line(text(workflow.get("name")) or text(graph.root.get("name"))),
        command=one_line(text(action.get("description")), 2000)
        if action and wrroc_tasks.is_command(text(action.get("description")))
        else "",
        user=_agent(graph, action or (parts[0] if parts else {})),
        started=wrroc_tasks.moment(action, "startTime")
        if action
        else min((a.started for t in tasks for a in t.attempts if a.started), default=""),
        ended=wrroc_tasks.moment(action, "endTime")
        if action
        else max((a.ended for t in tasks for a in t.attempts if a.ended), default=""),
        zone_assumed=any(
            re.fullmatch(r"[^Z+]*T[^Z+-]*", text(a.get(k))) for a in (action or {}, *tools) for k in ("startTime", "endTime")
        ),
        definitions=tuple(_definitions(graph, workflow)),
        environments=tuple(wrroc_facts.environments(graph, action)) if action else (),
        parameters=wrroc_facts.parameters(graph, action) if action else {},
        tasks=tasks,
        inputs=tuple(wrroc_facts.files(graph, action, "object", "input")) if action else (),
        outputs=tuple(wrroc_facts.files(graph, action, "result", "output")) if action else (),
        events=tuple(_refusals(graph)),
        constructs=tuple(Construct("loop", one_line(text(s.get("name"))), graph.place(s)) for s in graph.of("HowToLoop")),
        places=(Place(graph.name, ", ".join(sorted(_profiles(graph)))),),
        gaps=tuple(gaps),
    )


def _end(graph: Graph, action: Entity | None, tasks: tuple[Task, ...]) -> tuple[State, str]:
    if action is not None:
        state = wrroc_tasks.status(action)
        said = text(action.get("actionStatus")).rsplit("/", 1)[-1]
        return (
            state,
            f"{graph.name}: actionStatus {one_line(said)}"
            if said
            else f"{graph.name}: the workflow's action has no actionStatus",
        )
    states = {t.state for t in tasks}
    if State.FAILED in states:
        return State.FAILED, f"{sum(t.state is State.FAILED for t in tasks)} of {len(tasks)} actions failed"
    if states == {State.SUCCEEDED}:
        return State.SUCCEEDED, f"all {len(tasks)} actions are said to be completed"
    return State.UNKNOWN, f"{graph.name}: not every action has an actionStatus"


def _engine(graph: Graph, action: Entity | None, workflow: Entity) -> tuple[str, str]:
    """Whose run it is: the engine that organised it, else the workflow's language; of a crate of processes, what holds them together."""
    engines = [graph.get(i) for i in _engine_ids(graph)]
    languages = [graph.get(i) for i in ids(workflow.get("programmingLanguage"))]
    for entity in (*engines, *languages):
        name = text(entity.get("name")) or text(entity.get("alternateName")) or text(entity.get("@id"))
        if name:
            version = text(entity.get("softwareVersion")) or text(entity.get("version"))
            return _slug(name), one_line(version, 60)
    return ("workflow-run-crate" if action else "process-run-crate"), ""


_KNOWN = (
    "snakemake",
    "nextflow",
    "galaxy",
    "compss",
    "streamflow",
    "cwltool",
    "toil",
    "parsl",
    "pegasus",
    "cwl",
    "autosubmit",
    "wfexs",
    "slurm",
)


def _slug(name: str) -> str:
    low = name.lower()
    short = next((k for k in _KNOWN if k in low), "")
    if not short and "common workflow language" in low:
        return "cwl"
    return short or re.sub(r"[^a-z0-9]+", "-", low).strip("-")[:40] or "workflow-run-crate"


def _definitions(graph: Graph, workflow: Entity) -> Iterator[Definition]:
    if ident := text(workflow.get("@id")):
        revision = text(workflow.get("version"))
        kept = revision if re.fullmatch("[0-9a-f]{7,64}", revision) else ""
        yield Definition(
            wrroc_facts.path(workflow) or ident, "workflow", wrroc_facts.digests(workflow), kept, graph.place(workflow)
        )


def _refusals(graph: Graph) -> Iterator[Event]:
    """A step that was orchestrated and has no action: nothing ran for it."""
    for control in graph.of("ControlAction"):
        if wrroc_tasks.status(control) is State.FAILED and not [i for i in ids(control.get("object")) if graph.get(i)]:
            yield Event(
                "refused", one_line(text(control.get("name"))), wrroc_tasks.moment(control, "endTime"), place=graph.place(control)
            )


def _agent(graph: Graph, action: Entity) -> str:
    names = [text(graph.get(i).get("name")) for i in ids(action.get("agent"))]
    return one_line(next((n for n in names if n), ""), 200)


def _profiles(graph: Graph) -> set[str]:
    """`process/0.5`, ... of the profiles that the crate says it conforms to."""
    said = (i for e in (graph.root, graph.descriptor) for i in ids(e.get("conformsTo")))
    return {"/".join(i.rstrip("/").rsplit("/", 2)[-2:]) for i in said if "wfrun" in i or "ro/crate" in i}


READER = Reader("workflow-run-crate", (METADATA, f"*-{METADATA}"), read)
