"""Which jobs did one Pegasus workflow have, and how did each end? The DAG names them; states, database and kickstart records tell the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditor.world import World
from probes.records import times, yamlfile
from probes.records.inside import there
from probes.records.lines import one_line, why
from probes.workflows import (
    Asked,
    Attempt,
    Digest,
    Environment,
    File,
    Place,
    State,
    Task,
    Used,
    pegasus_dag,
    pegasus_db,
    pegasus_kickstart,
    pegasus_plan,
    pegasus_states,
)

MAX_KICKSTART = 3000
"""Records that are opened: about two milliseconds each."""
MAX_SUBMIT = 20_000
_CONTAINER = re.compile(r"\[Container\] |Loaded docker image (\S+)")
# names that the planner gives to the jobs it adds
_ADDED = (
    ("create_dir_", "create-dir"),
    ("stage_in_", "stage-in-tx"),
    ("stage_out_", "stage-out-tx"),
    ("stage_inter_", "inter-site-tx"),
    ("stage_worker_", "stage-worker-tx"),
    ("register_", "registration"),
    ("clean_up_", "cleanup"),
    ("cleanup_", "cleanup"),
    ("chmod_", "chmod"),
    ("pegasus-plan_", "dax"),
    ("subdax_", "dax"),
)


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


def tasks(known: Known) -> Iterator[Task]:
    for name in dict.fromkeys((*known.dag.jobs, *known.row.jobs, *known.logged)):
        yield _task(known, name)


def _task(known: Known, name: str) -> Task:
    planned, row = known.dag.jobs.get(name), known.row.jobs.get(name)
    submit = _submit(known, planned.submit if planned else "")
    where = os.path.dirname(planned.submit) if planned and planned.submit.endswith(".sub") else "00/00"
    submissions = _submissions(known, name, row)
    records = [_kickstart(known, f"{where}/{name}", number) for number in range(len(submissions))]
    attempts = tuple(_attempt(known, name, n, s, k) for n, (s, k) in enumerate(zip(submissions, records, strict=True), 1))
    state = _state(known, attempts, submissions)
    ids = (row.tasks if row else []) or ([submit.task] if submit and submit.task else []) or _named(known, name)
    last = records[-1] if records else None
    kind = _kind(name, row, submit, last)
    place = Place(known.dag_path, f"line {planned.line}") if planned else Place(known.database or known.log_path, f"job {name}")
    return Task(
        one_line(name, 300),
        kind,
        state,
        attempts,
        tuple(dict.fromkeys(n for n in (planned.after if planned else row.after if row else ()) if n != name)),
        tuple(_files(known, ids, last)),
        _asked(submit, [known.plan.jobs[i].asked for i in ids if i in known.plan.jobs], submissions),
        _used(submissions[-1] if submissions else None, last, attempts[-1].place if attempts else None),
        tuple(_environments(known, kind, f"{where}/{name}", len(submissions) - 1)),
        (last.command if last else "") or (row.argv if row else ""),
        _parameters(known, ids, row, submissions),
        place,
    )


def _named(known: Known, name: str) -> list[str]:
    """The abstract job in a name such as `train_ID0000001`, which is how the planner makes them."""
    found = [name[at + 1 :] for at, letter in enumerate(name) if letter == "_" and name[at + 1 :] in known.plan.jobs]
    return found[:1]


def _submissions(known: Known, name: str, row: pegasus_db.DbJob | None) -> list[pegasus_states.Submission]:
    """By number. The log is the first source of states: the database may lag behind it; what was measured is only there."""
    rows = row.submissions if row else {}
    found: list[pegasus_states.Submission] = []
    for number in sorted({*known.logged.get(name, ()), *rows}):
        logged, stored = known.logged.get(name, {}).get(number), rows.get(number)
        if logged and stored:
            measured = replace(stored, line=logged.line)
            if len(logged.states) >= len(stored.states):
                measured = replace(measured, states=logged.states, submitted=logged.submitted, ended=logged.ended)
            found.append(measured)
        elif logged or stored:
            found.append(logged or stored)  # type: ignore[arg-type]  # one of them is there
    return found


def _attempt(
    known: Known, name: str, number: int, made: pegasus_states.Submission, seen: pegasus_kickstart.Invocation | None
) -> Attempt:
    state = pegasus_states.state(made)
    if state is State.UNKNOWN and known.state in {State.KILLED, State.RUNNING} and made.submitted:
        state = known.state
    code = seen.code if seen and seen.code is not None else made.code
    why = pegasus_states.reason(made) if state is State.FAILED else ""
    told = seen.stderr if seen and state is State.FAILED else ""
    place = (
        Place(known.log_path, f"line {made.line}")
        if made.line
        else Place(known.database, f"job {name}, job_submit_seq {made.number}")
    )
    return Attempt(
        number,
        state,
        (seen.slurm if seen else "") or made.condor,
        (seen.host if seen else "") or made.host,
        times.epoch(made.submitted),
        (seen.started if seen else "") or times.epoch(made.started),
        times.epoch(made.ended),
        code,
        one_line(f"{why}: {told}" if why and told else why or told),
        place,
    )


def _state(known: Known, attempts: tuple[Attempt, ...], submissions: list[pegasus_states.Submission]) -> State:
    if not attempts:
        return State.NOT_RUN if known.logged or known.row.jobs else State.UNKNOWN
    begun = any(s.submitted or s.started for s in submissions)
    return attempts[-1].state if begun or attempts[-1].state is not State.UNKNOWN else State.NOT_RUN


def _kind(
    name: str, row: pegasus_db.DbJob | None, submit: pegasus_dag.Submit | None, seen: pegasus_kickstart.Invocation | None
) -> str:
    """The transformation of a job that computes; of one that Pegasus added, what it is for."""
    if row and row.transformations and row.kind == "compute":
        return row.transformations[0]
    if row and row.kind and row.kind != "compute":
        return row.kind
    added = next((kind for prefix, kind in _ADDED if name.startswith(prefix)), "")
    if added:
        return added
    return (
        (submit.transformation if submit else "")
        or (seen.transformation if seen else "")
        or one_line(re.sub(r"_ID\d+$", "", name), 200)
    )


def _submit(known: Known, path: str) -> pegasus_dag.Submit | None:
    if not path.endswith(".sub") or known.submits >= MAX_SUBMIT:
        return None
    at = there(known.world, known.folder, os.path.join(known.inner, path))
    if not at:
        return None
    known.submits += 1
    if known.submits == MAX_SUBMIT:
        known.gaps.append(f"only {MAX_SUBMIT} submit files were read")
    return pegasus_dag.submit(known.world.span(at, 0, 256 << 10).decode("utf-8", "replace"))


def _kickstart(known: Known, stem: str, number: int) -> pegasus_kickstart.Invocation | None:
    if known.opened >= MAX_KICKSTART:
        return None
    path = os.path.join(known.inner, f"{stem}.out.{number:03d}")
    at = there(known.world, known.folder, path)
    if not at:
        return None
    known.opened += 1
    if known.opened == MAX_KICKSTART:
        known.gaps.append(f"only {MAX_KICKSTART} kickstart records were read")
    try:
        return pegasus_kickstart.read(known.world, at)
    except (yamlfile.NotYaml, OSError) as error:
        known.gaps.append(f"{path}: {why(error)}")
        return None


def _files(known: Known, ids: list[str], seen: pegasus_kickstart.Invocation | None) -> Iterator[File]:
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


def _asked(submit: pegasus_dag.Submit | None, planned: list[Asked], submissions: list[pegasus_states.Submission]) -> Asked:
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


def _used(made: pegasus_states.Submission | None, seen: pegasus_kickstart.Invocation | None, place: Place | None) -> Used:
    if seen and seen.count:
        return Used(seen.seconds, seen.cpu_seconds, seen.memory, seen.read, seen.written, place=place)
    if made and made.seconds is not None:
        return Used(made.seconds, made.cpu_seconds, made.memory, place=place)
    return Used()


def _environments(known: Known, transformation: str, stem: str, number: int) -> Iterator[Environment]:
    """The container declared for the transformation; used, where PegasusLite said in the job's stderr that it launched the task in it."""
    declared = known.containers.get(transformation) or known.containers.get(re.sub(r":[^:]*$", "", transformation))
    if declared is None:
        return
    path = os.path.join(known.inner, f"{stem}.err.{max(number, 0):03d}")
    at = there(known.world, known.folder, path)
    text = known.world.span(at, 0, 1 << 20).decode("utf-8", "replace") if at else ""
    found = _CONTAINER.search(text)
    yield replace(declared, enacted=Place(path, one_line(found[0], 100))) if found else declared


def _parameters(
    known: Known, ids: list[str], row: pegasus_db.DbJob | None, submissions: list[pegasus_states.Submission]
) -> dict[str, str]:
    found = {k: v for i in ids if i in known.plan.jobs for k, v in known.plan.jobs[i].parameters.items()}
    if len(ids) > 1 or (row and row.clustered):
        found["clustered"] = f"{len(ids)} tasks"
    nested = next((s.subworkflow for s in submissions if s.subworkflow), "")
    if nested:
        found["subworkflow"] = nested
    return found
