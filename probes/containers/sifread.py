"""What is in this Singularity image: recipe, labels, digests, parts lists, and do its signatures still hold? Read natively.

Login side. The file's own bytes are streamed; memory stays constant whatever the image's size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from auditor.world import World
from probes.containers import ImageFacts, SifImage, SifSbom, SifSignature, oci, sifformat, sifsignature
from probes.containers.compressed import Unreadable
from probes.containers.sifdigests import Digests, content, measure
from probes.containers.sifformat import Header, NotSif, Object
from probes.containers.sifrecipe import stages
from probes.containers.squashfs import MAGIC, Squashfs
from probes.manifest import remember

MAX_LABELS = 500
MAX_LABEL = 4096
MAX_SBOM = 64 << 20
SECONDS = 10.0
_NO_IMAGE = ImageFacts("")
_INSIDE = b".singularity.d/labels.json"


def read(world: World, path: str) -> SifImage:
    """Raises NotSif and what reading a file raises."""
    if world.span(path, 0, 4) == MAGIC:
        return _bare(world, path)
    size = world.stat(path).size
    head, found = layout(world, path)
    digests = measure(world, path, found, size)
    recipe = _text(world, path, found, "deffile")
    built = stages(recipe)
    primary = _primary(found)
    image = _oci(world, path, found)
    return SifImage(
        path=path,
        size=size,
        file_sha256=digests.file,
        uuid=head.uuid,
        architecture=head.architecture,
        created=_time(head.created),
        partition_sha256=digests.objects[primary.id, "sha256"] if primary else "",
        fs_type=primary.file_system if primary else "",
        definition=recipe,
        definition_sha256=next((digests.objects[o.id, "sha256"] for o in found if o.type == "deffile"), ""),
        bootstrap=built[-1].bootstrap if built else "",
        base=built[-1].base if built else "",
        base_pinned=built[-1].pinned if built else False,
        labels=_labels(world, path, found, primary, image),
        objects=tuple(f"{o.type} {o.name}".strip() for o in found),
        signatures=tuple(_signature(world, path, o, head, found, digests) for o in found if o.type == "signature"),
        stages=built,
        sboms=tuple(_sbom(o, digests) for o in found if o.type == "sbom"),
        encrypted=any(o.encrypted for o in found),
        overlays=tuple(digests.objects[o.id, "sha256"] for o in found if o.partition == "overlay"),
        settings=image.settings or oci.settings(_json(world, path, found, "oci-config.json")),
        index_digest=image.index,
        manifest_digest=image.manifest,
        config_digest=image.config,
        diff_ids=image.diff_ids,
    )


def layout(world: World, path: str) -> tuple[Header, tuple[Object, ...]]:
    """Header and descriptors from the file's first blocks. Raises NotSif."""
    size = world.stat(path).size
    head = sifformat.header(world.span(path, 0, sifformat.HEAD))
    if head.table_offset + head.table_size > size:
        raise NotSif("cut short: the descriptor table lies outside the file")
    return head, sifformat.objects(world.span(path, head.table_offset, head.table_size), head.table_count, size)


def root(world: World, path: str) -> tuple[int, int]:
    """Where the squashfs root file system lies in this file: offset and size in bytes. Raises NotSif, Unreadable, OSError."""
    if world.span(path, 0, 4) == MAGIC:
        return 0, world.stat(path).size
    _, found = layout(world, path)
    primary = _primary(found) or _only_layer(world, path, found)
    if primary is None:
        raise Unreadable("no root file system inside")
    if primary.encrypted:
        raise Unreadable("the root file system is encrypted")
    if primary.type == "partition" and primary.file_system != "squashfs":
        raise Unreadable(f"the root file system is {primary.file_system or 'of an unknown kind'}, which is not read here")
    return primary.offset, primary.size


def sboms(world: World, path: str) -> Iterator[tuple[SifSbom, bytes]]:
    """The lists of parts kept in the image and their bytes, none larger than MAX_SBOM. Raises NotSif, OSError."""
    for one in layout(world, path)[1]:
        if one.type == "sbom":
            raw = content(world, path, one, MAX_SBOM)
            yield SifSbom(one.name, one.sbom_format, oci.digest(raw).removeprefix("sha256:"), one.size), raw


def _bare(world: World, path: str) -> SifImage:
    """A squashfs file without a header of Singularity's, as Enroot, Pyxis and Charliecloud use it."""
    whole = remember.sha256(world, path)
    labels = _labels_inside(world, path, 0, whole.size)
    return SifImage(
        path, whole.size, whole.sha256, "", "", "", whole.sha256, "squashfs", "", "", "", "", False, labels, ("squashfs",), ()
    )


def _primary(found: Sequence[Object]) -> Object | None:
    return next((o for o in found if o.partition == "primary"), None)


def _sbom(one: Object, digests: Digests) -> SifSbom:
    return SifSbom(one.name, one.sbom_format, digests.objects[one.id, "sha256"], one.size)


def _blob(world: World, path: str, found: Sequence[Object]) -> oci.Blob:
    named = {o.blob_digest: o for o in found if o.blob_digest}

    def blob(digest: str) -> bytes:
        if digest not in named:
            raise FileNotFoundError(2, "No such blob in the image", digest)
        return content(world, path, named[digest], oci.MAX_JSON)

    return blob


def _oci(world: World, path: str, found: Sequence[Object]) -> ImageFacts:
    """The OCI image of an OCI-SIF, every digest recomputed; no facts for other images, or where the blobs are not what they are called."""
    index = next((o for o in found if o.type == "oci-index"), None)
    if index is None:
        return _NO_IMAGE
    try:
        return oci.of_index_file(content(world, path, index), _blob(world, path, found), "", "", path)
    except oci.BadImage:
        return _NO_IMAGE


def _only_layer(world: World, path: str, found: Sequence[Object]) -> Object | None:
    """The root file system of an OCI-SIF, where it is one squashfs layer."""
    manifest = _oci(world, path, found).manifest
    if not manifest:
        return None
    layers = oci.parse(_blob(world, path, found)(manifest)).get("layers")
    if not isinstance(layers, list) or len(layers) != 1 or not isinstance(layers[0], dict):
        raise Unreadable("an OCI-SIF of several layers, which are not read here")
    return next((o for o in found if o.blob_digest and o.blob_digest == layers[0].get("digest")), None)


def _signature(world: World, path: str, one: Object, head: Header, found: Sequence[Object], digests: Digests) -> SifSignature:
    raw = content(world, path, one) if one.size <= sifsignature.MAX_BYTES else b""
    kind, metadata = sifsignature.message(raw)
    about = sifsignature.members(found, one)
    ids = {o.id for o in about}
    if legacy := sifsignature.legacy(raw):
        holds = _legacy_holds(legacy, one, about, digests)
    elif metadata is None or not one.signature_hash:
        holds = None
    else:
        holds, ids = _holds(one, metadata, head, about, found, digests)
    return SifSignature(
        kind=kind or ("pgp" if one.fingerprint else "unknown"),
        fingerprint=one.fingerprint,
        integrity_ok=holds,
        algorithm=one.signature_hash,
        covers=f"group {one.link}" if one.links_group and ids >= {o.id for o in about} else _objects(ids),
        covers_root=any(o.id in ids and o.partition == "primary" for o in about),
    )


def _holds(
    one: Object, metadata: dict[str, Any], head: Header, about: Sequence[Object], found: Sequence[Object], digests: Digests
) -> tuple[bool | None, set[int]]:
    """Do the signed digests equal the ones of what is in the file now, and which objects are they of? A group's signature may be of some.

    None: the signature's text cannot be read.
    """
    algorithm = one.signature_hash
    try:
        claimed, header_claim = sifsignature.signed(metadata), sifsignature.signed_header(metadata)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, set()
    if not about or not claimed:
        return False, set()
    first = min(o.id for o in found if o.group == about[0].group and o.type != "signature")
    actual = {
        o.id - first: (sifsignature.descriptor_digest(o, first, algorithm), digests.objects[o.id, algorithm]) for o in about
    }
    same = all(actual.get(id_) == pair for id_, pair in claimed.items())
    return same and header_claim == sifsignature.header_digest(head, algorithm), {id_ + first for id_ in claimed}


def _objects(ids: set[int]) -> str:
    return f"object{'s'[: len(ids) != 1]} {', '.join(str(i) for i in sorted(ids)[:20])}" if ids else ""


def _legacy_holds(claimed: str, one: Object, about: Sequence[Object], digests: Digests) -> bool | None:
    """Only where it is about a single object: one over several is of their bytes joined, which one reading does not give."""
    if not one.signature_hash or len(about) != 1:
        return None
    return digests.objects[about[0].id, one.signature_hash] == claimed


def _labels(world: World, path: str, found: Sequence[Object], primary: Object | None, image: ImageFacts) -> Mapping[str, str]:
    """From the labels object, else from Apptainer's `inspect-metadata.json`, an OCI configuration, or the root file system itself."""
    for one in found:
        if one.type == "labels" and (labels := _as_labels(_parsed(world, path, one))):
            return labels
    if labels := _as_labels(_below(_json(world, path, found, "inspect-metadata.json"), "data", "attributes", "labels")):
        return labels
    if image.config:
        return _as_labels(_below(oci.parse(_blob(world, path, found)(image.config)), "config", "Labels"))
    if primary and primary.file_system == "squashfs":
        return _labels_inside(world, path, primary.offset, primary.size)
    return {}


def _labels_inside(world: World, path: str, start: int, size: int) -> Mapping[str, str]:
    """Images of siftool, of Singularity 2 and of others keep them in their root file system only."""
    end = time.monotonic() + SECONDS

    def part(place: int, length: int) -> bytes:
        if time.monotonic() > end:
            raise TimeoutError(f"no labels found in {SECONDS:g} s")
        return world.span(path, start + place, min(length, size - place))

    try:
        image = Squashfs(part)
        file = image.find(_INSIDE)
        if file is None or file.kind != "file" or file.size > sifformat.MAX_TEXT:
            return {}
        return _as_labels(json.loads(b"".join(image.content(file))))
    except (Unreadable, OSError, ValueError, RecursionError):
        return {}


def _as_labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name)[:MAX_LABEL]: str(label)[:MAX_LABEL] for name, label in list(value.items())[:MAX_LABELS]}


def _below(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _json(world: World, path: str, found: Sequence[Object], name: str) -> object:
    one = next((o for o in found if o.type == "json" and o.name == name), None)
    return _parsed(world, path, one) if one else None


def _parsed(world: World, path: str, one: Object) -> object:
    """A small object's JSON; None for what is none."""
    try:
        value: object = json.loads(content(world, path, one))
    except (ValueError, RecursionError):
        return None
    return value


def _text(world: World, path: str, found: Sequence[Object], type_: str) -> str:
    one = next((o for o in found if o.type == type_ and o.size <= sifformat.MAX_TEXT), None)
    return content(world, path, one).rstrip(b"\0").decode("utf-8", "replace") if one else ""


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""
