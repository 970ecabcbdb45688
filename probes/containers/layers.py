"""Are an image's layers the ones that its configuration names? Each hashed, unpacked in the stream; nothing is written.

OCI image-spec, config.md: a DiffID is the digest of a layer's tar before it is packed.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from auditor.world import RealWorld, World
from probes.containers.compressed import Unreadable, stream, zstd
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
    """sha256 of a layer's tar; empty where it is packed in a way that cannot be read here. Never more than a piece in memory."""
    hash_ = hashlib.sha256()
    try:
        layer = stream(file)
    except Unreadable:
        return ""
    try:
        while piece := layer.read(_READ):
            hash_.update(piece)
    except _damage() as error:
        raise BadImage(f"a layer is damaged: {error}") from error
    return f"sha256:{hash_.hexdigest()}"


def _damage() -> tuple[type[Exception], ...]:
    """What reading damaged bytes raises; zstd has an error of its own, where it is there."""
    plain = (OSError, EOFError, zlib.error)
    try:
        return (*plain, zstd().ZstdError)
    except Unreadable:
        return plain
