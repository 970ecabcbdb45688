"""Does uv's cache know the wheel that a distribution was installed from? Its hash and address, proved by the unpacked copy's RECORD.

uv keeps `wheels-v8/pypi/NAME/VERSION-TAGS.http` (msgpack: the unpacked archive's id, hashes, file name; then the cache policy
with the address) and `archive-v0/ID/` (the wheel, unpacked). Read by searching: a later layout without these words gives nothing.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping

from auditor.world import World
from probes.python import record
from probes.python.address import public
from probes.python.distributions import RECORD_BYTES, Archive, Distribution, normal, read

POINTER_BYTES = 64 << 10
MAX_POINTERS = 20
_SHA256 = re.compile(rb"\xa6Sha256\xd9\x40([0-9a-f]{64})")
_URL = re.compile(rb"https://[\x21-\x7e]{1,1000}?\.whl")


def folder(variables: Mapping[str, str]) -> str:
    """UV_CACHE_DIR, XDG_CACHE_HOME/uv or ~/.cache/uv; empty without a home."""
    base = variables.get("XDG_CACHE_HOME") or (f"{variables['HOME']}/.cache" if variables.get("HOME") else "")
    return variables.get("UV_CACHE_DIR") or (f"{base}/uv" if base else "")


def archive(world: World, cache: str, one: Distribution) -> Archive | None:
    """The proved one, if one is; else the only one there."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", one.name) or not re.fullmatch(r"[A-Za-z0-9.!+_-]{1,200}", one.version):
        return None
    at = glob.escape(cache)
    found: list[Archive] = []
    for place in ("pypi", "index/*"):
        for path in world.glob(f"{at}/wheels-v*/{place}/{normal(one.name)}/{one.version}-*.http")[:MAX_POINTERS]:
            if read_ := _pointer(world, cache, path, one):
                found.append(read_)
    return next((a for a in found if a.proved), found[0] if len(found) == 1 else None)


def _pointer(world: World, cache: str, path: str, one: Distribution) -> Archive | None:
    try:
        data = world.span(path, 0, POINTER_BYTES)
    except (OSError, LookupError):
        return None
    digest, url = _SHA256.search(data), _URL.search(data)
    if not digest:
        return None
    file = f"{one.name.replace('-', '_').replace('.', '_').lower()}-{path.rsplit('/', 1)[-1].removesuffix('.http')}.whl"
    address = public(url[0].decode("ascii")) if url else ""
    file = address.rsplit("/", 1)[-1].replace("%2B", "+") or file
    return Archive(digest[1].decode(), "uv cache", file, address, proved=_same(world, cache, data, one))


def _same(world: World, cache: str, data: bytes, one: Distribution) -> bool:
    """Is the unpacked wheel's RECORD what was installed? The id is the first text: an array's head, a short text's head."""
    if len(data) < 2 or data[0] & 0xF0 != 0x90 or data[1] & 0xE0 != 0xA0:
        return False
    name = data[2 : 2 + (data[1] & 0x1F)].decode("ascii", "replace")
    if not re.fullmatch(r"[\w-]{8,31}", name):
        return False
    installed = record.identity(one.rows)
    records = world.glob(f"{glob.escape(cache)}/archive-v*/{name}/*.dist-info/RECORD")
    return bool(installed) and any(
        record.identity(record.as_installed(record.parse(read(world, r, RECORD_BYTES)), one.folder)) == installed
        for r in records[:2]
    )
