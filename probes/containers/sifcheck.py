"""Does a signature inside a Singularity image still fit what is in it? Its digests are compared with those of the file as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from probes.containers import SifSignature, sifsignature
from probes.containers.sifdigests import Digests
from probes.containers.sifformat import Header, Object


def check(raw: bytes, one: Object, head: Header, found: Sequence[Object], digests: Digests) -> SifSignature:
    """raw: the bytes of the signature object `one`; found: all objects of the image."""
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
