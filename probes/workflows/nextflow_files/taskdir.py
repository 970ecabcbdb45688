"""What does the work directory of a task tell? Its wrapper, its exit code, its own measurements. Nothing in it is run, and no link is followed.

`.command.run` begins with `#SBATCH` lines and a block of `### ` comments between `### ---` and `### ...` (BashWrapperBuilder.getTaskMetadata): the container
is there only if an engine was enabled, so there it is enacted. `.command.trace`: `nextflow.trace/v2`, then `key=value` in ms, KB, bytes and tenths of percent.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.world import World
from probes.records.inside import there
from probes.records.within import below
from probes.workflows import Place, Used
from probes.workflows.nextflow_files.units import number

HEAD = 256 << 10
_OPTION = re.compile(r"#SBATCH +(.{1,500})")
_LINKED = re.compile(r"\s*ln -s (?:'([^'\n]{1,4096})'|(\S{1,4096})) (?:'([^'\n]{1,4096})'|(\S{1,4096}))\s*")
_ACTIVATES = (
    ("conda", re.compile(r"# conda environment\n.{0,200} ([^\s\n]{1,1000})\n")),
    ("spack", re.compile(r"\bspack env activate -d ([^\s\n]{1,1000})\n")),
    ("module", re.compile(r"^nxf_module_load (\S{1,200}(?: \S{1,200})?)$", re.MULTILINE)),
)
_QUOTED = re.compile(r"'?(.*?)'?")


@dataclass(frozen=True)
class TaskDir:
    """path: in the run's folder. described: the block of comments is there (Nextflow >= 23.09). inputs: (where a link was to lead, its name)."""

    path: str
    described: bool = False
    name: str = ""
    container: str = ""
    outputs: tuple[str, ...] = ()
    array: tuple[str, ...] = ()
    """Work directories of the tasks of an array, where this is the array's own one."""
    options: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    activated: tuple[tuple[str, str], ...] = ()
    """(kind, name) of conda, spack and module environments that the wrapper activates (getCondaActivateSnippet and its like)."""
    exit_code: int | None = None
    used: Used = field(default_factory=Used)
    command: str = ""
    began: bool = False


def find(world: World, folder: str, work: str, key: str) -> str | None:
    """The directory of `d4/783af2` below `work` (in the run's folder). Raises Outside where it is a link."""
    found = world.glob(f"{glob.escape(os.path.join(folder, work, key))}*")
    return below(world, folder, found[0]) if found else None


def taskdir(world: World, folder: str, path: str) -> TaskDir:
    """What is there of it; a file that is missing leaves its facts empty."""
    name = os.path.relpath(path, folder)
    wrapper = _text(world, folder, f"{name}/.command.run")
    block = "### ---" in wrapper
    values, lists = _head(wrapper) if block else ({}, {})
    return TaskDir(
        path=name,
        described=block,
        name=values.get("name", ""),
        container=values.get("container", ""),
        outputs=tuple(lists.get("outputs", ())),
        array=tuple(lists.get("work-dirs", ())),
        options=tuple(_OPTION.findall(wrapper)),
        inputs=tuple(
            (a or b, c or d) for line in wrapper.splitlines() if (m := _LINKED.fullmatch(line)) for a, b, c, d in [m.groups()]
        ),
        activated=tuple(
            (kind, _unquoted(name).replace(" ", "/")) for kind, form in _ACTIVATES for name in form.findall(wrapper)[:100]
        ),
        exit_code=_exit(_text(world, folder, f"{name}/.exitcode")),
        used=_used(_text(world, folder, f"{name}/.command.trace"), f"{name}/.command.trace"),
        command=_text(world, folder, f"{name}/.command.sh", 64 << 10),
        began=bool(there(world, folder, f"{name}/.command.begin")),
    )


def _head(wrapper: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Of the comments: single values, lists. The text between the marks is YAML of one fixed form, read as such."""
    block = wrapper.split("### ---", 1)[1].split("### ...", 1)[0]
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {"outputs": [], "work-dirs": []}
    inner = ""
    for raw in block.splitlines():
        line = raw.removeprefix("###").strip()
        key, _, value = line.partition(":")
        if line.startswith("- ") and inner in lists:
            lists[inner].append(_unquoted(line[2:]))
        elif key in ("name", "container") and value.strip():
            values[key] = _unquoted(value.strip())
        else:
            inner = key
    return values, lists


def _unquoted(text: str) -> str:
    found = _QUOTED.fullmatch(text)
    return found[1] if found else text


def _exit(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,3}", text.strip()) else None


def _used(text: str, path: str) -> Used:
    if not text.startswith("nextflow.trace/v2"):
        return Used()
    told: Mapping[str, float] = {
        k: n for line in text.splitlines()[1:200] for k, sep, v in (line.partition("="),) if sep and (n := number(v)) is not None
    }
    seconds = told["realtime"] / 1000 if "realtime" in told else None
    share = told["%cpu"] / 1000 if "%cpu" in told else None
    return Used(
        seconds=seconds,
        cpu_seconds=seconds * share if seconds is not None and share is not None else None,
        memory=int(told["peak_rss"] * 1024) if "peak_rss" in told else None,
        read=_whole(told.get("rchar")),
        written=_whole(told.get("wchar")),
        read_calls=_whole(told.get("syscr")),
        write_calls=_whole(told.get("syscw")),
        place=Place(path),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _text(world: World, folder: str, path: str, limit: int = HEAD) -> str:
    at = there(world, folder, path)
    return world.span(at, 0, limit).decode("utf-8", "replace") if at else ""
