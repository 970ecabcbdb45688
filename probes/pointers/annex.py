"""Which files does git-annex (and DataLad, which is made of it) keep, and is their content here?

Source: git-annex, "internals" and "key format": BACKEND[-sSIZE][-mMTIME][-SCHUNK-Cn]--NAME; a locked file is a link to
.git/annex/objects/../KEY/KEY, an unlocked one whose content is not here holds the line `/annex/objects/KEY`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from auditor.world import World
from probes.pointers import Declared, Reader, plain
from probes.pointers.gitfiles import above, git_folder, settings

_KEY = re.compile(r"([A-Z][A-Z0-9_]*)((?:-[sm]\d{1,19}|-[SC]\d{1,19})*)--(.+)", re.DOTALL)
_POINTER = re.compile(rb"/annex/objects/([^\n/]{1,1000})\n?")
_HASHES = {
    "MD5": "md5", "SHA1": "sha1", "SHA224": "sha224", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512",
    "SHA3_224": "sha3_224", "SHA3_256": "sha3_256", "SHA3_384": "sha3_384", "SHA3_512": "sha3_512", "BLAKE2B512": "blake2b",
}  # fmt: skip


class Key(NamedTuple):
    """algorithm of hashlib and bare hex, both empty where the backend's name is no digest; size -1: not told."""

    backend: str
    algorithm: str
    digest: str
    size: int


def parse(text: str) -> Key | None:
    """None for what is no key."""
    match = _KEY.fullmatch(text)
    if not match:
        return None
    size = re.search(r"-s(\d+)", match[2])
    stem = match[1].removesuffix("E") if match[1].removesuffix("E") in _HASHES else match[1]
    algorithm, digest = _HASHES.get(stem, ""), match[3].partition(".")[0].lower()
    if not re.fullmatch(r"[0-9a-f]{32,128}", digest):
        algorithm = ""
    return Key(match[1], algorithm, digest if algorithm else "", int(size[1]) if size else -1)


def read(world: World, folder: str, files: Iterable[str], links: Iterable[str]) -> Iterator[Declared]:
    remote: str | None = None
    for name, key, placeholder in (*_locked(folder, links), *_unlocked(world, folder, files)):
        remote = _remote(world, folder) if remote is None else remote
        path = os.path.join(folder, name)
        trouble = "" if key.algorithm else f"a key of the backend {key.backend} holds no digest"
        yield Declared(path, path, key.algorithm, key.digest, key.size, remote=remote, placeholder=placeholder, trouble=trouble)


def _locked(folder: str, links: Iterable[str]) -> Iterator[tuple[str, Key, bool]]:
    for name in links:
        try:
            target = os.readlink(os.path.join(folder, name))
        except OSError:
            continue
        if "annex/objects/" in target and (key := parse(os.path.basename(target))):
            yield name, key, not os.path.exists(os.path.join(folder, name))


def _unlocked(world: World, folder: str, files: Iterable[str]) -> Iterator[tuple[str, Key, bool]]:
    if not above(folder, os.path.join(".git", "annex")):
        return  # such a line means nothing without its repository
    for name in files:
        path = os.path.join(folder, name)
        try:
            if not 20 < world.stat(path).size < 1024:
                continue
            match = _POINTER.fullmatch(world.read(path, 1024))
        except OSError:
            continue
        if match and (key := parse(os.fsdecode(match[1]))):
            yield name, key, True


def _remote(world: World, folder: str) -> str:
    """Names and addresses of the repositories that git-annex knows as remotes."""
    root = above(folder, ".git")
    told = settings(world, (os.path.join(git_folder(world, root), "config"),)) if root else {}
    names = sorted(sub for section, sub, key in told if section == "remote" and key == "annex-uuid")
    return ", ".join(f"{n} {plain(told.get(('remote', n, 'url'), ''))}".rstrip() for n in names)[:500]


READER = Reader("git-annex", read)
