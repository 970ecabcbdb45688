"""What does a signature inside a Singularity image claim, and of which objects? Pure.

https://github.com/apptainer/sif, pkg/integrity (metadata.go): JSON inside a PGP clear-signed message or a DSSE envelope. Whose key it was
is not looked at; whether the claimed digests are those of the content is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import struct
from collections.abc import Sequence
from typing import Any

from probes.containers.sifformat import Header, Object

_INTEGRITY = struct.Struct("<i?II4q")
_CLEAR_SIGNED = re.compile(
    rb"-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n(.*?)\r?\n-----BEGIN PGP SIGNATURE-----", re.DOTALL
)
_LEGACY = b"SIFHASH:"
MAX_BYTES = 1 << 20


def message(signature: bytes) -> tuple[str, dict[str, Any] | None]:
    """A signature object's kind (`pgp`, `pgp-legacy`, `dsse`, empty) and the signed metadata; None when it cannot be read."""
    if clear := _CLEAR_SIGNED.search(signature):
        text = re.sub(rb"(?m)^- ", b"", clear[1])
        return ("pgp-legacy", None) if text.startswith(_LEGACY) else ("pgp", _json(text))
    envelope = _json(signature)
    payload = envelope.get("payload") if envelope else None
    if not isinstance(payload, str):
        return "", None
    try:
        return "dsse", _json(base64.b64decode(payload))
    except (binascii.Error, ValueError):
        return "dsse", None


def legacy(signature: bytes) -> str:
    """The one digest, bare hex, that signatures from before SIF 1.0 are about; empty for others. It is of the objects' bytes, joined."""
    clear = _CLEAR_SIGNED.search(signature)
    text = clear[1].strip() if clear else b""
    found = re.fullmatch(_LEGACY + rb"\s*([0-9a-fA-F]+)", text)
    return found[1].decode().lower() if found else ""


def header_digest(head: Header, algorithm: str) -> str:
    """What a signature says of the header: launch script, magic, version, id; not architecture, not times."""
    return hashlib.new(algorithm, head.signed).hexdigest()


def descriptor_digest(one: Object, first_id: int, algorithm: str) -> str:
    """What a signature says of a descriptor: what does not change when the object moves inside the file."""
    fixed = _INTEGRITY.pack(one.code, True, one.id - first_id, one.raw_link, one.size, one.created, one.uid, one.gid)
    return hashlib.new(algorithm, fixed + one.raw_name + one.extra).hexdigest()


def signed(metadata: dict[str, Any]) -> dict[int, tuple[str, str]]:
    """Relative id -> (descriptor digest, object digest) of signed metadata. Raises KeyError, TypeError, ValueError."""
    return {int(o["relativeId"]): (_hex(o["descriptorDigest"]), _hex(o["objectDigest"])) for o in metadata["objects"]}


def signed_header(metadata: dict[str, Any]) -> str:
    return _hex(metadata["header"]["digest"])


def members(found: Sequence[Object], signature: Object) -> tuple[Object, ...]:
    """The objects a signature is about: a group without its signatures, or one object."""
    if signature.links_group:
        return tuple(o for o in found if o.group == signature.link and o.type != "signature")
    return tuple(o for o in found if o.id == signature.link)


def _hex(digest: str) -> str:
    return digest.rpartition(":")[2].lower()


def _json(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
