"""What is said of one task of Nextflow's, by whichever of its records says it: asked, used, environments, files?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from probes.records.lines import one_line
from probes.workflows import Asked, Environment, File, Place, Used
from probes.workflows.nextflow_files import units
from probes.workflows.nextflow_files.lineage import Entry, Lineage, digest, head, sources
from probes.workflows.nextflow_files.log import Told
from probes.workflows.nextflow_files.taskdir import TaskDir

_SUBMIT = {
    "-c": "cpus",
    "--cpus-per-task": "cpus",
    "-p": "partition",
    "--partition": "partition",
    "--mem": "memory",
    "-t": "time",
}


@dataclass
class Piece:
    """All that is known of one task of Nextflow's (one try); each part may be missing."""

    key: str
    told: Told | None = None
    row: Mapping[str, str] = field(default_factory=dict)
    row_place: Place | None = None
    directory: TaskDir | None = None
    entry: Entry | None = None

    @property
    def name(self) -> str:
        entry = str(self.entry.spec.get("name") or "") if self.entry else ""
        called = (
            self.row.get("name")
            or (self.told.name if self.told else "")
            or (self.directory.name if self.directory else "")
            or entry
        )
        process, tag = self.row.get("process", ""), self.row.get("tag", "-")
        return one_line(called or (f"{process} ({tag})" if process and tag not in ("-", "") else process)) or "(not told)"

    @property
    def ran(self) -> bool:
        """Did it begin? A wrapper alone is a plan."""
        status = self.row.get("status") or (self.told.status if self.told else "")
        there = self.directory
        return status in ("COMPLETED", "FAILED", "CACHED") or (there is not None and (there.began or there.exit_code is not None))

    @property
    def order(self) -> tuple[int, str]:
        number = self.row.get("task_id") or (self.told.number if self.told else "")
        return (int(number) if number.isdecimal() and len(number) < 10 else 1 << 40, self.told.submitted if self.told else "")


def asked(piece: Piece) -> Asked:
    """Columns of the trace where they were asked for; else the options for Slurm of the wrapper."""
    row = piece.row
    given: dict[str, str] = {}
    for option in piece.directory.options if piece.directory else ():
        key, _, value = option.replace("=", " ", 1).partition(" ")
        given[_SUBMIT.get(key, key)] = value.strip()
    plain = {
        k: one_line(v) for k, v in given.items() if k not in ("-J", "-o", "--no-requeue", "--signal", "-D", *_SUBMIT.values())
    }
    minutes = given.get("time", "")
    return Asked(
        cpus=units.number(row.get("cpus", "") or given.get("cpus", "")),
        gpus=units.number(row.get("accelerator", "")),
        memory=units.size(row.get("memory", "") or given.get("memory", "")),
        disk=units.size(row.get("disk", "")),
        seconds=units.seconds(row.get("time", "")) if row.get("time") else _clock(minutes),
        partition=row.get("queue", "").strip("-") or given.get("partition", ""),
        other=plain | ({"accelerator_type": kind} if (kind := row.get("accelerator_type", "-")) not in ("-", "") else {}),
    )


def _clock(text: str) -> float | None:
    """`01:30:00` of `-t`."""
    found = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d)", text)
    return int(found[1]) * 3600.0 + int(found[2]) * 60 + int(found[3]) if found else None


def used(piece: Piece) -> Used:
    """The trace's columns; a column that was not asked for is filled from the work directory. cpu_seconds: `%cpu` of `realtime`."""
    row = piece.row
    seconds = units.seconds(row.get("realtime", ""))
    share = units.percent(row.get("%cpu", ""))
    there = piece.directory.used if piece.directory else Used()
    if not row or (seconds is None and there.seconds is not None):
        return there
    read, written = units.size(row.get("rchar", "")), units.size(row.get("wchar", ""))
    cpu = seconds * share / 100 if seconds is not None and share is not None else None
    memory = units.size(row.get("peak_rss", "")) if "peak_rss" in row else units.size(row.get("rss", ""))
    calls, writes = units.whole(row.get("syscr", "")), units.whole(row.get("syscw", ""))
    return Used(
        seconds=seconds,
        cpu_seconds=cpu if cpu is not None else there.cpu_seconds,
        memory=memory if memory is not None else there.memory,
        read=read if read is not None else there.read,
        written=written if written is not None else there.written,
        read_calls=calls if calls is not None else there.read_calls,
        write_calls=writes if writes is not None else there.write_calls,
        place=piece.row_place,
    )


def environments(piece: Piece) -> Iterator[Environment]:
    """A container is enacted where the wrapper names it; where the wrapper describes itself and names none, it was refused."""
    entry = piece.entry.spec if piece.entry else {}
    wrapper = Place(f"{piece.directory.path}/.command.run", "### container") if piece.directory else None
    enacted = piece.directory.container if piece.directory and piece.ran else ""
    declared = {
        name: place
        for name, place in (
            (piece.row.get("container", "").strip("-"), piece.row_place),
            (str(entry.get("container") or ""), Place(piece.entry.path, "$.spec.container") if piece.entry else None),
        )
        if name
    }
    for name in dict.fromkeys((*declared, *([enacted] if enacted else ()))):
        pinned = re.search(r"@(sha256|sha512):([0-9a-f]{64,128})$", name)
        yield Environment(
            "container",
            name,
            declared=declared.get(name),
            enacted=wrapper if name == enacted else None,
            refused=wrapper if piece.directory and piece.directory.described and not piece.directory.container else None,
            digests=digest({"algorithm": pinned[1], "value": pinned[2], "mode": "content"}) if pinned else (),
        )
    yield from _activated(piece, entry)


def _activated(piece: Piece, entry: Mapping[str, object]) -> Iterator[Environment]:
    """Conda, spack and modules: declared by the lineage or the trace, enacted where the wrapper of a task that ran activates them."""
    wrapper = Place(f"{piece.directory.path}/.command.run") if piece.directory else None
    recorded = Place(piece.entry.path, "$.spec") if piece.entry else None
    declared = {
        (kind, one_line(str(entry[kind])).removeprefix("file://")): recorded for kind in ("conda", "spack") if entry.get(kind)
    }
    if module := piece.row.get("module", "").strip("-"):
        declared["module", module] = piece.row_place
    enacted = piece.directory.activated if piece.directory and piece.ran else ()
    for kind, name in dict.fromkeys((*declared, *enacted)):
        yield Environment(kind, name, declared=declared.get((kind, name)), enacted=wrapper if (kind, name) in enacted else None)


def files_of(lineage: Lineage, piece: Piece) -> Iterator[File]:
    """Inputs: where the wrapper's links were to lead, else what the lineage names. Outputs: of the lineage with size, else by name."""
    if piece.directory and piece.directory.inputs:
        yield from (File(source, "input") for source, _ in piece.directory.inputs)
    elif piece.entry:
        yield from (File(_plain(source), "input") for source in sources(piece.entry.spec.get("input")))
    made = lineage.files.get(piece.key, ())
    for entry in made:
        size = entry.spec.get("size")
        path = str(entry.spec.get("path") or "").removeprefix("file://")
        yield File(path, "output", size if isinstance(size, int) else None, digest(entry.spec.get("checksum")))
    if not made and piece.directory:
        yield from (File(f"{piece.directory.path}/{name}", "output") for name in piece.directory.outputs)


def _plain(source: str) -> str:
    """`lid://2d8bd9.../x` → `work/2d/8bd9.../x`, as the file lies."""
    if not source.startswith("lid://"):
        return source.removeprefix("file://")
    lid, _, rest = source.removeprefix("lid://").partition("/")
    return f"work/{lid[:2]}/{lid[2:]}/{rest}" if rest else f"work/{head(source)}"
