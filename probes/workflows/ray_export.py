"""What do Ray's export events say of tasks, their attempts and environments? `logs/export_events/event_EXPORT_*.log`, JSON lines.

https://docs.ray.io (export API), src/ray/protobuf/export_*.proto. Driver and workers each write their part of an attempt's record, so
that records are joined by task and attempt. Ids are base64; the state API shows the same bytes in hex.
"""

from __future__ import annotations

import base64
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from glob import escape
from typing import Any

from auditor.redact import Redactor
from auditor.world import World
from probes.records import jsonl
from probes.records.inside import inside, there
from probes.records.lines import lines, one_line
from probes.records.times import epoch
from probes.workflows import Asked, Attempt, Event, Metric, Place, State, Task, Used, WorkflowRun
from probes.workflows.ray_environments import created, environments

SYSTEM = "ray"
MAX_TASKS = 200_000
MAX_FILES = 5000
MAX_EVENTS = 2000
SILENT_SECONDS = 300.0
_REDACTOR = Redactor()
# rpc::TaskStatus: 1 waits for arguments, 2 for a node, 5 handed to a worker, 8 runs, 11 finished, 12 failed
_WAITS, _HANDED, _RUNS, _FINISHED, _FAILED = "1", "5", "8", "11", "12"
_PHASES = {"task:deserialize_arguments": "deserialize-seconds", "task:store_outputs": "store-outputs-seconds"}
Record = Mapping[str, Any]


@dataclass
class _Try:
    """One attempt, as far as it has been put together."""

    line: Place
    at: dict[str, float] = field(default_factory=dict)
    node: str = ""
    reason: str = ""
    kind: str = ""
    executed: float = 0.0


@dataclass
class _Work:
    """One task."""

    job: str = ""
    name: str = ""
    type: str = ""
    asked: Record = field(default_factory=dict)
    environment: str = ""
    place: Place = field(default_factory=lambda: Place(""))
    tries: dict[int, _Try] = field(default_factory=dict)


@dataclass
class Session:
    """All that the events of one session say."""

    works: dict[str, _Work] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    submissions: dict[str, Record] = field(default_factory=dict)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    trained: dict[str, tuple[Record, Place]] = field(default_factory=dict)
    trials: dict[str, dict[str, tuple[Record, Place]]] = field(default_factory=lambda: defaultdict(dict))
    events: list[Event] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    last: float = 0.0
    broken: int = 0
    left_out: int = 0
    empty: bool = True


def runs(world: World, folder: str) -> Iterator[WorkflowRun]:
    """folder: `logs` of a session. One run a job (driver). Raises OSError."""
    session, places = Session(), []
    for path in world.glob(f"{escape(folder)}/export_events/event_EXPORT_*.log*")[:MAX_FILES]:
        if there(world, folder, os.path.relpath(path, folder)):
            places.append(Place(os.path.relpath(path, folder)))
            for number, line in jsonl.rows(world, path):
                _take(session, line, Place(places[-1].path, f"line {number}"))
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


def _take(session: Session, line: Record | None, place: Place) -> None:
    data = line.get("event_data") if line is not None else None
    if line is None or not isinstance(data, dict):
        session.broken += 1
        return
    session.empty = False
    session.last = max(session.last, _float(line.get("timestamp")))
    kind = line.get("source_type")
    if kind == "EXPORT_TASK":
        _task(session, data, place)
    elif kind == "EXPORT_DRIVER_JOB":
        session.jobs.setdefault(_hex(data.get("job_id")), {}).update({**data, "place": place})
    elif kind == "EXPORT_SUBMISSION_JOB":
        session.submissions[str(data.get("submission_job_id") or data.get("driver_job_id") or "")] = {**data, "place": place}
    elif kind == "EXPORT_NODE":
        session.nodes.setdefault(_hex(data.get("node_id")), {}).update(data)
    elif kind == "EXPORT_ACTOR":
        _actor(session, data, _float(line.get("timestamp")), place)
    elif kind == "EXPORT_TRAIN_RUN":
        session.trained[str(data.get("id"))] = (data, place)
    elif kind == "EXPORT_TRAIN_RUN_ATTEMPT":
        session.trials[str(data.get("run_id"))][str(data.get("attempt_id"))] = (data, place)


def _task(session: Session, data: Record, place: Place) -> None:
    number = _hex(data.get("task_id"))
    work = session.works.get(number)
    if work is None:
        if len(session.works) >= MAX_TASKS:
            session.left_out += 1
            return
        work = session.works[number] = _Work(place=place)
    work.job = work.job or _hex(data.get("job_id"))
    if info := _map(data.get("task_info")):
        work.name = str(info.get("name") or info.get("func_or_class_name") or "") or work.name
        work.type = str(info.get("type") or "")
        work.asked = _map(info.get("required_resources"))
        work.environment = str(_map(info.get("runtime_env_info")).get("serialized_runtime_env") or "")
        work.place = place
    one = work.tries.setdefault(int(_float(data.get("attempt_number"))), _Try(place))
    updates = _map(data.get("state_updates"))
    for state, when in _map(updates.get("state_ts_ns")).items():
        one.at[str(state)] = _float(when) / 1e9
    one.node = _hex(updates.get("node_id")) or one.node
    if failed := _map(updates.get("error_info")):
        said = str(failed.get("error_message") or "")[:20_000]
        one.kind = str(failed.get("error_type") or "")
        one.reason = one_line(_REDACTOR.text(next((x for x in reversed(said.splitlines()) if x.strip()), "") or one.kind))
    for event in _list(_map(data.get("profile_events")).get("events")):
        _profile(session, one, _map(event))


def _profile(session: Session, one: _Try, event: Record) -> None:
    name = str(event.get("event_name"))
    seconds = max(0.0, (_float(event.get("end_time")) - _float(event.get("start_time"))) / 1e9)
    if name == "task:execute":
        one.executed += seconds
    elif name in _PHASES:
        session.seconds[_PHASES[name]] = session.seconds.get(_PHASES[name], 0.0) + seconds


def _actor(session: Session, data: Record, when: float, place: Place) -> None:
    if data.get("state") == "RESTARTING" and len(session.events) < MAX_EVENTS:
        name = one_line(str(data.get("class_name") or "an actor"), 200)
        session.events.append(Event("retry", f"{name} is started again", epoch(when), place=place))


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
        (s for s in session.submissions.values() if _hex(s.get("driver_job_id")) == job or len(session.jobs) == 1), {}
    )
    state, proof = _ended(said, submitted, [t.state for t in tasks], alive)
    config = _map(_map(said.get("config")).get("runtime_env_info"))
    place = said.get("place", places[0])
    seconds = sorted(session.seconds.items())
    return WorkflowRun(
        system=SYSTEM,
        version=version,
        id=f"{_session(folder)}/{job}",
        folder=folder,
        state=state,
        proof=proof,
        command=one_line(_REDACTOR.text(str(said.get("entrypoint") or "")[:20_000])),
        host=one_line(str(said.get("driver_ip_address") or ""), 100),
        started=epoch(_float(said.get("start_time")) / 1000),
        ended=epoch(_float(said.get("end_time")) / 1000),
        environments=environments(str(config.get("serialized_runtime_env") or ""), place, made),
        tasks=tuple(tasks),
        metrics=tuple(Metric(name, round(value, 6)) for name, value in seconds),
        events=(*session.events, *_happened(works)),
        workers=int(sum(_float(_map(n.get("resources_total")).get("CPU")) for n in session.nodes.values())) or None,
        places=places[:50],
        gaps=tuple(_gaps(session)),
    )


def _told(session: Session, number: str, work: _Work, made: Mapping[str, Place], alive: bool) -> Task:
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


def _attempt(session: Session, number: int, one: _Try, alive: bool) -> Attempt:
    if _FINISHED in one.at:
        state = State.SUCCEEDED
    elif _FAILED in one.at:
        state = State.FAILED
    elif one.at.keys() & {_RUNS, _HANDED}:
        state = State.RUNNING if alive else State.KILLED
    else:
        state = State.NOT_RUN
    node = session.nodes.get(one.node, {})
    return Attempt(
        number=number,
        state=state,
        host=one_line(str(node.get("node_name") or node.get("node_manager_address") or ""), 200),
        submitted=epoch(one.at.get(_WAITS)),
        started=epoch(one.at.get(_RUNS)),
        ended=epoch(one.at.get(_FINISHED) or one.at.get(_FAILED)),
        reason=one.reason if state is State.FAILED else "",
        place=one.line,
    )


def _training(session: Session, nowhere: Place) -> Iterator[Task]:
    """Runs of Ray Train: one task each, its workers are its ranks."""
    known = {"FINISHED": State.SUCCEEDED, "ERRORED": State.FAILED, "ABORTED": State.KILLED, "RUNNING": State.KILLED}
    for number, (data, place) in session.trained.items():
        tries = sorted(session.trials.get(number, {}).values(), key=lambda t: _float(t[0].get("start_time_ns")))
        ranks = max((len(_list(t.get("worker_resources") or t.get("workers"))) for t, _ in tries), default=0)
        yield Task(
            id=f"train-{number}",
            name=one_line(str(data.get("name") or "train"), 200),
            state=known.get(str(data.get("status")), State.UNKNOWN),
            attempts=tuple(
                Attempt(
                    n,
                    known.get(str(t.get("status")), State.UNKNOWN),
                    started=epoch(_float(t.get("start_time_ns")) / 1e9),
                    ended=epoch(_float(t.get("end_time_ns")) / 1e9),
                    reason=one_line(_REDACTOR.text(str(t.get("status_detail") or "")[:2000])),
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


def _happened(works: Mapping[str, _Work]) -> Iterator[Event]:
    for number, work in works.items():
        for n, one in sorted(work.tries.items()):
            if n + 1 in work.tries:
                yield Event(
                    "retry",
                    f"{one_line(work.name, 200)} was tried again: {one.reason}"[:300],
                    epoch(one.at.get(_FAILED)),
                    number,
                    one.line,
                )
            if "DIED" in one.kind:
                yield Event(
                    "worker-lost",
                    f"{one_line(work.name, 200)}: {one_line(one.kind, 60)}",
                    epoch(one.at.get(_FAILED)),
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
        plain.setdefault(known[1] if known else str(name), _float(value))
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


def _hex(value: object) -> str:
    try:
        return base64.b64decode(value, validate=True).hex() if isinstance(value, str) and len(value) < 200 else ""
    except ValueError:
        return one_line(value, 80) if isinstance(value, str) else ""


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _float(value: object) -> float:
    """A number; protobuf writes 64-bit ones as text."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and value != "" else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return number if abs(number) < 1e21 else 0.0  # nor is an endless one, or none at all
