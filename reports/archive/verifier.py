#!/usr/bin/env python3
"""Is this bundle whole and unchanged? Standard library only (Python >= 3.9): it travels in every bundle as `verify.py`.

    python3 verify.py [BUNDLE.crate.zip | FOLDER]      exit 0: whole; 1: damaged or changed; 2: refused, or not a bundle

Recomputes every checksum (BagIt 1.0, RFC 8493) and every evidence id. Opens nothing outside the bundle, extracts nothing.
It is one file, longer than others, because it must run alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
import sys
import unicodedata
import zipfile
import zlib
from contextlib import closing
from typing import Any, Iterable, Iterator  # noqa: UP035  # the old names: this file runs on old Pythons too

MAX_FILES = 200000
MAX_BYTES = 64 << 30
MAX_RATIO = 200
RATIO_FREE = 10 << 20
"""Bytes; an archive that unpacks to less than this is harmless at any ratio."""
MAX_DIRECTORY = 64 << 20
MAX_JSON = 256 << 20
PIECE = 1 << 20
NOT_OURS = "auditor never writes such a bundle; do not unpack it"


class Refused(Exception):
    """This is not a bundle, or not one that is safe to open: message and hint."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Result:
    """What was found. problems: sentences, none when all is well; id: sha256 of tagmanifest-sha256.txt; size in bytes."""

    def __init__(self, problems: list[str], bundle: str, files: int, size: int) -> None:
        self.problems = problems
        self.id = bundle
        self.files = files
        self.size = size


def check(path: str) -> Result:
    """Verify the bundle at `path`, a ZIP or a folder. Raises Refused."""
    with closing(open_bundle(path)) as bundle:
        return check_open(bundle)


def open_bundle(path: str) -> Folder | Zip:
    """A bundle to read from: `.sizes` (name -> bytes) and `.pieces(name)`; names are safe. Raises Refused."""
    if not os.path.exists(path):
        raise Refused(f"there is no bundle at {path}", "check the path")
    if os.path.isdir(path):
        return Folder(path)
    if not os.path.isfile(path):  # a device may have no end
        raise Refused(f"{path} is neither a file nor a folder", "name the ZIP file, or the folder that holds bagit.txt")
    return Zip(path)


# ---- reading -------------------------------------------------------------------------------------------------------


def _safe(name: str) -> None:
    """Raise unless the name stays inside the folder it is unpacked to, on any system."""
    odd = name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name) or any(ord(c) < 32 for c in name)
    if odd or any(part in ("", ".", "..") for part in name.split("/")):
        raise Refused(f"the bundle holds a name that leaves its folder: {ascii(name)[:80]}", NOT_OURS)


def _limits(sizes: dict[str, int]) -> None:
    folded: dict[str, str] = {}
    for name in sizes:
        _safe(name)
        other = folded.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise Refused(f"two names differ only in case or accents: {other!a}, {name!a}", NOT_OURS)
    if len(sizes) > MAX_FILES:
        raise Refused(f"the bundle holds {len(sizes)} files, more than {MAX_FILES}", NOT_OURS)
    if sum(sizes.values()) > MAX_BYTES:
        raise Refused(f"the bundle unpacks to {sum(sizes.values())} bytes, more than {MAX_BYTES}", "ask for one without payload")


class Folder:
    """An unpacked bundle."""

    def __init__(self, path: str) -> None:
        self.root = path
        self.sizes: dict[str, int] = {}
        if not os.path.isfile(os.path.join(path, "bagit.txt")):
            raise Refused(f"{path} is not a bundle: it has no bagit.txt", "name the ZIP file, or the folder that holds bagit.txt")
        self._walk("")
        _limits(self.sizes)

    def _walk(self, below: str) -> None:
        for entry in sorted(os.scandir(os.path.join(self.root, below)), key=lambda e: e.name):
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                self._walk(f"{below}{entry.name}/")
            elif stat.S_ISREG(found.st_mode):
                self.sizes[below + entry.name] = found.st_size
            else:
                raise Refused(f"{below + entry.name!a} is a link or a special file", "a bundle holds plain files only")
            if len(self.sizes) > MAX_FILES:
                raise Refused(f"{self.root} holds more than {MAX_FILES} files", "name the bundle itself")

    def pieces(self, name: str) -> Iterator[bytes]:
        with open(os.path.join(self.root, *name.split("/")), "rb") as file:
            yield from iter(lambda: file.read(PIECE), b"")

    def close(self) -> None:
        """Nothing is held open."""


class Zip:
    """A bundle in one ZIP file; also with one folder around everything, as other tools pack bags."""

    def __init__(self, path: str) -> None:
        try:
            _end_record(path)
            self._zip = zipfile.ZipFile(path)
        except PermissionError:
            raise Refused(
                f"{path} cannot be read: permission denied", "ask its owner, or copy it where you may read it"
            ) from None
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as error:
            raise Refused(
                f"{path} is not a whole ZIP file: {error}", "was it cut short, or is it another kind of file?"
            ) from None
        try:
            self._entries = _index(self._zip.infolist(), os.path.getsize(path))
        except Refused:
            self._zip.close()
            raise
        self.sizes = {name: info.file_size for name, info in self._entries.items()}

    def pieces(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(self._entries[name]) as file:
                yield from iter(lambda: file.read(PIECE), b"")
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, zlib.error) as error:
            raise Refused(f"{name!a} cannot be read from the ZIP file: {error}", "it is damaged; fetch it again") from None

    def close(self) -> None:
        self._zip.close()


def _end_record(path: str) -> None:
    """Look at the end record before zipfile reads the whole table of contents into memory (APPNOTE 4.3.14-16)."""
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, 2) - 65557))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise zipfile.BadZipFile("it has no end record")
    entries, directory = struct.unpack("<HI", tail[at + 10 : at + 16])
    if directory == 0xFFFFFFFF or entries == 0xFFFF:
        wide = tail.rfind(b"PK\6\6", 0, at)
        if wide < 0:
            raise zipfile.BadZipFile("it has no ZIP64 end record")
        entries, directory = struct.unpack("<QQ", tail[wide + 32 : wide + 48])
    if directory > MAX_DIRECTORY or entries > 2 * MAX_FILES:
        raise Refused(f"the bundle's table of contents has {entries} entries in {directory} bytes", NOT_OURS)


def _index(entries: Iterable[zipfile.ZipInfo], packed: int) -> dict[str, zipfile.ZipInfo]:
    files: dict[str, zipfile.ZipInfo] = {}
    for info in entries:
        _plain(info)
        if info.filename.endswith("/"):
            _safe(info.filename[:-1])
        elif info.filename in files:
            raise Refused(f"the name {info.filename!a} occurs twice", NOT_OURS)
        else:
            files[info.filename] = info
    sizes = {name: info.file_size for name, info in files.items()}
    _limits(sizes)
    total = sum(sizes.values())
    if total > RATIO_FREE and total > MAX_RATIO * packed:
        raise Refused(f"{packed} bytes unpack to {total}: this is a ZIP bomb", "do not unpack it")
    _apart(files.values())
    return _without_top(files)


def _plain(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(f"{info.filename!a} is a link or a special file", "a bundle holds plain files only")
    if info.flag_bits & 1:
        raise Refused(f"{info.filename!a} is encrypted", "a bundle is never encrypted; ask for the original")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"{info.filename!a} is compressed in an unusual way", NOT_OURS)


def _apart(entries: Iterable[zipfile.ZipInfo]) -> None:
    """Entries that share bytes of the archive are how a small file becomes a huge one."""
    end = 0
    for info in sorted(entries, key=lambda i: i.header_offset):
        if info.header_offset < end:
            raise Refused(f"{info.filename!a} overlaps another entry: this is a ZIP bomb", "do not unpack it")
        end = info.header_offset + 30 + info.compress_size


def _without_top(files: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    if "bagit.txt" in files:
        return files
    tops = {name.split("/", 1)[0] for name in files}
    top = f"{tops.pop()}/" if len(tops) == 1 else ""
    if not top or f"{top}bagit.txt" not in files:
        raise Refused("this ZIP file is not a bundle: it has no bagit.txt", "a bundle is made by `auditor bundle`")
    return {name[len(top) :]: info for name, info in files.items()}


# ---- checking ------------------------------------------------------------------------------------------------------


def read(bundle: Folder | Zip, name: str, limit: int = MAX_JSON) -> bytes:
    """The bytes of one file of the bundle. Raises Refused when it is not there or larger than `limit`."""
    if name not in bundle.sizes:
        raise Refused(f"the bundle has no {name}", "it is a bag, but not a bundle of a run")
    if bundle.sizes[name] > limit:
        raise Refused(f"{name} has {bundle.sizes[name]} bytes, more than {limit}", NOT_OURS)
    return b"".join(bundle.pieces(name))


def check_open(bundle: Folder | Zip) -> Result:
    """The same as `check` for a bundle that is open."""
    tags = sorted(n for n in bundle.sizes if re.match(r"tagmanifest-\w+\.txt$", n))
    manifests = sorted(n for n in bundle.sizes if re.match(r"manifest-\w+\.txt$", n))
    payload = {n for n in bundle.sizes if n.startswith("data/")}
    others = {n for n in bundle.sizes if n not in payload and n not in tags and not n.endswith(".sig")}
    needed = ("manifest-sha256.txt", "tagmanifest-sha256.txt")
    problems = [f"{name} is missing" for name in needed if name not in bundle.sizes]
    problems += _declaration(bundle) + _fixity(bundle, tags, others) + _fixity(bundle, manifests, payload)
    size = sum(bundle.sizes[n] for n in payload)
    problems += _oxum(bundle, size, len(payload)) + _evidence(bundle)
    bundle_id = hashlib.sha256(read(bundle, needed[1])).hexdigest() if needed[1] in bundle.sizes else ""
    return Result(problems, bundle_id, len(payload), size)


def _declaration(bundle: Folder | Zip) -> list[str]:
    first = read(bundle, "bagit.txt", 4096).decode("utf-8", "replace").split("\n")[0].strip()
    return (
        []
        if first in ("BagIt-Version: 1.0", "BagIt-Version: 0.97")
        else [f"bagit.txt names an unknown version: {ascii(first)[:60]}"]
    )


def _fixity(bundle: Folder | Zip, manifests: list[str], files: set[str]) -> list[str]:
    """Each of `files` must stand in each manifest with the digest it has, and the other way round."""
    problems: list[str] = []
    wanted: dict[str, dict[str, str]] = {}
    for manifest in manifests:
        algorithm = manifest.rsplit("-", 1)[1][:-4]
        if algorithm not in hashlib.algorithms_guaranteed:
            problems.append(f"{manifest} uses an unknown algorithm")
            continue
        listed = [*_lines(read(bundle, manifest))]
        names = {name for name, _ in listed}
        for name, digest in listed:
            wanted.setdefault(name, {})[algorithm] = digest
        problems += [f"{manifest} lists a file twice"] if len(names) < len(listed) else []
        problems += [f"{n!a} is missing" for n in sorted(names - files)]
        problems += [f"{n!a} is not listed in {manifest}" for n in sorted(files - names)]
    for name in sorted(files & set(wanted)):
        wrong = _wrong(bundle.pieces(name), wanted[name])
        problems += [f"{name!a} was changed: its {' and '.join(wrong)} differs"] if wrong else []
    return problems


def _lines(manifest: bytes) -> Iterator[tuple[str, str]]:
    for line in manifest.decode("utf-8", "replace").split("\n")[:-1]:
        digest, _, name = line.partition(" ")
        name = name.lstrip(" *")
        name = name.removeprefix("./")
        yield re.sub("%(25|0[AaDd])", lambda m: chr(int(m[1], 16)), name), digest.lower()


def _wrong(pieces: Iterable[bytes], wanted: dict[str, str]) -> list[str]:
    """The algorithms whose digest is not the wanted one."""
    hashes = {algorithm: hashlib.new(algorithm) for algorithm in wanted}
    for piece in pieces:
        for h in hashes.values():
            h.update(piece)
    return [a for a, h in hashes.items() if h.hexdigest() != wanted[a]]


def _oxum(bundle: Folder | Zip, size: int, count: int) -> list[str]:
    if "bag-info.txt" not in bundle.sizes:
        return ["bag-info.txt is missing"]
    said = re.search(r"^Payload-Oxum: *(\d+)\.(\d+) *$", read(bundle, "bag-info.txt").decode("utf-8", "replace"), re.MULTILINE)
    if said and (int(said[1]), int(said[2])) != (size, count):
        return [f"bag-info.txt counts {said[1]} bytes in {said[2]} files; there are {size} in {count}"]
    return []


def _evidence(bundle: Folder | Zip) -> list[str]:
    """An id is the sha256 of the canonical JSON of the rest; a citation must lead to evidence that is here."""
    try:
        pieces = json.loads(read(bundle, "data/evidence/evidence.json").decode("utf-8"))
        ids = {piece.pop("id"): piece for piece in pieces}
        wrong = [i for i, piece in ids.items() if hashlib.sha256(canonical(piece)).hexdigest() != i]
        score = json.loads(read(bundle, "data/scorecard.json").decode("utf-8"))
        cited = {c for tip in score["tips"] for finding in tip["findings"] for c in finding["cites"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [f"the evidence or the scorecard cannot be read: {type(error).__name__} {str(error)[:80]}"]
    problems = [f"evidence {str(i)[:16]} does not hash to its id" for i in wrong]
    return problems + [f"the scorecard cites evidence {str(i)[:16]}, which is not here" for i in sorted(cited - set(ids))]


def canonical(value: Any) -> bytes:
    """Sorted keys, no blanks, ASCII: the form that ids are made from."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def main(arguments: list[str]) -> int:
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        result = check(arguments[0] if arguments else here)
    except Refused as refused:
        sys.stderr.write(f"{refused.message}\n{refused.hint}\n")
        return 2
    for problem in result.problems:
        sys.stdout.write(f"{problem}\n")
    if result.problems:
        sys.stdout.write(f"NOT whole: {len(result.problems)} problem(s)\n")
        return 1
    sys.stdout.write(f"whole: {result.files} files, {result.size} bytes, bundle {result.id}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
