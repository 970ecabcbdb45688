"""Which content do DVC's files declare? `*.dvc` what was added, `dvc.lock` what stages read and made; lists of folders from its cache.

Source: doc.dvc.org, "DVC files" and "Internal files"; versions 2 (cache/ab/cdef...) and 3 (cache/files/md5/ab/cdef...) are read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from auditor.world import World
from probes.pointers import Declared, Reader, plain
from probes.pointers.gitfiles import above, settings

MAX_FILE, MAX_LIST = 4 << 20, 64 << 20
MAX_ENTRIES = 100_000
_LINE = re.compile(r"( *)((?:- +)*)([A-Za-z_][\w.-]*|'[^']*'|\"[^\"]*\"):(?: +(.*))?")
_MD5 = re.compile(r"[0-9a-f]{32}")
_PATHS = {"outs": "path", "deps": "path"}


def read(world: World, folder: str, files: Iterable[str], links: Iterable[str]) -> Iterator[Declared]:
    for name in files:
        if name != "dvc.lock" and not (name.endswith(".dvc") and name != ".dvc"):
            continue
        by = os.path.join(folder, name)
        try:
            text = world.text(by, MAX_FILE)
        except OSError as error:
            yield Declared(by, by, "", "", -1, trouble=f"not read: {error.strerror or error}")
            continue
        place = _Place(world, folder)
        for role, entry in entries(text):
            if role == "deps" and name != "dvc.lock":
                continue  # where an import came from, not what is here
            yield from place.declared(by, "output" if role == "outs" and name == "dvc.lock" else "input", entry)


def entries(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(`outs` or `deps`, the scalars of one of its entries) of a file as DVC writes it. Not a YAML parser: other shapes give nothing."""
    section, indent, entry = "", -1, dict[str, str]()
    for line in text.splitlines():
        match = _LINE.fullmatch(line.rstrip())
        if not match:
            continue
        at, starts = len(match[1]) + len(match[2]), bool(match[2])
        key, value = match[3].strip("'\""), _scalar(match[4] or "")
        if section and (starts or at < indent) and entry:
            if starts or at != indent:
                yield section, entry
            entry = {}
        if not starts and key in _PATHS and not value:
            section, indent = key, -1
        elif section and starts and (indent < 0 or at == indent):
            indent, entry = at, {key: value}
        elif section and at == indent and entry:
            entry[key] = value
        elif indent >= 0 and at < indent:
            section = ""
    if section and entry:
        yield section, entry


def _scalar(text: str) -> str:
    """A value as YAML's dumpers write it: plain, in single quotes, or in double ones with JSON's escapes."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    return text


class _Place:
    """Where paths of one folder lead, where its cache lies and which remote it has."""

    def __init__(self, world: World, folder: str) -> None:
        self.world, self.folder = world, folder
        self.root = above(folder, ".dvc")
        own = os.path.join(self.root, ".dvc") if self.root else ""
        told = settings(world, (os.path.join(own, "config"), os.path.join(own, "config.local"))) if own else {}
        self.cache = os.path.join(own, told.get(("cache", "", "dir"), "cache")) if own else ""
        name = told.get(("core", "", "remote"), "")
        self.remote = f"{name} {plain(told.get(('remote', name, 'url'), ''))}".strip() if name else ""

    def declared(self, by: str, role: str, entry: Mapping[str, str]) -> Iterator[Declared]:
        digest, path = entry.get("md5", ""), entry.get("path", "")
        if not path or "\0" in path or (entry.get("cache") == "false" and not digest):
            return
        where = os.path.normpath(os.path.join(self.folder, entry.get("wdir", ""), path))
        size = int(entry["size"]) if re.fullmatch(r"\d{1,18}", entry.get("size", "")) else -1
        if digest.endswith(".dir"):
            yield from self._folder(by, role, where, digest, size)
        elif _MD5.fullmatch(digest):
            # version 2 hashed text files with their line ends changed; it says no `hash: md5`
            old = "" if entry.get("hash") == "md5" else "DVC 2 hashed text files with other line ends: only its size counts"
            yield Declared(where, by, "" if old else "md5", digest, size, role, self.remote, trouble=old)
        else:
            yield Declared(where, by, "", "", size, role, self.remote, trouble="no md5 is declared")

    def _folder(self, by: str, role: str, where: str, digest: str, size: int) -> Iterator[Declared]:
        try:
            listed = self._list(digest)
        except (OSError, ValueError) as error:
            why = f"the list of its files is not in DVC's cache: {error}"
            yield Declared(where, by, "", digest, -1, role, self.remote, trouble=why)
            return
        for path, md5 in islice(listed, MAX_ENTRIES):
            yield Declared(os.path.join(where, path), by, "md5", md5, -1, role, self.remote)

    def _list(self, digest: str) -> list[tuple[str, str]]:
        name = os.path.join(digest[:2], digest[2:])
        if not self.cache or not re.fullmatch(r"[0-9a-f]{32}\.dir", digest):
            raise FileNotFoundError("no .dvc folder above it")
        raw = self._read(os.path.join(self.cache, "files", "md5", name), os.path.join(self.cache, name))
        rows = json.loads(raw)
        if not isinstance(rows, list):
            raise ValueError("it is no list")
        return [
            (r["relpath"], r["md5"]) for r in rows if isinstance(r, dict) and _inside(r.get("relpath")) and _is_md5(r.get("md5"))
        ]

    def _read(self, *paths: str) -> bytes:
        for path in paths[:-1]:
            if self.world.exists(path):
                return self.world.read(path, MAX_LIST)
        return self.world.read(paths[-1], MAX_LIST)


def _inside(path: object) -> bool:
    return isinstance(path, str) and bool(path) and not path.startswith("/") and ".." not in path.split("/") and "\0" not in path


def _is_md5(text: object) -> bool:
    return isinstance(text, str) and _MD5.fullmatch(text) is not None


READER = Reader("dvc", read)
