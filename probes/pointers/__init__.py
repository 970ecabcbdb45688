"""Which files say of other content that it belongs here? DVC, git-annex (DataLad) and git-LFS; what they say is declared, not seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from auditor.world import World


@dataclass(frozen=True)
class Pointer:
    """A content that was declared, and what is really there. size in bytes, -1: not declared; digest bare hex, as `algorithm` says.

    system: `dvc`, `git-annex`, `git-lfs`. by: the file that declares it; `path` itself where the pointer stands in the content's place.
    role: `input`, or `output` of a stage of dvc.lock. remote: where the rest of the group has it, without credentials; empty: not told.
    state: `equal` (hashed), `different` (its size or digest), `absent` (only the pointer is here), `present` (there; not hashed, with the
    reason), `unreadable` (with the reason).
    """

    path: str
    system: str
    by: str
    role: str
    algorithm: str
    digest: str
    size: int
    state: str
    remote: str = ""
    reason: str = ""


@dataclass(frozen=True)
class DataPointers:
    """Kind of the probe `pointer-content` (submit, later). Paths relative to `root` where they lie below it.

    pointers: the first ones, those that are not as declared before the others; found: all, by `SYSTEM STATE`.
    complete: every folder was looked into, and every declared list could be read. bytes_hashed: what it took.
    """

    root: str
    pointers: tuple[Pointer, ...]
    found: dict[str, int]
    complete: bool
    bytes_hashed: int


@dataclass(frozen=True)
class Declared:
    """What a reader makes of a pointer. path and by absolute. placeholder: the pointer itself stands at `path`, not the content.

    algorithm: of hashlib, empty where the system's key is no digest. trouble: what kept the reader from saying more.
    """

    path: str
    by: str
    algorithm: str
    digest: str
    size: int
    role: str = "input"
    remote: str = ""
    placeholder: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Reader:
    """One a file of this folder. read: given a folder, the names of its files and of its links, what is declared there; may raise OSError."""

    system: str
    read: Callable[[World, str, Iterable[str], Iterable[str]], Iterable[Declared]]


def plain(url: str) -> str:
    """An address without credentials, query and fragment: both may hold a signature."""
    scheme, mark, rest = re.split(r"[?#]", url.strip()[:2000], maxsplit=1)[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"[:500]
