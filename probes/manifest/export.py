"""How do other tools want to read it? sha256sum and its kin, BagIt payload manifests (RFC 8493), DVC's folder objects.

Sources: GNU coreutils manual, "sha2 utilities" (escaped names); RFC 8493 section 2.1.3; DVC's `.dir` objects, checked against DVC itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from enum import StrEnum

from auditor.model import AuditError
from probes.manifest.read import Reader, Row


class Form(StrEnum):
    AUDITOR = "auditor"
    SUMS = "sums"
    """As sha256sum, md5sum ... print; `sha256sum -c` reads it."""
    BAGIT = "bagit"
    """manifest-ALGORITHM.txt of a bag whose payload is the tree."""
    DVC = "dvc"
    """The folder's object in a DVC cache: JSON of md5 and path."""


NEEDS = {Form.DVC: "md5"}


def export(form: Form, reader: Reader, algorithm: str, out: Callable[[bytes], object]) -> None:
    """Give the lines to `out`. Raises AuditError where the manifest does not hold what the form needs."""
    algorithm = NEEDS.get(form, algorithm)
    if algorithm not in reader.algorithms:
        raise AuditError(f"the manifest has no {algorithm}", f"make it with --algorithm {algorithm}")
    rows = (row for row in reader.rows() if row.digests)
    if form is Form.DVC:
        out(dvc_object(rows))
        return
    line = _sum if form is Form.SUMS else _payload
    for row in rows:
        out(line(row, row.digests[algorithm]))


def _sum(row: Row, digest: str) -> bytes:
    name = os.fsencode(row.path)
    if any(c in name for c in b"\\\n\r"):
        name = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return b"\\" + digest.encode() + b"  " + name + b"\n"
    return digest.encode() + b"  " + name + b"\n"


def _payload(row: Row, digest: str) -> bytes:
    name = row.path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
    return f"{digest}  data/{name}\n".encode("utf-8", "surrogateescape")


def dvc_object(rows: Iterator[Row]) -> bytes:
    """Its md5 with `.dir` behind it is what a `.dvc` file says of the folder."""
    found = sorted((row.path, row.digests["md5"]) for row in rows)
    return json.dumps([{"md5": md5, "relpath": path} for path, md5 in found]).encode("ascii", "backslashreplace")


def dvc_id(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest() + ".dir"
