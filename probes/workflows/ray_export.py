"""What do Ray's export events tell of a session's runs? `logs/export_events/event_EXPORT_*.log`, JSON lines; one run a driver.

https://docs.ray.io (export API).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from glob import escape

from auditor.world import World
from probes.records import jsonl
from probes.records.inside import inside, there
from probes.records.lines import lines, one_line
from probes.records.times import epoch
from probes.workflows import Asked, Attempt, Event, Metric, Place, State, Task, Used, WorkflowRun
from probes.workflows.ray_environments import created, environments
from probes.workflows.ray_events import (
    FAILED,
    FINISHED,
    HANDED,
    REDACTOR,
    RUNS,
    WAITS,
    Record,
    Session,
    Try,
    Work,
    hexed,
    listed,
    mapped,
    number_of,
    take,
)

SYSTEM = "ray"
MAX_FILES = 5000
SILENT_SECONDS = 300.0


def runs(world: World, folder: str) -> Iterator[WorkflowRun]:
    """folder: `logs` of a session. One run a job (driver). Raises OSError."""
    session, places = Session(), []
    for path in world.glob(f"{escape(folder)}/export_events/event_EXPORT_*.log*")[:MAX_FILES]:
        if there(world, folder, os.path.relpath(path, folder)):
            places.append(Place(os.path.relpath(path, folder)))
            for number, line in jsonl.rows(world, path):
                take(session, line, Place(places[-1].path, f"line {number}"))
    version = _version(world, folder)
    if session.empty:
        gap = "the export events are empty: RAY_enable_export_api_write=1 was not set where Ray was started"
        yield WorkflowRun(
            SYSTEM, version, _session(folder), folder, State.UNKNOWN, "its record is empty", places=tuple(places), gaps=(gap,)
        )
        return
    made = created(world, folder)
    for job in dict.fromkeys((*session.jobs, *(w.job for w in session.works.values()))):
        yield _run(session, job, folder, version, tuple(places), made, world.now().timestamp())


def _run(
    session: Session, job: str, folder: str, version: str, places: tuple[Place, ...], made: Mapping[str, Place], now: float
) -> WorkflowRun:
    said = session.jobs.get(job, {})
    over = bool(said.get("is_dead"))
    alive = not over and now - session.last < SILENT_SECONDS
    works = {n: w for n, w in session.works.items() if w.job == job and w.type != "DRIVER_TASK"}
    tasks = [_told(session, number, work, made, alive) for number, work in works.items()]
    tasks += _training(session, places[0])
    submitted = next(
        (s for s in session.submissions.values() if hexed(s.get("driver_job_id")) == job or len(session.jobs) == 1), {}
    )
    state, proof = _ended(said, submitted, [t.state for t in tasks], alive)
    config = mapped(mapped(said.get("config")).get("runtime_env_info"))
    place = said.get("place", places[0])
    seconds = sorted(session.seconds.items())
    return WorkflowRun(
        system=SYSTEM,
        version=version,
        id=f"{_session(folder)}/{job}",
        folder=folder,
        state=state,
        proof=proof,
        command=one_line(REDACTOR.text(str(said.get("entrypoint") or "")[:20_000])),
        host=one_line(str(said.get("driver_ip_address") or ""), 100),
        started=epoch(number_of(said.get("start_time")) / 1000),
        ended=epoch(number_of(said.get("end_time")) / 1000),
        environments=environments(str(config.get("serialized_runtime_env") or ""), place, made),
        tasks=tuple(tasks),
        metrics=tuple(Metric(name, round(value, 6)) for name, value in seconds),
        events=(*session.events, *_happened(works)),
        workers=int(sum(number_of(mapped(n.get("resources_total")).get("CPU")) for n in session.nodes.values())) or None,
        places=places[:50],
        gaps=tuple(_gaps(session)),
    )


def _told(session: Session, number: str, work: Work, made: Mapping[str, Place], alive: bool) -> Task:
    attempts = tuple(_attempt(session, n + 1, one, alive) for n, one in sorted(work.tries.items()))
    began = [a for a in attempts if a.state is not State.NOT_RUN]
    executed = sum(one.executed for one in work.tries.values())
    return Task(
        id=number,
        name=one_line(work.name or work.type.lower() or "task", 200),
        state=began[-1].state if began else State.NOT_RUN,
        attempts=tuple(began),
        asked=asked(work.asked),
        used=Used(seconds=round(executed, 6), place=work.place) if executed else Used(),
        environments=environments(work.environment, work.place, made),
        place=work.place,
    )


def _attempt(session: Session, number: int, one: Try, alive: bool) -> Attempt:
    if FINISHED in one.at:
        state = State.SUCCEEDED
    elif FAILED in one.at:
        state = State.FAILED
    elif one.at.keys() & {RUNS, HANDED}:
        state = State.RUNNING if alive else State.KILLED
    else:
        state = State.NOT_RUN
    node = session.nodes.get(one.node, {})
    return Attempt(
        number=number,
        state=state,
        host=one_line(str(node.get("node_name") or node.get("node_manager_address") or ""), 200),
        submitted=epoch(one.at.get(WAITS)),
        started=epoch(one.at.get(RUNS)),
        ended=epoch(one.at.get(FINISHED) or one.at.get(FAILED)),
        reason=one.reason if state is State.FAILED else "",
        place=one.line,
    )


def _training(session: Session, nowhere: Place) -> Iterator[Task]:
    """Runs of Ray Train: one task each, its workers are its ranks."""
    known = {"FINISHED": State.SUCCEEDED, "ERRORED": State.FAILED, "ABORTED": State.KILLED, "RUNNING": State.KILLED}
    for number, (data, place) in session.trained.items():
        tries = sorted(session.trials.get(number, {}).values(), key=lambda t: number_of(t[0].get("start_time_ns")))
        ranks = max((len(listed(t.get("worker_resources") or t.get("workers"))) for t, _ in tries), default=0)
        yield Task(
            id=f"train-{number}",
            name=one_line(str(data.get("name") or "train"), 200),
            state=known.get(str(data.get("status")), State.UNKNOWN),
            attempts=tuple(
                Attempt(
                    n,
                    known.get(str(t.get("status")), State.UNKNOWN),
                    started=epoch(number_of(t.get("start_time_ns")) / 1e9),
                    ended=epoch(number_of(t.get("end_time_ns")) / 1e9),
                    reason=one_line(REDACTOR.text(str(t.get("status_detail") or "")[:2000])),
                    place=where,
                )
                for n, (t, where) in enumerate(tries, 1)
            ),
            asked=Asked(tasks=ranks or None),
            place=place or nowhere,
        )


def _ended(said: Record, submitted: Record, states: list[State], alive: bool) -> tuple[State, str]:
    failed, undone = states.count(State.FAILED), sum(s not in (State.SUCCEEDED, State.FAILED) for s in states)
    told = submitted.get("status")
    if told in ("SUCCEEDED", "FAILED", "STOPPED"):
        state = {"SUCCEEDED": State.SUCCEEDED, "FAILED": State.FAILED}.get(str(told), State.KILLED)
        return state, f"Ray's job submission says {told}"
    if alive:
        return State.RUNNING, "the driver's job is not over, and events came in the last five minutes"
    if not said.get("is_dead"):
        return State.KILLED, "the events end without the driver's end"
    if failed:
        return State.FAILED, f"the driver ended, and {failed} of {len(states)} tasks had failed for good"
    if undone or not states:
        return State.UNKNOWN, f"the driver ended with {undone} of {len(states)} tasks not done"
    return State.SUCCEEDED, f"the driver ended, and all {len(states)} tasks had finished"


def _happened(works: Mapping[str, Work]) -> Iterator[Event]:
    for number, work in works.items():
        for n, one in sorted(work.tries.items()):
            if n + 1 in work.tries:
                yield Event(
                    "retry",
                    f"{one_line(work.name, 200)} was tried again: {one.reason}"[:300],
                    epoch(one.at.get(FAILED)),
                    number,
                    one.line,
                )
            if "DIED" in one.kind:
                yield Event(
                    "worker-lost",
                    f"{one_line(work.name, 200)}: {one_line(one.kind, 60)}",
                    epoch(one.at.get(FAILED)),
                    number,
                    one.line,
                )


def _gaps(session: Session) -> Iterator[str]:
    yield "export events do not say which task waits for which"
    if session.broken:
        yield f"{session.broken} lines are broken"
    if session.left_out:
        yield f"{session.left_out} records are of more tasks than are read"


def asked(resources: Record) -> Asked:
    """`CPU_group_0_<id>` is a CPU of a placement group, which is named once more without the index."""
    plain: dict[str, float] = {}
    for name, value in list(resources.items())[:50]:
        known = re.fullmatch(r"(.+?)_group_(?:\d+_)?[0-9a-f]{16,}", str(name))
        plain.setdefault(known[1] if known else str(name), number_of(value))
    memory = plain.pop("memory", None)
    cpus, gpus = plain.pop("CPU", None), plain.pop("GPU", None)
    other = {one_line(k, 100): f"{v:g}" for k, v in plain.items() if k != "bundle"}
    return Asked(cpus=cpus, gpus=gpus, memory=int(memory) if memory else None, other=other)


def _version(world: World, folder: str) -> str:
    """The first line of gcs_server.out: `Ray cluster metadata ray_version=2.60.0 ray_commit=...`."""
    try:
        for _, line in lines(world, inside(world, folder, "gcs_server.out"), 1 << 16):
            if found := re.search(r"ray_version=([\w.+-]{1,40})", line):
                return found[1]
    except OSError:
        pass
    return ""


def _session(folder: str) -> str:
    return next((p for p in reversed(folder.split("/")) if p.startswith("session_")), os.path.basename(folder))
