"""Which numbers did a program write for TensorBoard here? Scalars and hyperparameters of event files (tensorboard/compat/proto/event.proto).

Event: 1 time, 2 step, 5 summary { 1 value { 1 tag, 2 number, 8 tensor, 9 metadata } }. The hparams plug-in: tensorboard/plugins/hparams/*.proto.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.world import World
from probes.records.lines import one_line
from probes.records.protobuf import Malformed, Message
from probes.records.tfrecord import Ended, records
from probes.records.times import epoch
from probes.tracking import Reader, TrackedRun
from probes.tracking.listed import files
from probes.tracking.series import Series
from probes.tracking.told import bounded, seeds
from probes.workflows import Place, State, Unreadable

MARK = "events.out.tfevents.*"
MAX_FILES = 200
MAX_BYTES = 64 << 20
"""Of all files of one run together: a million numbers."""
_NAME = re.compile(r"events\.out\.tfevents\.(\d{9,11})\.(.+)")
_STATUS = {1: (State.SUCCEEDED, "SUCCESS"), 2: (State.FAILED, "FAILURE"), 3: (State.RUNNING, "RUNNING")}


@dataclass
class Written:
    """What event files hold, while they are read."""

    series: Series = field(default_factory=Series)
    hyperparameters: dict[str, str] = field(default_factory=dict)
    status: int = 0
    started: float | None = None
    ended: float | None = None
    events: int = 0
    gaps: list[str] = field(default_factory=list)


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """The run that wrote into this folder. Another tracker's folder (Lightning, Ray Tune) is read by its own reader. Raises Unreadable."""
    names = files(folder)
    if {"hparams.yaml", "result.json"} & set(names):
        return
    events = [n for n in names if _NAME.fullmatch(n) and not n.endswith(".profile-empty")]
    if not events:
        return
    written = of_files(world, folder, events)
    if not written.events and written.gaps:
        raise Unreadable("; ".join(written.gaps[:3]))
    yield _run(folder, events, written)


def of_files(world: World, folder: str, names: list[str]) -> Written:
    """All event files of one run, oldest first: a program that goes on from a checkpoint begins another."""
    written, left = Written(), MAX_BYTES
    for name in names[:MAX_FILES]:
        try:
            _read(world, f"{folder}/{name}", name, left, written)
            left -= world.stat(f"{folder}/{name}").size
        except OSError as error:
            written.gaps.append(f"{name}: {error.strerror or error}")
        if left <= 0:
            written.gaps.append(f"only the first {MAX_BYTES} bytes were read")
            break
    if len(names) > MAX_FILES:
        written.gaps.append(f"{len(names) - MAX_FILES} more event files")
    return written


def _read(world: World, path: str, name: str, limit: int, written: Written) -> None:
    for record in records(world, path, limit):
        if isinstance(record, Ended):
            written.gaps += [f"{name}: {record.why}"] if record.why else []
            return
        try:
            _event(Message(record), written)
            written.events += 1
        except (Malformed, struct.error):
            written.gaps.append(f"{name}: a record is no event")
            return


def _event(event: Message, written: Written) -> None:
    step = event.signed(2)
    for value in event.message(5).messages(1):
        tag = value.text(1)
        if value.message(9).message(1).text(1) == "hparams":
            _hyperparameters(value.message(9).message(1).message(2), written)
        elif 2 in value:
            written.series.add(tag, value.double(2), step)
        elif 8 in value and (number := _scalar(value.message(8))) is not None:
            written.series.add(tag, number, step)


def _scalar(tensor: Message) -> float | None:
    """A tensor without dimensions, of float (type 1) or double (2): TensorFlow 2 writes scalars so."""
    if tensor.message(2).raw(2) or tensor.number(1) not in {1, 2}:
        return None
    raw = tensor.raw(4) or tensor.raw(5) or tensor.raw(6)
    form = {4: "<f", 8: "<d"}.get(len(raw))
    return float(struct.unpack(form, raw)[0]) if form else None


def _hyperparameters(plugin: Message, written: Written) -> None:
    """3: session start { 1 map of name to value, 5 start }; 4: session end { 1 status, 2 end }."""
    start, end = plugin.message(3), plugin.message(4)
    written.started = start.double(5) or written.started
    for entry in start.messages(1):
        value = entry.message(2)
        text = value.text(3) if 3 in value else str(bool(value.number(4))).lower() if 4 in value else f"{value.double(2):g}"
        written.hyperparameters[entry.text(1)] = text
    written.status, written.ended = end.number(1) or written.status, end.double(2) or written.ended


def _run(folder: str, events: list[str], written: Written) -> TrackedRun:
    named = _NAME.fullmatch(events[0])
    state, word = _STATUS.get(written.status, (State.UNKNOWN, ""))
    parameters = bounded(written.hyperparameters)
    host = re.sub(r"(\.\d+){1,2}(\.v2)?$", "", named[2]) if named else ""
    return TrackedRun(
        system="tensorboard",
        id=one_line(events[0], 200),
        folder=folder,
        state=state,
        proof=f"the session's status is {word}" if word else "TensorBoard's files keep no exit status",
        name=one_line(os.path.basename(folder), 200),
        started=epoch(written.started) or (epoch(named[1]) if named else ""),
        ended=epoch(written.ended),
        host=one_line(host, 100),
        parameters=parameters,
        metrics=written.series.metrics(),
        seeds=seeds(parameters),
        place=Place(events[0]),
        gaps=tuple(written.gaps[:20]),
    )


READER = Reader("tensorboard", (MARK,), read)
