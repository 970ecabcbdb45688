"""What is in this Singularity image: recipe, labels, digests, signatures and whether they still hold? Read natively.

Login side. The file's own bytes are streamed; memory stays constant whatever the image's size.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from auditor.world import World
from probes.containers import SifImage, SifSignature, sifformat, sifsignature
from probes.containers.sifformat import Header, NotSif, Object

MAX_TEXT = 1 << 20
_FIELD = re.compile(r"(?im)^[ \t]*(bootstrap|from)[ \t]*:[ \t]*(\S.*?)[ \t]*$")
_PINNED = re.compile(r"@[a-z0-9]+:[0-9a-f]{64,}$|:sha256\.[0-9a-f]{64}$")


class Hash(Protocol):
    def update(self, data: Any, /) -> None: ...
    def hexdigest(self) -> str: ...


def read(world: World, path: str) -> SifImage:
    """Raises NotSif and what reading a file raises."""
    size = world.stat(path).size
    head, found, kept, digests, whole = _pass(world, path, size)
    recipe = _text(kept, found, "deffile")
    fields = {name.lower(): value for name, value in reversed(_FIELD.findall(recipe))}
    primary = next((o for o in found if o.partition == "primary"), None)
    return SifImage(
        path=path,
        size=size,
        file_sha256=whole,
        uuid=head.uuid,
        architecture=head.architecture,
        created=_time(head.created),
        partition_sha256=digests[primary.id]["sha256"] if primary else "",
        fs_type=primary.file_system if primary else "",
        definition=recipe,
        definition_sha256=next((digests[o.id]["sha256"] for o in found if o.type == "deffile"), ""),
        bootstrap=fields.get("bootstrap", ""),
        base=fields.get("from", ""),
        base_pinned=bool(_PINNED.search(fields.get("from", ""))),
        labels=_labels(kept, found) or (_labels_inside(world, path, primary) if primary else {}),
        objects=tuple(f"{o.type} {o.name}".strip() for o in found),
        signatures=tuple(_signature(o, kept, head, found, digests) for o in found if o.type == "signature"),
    )


def layout(world: World, path: str) -> tuple[Header, tuple[Object, ...]]:
    """Header and descriptors from the file's first blocks. Raises NotSif."""
    return _layout(world.chunks(path, 1 << 16), world.stat(path).size)


Digests = dict[int, dict[str, str]]
Kept = dict[int, bytes]


def _layout(pieces: Iterable[memoryview], size: int) -> tuple[Header, tuple[Object, ...]]:
    start = bytearray()
    wanted = sifformat.HEAD
    head = None
    for piece in pieces:
        start += piece
        if head is None and len(start) >= sifformat.HEAD:
            head = sifformat.header(bytes(start[: sifformat.HEAD]))
            wanted = head.table_offset + head.table_size
            if wanted > size or wanted > 64 << 20:
                raise NotSif("the descriptor table lies outside the file")
        if head and len(start) >= wanted:
            return head, sifformat.objects(bytes(start[head.table_offset : wanted]), head.table_count, size)
    raise NotSif("cut short: the file ends before its table of contents")


def _pass(world: World, path: str, size: int) -> tuple[Header, tuple[Object, ...], Kept, Digests, str]:
    """One reading of the file: digest of the whole, of every object, and the small objects' bytes."""
    head, found = layout(world, path)
    algorithms = {"sha256"} | {o.signature_hash for o in found if o.signature_hash}
    hashes: dict[int, dict[str, Hash]] = {o.id: {a: hashlib.new(a) for a in sorted(algorithms)} for o in found}
    parts: dict[int, bytearray] = {o.id: bytearray() for o in found if o.type != "partition" and o.size <= MAX_TEXT}
    whole = hashlib.sha256()
    position = 0
    for piece in world.chunks(path):
        whole.update(piece)
        for one in found:
            start, end = max(one.offset, position), min(one.offset + one.size, position + len(piece))
            if start < end:
                with piece[start - position : end - position] as cut:
                    for hash_ in hashes[one.id].values():
                        hash_.update(cut)
                    if one.id in parts:
                        parts[one.id] += cut
        position += len(piece)
    if position != size:
        raise NotSif("the file changed while it was read")
    digests = {id_: {name: h.hexdigest() for name, h in by.items()} for id_, by in hashes.items()}
    return head, found, {id_: bytes(part) for id_, part in parts.items()}, digests, whole.hexdigest()


def _signature(one: Object, kept: Kept, head: Header, found: Sequence[Object], digests: Digests) -> SifSignature:
    kind, metadata = sifsignature.message(kept.get(one.id, b""))
    if one.fingerprint:
        kind = kind or "pgp"
    return SifSignature(kind or "unknown", one.fingerprint, _holds(one, metadata, head, found, digests))


def _holds(one: Object, metadata: dict[str, Any] | None, head: Header, found: Sequence[Object], digests: Digests) -> bool | None:
    """Do the signed digests equal the ones of what is in the file now? None: the signature's text cannot be read."""
    algorithm = one.signature_hash
    if metadata is None or not algorithm:
        return None
    try:
        claimed, header_claim = sifsignature.signed(metadata), sifsignature.signed_header(metadata)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    about = sifsignature.members(found, one)
    if not about or header_claim != sifsignature.header_digest(head, algorithm):
        return False
    first = min(o.id for o in found if o.group == about[0].group and o.type != "signature")
    actual = {o.id - first: (sifsignature.descriptor_digest(o, first, algorithm), digests[o.id][algorithm]) for o in about}
    return all(claimed.get(id_) == pair for id_, pair in actual.items()) and (
        not one.links_group or claimed.keys() == actual.keys()
    )


def _labels(kept: Kept, found: Sequence[Object]) -> dict[str, str]:
    """From the labels object, else from Apptainer's `inspect-metadata.json`."""
    for one in found:
        if one.type == "labels" or (one.type == "json" and one.name == "inspect-metadata.json"):
            try:
                value = json.loads(kept.get(one.id, b""))
                if one.type == "json":
                    value = value["data"]["attributes"]["labels"]
                return {str(name): str(label) for name, label in value.items()}
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
    return {}


def _labels_inside(world: World, path: str, primary: Object) -> dict[str, str]:
    """Older images keep them only in their file system; read where squashfs-tools are installed."""
    if primary.file_system != "squashfs":
        return {}
    try:
        ran = world.run(
            "unsquashfs", "-o", str(primary.offset), "-cat", path, ".singularity.d/labels.json", timeout=10, limit=MAX_TEXT
        )
        return {str(name): str(label) for name, label in json.loads(ran.out).items()}
    except (OSError, LookupError, ValueError, AttributeError, RecursionError):
        return {}


def _text(kept: Kept, found: Sequence[Object], type_: str) -> str:
    return next((kept.get(o.id, b"").rstrip(b"\0").decode("utf-8", "replace") for o in found if o.type == type_), "")


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""
