"""Which containers did a local engine start during a run, and of which images? Asked over its socket, within one deadline.

Docker Engine API 1.41+: `GET /containers/json`, `/containers/{id}/json` (`Image`: the id it was started from, `Config.Image`: what was
typed), `/events` for those that were removed since (the engine remembers a few hundred). Podman answers the same on its own socket, and more
under `/libpod`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    """A container of the run's time. image: the engine's id of what it was started from; empty: it is removed, and only its name is known.

    manifest: digest of the manifest it was started from, where the engine keeps that (Podman; Docker 28 with the containerd store).
    """

    id: str
    typed: str
    image: str
    at: float
    manifest: str = ""
    now: float = 0.0
    """When it was asked, for one that is removed."""


def ran(socket: str, references: Sequence[Reference], began: float, ended: float, now: float, deadline: float) -> list[RanImage]:
    """Containers of the images that the job names; times in seconds since the epoch, `deadline` of time.monotonic(). Raises NoAnswer."""
    about = store(socket, deadline)
    names = {_name(r): r for r in references}
    found = [*_there(socket, about, began, ended, deadline)]
    known = {c.id for c in found}
    found += (c for c in _removed(socket, about, began, ended, now, deadline) if c.id not in known)
    wanted = [(c, r) for c in found for n, r in names.items() if _meant(parse(c.typed, "docker"), n)]
    return [_ran(socket, about, c, r, deadline) for c, r in wanted[:MAX_CONTAINERS]]


def _ran(socket: str, about: Store, container: Started, reference: Reference, deadline: float) -> RanImage:
    image, why = _image(socket, about, container, reference, deadline)
    short = container.id[:12]
    return RanImage(
        about.engine, "engine", reference.resolved, image, f"container {short} of {about.engine} at unix://{socket}, {why}"
    )


def _image(socket: str, about: Store, container: Started, reference: Reference, deadline: float) -> tuple[ImageFacts, str]:
    asked = container.image or container.typed
    attrs = attributes(socket, about, asked, deadline)
    if attrs is None:
        known = about.only_id(container.image, reference.resolved) if container.image else ImageFacts(reference.resolved)
        return known, f"started from {asked}, which the engine has no more"
    seen = facts_of_image(image_of(reference, attrs, about))
    if container.image:
        seen = replace(seen, manifest=container.manifest or seen.manifest)
        return seen, f"started from image {container.image}"
    if _moved(socket, about, attrs, container, deadline):
        gone = f"removed since, and {container.typed} may have been given to another image after it"
        return ImageFacts(reference.resolved), gone
    return seen, f"removed since; {container.typed} was given to this image before it started"


def _moved(socket: str, about: Store, attrs: Mapping[str, Any], container: Started, deadline: float) -> bool:
    """May the name have been given to this image only after the container started?"""
    if about.engine == "podman":  # it writes every event down
        since = _events(socket, about, container.at, container.now, _filters("image"), deadline)
        return any(at >= container.at and e.get("Action") != "remove" and _about(e, attrs) for at, e in since)
    metadata = attrs.get("Metadata")  # Docker's classic store notes the time
    tagged = str(metadata.get("LastTagTime") or "") if isinstance(metadata, dict) else ""
    return not tagged or tagged.startswith("0001") or when(tagged, float("inf")) >= container.at


def _about(event: Mapping[str, Any], attrs: Mapping[str, Any]) -> bool:
    actor = event.get("Actor")
    return not isinstance(actor, dict) or str(actor.get("ID")).removeprefix("sha256:") in str(attrs.get("Id"))


def _there(socket: str, about: Store, began: float, ended: float, deadline: float) -> Iterator[Started]:
    listed = get(socket, "/containers/json?all=1", deadline)
    made = [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
    inside = [c for c in made if isinstance(c.get("Created"), (int, float)) and began <= c["Created"] <= ended]
    for one in inside[:MAX_CONTAINERS]:
        attrs = get(socket, f"{about.own}/containers/{quote(str(one.get('Id')))}/json", deadline)
        if isinstance(attrs, dict):
            yield _started(attrs, about, float(one["Created"]))


def _started(attrs: Mapping[str, Any], about: Store, created: float) -> Started:
    """Docker's answer, or Podman's own, which has `ImageName` and `ImageDigest`."""
    config, state, described = (attrs.get(n) for n in ("Config", "State", "ImageManifestDescriptor"))
    return Started(
        id=str(attrs.get("Id") or ""),
        typed=str(attrs.get("ImageName") or (config.get("Image") if isinstance(config, dict) else "") or ""),
        image=about.prefixed(str(attrs.get("Image") or "")),
        at=when(str(state.get("StartedAt") or "") if isinstance(state, dict) else "", created),
        manifest=str(attrs.get("ImageDigest") or (described.get("digest") if isinstance(described, dict) else "") or ""),
    )


def _removed(socket: str, about: Store, began: float, ended: float, now: float, deadline: float) -> Iterator[Started]:
    for at, event in _events(socket, about, began, min(ended, now), _filters("container", "start"), deadline):
        actor = event.get("Actor")
        said = actor.get("Attributes") if isinstance(actor, dict) else None
        if isinstance(actor, dict) and isinstance(said, dict) and began <= at <= ended:
            yield Started(str(actor.get("ID") or ""), str(said.get("image") or ""), "", at, now=now)


def _events(
    socket: str, about: Store, since: float, until: float, filters: str, deadline: float
) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Time and event. Docker would wait for what lies in the future; Podman 4 answers nothing where the end lies in the past."""
    if since > until:
        return
    end = f"&until={until:.6f}" if about.engine == "docker" else "&stream=false"
    for event in lines(socket, f"/events?since={int(since)}{end}&filters={filters}", deadline):
        at = event.get("timeNano")
        if isinstance(at, int) and at / 1e9 <= until:
            yield at / 1e9, event


def _filters(kind: str, *events: str) -> str:
    return quote(json.dumps({"type": [kind], **({"event": list(events)} if events else {})}))


def _name(reference: Reference) -> ImageName:
    return ImageName("docker", reference.name, reference.registry, reference.tag, reference.digest)


def _meant(typed: ImageName, named: ImageName) -> bool:
    """Is it the image that the script names? Podman writes `localhost/` before a name without a registry."""
    if typed.registry == "localhost" and not named.registry:
        typed = ImageName("docker", typed.name, "", typed.tag, typed.digest)
    tags = (typed.tag or "latest") == (named.tag or "latest") if not named.digest else typed.digest == named.digest
    return same_name(typed, named) and tags
