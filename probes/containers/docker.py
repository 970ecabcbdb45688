"""What does the local engine know of the images the job names? Asked through docker-py; Docker and Podman told apart.

Digests as OCI defines them (image-spec: config.md for DiffIDs and ChainID); what an image id is the digest of depends on the store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from auditor.model import Absent, Found, Job, Phase, Probe
from auditor.world import World
from probes.containers import EngineImage, EngineImages, Reference
from probes.containers.engineimage import attributes, image_of, store, with_content
from probes.containers.enginesocket import NoAnswer, sockets
from probes.containers.scripts import named

SECONDS = 5.0
_ENGINES = ("docker", "podman")


def collect(world: World, job: Job) -> Found[EngineImages] | Absent:
    asked = [r for r in named(world, job) if r.runtime in _ENGINES and r.transport == "docker" and r.resolved]
    if not asked:
        return Absent("no image of a Docker or Podman engine is named")
    images: list[EngineImage] = []
    sources, reasons, silent = [], [], []
    for engine in _ENGINES:
        names = {r.resolved: r for r in asked if r.runtime == engine}
        path = next((p for p in sockets(world.env, engine) if world.exists(p)), "") if names else ""
        if names and not path:
            reasons.append(f"no socket of a local {engine} engine")
        if path:
            try:
                found, missing = ask(world, path, tuple(names.values()))
            except NoAnswer as error:
                silent.append(f"{engine}, given {SECONDS:g} s: {error}")
                continue
            images += found
            reasons += missing
            sources.append(f"unix://{path}")
    if images:
        return Found(EngineImages(tuple(images)), "; ".join((*sources, *reasons, *silent)))
    if silent:
        raise NoAnswer("; ".join((*silent, *reasons)))
    return Absent("; ".join(reasons))


def ask(
    world: World, socket: str, references: Sequence[Reference], seconds: float = SECONDS
) -> tuple[list[EngineImage], list[str]]:
    """The images this engine has, and for the others why not. Raises NoAnswer: a silent engine costs one time-out."""
    deadline = time.monotonic() + seconds
    about = store(socket, deadline)  # before docker-py is loaded, which nobody needs for an engine that is not there
    import docker
    from docker.errors import APIError, DockerException, ImageNotFound

    # an explicit address: docker-py's default follows the command line's context, which may be another machine
    client = docker.DockerClient(base_url=f"unix://{socket}", version="auto", timeout=seconds)
    try:
        found, missing = [], []
        for reference in references:
            try:
                attrs = client.images.get(reference.resolved).attrs
                if (about.engine, about.kind) != ("docker", "classic"):  # these can say more than docker-py asks for
                    attrs = {**attrs, **(attributes(socket, about, reference.resolved, deadline) or {})}
                found.append(with_content(world, image_of(reference, attrs, about), about))
            except (ImageNotFound, APIError) as error:
                missing.append(f"{reference.resolved}: {error.explanation or error}")
        return found, missing
    except (DockerException, OSError) as error:
        raise NoAnswer(str(error)) from error
    finally:
        client.close()


PROBE = Probe(
    name="docker",
    kind=EngineImages,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="the local engine",
)
