"""Where is the content of small files kept that may change after the job? By sha256, once, private. Standard library only."""

from __future__ import annotations

import hashlib
import os

from auditor import spool

MAX_OBJECT = 4 << 20


def path(folder: str, sha256: str) -> str:
    return os.path.join(folder, sha256[:2], sha256[2:])


def keep(folder: str, data: bytes) -> str:
    """Store these bytes unless they are there; their sha256. Not for data sets: raises ValueError above MAX_OBJECT."""
    if len(data) > MAX_OBJECT:
        raise ValueError(f"{len(data)} bytes is more than an object may have ({MAX_OBJECT})")
    name = hashlib.sha256(data).hexdigest()
    where = path(folder, name)
    if not os.path.exists(where):
        spool.write(os.path.dirname(where), os.path.basename(where), data)
    return name


def get(folder: str, sha256: str) -> bytes | None:
    """The bytes, or None when they are not here. Raises ValueError when the file no longer has its own name's hash."""
    try:
        with open(path(folder, sha256), "rb") as file:
            data = file.read(MAX_OBJECT + 1)
    except FileNotFoundError:
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"object {sha256[:12]} is damaged")
    return data
