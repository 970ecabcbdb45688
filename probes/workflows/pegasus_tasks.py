"""Which jobs did one Pegasus workflow have, and how did each end? The DAG names them; states, database and kickstart records tell the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from probes.records import times, yamlfile
from probes.records.inside import there
from probes.records.lines import one_line, why
from probes.workflows import (
    Attempt,
    Place,
    State,
    Task,
    pegasus_dag,
    pegasus_db,
    pegasus_facts,
    pegasus_kickstart,
    pegasus_states,
)
from probes.workflows.pegasus_facts import Known

MAX_KICKSTART = 3000
"""Records that are opened: about two milliseconds each."""
MAX_SUBMIT = 20_000
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
        tuple(pegasus_facts.files(known, ids, last)),
        pegasus_facts.asked(submit, [known.plan.jobs[i].asked for i in ids if i in known.plan.jobs], submissions),
        pegasus_facts.used(submissions[-1] if submissions else None, last, attempts[-1].place if attempts else None),
        tuple(pegasus_facts.environments(known, kind, f"{where}/{name}", len(submissions) - 1)),
        (last.command if last else "") or (row.argv if row else ""),
        pegasus_facts.parameters(known, ids, row, submissions),
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
