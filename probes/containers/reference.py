"""Which image does a hit in a command line name? Words and settings in, a `Reference` out; what depends on the run is named."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import replace

from probes.containers import Reference, image
from probes.containers.asked import INPUTS
from probes.containers.doors import doors
from probes.containers.hit import Hit
from probes.script.command import Command

_AS_IS = frozenset({"instance", "directory", "file", "recipe"})
_PATTERN = re.compile(r"[*?]|\[[^\]]+\]")
_PATHS = frozenset({"file", "directory", "docker-archive", "oci", "recipe"})


def settings(environment: Mapping[str, str], command: Command | None = None) -> dict[str, str]:
    """The variables that runtimes read, as they stand at this command; one that a branch may set otherwise is left out."""
    known = environment_at(environment, command) if command else environment
    return {name: value for name, value in known.items() if INPUTS.match(name)}


def environment_at(environment: Mapping[str, str], command: Command) -> dict[str, str]:
    """What this command is handed: the job's variables, less or with what the script exported or set for it alone."""
    found = dict(environment)
    for name, values in command.exports.items():
        found.pop(name, None)
        if len(values) == 1 and values[0] is not None:
            found[name] = values[0]
    return found | dict(command.environment)


def of_hit(
    hit: Hit, line: int, folder: str | None = None, workdir: str = "", inputs: Mapping[str, str] | None = None
) -> Reference:
    """folder: where the command runs, empty when only the run knows; None: where the job starts."""
    value, missing = hit.word.text, hit.word.missing
    found = _parsed(hit, value)
    transport = hit.transport or found.transport
    if transport in _PATHS and folder is not None and folder != workdir and _relative(value) and not missing:
        if folder:
            value = os.path.normpath(os.path.join(folder, value))
            found = _parsed(hit, value)
        else:
            missing = ("the folder it runs in",)
    if transport in _PATHS and not missing and _PATTERN.search(value):  # as a loop over files hands them on
        missing = (f"the files that {value} finds",)
    reference = Reference(
        runtime=hit.runtime,
        text=_written(hit),
        resolved="" if missing else value,
        transport=transport,
        registry=found.registry,
        name=found.name,
        tag=found.tag,
        digest=found.digest,
        line=line,
        unresolved=missing,
        options=hit.kept,
        action=hit.action,
    )
    return replace(reference, doors=doors(reference, inputs or {})) if hit.action == "run" else reference


def _parsed(hit: Hit, value: str) -> image.ImageName:
    if hit.transport in _AS_IS:
        return image.ImageName(hit.transport, value.removeprefix("instance://"))
    if hit.transport and "://" not in value:
        return replace(image.parse(f"{hit.transport}://{value}", "apptainer"), transport=hit.transport)
    return image.parse(value, hit.runtime)


def _relative(value: str) -> bool:
    return not value.startswith(("/", "~")) and "://" not in value


def _written(hit: Hit) -> str:
    raw = hit.word.raw
    if "$" not in raw and "`" not in raw:
        return hit.word.text
    return raw if "$(" in raw or "`" in raw else raw.replace('"', "").replace("'", "")
