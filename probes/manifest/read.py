"""What does a manifest file say, and is it whole? Streamed: a manifest of a million files is read in the memory of one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from auditor.model import AuditError
from probes.manifest.rows import VERSION, unescaped

MAX_LINE = 1 << 20
ROW_ALGORITHMS = frozenset({"sha256", "md5", "sha1", "sha512", "sha256-tree:1GiB"})


class Row(NamedTuple):
    """A path that is no folder. digests by algorithm (none: it was skipped); link: a symbolic link's text; size in bytes, -1: not known."""

    path: str
    size: int
    digests: Mapping[str, str]
    link: str
    executable: bool
    skipped: str


class Reader:
    """A manifest from its header on. `rows` once; then `digest`, `complete` and `total` are known. Raises AuditError for what is none."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.digest, self.complete = "", False
        self.total: Mapping[str, Any] = {}
        self.skipped_folders: dict[str, str] = {}
        head = self._parsed(file.readline(MAX_LINE), 1)
        if head.get("auditor") != "manifest":
            raise AuditError(f"{name} is no manifest", "make one with `auditor manifest TREE -o FILE`")
        if head.get("version") != VERSION:
            raise AuditError(f"{name} is a manifest of version {head.get('version')}", "read it with a newer auditor")
        self.algorithms = tuple(str(a) for a in head.get("algorithms", ()))

    def rows(self) -> Iterator[Row]:
        for number, line in enumerate(iter(lambda: self._file.readline(MAX_LINE), b""), 2):
            value = self._parsed(line, number)
            if "path" in value:
                yield self._row(value, number)
            elif "folder" in value:
                if "skipped" in value:
                    self.skipped_folders[unescaped(str(value["folder"]))] = str(value["skipped"])
            elif "total" in value:
                self.digest, self.complete = str(value.get("digest", "")), value.get("complete") is True
                self.total = dict(value["total"])
                return
            else:
                raise AuditError(f"{self._name}:{number} is no line of a manifest", "make it anew")
        raise AuditError(f"{self._name} was cut: its last line is missing", "make it anew, or copy it again")

    def _row(self, value: Mapping[str, Any], number: int) -> Row:
        digests = {a: value[a] for a in ROW_ALGORITHMS & value.keys()}
        size = value.get("size", -1)
        if not isinstance(size, int) or not all(isinstance(d, str) for d in digests.values()):
            raise AuditError(f"{self._name}:{number} is no line of a manifest", "make it anew")
        link = unescaped(str(value.get("link", "")))
        skipped = str(value.get("skipped", ""))
        return Row(unescaped(str(value["path"])), size, digests, link, value.get("executable") is True, skipped)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            what = "is no manifest" if number == 1 else f"has no JSON in line {number}"
            raise AuditError(f"{self._name} {what}", "make one with `auditor manifest TREE -o FILE`")
        return value
