"""What does the local engine know of the images the job names? Asked through docker-py; Docker and Podman told apart.

Digests as OCI defines them (image-spec: config.md for DiffIDs and ChainID). An image's Id is the digest of its configuration only in the
classic store; the containerd store answers with the manifest's or index's digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditor.model import Absent, Found, Job, Phase, Probe
from auditor.world import World
from probes.containers import EngineImage, EngineImages, Reference
from probes.containers.enginesocket import sockets
from probes.containers.scripts import named

SECONDS = 5
_ENGINES = ("docker", "podman")


def collect(world: World, job: Job) -> Found[EngineImages] | Absent:
    asked = [r for r in named(world, job) if r.runtime in _ENGINES and r.transport == "docker" and r.resolved]
    if not asked:
        return Absent("no image of a Docker or Podman engine is named")
    images: dict[tuple[str, str], EngineImage] = {}
    sources: list[str] = []
    reasons: list[str] = []
    for engine in _ENGINES:
        names = {r.resolved: r for r in asked if r.runtime == engine}
        path = next((p for p in sockets(world.env, engine) if world.exists(p)), "") if names else ""
        if names and not path:
            reasons.append(f"no socket of a local {engine} engine")
        if path:
            found, missing = ask(path, tuple(names.values()))
            images |= {(engine, image.reference): image for image in found}
            reasons += missing
            sources.append(f"unix://{path}")
    if images:
        return Found(EngineImages(tuple(images.values())), "; ".join((*sources, *reasons)))
    return Absent("; ".join(reasons))


def ask(socket: str, references: Sequence[Reference]) -> tuple[list[EngineImage], list[str]]:
    """The images this engine has, and for the others why not. Raises docker.errors.DockerException when it gives no answer."""
    import docker
    from docker.errors import APIError, ImageNotFound

    # an explicit address: docker-py's default follows the command line's context, which may be another machine
    client = docker.DockerClient(base_url=f"unix://{socket}", version="auto", timeout=SECONDS)
    try:
        version, info = client.version(), client.info()
        found, missing = [], []
        for reference in references:
            try:
                found.append(image_of(reference, client.images.get(reference.resolved).attrs, version, info))
            except (ImageNotFound, APIError) as error:
                missing.append(f"{reference.resolved}: {error.explanation or error}")
        return found, missing
    finally:
        client.close()


def image_of(reference: Reference, attrs: Mapping[str, Any], version: Mapping[str, Any], info: Mapping[str, Any]) -> EngineImage:
    """The engine's answers (`/images/{name}/json`, `/version`, `/info`) as ours."""
    image_id = str(attrs.get("Id") or "")
    containerd = ["driver-type", "io.containerd.snapshotter.v1"] in (info.get("DriverStatus") or [])
    image_id = image_id if not image_id or ":" in image_id else f"sha256:{image_id}"  # Podman leaves the prefix out
    engine = _engine(version)
    diff_ids = tuple(str(layer) for layer in (attrs.get("RootFS") or {}).get("Layers") or ())
    repo_digests = tuple(str(digest) for digest in attrs.get("RepoDigests") or ())
    return EngineImage(
        reference=reference.resolved,
        engine=engine,
        engine_version=str(version.get("Version") or ""),
        store="containerd" if containerd else "classic",
        image_id=image_id,
        config_digest="" if containerd else image_id,
        manifest_digest=image_id if containerd else _manifest(reference, repo_digests),
        repo_digests=repo_digests,
        diff_ids=diff_ids,
        chain_id=chain_id(diff_ids),
        os=str(attrs.get("Os") or ""),
        architecture=str(attrs.get("Architecture") or ""),
        created=str(attrs.get("Created") or ""),
        labels={str(k): str(v) for k, v in ((attrs.get("Config") or {}).get("Labels") or {}).items()},
        # a classic Docker store notes a digest when it pushes or pulls; Podman and containerd make one up
        pullable="no" if engine == "docker" and not containerd and not repo_digests else "unknown",
    )


def chain_id(diff_ids: Sequence[str]) -> str:
    """OCI image-spec, config.md, "Layer ChainID"; empty for an image without layers."""
    chain = ""
    for diff_id in diff_ids:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
    return chain


def _engine(version: Mapping[str, Any]) -> str:
    names = [str(part.get("Name") or "") for part in version.get("Components") or ()]
    return "podman" if any("Podman" in name for name in names) else "docker"


def _manifest(reference: Reference, repo_digests: Sequence[str]) -> str:
    """The digest noted for the very repository the script names; an image may carry many."""
    wanted = set(_spellings(reference))
    return next((digest for repo, _, digest in (one.partition("@") for one in repo_digests) if repo in wanted), reference.digest)


def _spellings(reference: Reference) -> Iterator[str]:
    name = reference.name
    if reference.registry in {"", "docker.io", "index.docker.io"}:
        yield from (name, name.removeprefix("library/"), f"docker.io/{name}", f"docker.io/library/{name}")
    else:
        yield f"{reference.registry}/{name}"


PROBE = Probe(
    name="docker",
    kind=EngineImages,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="the local engine",
)
