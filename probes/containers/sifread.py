"""What is in this Singularity image: recipe, labels, digests, parts lists, and do its signatures still hold? Read natively.

Login side. The file's own bytes are streamed; memory stays constant whatever the image's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from auditor.world import World
from probes.containers import ImageFacts, SifImage, SifSbom, oci, sifformat, siflabels, sifsignature
from probes.containers.compressed import Unreadable
from probes.containers.sifcheck import check
from probes.containers.sifdigests import Digests, content, measure
from probes.containers.sifformat import Header, NotSif, Object
from probes.containers.sifrecipe import stages
from probes.containers.squashfs import MAGIC
from probes.manifest import remember

MAX_SBOM = 64 << 20
_NO_IMAGE = ImageFacts("")


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
    config = _config(world, path, found, image)
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
        labels=siflabels.labels_of(world, path, found, primary, config),
        objects=tuple(f"{o.type} {o.name}".strip() for o in found),
        signatures=tuple(check(_signed(world, path, o), o, head, found, digests) for o in found if o.type == "signature"),
        stages=built,
        sboms=tuple(_sbom(o, digests) for o in found if o.type == "sbom"),
        encrypted=any(o.encrypted for o in found),
        overlays=tuple(digests.objects[o.id, "sha256"] for o in found if o.partition == "overlay"),
        settings=image.settings or oci.settings(siflabels.named_json(world, path, found, "oci-config.json")),
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
    labels = siflabels.inside(world, path, 0, whole.size)
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
    except (oci.BadImage, NotSif):
        return _NO_IMAGE


def _config(world: World, path: str, found: Sequence[Object], image: ImageFacts) -> object:
    """The OCI image's configuration; None where there is none, or only its name."""
    try:
        return oci.parse(_blob(world, path, found)(image.config)) if image.config else None
    except (oci.BadImage, NotSif, FileNotFoundError):
        return None


def _only_layer(world: World, path: str, found: Sequence[Object]) -> Object | None:
    """The root file system of an OCI-SIF, where it is one squashfs layer."""
    manifest = _oci(world, path, found).manifest
    if not manifest:
        return None
    layers = oci.parse(_blob(world, path, found)(manifest)).get("layers")
    if not isinstance(layers, list) or len(layers) != 1 or not isinstance(layers[0], dict):
        raise Unreadable("an OCI-SIF of several layers, which are not read here")
    return next((o for o in found if o.blob_digest and o.blob_digest == layers[0].get("digest")), None)


def _signed(world: World, path: str, one: Object) -> bytes:
    return content(world, path, one) if one.size <= sifsignature.MAX_BYTES else b""


def _text(world: World, path: str, found: Sequence[Object], type_: str) -> str:
    one = next((o for o in found if o.type == type_ and o.size <= sifformat.MAX_TEXT), None)
    return content(world, path, one).rstrip(b"\0").decode("utf-8", "replace") if one else ""


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""
