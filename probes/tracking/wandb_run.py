"""What do the records of one run of W&B mean? Field numbers of wandb/proto/wandb_internal.proto; values are JSON texts."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from probes.records.lines import one_line
from probes.records.protobuf import Message
from probes.records.times import epoch
from probes.tracking import DataSet, Model, TrackedRun
from probes.tracking.series import Series, whole
from probes.tracking.told import bounded, flat, seeds
from probes.workflows import Digest, Place, State

MAX_ARTIFACTS = 50
_HISTORY, _SUMMARY, _CONFIG, _STATS, _ARTIFACT, _TELEMETRY, _RUN, _EXIT, _USED, _ENVIRONMENT = 2, 3, 5, 7, 8, 11, 17, 18, 25, 26


@dataclass
class Told:
    """A run while its record is read. exit: its code, None where there is no such record."""

    about: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    series: Series = field(default_factory=Series)
    summary: dict[str, Any] = field(default_factory=dict)
    in_history: set[str] = field(default_factory=set)
    system: dict[str, None] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)
    datasets: list[DataSet] = field(default_factory=list)
    slurm: dict[str, str] = field(default_factory=dict)
    started: str = ""
    exit: int | None = None
    gaps: list[str] = field(default_factory=list)


def take(record: Message, told: Told) -> None:
    """Add what one record says."""
    if _HISTORY in record:
        _history(record.message(_HISTORY), told)
    elif _SUMMARY in record:
        told.summary |= _items(record.message(_SUMMARY))
    elif _CONFIG in record:
        told.config |= _items(record.message(_CONFIG))
    elif _STATS in record:
        told.system |= dict.fromkeys(one_line(f"system/{i.text(1)}", 200) for i in record.message(_STATS).messages(3))
    elif _ARTIFACT in record or _USED in record:
        _artifact(record, told)
    elif _TELEMETRY in record:
        _about(told, version=record.message(_TELEMETRY).text(5))
    elif _RUN in record:
        _begun(record.message(_RUN), told)
    elif _ENVIRONMENT in record:
        _environment(record.message(_ENVIRONMENT), told)
    elif _EXIT in record:
        told.exit = record.message(_EXIT).signed(1)


def _items(message: Message) -> dict[str, Any]:
    """Key (1, or the parts of a nested one, 2) -> value (16, JSON)."""
    return {item.text(1) or ".".join(item.texts(2)): _json(item.text(16)) for item in message.messages(1)}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _history(message: Message, told: Told) -> None:
    row = _items(message)
    step = whole(row.get("_step"))
    for name, value in row.items():
        if not name.startswith("_") and isinstance(value, (int, float)) and not isinstance(value, bool):
            told.series.add(name, value, step)
            told.in_history.add(name)


def _about(told: Told, **facts: str) -> None:
    told.about |= {k: one_line(v, 500) for k, v in facts.items() if v}


def _begun(run: Message, told: Told) -> None:
    _about(
        told, id=run.text(1), project=run.text(3), group=run.text(6), job_type=run.text(7), name=run.text(8), sweep=run.text(12)
    )
    _about(told, host=run.text(13), version=run.message(19).text(5), commit=run.message(21).text(2))
    told.config |= _items(run.message(4))
    seconds = run.message(17).number(1)
    told.started = epoch(seconds + run.message(17).number(2) / 1e9) if seconds else told.started


def _environment(seen: Message, told: Told) -> None:
    _about(told, host=seen.text(12), user=seen.text(13), commit=seen.message(9).text(2), source=seen.text(6), root=seen.text(11))
    told.slurm |= {entry.text(1): entry.text(2) for entry in seen.messages(27)}


def _artifact(record: Message, told: Told) -> None:
    used = _USED in record
    one = record.message(_USED if used else _ARTIFACT)
    if len(told.models) + len(told.datasets) >= MAX_ARTIFACTS:
        return
    # of a used one: 1 id, 2 type, 3 name
    kind, name = (one.text(2), one.text(3)) if used else (one.text(4), one.text(5))
    files = list(one.message(12).messages(4))
    size = sum(f.number(4) for f in files) if files else None
    digests = _digests(one.text(6), files)
    if kind == "model":
        path = files[0].text(1) if len(files) == 1 else ""
        told.models.append(
            Model(one_line(name, 200), "used" if used else "made", one_line(path, 500), size=size, digests=digests)
        )
    else:
        role = kind if used else f"{kind} made"
        told.datasets.append(DataSet(one_line(name, 200), role=one_line(role, 60), digests=digests))


def _digests(own: str, files: list[Message]) -> tuple[Digest, ...]:
    """The artefact's own digest goes over the list of its files; with one file there is that one's MD5, in base64."""
    found = (Digest("wandb", one_line(own, 64), "listing"),) if own else ()
    if len(files) != 1:
        return found
    try:
        raw = base64.b64decode(files[0].text(2), validate=True)
    except (binascii.Error, ValueError):
        return found
    return (Digest("md5", raw.hex()), *found) if len(raw) == 16 else found


def tracked(told: Told, folder: str, inner: str, name: str, state: State, proof: str, environment: tuple[str, ...]) -> TrackedRun:
    """inner, name: the run's folder and file; environment: as TrackedRun has it."""
    for key, value in told.summary.items():
        if (
            key not in told.in_history
            and not key.startswith("_")
            and isinstance(value, (int, float))
            and not isinstance(value, bool)
        ):
            told.series.add(key, value)
    parameters = bounded((k, v) for k, v in flat(told.config) if k.split(".")[0] != "_wandb")
    about = told.about
    return TrackedRun(
        system="wandb",
        id=about.get("id", "") or name.removeprefix("run-").removesuffix(".wandb"),
        folder=folder,
        state=state,
        proof=proof,
        version=about.get("version", ""),
        name=about.get("name", ""),
        experiment=about.get("project", ""),
        parent=about.get("sweep", ""),
        started=told.started,
        user=about.get("user", ""),
        host=about.get("host", ""),
        source=about.get("source", ""),
        commit=about.get("commit", ""),
        parameters=parameters,
        metrics=told.series.metrics(),
        system_metrics=tuple(told.system)[:300],
        datasets=tuple(told.datasets),
        models=tuple(told.models),
        seeds=seeds(parameters),
        job_ids=_job_ids(told.slurm),
        tags={f"wandb.{k}": about[k] for k in ("group", "job_type", "sweep") if about.get(k)},
        environment=environment,
        place=Place(f"{inner}/{name}"),
        gaps=tuple(told.gaps[:20]),
    )


def _job_ids(slurm: dict[str, str]) -> tuple[str, ...]:
    """W&B keeps SLURM_* variables, in lower case and without that prefix; of an array's task also the form `812_3`."""
    array, task = slurm.get("array_job_id", ""), slurm.get("array_task_id", "")
    found = (f"{array}_{task}" if array and task else "", slurm.get("job_id", slurm.get("jobid", "")))
    return tuple(dict.fromkeys(v for v in found if v.replace("_", "").isdecimal()))
