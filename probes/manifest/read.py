"""What does a manifest file say, and is it whole and unaltered? Streamed: a million files are read in the memory of their folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from auditor.model import AuditError
from probes.manifest.rows import PATH, VERSION, unescaped
from probes.manifest.rows import line as written

if TYPE_CHECKING:
    from hashlib import _Hash

_PATH = PATH.encode()

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


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


class _Sums:
    """The folders' digests, recomputed. trees: where several were listed in one manifest, their names."""

    def __init__(self, trees: frozenset[str]) -> None:
        self._trees = trees
        self._open: dict[str, _Hash] = {}
        self._folder, self._cut, self._hash = "", 0, sha256()
        self._open[""] = self._hash

    def file(self, path: str, line: bytes) -> None:
        folder = path.rpartition("/")[0]
        if folder != self._folder:
            self._folder, self._hash = folder, self._open.setdefault(folder, sha256())
            self._cut = len(json.dumps(folder, ensure_ascii=False).encode("utf-8", "surrogatepass")) - 1 if folder else 0
        self._hash.update(_PATH + line[len(_PATH) + self._cut :] if self._cut else line)

    def folder(self, row: Mapping[str, Any]) -> bool:
        """Do the lines since it was entered come to this digest?"""
        folder = str(row["folder"])
        skipped = "skipped" in row
        name = folder if folder in self._trees else folder.rpartition("/")[2]
        said = row.get("skipped") if skipped else row.get("digest")
        fits = skipped or said == f"sha256:{self._open.pop(folder, sha256()).hexdigest()}"
        self._folder = "/"  # no folder's name: the next line looks its own up
        if folder:
            above = "" if folder in self._trees else folder.rpartition("/")[0]
            entry = written({"folder": name, "skipped" if skipped else "digest": said})
            self._open.setdefault(above, sha256()).update(entry)
        return fits


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
        self.algorithms = _texts(head.get("algorithms"))
        self.exclude = tuple(map(unescaped, _texts(head.get("exclude"))))
        self._sums = _Sums(frozenset(_texts(head.get("trees"))))

    def rows(self) -> Iterator[Row]:
        for number, line in enumerate(iter(lambda: self._file.readline(MAX_LINE), b""), 2):
            value = self._parsed(line, number)
            if "path" in value:
                self._sums.file(str(value["path"]), line)
                yield self._row(value, number)
            elif "folder" in value:
                if "skipped" in value:
                    self.skipped_folders[unescaped(str(value["folder"]))] = str(value["skipped"])
                if not self._sums.folder(value):
                    where = value["folder"] or "the tree"
                    raise AuditError(
                        f"{self._name}:{number}: the digest of {where} does not fit its lines", "it was altered or damaged"
                    )
            elif "total" in value:
                self.digest, self.complete = str(value.get("digest", "")), value.get("complete") is True
                self.total = dict(value["total"])
                if self._file.read(1):
                    raise AuditError(f"{self._name}:{number + 1} goes on after its last line", "it was altered or damaged")
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
