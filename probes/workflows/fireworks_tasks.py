"""What does a firework and its launches say of one task? States as FireWorks 2.1 has them: fireworks.core.firework, STATE_RANKS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from auditor.redact import Redactor
from probes.records.lines import one_line
from probes.records.times import between, local
from probes.workflows import Asked, Attempt, Place, State, Task, Used
from probes.workflows.fireworks_store import Document, Store, called, tasks

LOST_SECONDS = 14_400
"""FireWorks' own RUN_EXPIRATION_SECS: a launch that gave no sign for so long is lost."""
MAX_LAUNCHES = 1000
_REDACTOR = Redactor()
_MEMORY = {"": 20, "K": 10, "M": 20, "G": 30, "T": 40}
_PLANNED = {"WAITING", "READY", "RESERVED", "DEFUSED", "PAUSED", "ARCHIVED"}


def task(store: Store, number: str, work: Document, waits: Iterable[str], place: Place, now: datetime) -> Task:
    launches = launched(store, number, work)
    attempts = tuple(attempt(n, launch, place, now) for n, launch in enumerate(launches, 1))
    spec = work.get("spec") if isinstance(work.get("spec"), dict) else {}
    state = _state(number, work, attempts, launches)
    seconds = launches[-1].get("runtime_secs") if launches else None
    return Task(
        id=number,
        name=_safe(called(work)),
        state=state,
        attempts=attempts,
        needs=tuple(waits),
        asked=asked(spec or {}),
        used=Used(seconds=float(seconds), place=place) if isinstance(seconds, (int, float)) else Used(),
        command=command(work),
        parameters=parameters(work),
        place=place,
    )


def launched(store: Store, number: str, work: Document) -> list[Document]:
    """Its launches, oldest first; `archived_launches` are those before a rerun."""
    ids = [str(i) for name in ("archived_launches", "launches") for i in _list(work.get(name)) if not isinstance(i, dict)]
    found = [store.launches[i] for i in dict.fromkeys(ids[:MAX_LAUNCHES]) if i in store.launches]
    return sorted(found, key=lambda x: x["launch_id"] if isinstance(x["launch_id"], int) else 0)


def attempt(number: int, launch: Document, place: Place, now: datetime) -> Attempt:
    history = launch["state_history"]
    begun = [h for h in history if h.get("state") == "RUNNING"]
    reserved = [h for h in history if h.get("state") == "RESERVED"]
    started = moment(launch.get("time_start")) or moment(begun[0].get("created_on") if begun else "")
    state = _of_launch(launch, now)
    ended = moment(launch.get("time_end")) or (_last(history, ("COMPLETED", "FIZZLED")))
    job = next((str(h["reservation_id"]) for h in history if h.get("reservation_id")), "")
    return Attempt(
        number=number,
        state=state,
        native_id=one_line(job, 60),
        host=one_line(str(launch.get("host") or ""), 200),
        submitted=moment(reserved[0].get("created_on")) if reserved else "",
        started=started,
        ended=ended if state in (State.SUCCEEDED, State.FAILED) else "",
        reason=_safe(launch["action"].get("reason", "")) if state is State.FAILED else "",
        place=Place(place.path, f"launch {launch['launch_id']}"),
    )


def moment(value: object) -> str:
    """FireWorks writes UTC, older versions without saying so."""
    return local(value, UTC) if isinstance(value, str) else ""


def command(work: Document) -> str:
    said = (t.get("script") or t.get("func") or t.get("_fw_name") or "" for t in tasks(work))
    return _safe("; ".join(" ; ".join(map(str, s)) if isinstance(s, list) else str(s) for s in said))


def parameters(work: Document) -> Mapping[str, str]:
    """Arguments of its tasks, and what of the specification is no setting of FireWorks' own."""
    spec = work.get("spec")
    found: dict[str, Any] = {k: v for k, v in spec.items() if not k.startswith("_")} if isinstance(spec, dict) else {}
    for n, one in enumerate(tasks(work)):
        found |= {f"{k}_{n}" if n else k: one[k] for k in ("args", "kwargs", "inputs", "outputs") if one.get(k)}
    return {_safe(k, 60): _safe(_written(k, v), 200) for k, v in list(found.items())[:50]}


def asked(spec: Document) -> Asked:
    """`_queueadapter` is what goes into the queue's script; `_category` says which workers may take it."""
    queue = spec.get("_queueadapter")
    said = {str(k): str(v) for k, v in queue.items()} if isinstance(queue, dict) else {}
    ranks, cores = _number(said.get("ntasks")), _number(said.get("cpus_per_task"))
    category = spec.get("_category")
    other = {"category": _safe(str(category), 100)} if category else {}
    gpus = re.search(r"gpu(?::[^:,\s]+)??(?::(\d+))?(?:$|[,\s(])", said.get("gres", ""))
    return Asked(
        cpus=cores or ranks,
        gpus=float(gpus[1] or 1) if gpus else _number(said.get("gpus")),
        memory=_bytes(said.get("mem", "")),
        seconds=_seconds(said.get("walltime", "")),
        nodes=_whole(said.get("nodes")),
        tasks=_whole(said.get("ntasks")),
        partition=one_line(said.get("queue", ""), 100),
        other=other,
    )


def _state(number: str, work: Document, attempts: tuple[Attempt, ...], launches: list[Document]) -> State:
    said = str(work.get("state"))
    if said == "COMPLETED":
        borrowed = launches and all(str(x.get("fw_id", number)) != number for x in launches)
        return State.CACHED if borrowed else State.SUCCEEDED  # a duplicate takes its twin's launch
    if said == "FIZZLED":
        return State.FAILED
    if said == "RUNNING":
        return attempts[-1].state if attempts and attempts[-1].state is not State.UNKNOWN else State.RUNNING
    if said in _PLANNED:
        ran = [a.state for a in attempts if a.state is not State.NOT_RUN]
        return ran[-1] if ran and said in ("ARCHIVED", "DEFUSED", "PAUSED") else State.NOT_RUN
    return State.UNKNOWN


def _of_launch(launch: Document, now: datetime) -> State:
    said = launch.get("state")
    if said == "RUNNING":
        sign = _last(launch["state_history"], ("RUNNING",), "updated_on") or _last(launch["state_history"], ("RUNNING",))
        silent = between(sign, now.isoformat()) if sign else None
        return State.KILLED if silent is not None and silent > LOST_SECONDS else State.RUNNING
    known = {"COMPLETED": State.SUCCEEDED, "FIZZLED": State.FAILED}
    return known.get(str(said), State.NOT_RUN if said in ("RESERVED", "READY", "WAITING") else State.UNKNOWN)


def _last(history: list[Document], states: tuple[str, ...], name: str = "created_on") -> str:
    return next((moment(h.get(name)) for h in reversed(history) if h.get("state") in states), "")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _safe(text: object, limit: int = 300) -> str:
    return one_line(_REDACTOR.text(str(text)[:20_000]), limit)


def _written(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)[:4000]
    # a value of its own has lost the name beside it that would give it away
    return _REDACTOR.text(f"{name}={text}").partition("=")[2] if isinstance(value, str) else _REDACTOR.text(text)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,9}", text) else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,9}", text) else None


def _bytes(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,12})([KMGT]?)B?", text.strip().upper())
    return int(found[1]) << _MEMORY[found[2]] if found else None


def _seconds(text: str) -> float | None:
    """Slurm's `D-HH:MM:SS`, `HH:MM:SS`, `MM:SS`, `minutes`."""
    found = re.fullmatch(r"(?:(\d{1,4})-)?(\d{1,6})(?::(\d{1,2}))?(?::(\d{1,2}))?", text.strip())
    if not found:
        return None
    days, *clock = found.groups()
    parts = [int(c) for c in clock if c is not None]
    if (days is None and len(parts) == 2) or (days is None and len(parts) == 1):
        parts = [0, *parts]
    parts += [0] * (3 - len(parts))
    return float(int(days or 0) * 86_400 + parts[0] * 3600 + parts[1] * 60 + parts[2])
