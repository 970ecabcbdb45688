"""What does Pegasus' stampede database tell of a workflow? `*.stampede.db` (schema 14): columns by name, missing ones empty.

https://pegasus.isi.edu/documentation/reference-guide/monitoring.html. Its exit codes are raw wait statuses (256 is exit 1), and `invocation`
has rows of the scripts before and after a job, with a negative number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from probes.records.lines import one_line
from probes.records.sqlite import Database
from probes.workflows.pegasus_states import Ended, Submission, take

MAX_WORKFLOWS = 1000
MAX_JOBS = 200_000
SCHEMA = 14


@dataclass
class DbJob:
    """kind: `compute`, `create-dir`, `stage-in-tx`, ...; tasks: ids of the abstract jobs in it, transformations: theirs."""

    name: str
    kind: str = ""
    clustered: bool = False
    retries: int = 0
    tasks: list[str] = field(default_factory=list)
    transformations: list[str] = field(default_factory=list)
    argv: str = ""
    submissions: dict[int, Submission] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)


@dataclass
class DbWorkflow:
    number: int
    uuid: str = ""
    submit_dir: str = ""
    label: str = ""
    version: str = ""
    user: str = ""
    host: str = ""
    arguments: str = ""
    dax: str = ""
    planned: float | None = None
    parent: int | None = None
    jobs: dict[str, DbJob] = field(default_factory=dict)
    run: Ended = field(default_factory=Ended)
    meta: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


def workflows(database: Database) -> list[DbWorkflow]:
    """All that are in the file, the root first. Raises Broken."""
    found: list[DbWorkflow] = []
    columns = (
        "wf_id",
        "wf_uuid",
        "submit_dir",
        "dax_label",
        "planner_version",
        "user",
        "submit_hostname",
        "planner_arguments",
        "dax_file",
    )
    for row in database.rows("workflow", *columns, "timestamp", "parent_wf_id"):
        if isinstance(row[0], int) and len(found) < MAX_WORKFLOWS:
            words = [_text(value) for value in row[1:9]]
            uuid, folder, label, version, user, host, arguments, dax = words
            found.append(
                DbWorkflow(row[0], uuid, folder, label, version, user, host, arguments, dax, _float(row[9]), _int(row[10]))
            )
    schema = next((_int(row[0]) for row in database.rows("dbversion", "version_number")), None)
    if schema is not None and schema != SCHEMA:
        for workflow in found:
            workflow.gaps.append(f"stampede schema {schema}, of which {SCHEMA} is known here")
    return sorted(found, key=lambda w: (w.parent is not None, w.number))


def fill(database: Database, workflow: DbWorkflow) -> None:
    """Everything else of one workflow. Raises Broken."""
    jobs, instances = _jobs(database, workflow), dict[int, tuple[DbJob, Submission]]()
    hosts = {row[0]: _text(row[1]) for row in _of(database, workflow, "host", "host_id", "hostname")}
    _instances(database, workflow, jobs, hosts, instances)
    _states(database, instances)
    _invocations(database, workflow, instances)
    for parent, child in _of(database, workflow, "job_edge", "parent_exec_job_id", "child_exec_job_id"):
        if (job := workflow.jobs.get(_text(child))) is not None and len(job.after) < 10_000:
            job.after.append(_text(parent))
    for state, when, status in _of(database, workflow, "workflowstate", "state", "timestamp", "status"):
        moment = _float(when)
        if moment is not None and state == "WORKFLOW_STARTED":
            workflow.run.started.append(moment)
        elif moment is not None and state == "WORKFLOW_TERMINATED":
            workflow.run.finished.append((moment, _int(status) if _int(status) is not None else 1))  # type: ignore[arg-type]
    for key, value in _of(database, workflow, "workflow_meta", "key", "value"):
        if len(workflow.meta) < 1000:
            workflow.meta[_text(key)] = _text(value)
    _files(database, workflow)


def _of(database: Database, workflow: DbWorkflow, table: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    if "wf_id" not in database.tables.get(table, ()):
        workflow.gaps.append(f"no table {table} in the database")
        return iter(())
    return database.rows(table, *columns, where="wf_id = ?", values=(workflow.number,))


def _jobs(database: Database, workflow: DbWorkflow) -> dict[int, DbJob]:
    found: dict[int, DbJob] = {}
    for row in _of(database, workflow, "job", "job_id", "exec_job_id", "type_desc", "clustered", "max_retries"):
        if isinstance(row[0], int) and len(found) < MAX_JOBS:
            found[row[0]] = workflow.jobs[_text(row[1])] = DbJob(_text(row[1]), _text(row[2]), bool(row[3]), _int(row[4]) or 0)
    for job_id, task, transformation, argv in _of(database, workflow, "task", "job_id", "abs_task_id", "transformation", "argv"):
        if (job := found.get(job_id)) is not None and len(job.tasks) < 10_000:
            job.tasks.append(_text(task))
            job.transformations.append(_text(transformation))
            job.argv = job.argv or _text(argv)
    return found


def _instances(
    database: Database,
    workflow: DbWorkflow,
    jobs: dict[int, DbJob],
    hosts: dict[Any, str],
    instances: dict[int, tuple[DbJob, Submission]],
) -> None:
    columns = (
        "job_instance_id",
        "job_id",
        "job_submit_seq",
        "host_id",
        "sched_id",
        "site",
        "exitcode",
        "subwf_id",
        "multiplier_factor",
    )
    uuids = {row[0]: _text(row[1]) for row in database.rows("workflow", "wf_id", "wf_uuid")}
    for row in database.rows("job_instance", *columns):
        job = jobs.get(row[1])
        if job is None or not isinstance(row[0], int):
            continue
        number = _int(row[2]) or row[0]
        made = Submission(
            number, host=hosts.get(row[3], ""), condor=_text(row[4]), site=_text(row[5]), code=exit_code(_int(row[6]))
        )
        made.subworkflow = uuids.get(row[7], "")
        made.cores = _int(row[8])
        job.submissions[number] = made
        instances[row[0]] = (job, made)


def _states(database: Database, instances: dict[int, tuple[DbJob, Submission]]) -> None:
    columns = ("job_instance_id", "state", "timestamp", "jobstate_submit_seq", "reason")
    order = "jobstate_submit_seq" if "jobstate_submit_seq" in database.tables.get("jobstate", ()) else ""
    for instance, state, when, _, why in database.rows("jobstate", *columns, order=order):
        if instance in instances:
            made = instances[instance][1]
            take(made, _float(when), _text(state), "", "")
            made.reason = made.reason or (_text(why) if state == "JOB_HELD" or "FAILURE" in _text(state) else "")


def _invocations(database: Database, workflow: DbWorkflow, instances: dict[int, tuple[DbJob, Submission]]) -> None:
    """Only of what the job itself ran: rows of its scripts have a negative number."""
    columns = ("job_instance_id", "task_submit_seq", "start_time", "remote_duration", "remote_cpu_time", "exitcode", "maxrss")
    for instance, number, start, seconds, cpu, code, memory in _of(database, workflow, "invocation", *columns):
        if instance not in instances or (_int(number) or 0) < 0:
            continue
        made = instances[instance][1]
        made.tasks += 1
        made.started = made.started or _float(start)
        made.seconds = (made.seconds or 0.0) + (_float(seconds) or 0.0) if seconds is not None else made.seconds
        made.cpu_seconds = (made.cpu_seconds or 0.0) + (_float(cpu) or 0.0) if cpu is not None else made.cpu_seconds
        kib = _int(memory)
        made.memory = max(made.memory or 0, kib * 1024) if kib else made.memory
        decoded = exit_code(_int(code))
        if decoded:  # the program's own end says more than that of its wrapper
            made.code = decoded


def _files(database: Database, workflow: DbWorkflow) -> None:
    """Size and checksum of files by their logical name; the table knows no workflow, so names are of the whole file."""
    names = {row[0]: _text(row[1]) for row in database.rows("rc_lfn", "lfn_id", "lfn")}
    for lfn, key, value in database.rows("rc_meta", "lfn_id", "key", "value"):
        if lfn in names and len(workflow.files) < MAX_JOBS:
            workflow.files.setdefault(names[lfn], {})[_text(key)] = _text(value)


def exit_code(raw: int | None) -> int | None:
    """Of a raw wait status: 256 is exit 1, 9 is killed by signal 9 (-9)."""
    try:
        return None if raw is None else raw if raw < 0 else os.waitstatus_to_exitcode(raw)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return one_line(value, 2000) if isinstance(value, str) else "" if value is None else str(value)[:200]


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e15 else None
