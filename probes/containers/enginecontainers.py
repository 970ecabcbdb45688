"""Which containers did a local engine start during a run, and of which images? Asked over its socket, within one deadline.

Docker Engine API 1.41+: `GET /containers/json`, `/containers/{id}/json` (`Image`: the id it was started from, `Config.Image`: what was
typed), `/events` for those that were removed since (the engine remembers a few hundred). Podman answers the same on its own socket, and more
under `/libpod`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from probes.containers import ImageFacts, RanImage, Reference
from probes.containers.cache import same_name, when
from probes.containers.engineimage import Store, attributes, facts_of_image, image_of, store
from probes.containers.enginesocket import get, lines
from probes.containers.image import ImageName, parse

MAX_CONTAINERS = 100


@dataclass(frozen=True)
class Started:
    """A container of the run's time. image: the engine's id of what it was started from; empty: it is removed, and only its name is known."""

    id: str
    typed: str
    image: str
    at: float


def ran(socket: str, engine: str, references: Sequence[Reference], began: float, ended: float, deadline: float) -> list[RanImage]:
    """Containers of the images that the job names. Raises NoAnswer."""
    about = store(socket, deadline)
    names = {_name(r): r for r in references}
    found = [*_there(socket, about, began, ended, deadline)]
    known = {c.id for c in found}
    found += (c for c in _removed(socket, began, ended, deadline) if c.id not in known)
    wanted = [(c, r) for c in found for n, r in names.items() if _meant(parse(c.typed, "docker"), n)]
    return [_ran(socket, about, engine, c, r, deadline) for c, r in wanted[:MAX_CONTAINERS]]


def _ran(socket: str, about: Store, engine: str, container: Started, reference: Reference, deadline: float) -> RanImage:
    image, why = _image(socket, about, container, reference, deadline)
    short = container.id[:12]
    return RanImage(engine, "engine", reference.resolved, image, f"container {short} of {engine} at unix://{socket}, {why}")


def _image(socket: str, about: Store, container: Started, reference: Reference, deadline: float) -> tuple[ImageFacts, str]:
    asked = container.image or container.typed
    attrs = attributes(socket, about, asked, deadline)
    if attrs is None:
        known = about.only_id(container.image, reference.resolved) if container.image else ImageFacts(reference.resolved)
        return known, f"started from {asked}, which the engine has no more"
    if not container.image and not _unmoved(attrs, container.at):
        return ImageFacts(
            reference.resolved
        ), f"removed since, and {container.typed} may have been given to another image after it"
    seen = facts_of_image(image_of(reference, attrs, about))
    return seen, "started from it" if container.image else f"removed since; {container.typed} was given to this image before"


def _unmoved(attrs: Mapping[str, Any], started: float) -> bool:
    """Did the name belong to this image before the container started? (`Metadata.LastTagTime`, kept by Docker's classic store.)"""
    metadata = attrs.get("Metadata")
    tagged = str(metadata.get("LastTagTime") or "") if isinstance(metadata, dict) else ""
    return bool(tagged) and not tagged.startswith("0001") and when(tagged, float("inf")) < started


def _there(socket: str, about: Store, began: float, ended: float, deadline: float) -> Iterator[Started]:
    listed = get(socket, "/containers/json?all=1", deadline)
    made = [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
    inside = [c for c in made if isinstance(c.get("Created"), (int, float)) and began <= c["Created"] <= ended]
    for one in inside[:MAX_CONTAINERS]:
        attrs = get(socket, f"/containers/{quote(str(one.get('Id')))}/json", deadline)
        if isinstance(attrs, dict):
            yield Started(
                id=str(attrs.get("Id") or ""),
                typed=str((attrs.get("Config") or {}).get("Image") or ""),
                image=about.prefixed(str(attrs.get("Image") or "")),
                at=when(str((attrs.get("State") or {}).get("StartedAt") or ""), float(one["Created"])),
            )


def _removed(socket: str, began: float, ended: float, deadline: float) -> Iterator[Started]:
    wanted = quote(json.dumps({"type": ["container"], "event": ["start"]}))
    for event in lines(socket, f"/events?since={int(began)}&until={int(ended)}&filters={wanted}", deadline):
        actor = event.get("Actor")
        said = actor.get("Attributes") if isinstance(actor, dict) else None
        if isinstance(actor, dict) and isinstance(said, dict) and isinstance(event.get("time"), (int, float)):
            yield Started(str(actor.get("ID") or ""), str(said.get("image") or ""), "", float(event["time"]))


def _name(reference: Reference) -> ImageName:
    return ImageName("docker", reference.name, reference.registry, reference.tag, reference.digest)


def _meant(typed: ImageName, named: ImageName) -> bool:
    """Is it the image that the script names? Podman writes `localhost/` before a name without a registry."""
    if typed.registry == "localhost" and not named.registry:
        typed = ImageName("docker", typed.name, "", typed.tag, typed.digest)
    tags = (typed.tag or "latest") == (named.tag or "latest") if not named.digest else typed.digest == named.digest
    return same_name(typed, named) and tags
