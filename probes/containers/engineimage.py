"""What do an engine's answers about an image mean: which of its digests are known, and of what? Pure, but for asking which store it has.

Docker's classic store and Podman name an image by its configuration's digest. Docker's containerd store (the default from 29 on) by the
digest of whatever the name points to, a manifest or an index; from 28 on `Descriptor` says which (Engine API 1.48).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditor.world import World
from probes.containers import EngineImage, ImageFacts, Reference
from probes.containers.enginesocket import NoAnswer, get, path_part
from probes.containers.oci import DIGEST, INDEXES, MANIFESTS, MAX_JSON, BadImage, chain_id, checked, facts_of, settings

_CONTENT = "io.containerd.content.v1.content/blobs/sha256"
_SNAPSHOTTER = ["driver-type", "io.containerd.snapshotter.v1"]


@dataclass(frozen=True)
class Store:
    """How an engine names images. kind: `classic` (id = configuration) or `containerd` (id = manifest or index).

    own: where Podman's own API begins, which knows more than the one it shares with Docker. root: the folder of Docker's data.
    """

    engine: str
    version: str
    kind: str
    own: str = ""
    root: str = ""

    def prefixed(self, digest: str) -> str:
        """Podman leaves `sha256:` out."""
        return digest if not digest or ":" in digest else f"sha256:{digest}"

    def only_id(self, image_id: str, reference: str) -> ImageFacts:
        """What the id alone says."""
        if self.kind == "classic":
            return ImageFacts(reference, config=image_id, source=f"{self.engine}: image id, a configuration's digest")
        return ImageFacts(reference, source=f"{self.engine}: {image_id}, a manifest or an index")


def store(socket: str, deadline: float) -> Store:
    """Raises NoAnswer."""
    version = get(socket, "/version", deadline)
    if not isinstance(version, dict):
        raise NoAnswer("engine: no version")
    info = {} if engine_of(version) == "podman" else get(socket, "/info", deadline)
    return store_of(version, info if isinstance(info, dict) else {})


def store_of(version: Mapping[str, Any], info: Mapping[str, Any]) -> Store:
    containerd = _SNAPSHOTTER in (info.get("DriverStatus") or [])
    engine = engine_of(version)
    own = f"/v{_api(version)}/libpod" if engine == "podman" else ""
    return Store(
        engine,
        str(version.get("Version") or ""),
        "containerd" if containerd else "classic",
        own,
        str(info.get("DockerRootDir") or ""),
    )


def _api(version: Mapping[str, Any]) -> str:
    """The oldest version of its own API that this Podman still speaks."""
    parts = [_dict(part).get("Details") for part in version.get("Components") or ()]
    said = next((_dict(p).get("MinAPIVersion") for p in parts if _dict(p).get("MinAPIVersion")), "")
    return said if isinstance(said, str) and said.replace(".", "").isdecimal() else "4.0.0"


def engine_of(version: Mapping[str, Any]) -> str:
    names = [str(part.get("Name") or "") for part in version.get("Components") or () if isinstance(part, dict)]
    return "podman" if any("Podman" in name for name in names) else "docker"


def image_of(reference: Reference, attrs: Mapping[str, Any], about: Store) -> EngineImage:
    """The engine's answer to `/images/{name}/json` as ours."""
    image_id = about.prefixed(str(attrs.get("Id") or ""))
    rootfs, config = _dict(attrs.get("RootFS")), _dict(attrs.get("Config"))
    diff_ids = tuple(str(layer) for layer in rootfs.get("Layers") or ())
    repo_digests = tuple(str(digest) for digest in attrs.get("RepoDigests") or ())
    index, manifest = _top(attrs, about, image_id)
    labels = _dict(config.get("Labels") or attrs.get("Labels"))
    return EngineImage(
        reference=reference.resolved,
        engine=about.engine,
        engine_version=about.version,
        store=about.kind,
        image_id=image_id,
        config_digest=image_id if about.kind == "classic" else "",
        manifest_digest=manifest or (image_id if about.kind == "containerd" and not index else _noted(reference, repo_digests)),
        repo_digests=repo_digests,
        diff_ids=diff_ids,
        chain_id=chain_id(diff_ids),
        os=str(attrs.get("Os") or ""),
        architecture=str(attrs.get("Architecture") or ""),
        created=str(attrs.get("Created") or ""),
        labels={str(k): str(v) for k, v in labels.items()},
        # a classic Docker store notes a digest when it pushes or pulls; Podman and containerd make one up
        pullable="no" if (about.engine, about.kind) == ("docker", "classic") and not repo_digests else "unknown",
        index_digest=index,
        manifest_sure=bool(manifest),
        variant=str(attrs.get("Variant") or ""),
        settings=settings(config),
    )


def facts_of_image(image: EngineImage) -> ImageFacts:
    """What of it identifies an image. A digest that may be an index's goes where an index's goes."""
    return ImageFacts(
        reference=image.reference,
        index=image.index_digest or ("" if image.manifest_sure else image.manifest_digest),
        manifest=image.manifest_digest if image.manifest_sure else "",
        config=image.config_digest,
        diff_ids=image.diff_ids,
        settings=image.settings,
        platform="/".join(part for part in (image.os, image.architecture, image.variant) if part),
        source=f"{image.engine} {image.engine_version}, {image.store} store, image {image.image_id}",
    )


def with_content(world: World, image: EngineImage, about: Store) -> EngineImage:
    """The same with what the containerd store's own bytes say, where they can be read: by root, or of a rootless engine."""
    if about.kind != "containerd" or not DIGEST.fullmatch(image.image_id):
        return image

    def blob(digest: str) -> bytes:
        for root in (os.path.join(about.root, "containerd", "daemon"), "/var/lib/containerd"):
            try:
                return world.read(os.path.join(root, _CONTENT, digest.removeprefix("sha256:")), MAX_JSON)
            except OSError:
                continue
        raise FileNotFoundError(2, "not in the store", digest)

    try:
        found = facts_of(checked(blob, image.image_id), blob)
    except (OSError, BadImage):
        return image
    if not found.manifest:
        return replace(image, index_digest=found.index, manifest_digest="" if found.index else image.manifest_digest)
    return replace(
        image, index_digest=found.index, manifest_digest=found.manifest, manifest_sure=True, config_digest=found.config
    )


def attributes(socket: str, about: Store, name: str, deadline: float) -> Mapping[str, Any] | None:
    """`/images/{name}/json`, of each engine the fullest form: Podman's own has `Digest`, Docker's from 28 on `Manifests`.

    None: the engine has no such image. Raises NoAnswer.
    """
    query = "?manifests=1" if about.kind == "containerd" else ""
    found = get(socket, f"{about.own}/images/{path_part(name)}/json{query}", deadline)
    if found is not None and not isinstance(found, dict):
        raise NoAnswer("engine: no image in its answer")
    return found


def _top(attrs: Mapping[str, Any], about: Store, image_id: str) -> tuple[str, str]:
    """Digests of index and manifest, as far as the engine says which is which."""
    if about.engine == "podman":
        return "", _sha(attrs.get("Digest"))
    described = _dict(attrs.get("Descriptor"))
    target, kind = _sha(described.get("digest")), described.get("mediaType")
    if about.kind == "classic" or not target:
        return "", ""
    if kind in INDEXES:
        parts = [_dict(m) for m in attrs.get("Manifests") or ()]
        present = [
            _sha(_dict(p.get("Descriptor")).get("digest")) for p in parts if p.get("Kind") == "image" and p.get("Available")
        ]
        return target, present[0] if len(present) == 1 else ""
    return "", target if kind in MANIFESTS else ""


def _noted(reference: Reference, repo_digests: Sequence[str]) -> str:
    """The digest noted for the very repository the script names; an image may carry many, of manifests and of indexes."""
    wanted = set(_spellings(reference))
    noted = [digest for repo, _, digest in (one.partition("@") for one in repo_digests) if repo in wanted]
    return reference.digest if reference.digest in noted or not noted else noted[0]


def _spellings(reference: Reference) -> Iterator[str]:
    name = reference.name
    if reference.registry in {"", "docker.io", "index.docker.io"}:
        yield from (name, name.removeprefix("library/"), f"docker.io/{name}", f"docker.io/library/{name}")
    else:
        yield f"{reference.registry}/{name}"


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sha(value: object) -> str:
    return value if isinstance(value, str) and DIGEST.fullmatch(value) else ""
