"""What is in one spool file, and what becomes of one that is broken? Bounded; nothing is thrown away."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from auditor import codec, spool
from auditor.home import Home
from auditor.model import AuditError, Capture

if TYPE_CHECKING:
    from auditor.store.snapshot import Snapshot

BROKEN = (AuditError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What a broken spool file can raise while it is read."""


class Newer(Exception):
    """Made by a newer auditor: it can wait."""


def content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        size = os.fstat(fd).st_size
        if size > spool.MAX_FILE:
            raise AuditError(f"{size} bytes, more than a spool file may have")
        with open(fd, "rb", buffering=0, closefd=False) as file:
            return file.read(size + 1) or b""
    finally:
        os.close(fd)


def ledger_id(name: str, digest: bytes) -> bytes:
    """A spool file is known by its name and the sha256 of its bytes."""
    return hashlib.sha256(digest + os.fsencode(name)).digest()


def read(name: str, raw: bytes, digest: bytes, known: dict[bytes, bytes] | None = None) -> Snapshot:
    """A spool file taken apart; `digest` is the sha256 of its bytes, `known` data of others. Raises Newer, or one of BROKEN."""
    from auditor.store.snapshot import SCHEMA, from_canonical, from_capture

    if not raw:
        raise AuditError("it is empty")
    try:
        if name.endswith(".raw"):
            from auditor import intake

            found = from_capture(intake.observed(raw, name))
        elif name.endswith(f"{digest.hex()[:16]}.json"):  # our own writing, unchanged: canonical
            found = from_canonical(raw, digest, name, known)
        else:
            found = from_capture(codec.loads(raw, Capture, name))
        schema = found.schema
    except BROKEN:
        if (schema := _schema(raw)) <= SCHEMA:
            raise
    if schema > SCHEMA:
        raise Newer(f"it was made by a newer auditor (schema {schema}); upgrade to take it in")
    return found


def _schema(raw: bytes) -> int:
    """What a capture that does not read as ours says of its schema; 0 when it says nothing."""
    try:
        schema = json.loads(raw)["schema"]
    except BROKEN:
        return 0
    return schema if isinstance(schema, int) else 0


def reason(error: Exception) -> str:
    text = error.message if isinstance(error, AuditError) else f"{type(error).__name__}: {error}"
    return text.encode("ascii", "backslashreplace").decode()[:1000]


def set_aside(home: Home, path: str, reason: str, aside: list[tuple[str, str]], left: list[tuple[str, str]]) -> None:
    """Move a broken file to quarantine under its name (and a number, if that is taken), with the reason beside it."""
    name = os.path.basename(path)
    target = os.path.join(home.quarantine, name)
    count = 1
    while os.path.lexists(target):
        count += 1
        target = os.path.join(home.quarantine, f"{name}.{count}")
    try:
        os.makedirs(home.quarantine, mode=0o700, exist_ok=True)
        spool.write(home.quarantine, f"{os.path.basename(target)}.why", f"{reason}\n".encode("ascii"))
        os.rename(path, target)
    except OSError as error:
        left.append((name, f"{reason}; and it cannot be set aside: {error.strerror or error}"))
    else:
        aside.append((name, reason))
