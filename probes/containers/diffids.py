"""Are an image's layers the ones that its configuration names? Each hashed, unpacked in the stream; nothing is written.

OCI image-spec, config.md: a DiffID is the digest of a layer's tar before it is packed.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from auditor.world import RealWorld, World
from probes.containers.layout import blob_name, docker_image, facts_in, small
from probes.containers.oci import BadImage, checked, facts_of, parse, top
from probes.containers.parts import Part, opener

_READ = 1 << 20


def layers(path: str, reference: str = "", *, world: World | None = None) -> Iterator[BinaryIO]:
    """The layers' files as they lie in a folder or tar, the lowest first, for reading: tar, gzip or zstd. Raises as the facts do."""
    world = world or RealWorld()
    part = opener(world, path)
    for name in _layer_names(part, reference):
        try:
            with part(name) as file:
                yield file
        except FileNotFoundError as error:
            raise BadImage(f"a layer is named and not there: {name[:80]}") from error


def check_layers(path: str, reference: str = "", *, world: World | None = None) -> tuple[str, ...]:
    """Hash every layer, unpacked in the stream: each must be the layer that the configuration names. Raises BadImage, OSError.

    Returns the ones that could not be checked (zstd, which needs a library). One pass, constant memory.
    """
    world = world or RealWorld()
    wanted = facts_in(opener(world, path), reference, "", path).diff_ids
    unread = []
    if (there := len(_layer_names(opener(world, path), reference))) != len(wanted):
        raise BadImage(f"{there} layers, and the configuration names {len(wanted)}")
    for expected, file in zip(wanted, layers(path, reference, world=world), strict=True):
        found = _diff_id(file)
        if not found:
            unread.append(expected)
        elif found != expected:
            raise BadImage(f"the layer {expected} has other bytes: {found}")
    return tuple(unread)


def _layer_names(part: Part, reference: str) -> list[str]:
    try:
        raw = small(part, "index.json")
    except FileNotFoundError:
        return [str(name) for name in docker_image(part, reference).get("Layers") or ()]

    def blob(digest: str) -> bytes:
        return small(part, blob_name(digest))

    facts = facts_of(top(raw, blob, reference), blob)
    manifest = parse(checked(blob, facts.manifest))
    return [blob_name(str(layer.get("digest"))) for layer in manifest.get("layers") or () if isinstance(layer, dict)]


def _diff_id(file: BinaryIO) -> str:
    """sha256 of a layer's tar; empty where it is packed in a way that cannot be read here."""
    hash_ = hashlib.sha256()
    head = file.read(_READ)
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return ""
    unpack = zlib.decompressobj(31) if head[:2] == b"\x1f\x8b" else None
    while head:
        if unpack is None:
            hash_.update(head)
        else:
            unpack = _gunzip(head, unpack, hash_.update)
        head = file.read(_READ)
    if unpack is not None and not unpack.eof:
        raise BadImage("a layer is cut short")
    return f"sha256:{hash_.hexdigest()}"


def _gunzip(data: bytes, unpack: Any, take: Callable[[bytes], None]) -> Any:
    """Never more than a piece in memory, whatever the bytes unpack to; a gzip file may have several members."""
    try:
        while data:
            if unpack.eof:
                unpack = zlib.decompressobj(31)
            take(unpack.decompress(data, _READ))
            data = unpack.unconsumed_tail or unpack.unused_data
    except zlib.error as error:
        raise BadImage(f"a layer is not gzip: {error}") from error
    return unpack
