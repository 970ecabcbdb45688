"""What is known of one Pegasus job beside its states: files, what it asked for and used, its container, its parameters?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import one_line
from probes.workflows import (
    Asked,
    Digest,
    Environment,
    File,
    Place,
    State,
    Used,
    pegasus_dag,
    pegasus_db,
    pegasus_kickstart,
    pegasus_plan,
    pegasus_states,
)

_CONTAINER = re.compile(r"\[Container\] |Loaded docker image (\S+)")


@dataclass
class Known:
    """All that was read of one workflow; gaps: what is found missing on the way."""

    world: World
    folder: str
    inner: str
    row: pegasus_db.DbWorkflow
    dag: pegasus_dag.Dag
    dag_path: str
    logged: Mapping[str, Mapping[int, pegasus_states.Submission]]
    log_path: str
    database: str
    plan: pegasus_plan.Abstract
    containers: Mapping[str, Environment]
    state: State
    gaps: list[str] = field(default_factory=list)
    opened: int = 0
    submits: int = 0


def files(known: Known, ids: list[str], seen: pegasus_kickstart.Invocation | None) -> Iterator[File]:
    """By logical name, which is the same for all jobs; size and checksum as kickstart saw them, else as registered."""
    made = {m.lfn: m for m in seen.files} if seen else {}
    told: set[tuple[str, str]] = set()
    uses = [use for i in ids if i in known.plan.jobs for use in known.plan.jobs[i].uses]
    for lfn, role in [*uses, *((m.lfn, "output") for m in made.values() if m.output)]:
        if (lfn, role) in told:
            continue
        told.add((lfn, role))
        found, registered = made.get(lfn), known.row.files.get(lfn, {})
        size = found.size if found else int(registered["size"]) if registered.get("size", "").isdecimal() else None
        checksum = (found.sha256 if found else "") or (
            registered.get("checksum.value", "") if registered.get("checksum.type") == "sha256" else ""
        )
        yield File(lfn, role, size, (Digest("sha256", checksum),) if re.fullmatch("[0-9a-f]{64}", checksum) else ())


def asked(submit: pegasus_dag.Submit | None, planned: list[Asked], submissions: list[pegasus_states.Submission]) -> Asked:
    """As the submit file has it, else as the abstract job asked for it; the database has 1 core where nobody asked."""
    own, first = submit.asked if submit else Asked(), planned[0] if planned else Asked()
    stored = next((float(s.cores) for s in submissions if s.cores and s.cores > 1), None)
    return Asked(
        own.cpus if own.cpus is not None else first.cpus if first.cpus is not None else stored,
        own.gpus if own.gpus is not None else first.gpus,
        own.memory if own.memory is not None else first.memory,
        own.disk if own.disk is not None else first.disk,
        own.seconds if own.seconds is not None else first.seconds,
        first.nodes,
        first.tasks,
        own.partition or first.partition,
        own.other,
    )


def used(made: pegasus_states.Submission | None, seen: pegasus_kickstart.Invocation | None, place: Place | None) -> Used:
    if seen and seen.count:
        return Used(seen.seconds, seen.cpu_seconds, seen.memory, seen.read, seen.written, place=place)
    if made and made.seconds is not None:
        return Used(made.seconds, made.cpu_seconds, made.memory, place=place)
    return Used()


def environments(known: Known, transformation: str, stem: str, number: int) -> Iterator[Environment]:
    """The container declared for the transformation; used, where PegasusLite said in the job's stderr that it launched the task in it."""
    declared = known.containers.get(transformation) or known.containers.get(re.sub(r":[^:]*$", "", transformation))
    if declared is None:
        return
    path = os.path.join(known.inner, f"{stem}.err.{max(number, 0):03d}")
    at = there(known.world, known.folder, path)
    text = known.world.span(at, 0, 1 << 20).decode("utf-8", "replace") if at else ""
    found = _CONTAINER.search(text)
    yield replace(declared, enacted=Place(path, one_line(found[0], 100))) if found else declared


def parameters(
    known: Known, ids: list[str], row: pegasus_db.DbJob | None, submissions: list[pegasus_states.Submission]
) -> dict[str, str]:
    found = {k: v for i in ids if i in known.plan.jobs for k, v in known.plan.jobs[i].parameters.items()}
    if len(ids) > 1 or (row and row.clustered):
        found["clustered"] = f"{len(ids)} tasks"
    nested = next((s.subworkflow for s in submissions if s.subworkflow), "")
    if nested:
        found["subworkflow"] = nested
    return found
