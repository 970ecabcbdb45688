"""Which recorded runs of an engine does the audited run belong to, and what work do their tasks do? From evidence alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from auditor.model import Fact, Need, Outcome, Phase, Verdict
from probes.workflow import SystemsUsed
from probes.workflows.record import TaskGroup, WorkflowRuns, WorkflowSeen
from reports.judging.amounts import line, several, some
from reports.judging.phases import decide, of_command, of_task
from reports.judging.verdicts import Maybe, Unclear, not_applicable

ENGINES = Need(WorkflowRuns, (Phase.LATER,), absent=Outcome.NOT_APPLICABLE)
MAYBE_ENGINES = Need(WorkflowRuns, (Phase.LATER,), optional=True)
SWEEP = "auditor sweep, on a machine that sees the work directory: engines' records are looked for below it"
OWN = ("task", "inside")
AI = ("train", "infer")
# done beside the work of a task, which a task of another phase is not mixed by
BESIDE = ("prepare", "analyse")
# signs that a command computes on a GPU: options of GROMACS, LAMMPS, Amber, NAMD; libraries
GPU = re.compile(r"gpu|cuda|rocm|\bhip|openmm|kokkos|cupy|\bjax\b|\btorch|tensorflow|nvidia", re.IGNORECASE)


def mine(engines: Fact[WorkflowRuns]) -> list[WorkflowSeen]:
    """Runs that this one is a task of, or that began while it ran."""
    return [_clean(r) for r in engines.value.runs if r.relation in OWN]


def _clean(run: WorkflowSeen) -> WorkflowSeen:
    """Names of tasks are anybody's text: on one line, so that none steps out of the comment or command that it stands in."""
    names_ = (
        *(g.name for g in run.groups),
        *(r for g in run.groups for r in g.reasons),
        *(n for k in run.links for n in (k.source, k.target)),
    )
    told_ = (
        *(c.text for c in run.constructs),
        *(d.path for d in run.definitions),
        run.system,
        run.version,
        run.folder,
        run.proof,
    )
    if all(text.isprintable() for text in (*names_, *told_)):
        return run
    return replace(
        run,
        system=line(run.system),
        version=line(run.version),
        folder=line(run.folder, 4096),
        proof=line(run.proof, 1000),
        groups=tuple(replace(g, name=line(g.name), reasons=tuple(map(line, g.reasons))) for g in run.groups),
        links=tuple(replace(k, source=line(k.source), target=line(k.target)) for k in run.links),
        loops=tuple(tuple(map(line, ring)) for ring in run.loops),
        constructs=tuple(replace(c, text=line(c.text)) for c in run.constructs),
        definitions=tuple(replace(d, path=line(d.path, 4096)) for d in run.definitions),
    )


def none_of_mine(engines: Fact[WorkflowRuns]) -> Verdict | None:
    """Not applicable where records are there and, as each tells when it began, are of other runs; raises Unclear where one may be of this."""
    if mine(engines):
        return None
    e = engines.value
    if e.unread:
        raise Unclear(f"{several(len(e.unread), 'record')} of engines could not be read: {e.unread[0]}")
    timeless = [r for r in e.runs if not r.started]
    if timeless or not e.walked_all or e.seen > len(e.runs):
        why = (
            f"{timeless[0].system} in {timeless[0].folder} does not say when it began"
            if timeless
            else "not all records were read"
        )
        raise Unclear(f"whether an engine's record is of this run cannot be told: {why}")
    listed = some(f"{r.system} of {r.started}" for r in e.runs)
    return not_applicable(
        f"no engine's record is of this run: {listed} began before or after it, and do not name its job", engines
    )


def phase(group: TaskGroup) -> str:
    """By the classifier of reports.judging.phases, over what its first task runs and its name; empty where that says nothing or several."""
    found, _ = decide([*of_command(group.command), *of_task(group.name)])
    main = [p for p in found if p not in BESIDE] or found
    return main[0] if len(main) == 1 else ""


def by_phase(groups: Iterable[TaskGroup]) -> dict[str, list[TaskGroup]]:
    found: dict[str, list[TaskGroup]] = {}
    for group in groups:
        found.setdefault(phase(group), []).append(group)
    return found


def trainers(engines: Maybe[WorkflowRuns]) -> list[tuple[WorkflowSeen, TaskGroup]]:
    """Groups of tasks that train, each with its run."""
    runs = mine(engines) if isinstance(engines, Fact) else []
    return [(r, g) for r in runs for g in by_phase(r.groups).get("train", ())]


def phases_seen(systems: Fact[SystemsUsed], engines: Maybe[WorkflowRuns]) -> dict[str, str]:
    """Phase -> where it shows: in the scripts; where these name none but an engine, in that engine's record of this run. Raises Unclear
    where neither says anything: a script that only starts an engine tells of no phase."""
    seen = systems.value
    if seen.phases:
        return {p: some(signs, 2) for p, signs in seen.phases.items()}
    runs = mine(engines) if isinstance(engines, Fact) else []
    found = {p: f"{names(groups)} of {told(run)}" for run in runs for p, groups in by_phase(run.groups).items() if p}
    if not found:
        raise Unclear("nothing in the scripts tells which phase this run is" + (", nor in an engine's record" if runs else ""))
    return found


def told_by(systems: Fact[SystemsUsed], engines: Maybe[WorkflowRuns]) -> list[Fact[Any]]:
    """The facts that `phases_seen` rests on."""
    return [systems] if systems.value.phases or not isinstance(engines, Fact) else [systems, engines]


def told(run: WorkflowSeen) -> str:
    """`snakemake 9.1 in /home/ada/train`: enough to find the record again."""
    return f"{run.system} {run.version}".strip() + (f" in {run.folder}" if run.folder else "")


def names(groups: Iterable[TaskGroup]) -> str:
    return some(f"{g.name} ({several(g.tasks, 'task')})" for g in groups)
