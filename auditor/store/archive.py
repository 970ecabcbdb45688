"""Where do ingested spool files go? Into `archive/<digest>.ndjson`, a line each, exact to the byte: with the spool, the store again."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Sequence

from auditor import spool

_HEAD, _JSON, _BASE64 = b'{"name":', b',"json":', b',"base64":"'


def write(folder: str, files: Sequence[tuple[str, bytes, bytes]]) -> str:
    """Pack (name, bytes, ledger id) into one file, on the disk when this returns; its path. Raises OSError."""
    name = f"{hashlib.sha256(b''.join(id_ for _, _, id_ in files)).hexdigest()}.ndjson"
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        _clean(folder)
        spool.write(folder, name, b"".join(part for name, raw, _ in files for part in _line(name, raw)))
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return path


def _line(name: str, raw: bytes) -> tuple[bytes, ...]:
    """JSON of one line stands as it is, so that people can read it; anything else in base64."""
    plain = name.endswith(".json") and raw.isascii() and b"\n" not in raw and b"\r" not in raw
    head = _HEAD + json.dumps(name).encode("ascii")
    return (head, _JSON, raw, b"}\n") if plain else (head, _BASE64, base64.b64encode(raw), b'"}\n')


def lines(path: str) -> Iterator[bytes]:
    """The packed lines of one archive file, one at a time. Raises OSError."""
    with open(path, "rb") as file:
        yield from file


def unpack(line: bytes) -> tuple[str, bytes]:
    """Name and bytes of a packed spool file. Raises ValueError when the line is damaged."""
    name, used = json.JSONDecoder().raw_decode(line[len(_HEAD) : 4096].decode("ascii", "replace"))
    rest = line[len(_HEAD) + used :]
    if isinstance(name, str) and line.startswith(_HEAD):
        if rest.startswith(_JSON) and rest.endswith(b"}\n"):
            return name, rest[len(_JSON) : -2]
        if rest.startswith(_BASE64) and rest.endswith(b'"}\n'):
            return name, base64.b64decode(rest[len(_BASE64) : -3], validate=True)
    raise ValueError("a damaged line")


def _clean(folder: str) -> None:
    """What a killed ingester left half written; only one process at a time packs, the one that holds the store."""
    if os.path.isdir(folder):
        for name in os.listdir(folder):
            if name.startswith(".") and ".ndjson." in name:
                os.unlink(os.path.join(folder, name))
