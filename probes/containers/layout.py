"""Which image lies in this folder or tar: an OCI layout, an OCI archive, what `docker save` wrote? Nothing is unpacked or followed.

image-spec 1.1, image-layout.md; Docker's archive: `manifest.json`, a list of {Config, RepoTags, Layers}.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from auditor.world import RealWorld, World
from probes.containers import ImageFacts
from probes.containers.oci import MAX_JSON, BadImage, of_config, of_index_file
from probes.containers.parts import Part, archive, folder


def facts_of_layout(path: str, reference: str = "", *, platform: str = "", world: World | None = None) -> ImageFacts:
    """The image in this folder; `reference` chooses where there are several. Raises BadImage, OSError."""
    return facts_in(folder(world or RealWorld(), path), reference, platform, f"OCI layout {path}")


def facts_of_archive(path: str, reference: str = "", *, platform: str = "", world: World | None = None) -> ImageFacts:
    """The image in this tar, not compressed: an OCI archive, or what `docker save` wrote. Raises BadImage, OSError."""
    return facts_in(archive(world or RealWorld(), path), reference, platform, f"archive {path}")


def facts_in(part: Part, reference: str, platform: str, source: str) -> ImageFacts:
    try:
        raw = small(part, "index.json")
    except FileNotFoundError:
        return _legacy(part, reference, source)
    return of_index_file(raw, lambda digest: small(part, blob_name(digest)), reference, platform, source)


def _legacy(part: Part, reference: str, source: str) -> ImageFacts:
    """Docker's archive from before 25: no manifest that a registry would know, so none is made up."""
    image = docker_image(part, reference)
    try:
        raw = small(part, str(image.get("Config") or ""))
    except FileNotFoundError as error:
        raise BadImage(f"the configuration is named and not there: {error.filename}") from error
    tags = image.get("RepoTags")
    first = str(tags[0]) if isinstance(tags, list) and tags else ""
    return replace(of_config(raw), reference=reference or first, source=f"{source} (docker save)")


def docker_image(part: Part, reference: str) -> dict[str, Any]:
    """The one entry of Docker's `manifest.json`, or the one that `reference` chooses. Raises BadImage."""
    try:
        listed = json.loads(small(part, "manifest.json"))
    except FileNotFoundError:
        raise BadImage("neither an index.json nor a manifest.json: no image") from None
    except (ValueError, RecursionError) as error:
        raise BadImage(f"manifest.json: {error}") from error
    images = [i for i in listed if isinstance(i, dict)] if isinstance(listed, list) else []
    named = [i for i in images if reference and any(f"/{t}".endswith(f"/{reference}") for t in i.get("RepoTags") or ())]
    if len(named or images) != 1:
        raise BadImage(f"{len(images)} images in the archive, and {reference or 'no name'} does not choose one")
    return (named or images)[0]


def blob_name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def small(part: Part, name: str) -> bytes:
    """A whole part of a few megabytes at most. Raises BadImage, FileNotFoundError."""
    with part(name) as file:
        raw = file.read(MAX_JSON + 1)
    if len(raw) > MAX_JSON:
        raise BadImage(f"{name} is larger than {MAX_JSON} bytes")
    return raw
