"""Did the tasks of an engine run in the environments that its workflow declares? Declared is not enacted: engines say so themselves."""

from __future__ import annotations

from auditor.model import Fact, Verdict
from probes.workflows import Environment, Place
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.amounts import line, some
from reports.judging.engineruns import mine, none_of_mine, told
from reports.judging.verdicts import Unclear, failed, not_applicable, passed

KINDS = frozenset({"container", "conda", "spack", "module", "venv"})
# how each engine is told to use what its workflow names (their manuals)
SWITCH = {
    ("snakemake", "conda"): "snakemake --software-deployment-method conda",
    ("snakemake", "container"): "snakemake --software-deployment-method apptainer",
    ("snakemake", "module"): "snakemake --software-deployment-method env-modules",
    ("nextflow", "conda"): "conda.enabled = true   // in nextflow.config",
    ("nextflow", "container"): "apptainer.enabled = true   // in nextflow.config",
    ("cwltool", "container"): "cwltool --singularity workflow.cwl job.yml   # without --no-container",
}


def unused_environment(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    first = told(mine(engines)[0])
    found = [(r, e) for r in mine(engines) for e in _declared(r)]
    if not found:
        return not_applicable(f"{first} declares no image, conda environment or module for its tasks", engines)
    refused = [(r, e) for r, e in found if e.refused and not e.enacted]
    if refused:
        run, e = refused[0]
        more = f"; likewise {some(_name(o) for _, o in refused[1:])}" if refused[1:] else ""
        return failed(
            f"{told(run)}: {_name(e)} is declared in {_place(e.declared)}, and was not used: {_place(e.refused)}{more}",
            SWITCH.get((run.system, e.kind), f"# switch {e.kind} on where {run.system} is started"),
            engines,
        )
    if silent := [e for _, e in found if not e.enacted]:
        raise Unclear(f"{first}: {some(map(_name, silent))}: declared, and nothing shows that a task ran in it")
    return passed(f"{first}: {some(f'{_name(e)} ({_place(e.enacted)})' for _, e in found)}", engines)


def _declared(run: WorkflowSeen) -> list[Environment]:
    """Each once; one that a task enacted has been enacted."""
    best: dict[tuple[str, str], Environment] = {}
    for e in (*run.environments, *(e for g in run.groups for e in g.environments)):
        if e.kind in KINDS and e.declared and (e.enacted or (e.kind, e.name) not in best):
            best[e.kind, e.name] = e
    return list(best.values())


def _name(e: Environment) -> str:
    return f"{e.kind} {line(e.name)}"


def _place(place: Place | None) -> str:
    return line(f"{place.path} {place.locator}".strip()) if place else ""
