"""What does Apptainer itself say: its version, and the labels of each image it can open? Asked through spython."""

from __future__ import annotations

import os
from typing import Any

from auditor.model import Absent, Found, Job, Phase, Probe
from auditor.world import World
from probes.containers import ApptainerRuntime
from probes.containers.scripts import files
from probes.containers.sifformat import NotSif
from probes.containers.sifread import layout

SECONDS = 10.0
METADATA = "inspect-metadata.json"


def collect(world: World, job: Job) -> Found[ApptainerRuntime] | Absent:
    version, command = _version(world)
    if not command:
        return Absent("neither `apptainer` nor `singularity` is on the path")
    inspected: dict[str, dict[str, str]] = {}
    errors: dict[str, str] = {}
    for reference, path in files(world, job):
        if reference.runtime not in ("apptainer", ""):
            continue  # another runtime's, which Apptainer never opens
        try:
            _has_metadata(world, path)
            inspected[path] = _labels(path)
        except (OSError, NotSif, CannotInspect) as error:
            errors[path] = str(error)
    return Found(ApptainerRuntime(version, inspected, errors), f"{command} version" + (", spython inspect" if inspected else ""))


class CannotInspect(Exception):
    """Apptainer, or the way to it, gave no labels; the message says why."""


def _version(world: World) -> tuple[str, str]:
    """What the program prints, and its name; both empty when there is none."""
    for command in ("apptainer", "singularity"):
        if not any(
            world.exists(os.path.join(folder, command)) for folder in world.env.get("PATH", os.defpath).split(":") if folder
        ):
            continue  # told without the cost of starting something
        try:
            ran = world.run(command, "--version", timeout=SECONDS)  # the verb `version` makes a folder in the home
        except FileNotFoundError:
            continue
        return ran.out.strip().rpartition(" ")[2], command
    return "", ""


def _has_metadata(world: World, path: str) -> None:
    """Without this object Apptainer would start a container to look inside, and we start nobody's image."""
    if not any(o.name == METADATA for o in layout(world, path)[1]):
        raise CannotInspect(f"the image has no {METADATA}: not started only to look")


def _labels(path: str) -> dict[str, str]:
    """Through `spython.main.Client.inspect`, which answers an error with a dictionary of another shape, and may exit."""
    from spython.main import Client

    try:
        answer: Any = Client.inspect(path, quiet=True)
    except SystemExit:
        raise CannotInspect("spython looks for a program called `singularity`, and there is none") from None
    if not isinstance(answer, dict) or "attributes" not in answer:
        raise CannotInspect(f"apptainer inspect: {_message(answer)}")
    return {str(name): str(value) for name, value in (answer["attributes"].get("labels") or {}).items()}


def _message(answer: Any) -> str:
    parts = answer.get("message") if isinstance(answer, dict) else None
    return " ".join(str(part).strip() for part in parts)[:500] if isinstance(parts, list) else "no answer"


PROBE = Probe(
    name="apptainer",
    kind=ApptainerRuntime,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="apptainer",
)
