"""What did pegasus-kickstart see of one try of a job? `NAME.out.NNN`: YAML of one or more invocations, with other programs' lines around it.

https://pegasus.isi.edu/documentation/manpages/pegasus-kickstart.html. Values such as `0o100644` and unquoted times stay text (BaseLoader).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.world import World
from probes.records import times, yamlfile
from probes.records.lines import one_line

MAX_BYTES = 2 << 20
_BLOCK = 512
"""Bytes of one of getrusage's blocks, as Linux counts them."""


@dataclass(frozen=True)
class Made:
    """A file as kickstart saw it after the job. lfn: its logical name."""

    lfn: str
    size: int | None
    sha256: str
    output: bool


@dataclass
class Invocation:
    """Sums over the invocations of one try; code: of the first that failed, else 0. memory in bytes; slurm: the job number, where there was one."""

    transformation: str = ""
    started: str = ""
    host: str = ""
    code: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: int | None = None
    read: int | None = None
    written: int | None = None
    slurm: str = ""
    command: str = ""
    stderr: str = ""
    count: int = 0
    files: list[Made] = field(default_factory=list)


def read(world: World, path: str) -> Invocation:
    """Raises NotYaml, OSError (TooBig among them)."""
    return parse(world.text(path, MAX_BYTES))


def parse(text: str) -> Invocation:
    """Raises NotYaml where there is an invocation that is no YAML."""
    told = Invocation()
    for part in _parts(text):
        read = yamlfile.load(part, texts=True)
        for item in read if isinstance(read, list) else ():
            if isinstance(item, dict) and "mainjob" in item:
                _add(told, item)
    return told


def _parts(text: str) -> list[str]:
    """The invocations of the file: each begins with `- invocation:` and goes on as long as its lines are indented."""
    found: list[str] = []
    for start in re.finditer(r"^- invocation:", text, re.MULTILINE):
        end = re.compile(r"^[^\s].*$", re.MULTILINE).search(text, start.end())
        found.append(text[start.start() : end.start() if end else len(text)])
        if len(found) >= 1000:
            break
    return found


def _add(told: Invocation, item: Mapping[str, Any]) -> None:
    main, usage = _map(item, "mainjob"), _map(_map(item, "mainjob"), "usage")
    told.count += 1
    told.transformation = told.transformation or _text(item, "transformation")
    told.host = told.host or _text(item, "hostname")
    told.started = told.started or times.local(_text(main, "start") or _text(item, "start"), None)
    told.seconds = _sum(told.seconds, _number(main, "duration"))
    cpu = [n for n in (_number(usage, "utime"), _number(usage, "stime")) if n is not None]
    told.cpu_seconds = _sum(told.cpu_seconds, sum(cpu) if cpu else None)
    kib = _number(usage, "maxrss")
    told.memory = max(told.memory or 0, int(kib * 1024)) if kib else told.memory
    told.read = _blocks(told.read, _number(usage, "inblock"))
    told.written = _blocks(told.written, _number(usage, "outblock"))
    code = _code(_map(main, "status"))
    told.code = code if told.code in {None, 0} and code is not None else told.code
    environment = _map(item, "environment")
    told.slurm = told.slurm or next((_text(environment, k) for k in ("SLURM_JOB_ID", "SLURM_JOBID") if environment.get(k)), "")
    arguments = main.get("argument_vector")
    words = (
        [_text(_map(main, "executable"), "file_name"), *(str(a) for a in arguments if isinstance(a, str))]
        if isinstance(arguments, list)
        else []
    )
    told.command = told.command or one_line(" ".join(words), 2000)
    files = _map(item, "files")
    told.stderr = told.stderr or one_line(str(_map(files, "stderr").get("data", "")), 300)
    for lfn, about in files.items():
        if isinstance(about, dict) and "lfn" in about and len(told.files) < 10_000:
            size = _number(about, "size")
            told.files.append(
                Made(
                    one_line(str(lfn), 1000),
                    int(size) if size is not None else None,
                    _sha256(about),
                    _text(about, "output") == "True",
                )
            )


def _code(status: Mapping[str, Any]) -> int | None:
    """Exit code, or the signal as a negative number; 127 for a program that could not be started."""
    if (code := _number(status, "regular_exitcode")) is not None:
        return int(code)
    for key in ("signalled", "signalled_signal", "corefile_signal"):
        if (signal := _number(status, key)) is not None:
            return -int(signal)
    return 127 if status.get("failure_error") or status.get("failed") else None


def _sha256(about: Mapping[str, Any]) -> str:
    value = _text(about, "sha256")
    return value if re.fullmatch("[0-9a-f]{64}", value) else ""


def _blocks(before: int | None, blocks: float | None) -> int | None:
    return before if blocks is None else (before or 0) + int(blocks) * _BLOCK


def _sum(before: float | None, more: float | None) -> float | None:
    return before if more is None else round((before or 0.0) + more, 6)


def _map(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return one_line(value, 1000) if isinstance(value, str) and value != "null" else ""


def _number(holder: Mapping[str, Any], key: str) -> float | None:
    try:
        value = float(_text(holder, key))
    except ValueError:
        return None
    return value if -1e15 < value < 1e15 else None
