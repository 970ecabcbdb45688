"""Which image do these manifests describe, wherever they lie: layout, archive, store, registry? Pure; every digest recomputed.

Open Container Initiative image-spec 1.1 (image-layout.md, image-index.md, manifest.md, config.md); Docker's schema 2 is the same shape.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from probes.containers import ImageFacts

MAX_JSON = 4 << 20
MAX_LAYERS = 1000
MAX_MANIFESTS = 1000
DEPTH = 3
"""An index may name an index; deeper is nobody's image."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
INDEXES = frozenset({"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"})
MANIFESTS = frozenset({"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"})
CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
SIF_LAYER = "application/vnd.sylabs.sif.layer."
SETTINGS = ("Env", "Cmd", "Entrypoint", "WorkingDir", "User")
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}

Blob = Callable[[str], bytes]
"""The bytes under a digest, at most MAX_JSON. Raises FileNotFoundError when they are not there."""


class BadImage(ValueError):
    """These bytes are not the image that they, or their names, say."""


def facts_of(raw: bytes, blob: Blob, reference: str = "", platform: str = "", source: str = "") -> ImageFacts:
    """What the bytes of an index or manifest identify. platform: `linux/amd64`, which part of an index; empty: this machine's.

    A part that is not there (an index without this platform's manifest, a manifest without its configuration) leaves its fields empty
    and is named in `source`. Raises BadImage.
    """
    index = ""
    for _ in range(DEPTH):
        document = parse(raw)
        if not _is_index(document):
            return _of_manifest(raw, document, blob, reference, index, source)
        index = index or digest(raw)
        chosen = _choose(document, platform or here())
        if chosen is None:
            return ImageFacts(reference, index=index, source=_said(source, f"no manifest for {platform or here()} in the index"))
        try:
            raw = checked(blob, chosen)
        except FileNotFoundError:
            return ImageFacts(reference, index=index, manifest=chosen, source=_said(source, "the manifest is not there"))
    raise BadImage("an index within an index within an index")


def _of_manifest(raw: bytes, document: Mapping[str, Any], blob: Blob, reference: str, index: str, source: str) -> ImageFacts:
    config = document.get("config")
    name = config.get("digest") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(name, str) or not DIGEST.fullmatch(name):
        raise BadImage("neither an index nor a manifest with a configuration's sha256 (a schema 1 manifest has none)")
    manifest = digest(raw)
    layers = document.get("layers")
    if config.get("mediaType", "") not in CONFIGS | {""}:  # an artifact: its configuration, often empty, identifies nothing
        return ImageFacts(reference, index=index, manifest=manifest, file=_sif(layers), source=source)
    try:
        inside = of_config(checked(blob, name))
    except FileNotFoundError:
        return ImageFacts(
            reference, index=index, manifest=manifest, config=name, source=_said(source, "the configuration is not there")
        )
    if inside.diff_ids and isinstance(layers, list) and len(layers) != len(inside.diff_ids):
        raise BadImage(f"the manifest has {len(layers)} layers, its configuration {len(inside.diff_ids)}")
    return ImageFacts(
        reference,
        index=index,
        manifest=manifest,
        config=name,
        diff_ids=inside.diff_ids,
        settings=inside.settings,
        platform=inside.platform,
        source=source,
    )


def _sif(layers: object) -> str:
    """The digest of the one file that an ORAS artifact holds, where that is a Singularity image."""
    one = layers[0] if isinstance(layers, list) and len(layers) == 1 else None
    if not isinstance(one, dict) or not str(one.get("mediaType")).startswith(SIF_LAYER):
        return ""
    return str(one["digest"]) if DIGEST.fullmatch(str(one.get("digest"))) else ""


def of_config(raw: bytes) -> ImageFacts:
    """What an image's configuration says: layers, settings, platform; its own digest. Raises BadImage."""
    document = parse(raw)
    rootfs = document.get("rootfs")
    layers = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    ids = tuple(layers) if isinstance(layers, list) else ()
    if len(ids) > MAX_LAYERS or not all(isinstance(i, str) and DIGEST.fullmatch(i) for i in ids):
        raise BadImage("the configuration's layers are not named by sha256")
    words = (document.get(name) for name in ("os", "architecture", "variant"))
    return ImageFacts(
        "",
        config=digest(raw),
        diff_ids=ids,
        settings=settings(document.get("config")),
        platform="/".join(word for word in words if isinstance(word, str) and word),
    )


def settings(config: object) -> dict[str, str]:
    """What of a runtime configuration (OCI config.md, `config`) changes what runs, as canonical JSON by name; empty ones left out."""
    if not isinstance(config, Mapping):
        return {}
    return {n: json.dumps(config[n], sort_keys=True, separators=(",", ":")) for n in SETTINGS if config.get(n)}


def chain_id(diff_ids: Sequence[str]) -> str:
    """OCI image-spec, config.md, "Layer ChainID"; empty for an image without layers."""
    chain = ""
    for diff_id in diff_ids:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
    return chain


def of_index_file(raw: bytes, blob: Blob, reference: str, platform: str, source: str) -> ImageFacts:
    """A layout's `index.json`: a list of images, not an image; its own digest identifies nothing."""
    entry = _entry(raw, reference)
    return facts_of(_bytes(entry, blob), blob, reference or next(iter(_names(entry)), ""), platform, source)


def top(raw: bytes, blob: Blob, reference: str = "") -> bytes:
    """The index or manifest that a layout's `index.json` names. Raises BadImage."""
    return _bytes(_entry(raw, reference), blob)


def _entry(raw: bytes, reference: str) -> Mapping[str, Any]:
    entries = list(_entries(parse(raw)))
    named = [e for e in entries if reference and any(f"/{n}".endswith(f"/{reference}") for n in _names(e))]
    chosen = named or entries
    if len({e["digest"] for e in chosen}) != 1:
        known = ", ".join(sorted({n for e in entries for n in _names(e)}))
        raise BadImage(
            f"{len(entries)} images: say which ({known or 'none has a name'})" if entries else "no image in the layout"
        )
    return chosen[0]


def _bytes(entry: Mapping[str, Any], blob: Blob) -> bytes:
    try:
        return checked(blob, str(entry["digest"]))
    except FileNotFoundError as error:
        raise BadImage(f"{entry['digest']} is named and not there") from error


def checked(blob: Blob, name: str) -> bytes:
    """The bytes under this digest, which they must have. Raises BadImage, FileNotFoundError."""
    if not DIGEST.fullmatch(name):  # it becomes a path, and may not be another's
        raise BadImage(f"{name[:80]!r} is not a sha256 digest")
    raw = blob(name)
    if digest(raw) != name:
        raise BadImage(f"the bytes under {name} have another digest: {digest(raw)}")
    return raw


def parse(raw: bytes) -> Mapping[str, Any]:
    """Raises BadImage for what is not a JSON object."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadImage(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadImage("not a JSON object")
    return document


def digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def here() -> str:
    """This machine's platform, as OCI names it."""
    machine = os.uname().machine
    return f"linux/{_MACHINES.get(machine, machine)}"


def _is_index(document: Mapping[str, Any]) -> bool:
    return document.get("mediaType") in INDEXES or (isinstance(document.get("manifests"), list) and "config" not in document)


def _entries(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = document.get("manifests")
    if not isinstance(listed, list) or len(listed) > MAX_MANIFESTS:
        raise BadImage("an index without a list of manifests, or with far too many")
    for entry in listed:
        if not isinstance(entry, dict) or not isinstance(entry.get("digest"), str) or not DIGEST.fullmatch(entry["digest"]):
            raise BadImage("an entry of the index has no sha256 digest")
        if _notes(entry).get("vnd.docker.reference.type") != "attestation-manifest":
            yield entry


def _choose(document: Mapping[str, Any], platform: str) -> str | None:
    """The manifest for this platform: the very variant, else any; the only one, where it says no platform."""
    entries = list(_entries(document))
    if len(entries) == 1 and not isinstance(entries[0].get("platform"), dict):
        return str(entries[0]["digest"])
    found = {_platform(e): str(e["digest"]) for e in reversed(entries)}
    near = (d for p, d in sorted(found.items()) if p.startswith(f"{platform}/") or platform.startswith(f"{p}/"))
    return found.get(platform) or next(near, None)


def _platform(entry: Mapping[str, Any]) -> str:
    said = entry.get("platform")
    words = (said.get(n) for n in ("os", "architecture", "variant")) if isinstance(said, dict) else ()
    return "/".join(w for w in words if isinstance(w, str) and w)


def _names(entry: Mapping[str, Any]) -> list[str]:
    return [n for n in (_notes(entry).get(key) for key in _NAMES) if isinstance(n, str) and n]


def _notes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    notes = entry.get("annotations")
    return notes if isinstance(notes, dict) else {}


def _said(source: str, gap: str) -> str:
    return f"{source}; {gap}" if source else gap
