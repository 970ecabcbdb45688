"""What do the lines of Ray's export events say, put together by task and attempt? src/ray/protobuf/export_*.proto.

Driver and workers each write their part of an attempt's record. Ids are base64; the state API shows the same bytes in hex.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.redact import Redactor
from probes.records.lines import one_line
from probes.records.times import epoch
from probes.workflows import Event, Place

MAX_TASKS = 200_000
MAX_EVENTS = 2000
REDACTOR = Redactor()
# rpc::TaskStatus: 1 waits for arguments, 2 for a node, 5 handed to a worker, 8 runs, 11 finished, 12 failed
WAITS, HANDED, RUNS, FINISHED, FAILED = "1", "5", "8", "11", "12"
_PHASES = {"task:deserialize_arguments": "deserialize-seconds", "task:store_outputs": "store-outputs-seconds"}
Record = Mapping[str, Any]


@dataclass
class Try:
    """One attempt, as far as it has been put together."""

    line: Place
    at: dict[str, float] = field(default_factory=dict)
    node: str = ""
    reason: str = ""
    kind: str = ""
    executed: float = 0.0


@dataclass
class Work:
    """One task."""

    job: str = ""
    name: str = ""
    type: str = ""
    asked: Record = field(default_factory=dict)
    environment: str = ""
    place: Place = field(default_factory=lambda: Place(""))
    tries: dict[int, Try] = field(default_factory=dict)


@dataclass
class Session:
    """All that the events of one session say."""

    works: dict[str, Work] = field(default_factory=dict)
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


def take(session: Session, line: Record | None, place: Place) -> None:
    data = line.get("event_data") if line is not None else None
    if line is None or not isinstance(data, dict):
        session.broken += 1
        return
    session.empty = False
    session.last = max(session.last, number_of(line.get("timestamp")))
    kind = line.get("source_type")
    if kind == "EXPORT_TASK":
        _task(session, data, place)
    elif kind == "EXPORT_DRIVER_JOB":
        session.jobs.setdefault(hexed(data.get("job_id")), {}).update({**data, "place": place})
    elif kind == "EXPORT_SUBMISSION_JOB":
        session.submissions[str(data.get("submission_job_id") or data.get("driver_job_id") or "")] = {**data, "place": place}
    elif kind == "EXPORT_NODE":
        session.nodes.setdefault(hexed(data.get("node_id")), {}).update(data)
    elif kind == "EXPORT_ACTOR":
        _actor(session, data, number_of(line.get("timestamp")), place)
    elif kind == "EXPORT_TRAIN_RUN":
        session.trained[str(data.get("id"))] = (data, place)
    elif kind == "EXPORT_TRAIN_RUN_ATTEMPT":
        session.trials[str(data.get("run_id"))][str(data.get("attempt_id"))] = (data, place)


def _task(session: Session, data: Record, place: Place) -> None:
    number = hexed(data.get("task_id"))
    work = session.works.get(number)
    if work is None:
        if len(session.works) >= MAX_TASKS:
            session.left_out += 1
            return
        work = session.works[number] = Work(place=place)
    work.job = work.job or hexed(data.get("job_id"))
    if info := mapped(data.get("task_info")):
        work.name = str(info.get("name") or info.get("func_or_class_name") or "") or work.name
        work.type = str(info.get("type") or "")
        work.asked = mapped(info.get("required_resources"))
        work.environment = str(mapped(info.get("runtime_env_info")).get("serialized_runtime_env") or "")
        work.place = place
    one = work.tries.setdefault(int(number_of(data.get("attempt_number"))), Try(place))
    updates = mapped(data.get("state_updates"))
    for state, when in mapped(updates.get("state_ts_ns")).items():
        one.at[str(state)] = number_of(when) / 1e9
    one.node = hexed(updates.get("node_id")) or one.node
    if failed := mapped(updates.get("error_info")):
        said = str(failed.get("error_message") or "")[:20_000]
        one.kind = str(failed.get("error_type") or "")
        one.reason = one_line(REDACTOR.text(next((x for x in reversed(said.splitlines()) if x.strip()), "") or one.kind))
    for event in listed(mapped(data.get("profile_events")).get("events")):
        _profile(session, one, mapped(event))


def _profile(session: Session, one: Try, event: Record) -> None:
    name = str(event.get("event_name"))
    seconds = max(0.0, (number_of(event.get("end_time")) - number_of(event.get("start_time"))) / 1e9)
    if name == "task:execute":
        one.executed += seconds
    elif name in _PHASES:
        session.seconds[_PHASES[name]] = session.seconds.get(_PHASES[name], 0.0) + seconds


def _actor(session: Session, data: Record, when: float, place: Place) -> None:
    if data.get("state") == "RESTARTING" and len(session.events) < MAX_EVENTS:
        name = one_line(str(data.get("class_name") or "an actor"), 200)
        session.events.append(Event("retry", f"{name} is started again", epoch(when), place=place))


def hexed(value: object) -> str:
    try:
        return base64.b64decode(value, validate=True).hex() if isinstance(value, str) and len(value) < 200 else ""
    except ValueError:
        return one_line(value, 80) if isinstance(value, str) else ""


def mapped(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def number_of(value: object) -> float:
    """A number; protobuf writes 64-bit ones as text."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and value != "" else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return number if abs(number) < 1e21 else 0.0  # nor is an endless one, or none at all
