"""How does a manifest look on disk? Lines of JSON, one a file, in an order that any machine comes to; the same tree gives the same bytes.

    {"auditor":"manifest","version":1,"algorithms":["sha256"]}
    {"path":"a/b.txt","size":12,"sha256":"6e3f..."}                     a file; "executable":true where its owner may run it
    {"path":"a/l","link":"../x","size":3,"sha256":"9f86..."}            a symbolic link: its text, and the file that it leads to
    {"path":"a/s","skipped":"special"}                                  what has no digest, and why; see `Skip`
    {"folder":"a","files":2,"bytes":15,"digest":"sha256:77ab..."}       after everything below it; the tree itself is ""
    {"total":{"files":2,"bytes":15,...},"complete":true}                the last line: without it the manifest was cut

The first line also has "exclude", the globs left out, and "trees", the names of several trees in one manifest, where there are such.
Order: a folder's own files by the bytes of their names, then its folders likewise, each with all below it. A folder's digest is the sha256
of its lines with bare names, then one line `{"folder":NAME,"digest":DIGEST}` a folder in it: it does not change when the folder moves.
Names are UTF-8; control characters, `%` and bytes that are not UTF-8 are written `%XX`, so that every name comes back as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_to_bytes

VERSION = 1
PATH = '{"path":"'
_PLAIN = re.compile(r"[ !#$&-\[\]-~\0]*", re.ASCII)
_ESCAPED = re.compile(r"[\x00-\x1f%\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Skip(StrEnum):
    """Why a path has no digest."""

    UNREADABLE = "unreadable"
    CHANGED = "changed-while-read"
    VANISHED = "vanished"
    SPECIAL = "special"
    """A socket, pipe or device."""
    DANGLING = "dangling-link"
    """A link to nothing, or in a circle."""
    TO_FOLDER = "link-to-folder"
    """Its text is recorded; what is in the folder belongs to whoever lists that folder."""
    BUDGET = "budget"
    TIME = "time"
    EXCLUDED = "excluded"
    SAMPLED = "sampled"
    """Too large for this pass: a sample was hashed, which is no identity."""
    WORKER = "worker-died"


HARMLESS = frozenset({Skip.EXCLUDED, Skip.TO_FOLDER})
"""Reasons that leave nobody ignorant of a content that was asked for."""


def plain(joined: str) -> bool:
    """May these names, joined by NUL, stand in a line as they are?"""
    return _PLAIN.fullmatch(joined) is not None


def quoted(name: str) -> str:
    """A name or path as it stands between the quotes of a line."""
    return json.dumps(escaped(name), ensure_ascii=False)[1:-1]


def escaped(name: str) -> str:
    """A path (bytes that are not UTF-8 as surrogates) as printable text that `unescaped` turns back."""
    return _ESCAPED.sub(_percent, name)


def unescaped(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape") if "%" in text else text


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def order(path: str) -> tuple[tuple[bytes, ...], bytes]:
    """Where a file's path stands among others."""
    *folder, name = path.encode("utf-8", "surrogateescape").split(b"/")
    return tuple(folder), name
