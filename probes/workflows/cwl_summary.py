"""What does a summary of outputs tell of a run of cwltool that kept nothing else? `--write-summary FILE`: the output object, and how it ended, not at all."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.inside import there
from probes.workflows import Digest, File, Place, State, WorkflowRun

MAX_FILES = 20
MAX_BYTES = 4 << 20
MAX_OUTPUTS = 20_000
_DEEPEST = 20


def runs(world: World, folder: str) -> Iterator[WorkflowRun]:
    """One a file that is the output object of a CWL run; other files called a summary are none."""
    for path in world.glob(f"{glob.escape(folder)}/*summary*.json")[:MAX_FILES]:
        name = path.rsplit("/", 1)[-1]
        at = there(world, folder, name)
        if not at or world.stat(at).size > MAX_BYTES:
            continue
        try:
            read = json.loads(world.text(at))
        except (ValueError, RecursionError):
            continue
        found = outputs(read) if isinstance(read, dict) else ()
        if found:
            yield WorkflowRun(
                "cwltool",
                "",
                name,
                folder,
                State.UNKNOWN,
                f"{name} lists outputs; a failed run writes it, too",
                outputs=found,
                places=(Place(name),),
                gaps=("no provenance bundle: steps, times and how they ended are not recorded (--provenance DIR)",),
            )


def outputs(document: Mapping[str, Any]) -> tuple[File, ...]:
    """The files of a CWL output object, wherever in it they are."""
    found: list[File] = []
    waiting: list[tuple[Any, int]] = [(value, 0) for value in document.values()]
    while waiting and len(found) < MAX_OUTPUTS:
        value, depth = waiting.pop(0)
        if isinstance(value, list) and depth < _DEEPEST:
            waiting += [(v, depth + 1) for v in value]
        elif isinstance(value, dict):
            if value.get("class") == "File" and isinstance(value.get("checksum"), str):
                found.append(_file(value))
            if depth < _DEEPEST:
                waiting += [(value[k], depth + 1) for k in ("secondaryFiles", "listing") if isinstance(value.get(k), list)]
    return tuple(found)


def _file(value: Mapping[str, Any]) -> File:
    algorithm, _, digest = value["checksum"].partition("$")
    size = value.get("size")
    path = str(value.get("basename") or value.get("path") or value.get("location", ""))
    known = re.fullmatch("[0-9a-fA-F]{8,128}", digest)
    return File(
        path.removeprefix("file://"),
        "output",
        size if isinstance(size, int) else None,
        (Digest(algorithm, digest.lower()),) if known else (),
    )
