"""Where do ingested spool files go? Into `archive/<digest>.ndjson`, a line each, exact to the byte: with the spool, the store again."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from auditor import spool

_HEAD, _JSON, _BASE64 = b'{"name":', b',"json":', b',"base64":"'
_PART, _CUT = b'{"part":"', b',"cut":'
_DATA, _HEAD_BYTES = b'"data":', 80
LARGE = 4096
"""Data of so many bytes that several captures of one archive file share stand in it once, before the first line that needs them."""


def write(folder: str, files: Sequence[tuple[str, bytes, bytes, Sequence[bytes]]]) -> str:
    """Pack (name, bytes, ledger id, the data of its evidence in order) into one file, on the disk when this returns; its path. Raises OSError."""
    name = f"{hashlib.sha256(b''.join(id_ for _, _, id_, _ in files)).hexdigest()}.ndjson"
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        _clean(folder)
        spool.write(folder, name, b"".join(_lines(files)))
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return path


def _line(name: str, raw: bytes) -> tuple[bytes, ...]:
    """JSON of one line stands as it is, so that people can read it; anything else in base64."""
    head = _HEAD + json.dumps(name).encode("ascii")
    return (head, _JSON, raw, b"}\n") if _plain(name, raw) else (head, _BASE64, base64.b64encode(raw), b'"}\n')


def _lines(files: Sequence[tuple[str, bytes, bytes, Sequence[bytes]]]) -> Iterator[bytes]:
    count = Counter(data for _, _, _, datas in files for data in datas if len(data) >= LARGE)
    shared = {data: hashlib.sha256(data).hexdigest().encode() for data, times in count.items() if times > 1}
    written: set[bytes] = set()
    for name, raw, _, datas in files:
        cut = _cut(raw, [data for data in datas if data in shared]) if _plain(name, raw) else []
        for _, data in cut:
            if data not in written:
                written.add(data)
                yield from (_PART, shared[data], b'"', _JSON, data, b"}\n")
        yield from _cut_line(name, raw, [(at, data, shared[data]) for at, data in cut]) if cut else _line(name, raw)


def _cut(raw: bytes, datas: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Where in the raw bytes this data stands; what is not found stays where it is."""
    found, end = [], 0
    for data in datas:
        at = _find(raw, data, end)
        if at >= 0:
            found.append((at, data))
            end = at + len(data)
    return found


def _find(raw: bytes, data: bytes, at: int) -> int:
    """Where it stands behind its key; by its first bytes, because Python studies a long needle for longer than it seeks it."""
    head = _DATA + data[:_HEAD_BYTES]
    while (at := raw.find(head, at)) >= 0:
        at += len(_DATA)
        if raw.startswith(data, at):
            return at
    return -1


def _cut_line(name: str, raw: bytes, cut: Sequence[tuple[int, bytes, bytes]]) -> Iterator[bytes]:
    """`cut` holds (place in what is left, sha256 of the part that goes there), each place marked by `null`."""
    places, rest, end, gone = [], [], 0, 0
    for at, data, digest in cut:
        places.append([at - gone, digest.decode()])
        rest += [raw[end:at], b"null"]
        end = at + len(data)
        gone += len(data) - 4
    yield from (_HEAD, json.dumps(name).encode("ascii"), _CUT, json.dumps(places, separators=(",", ":")).encode("ascii"))
    yield from (_JSON, *rest, raw[end:], b"}\n")


def _plain(name: str, raw: bytes) -> bool:
    return name.endswith(".json") and raw.isascii() and b"\n" not in raw and b"\r" not in raw


def lines(path: str) -> Iterator[bytes]:
    """The packed lines of one archive file, one at a time. Raises OSError."""
    with open(path, "rb") as file:
        yield from file


def part(line: bytes) -> tuple[str, bytes] | None:
    """Digest and bytes of a part that later lines of the file refer to; None: another line. Raises ValueError when it is damaged."""
    if not line.startswith(_PART):
        return None
    digest, rest = line[len(_PART) : len(_PART) + 64].decode("ascii", "replace"), line[len(_PART) + 65 :]
    data = rest[len(_JSON) : -2]
    if not rest.startswith(_JSON) or not rest.endswith(b"}\n") or hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("a damaged part")
    return digest, data


def unpack(line: bytes, parts: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Name and bytes of a packed spool file. Raises ValueError when the line or a part that it needs is damaged."""
    name, used = json.JSONDecoder().raw_decode(line[len(_HEAD) : 4096].decode("ascii", "replace"))
    rest = line[len(_HEAD) + used :]
    if isinstance(name, str) and line.startswith(_HEAD):
        if rest.startswith(_JSON) and rest.endswith(b"}\n"):
            return name, rest[len(_JSON) : -2]
        if rest.startswith(_BASE64) and rest.endswith(b'"}\n'):
            return name, base64.b64decode(rest[len(_BASE64) : -3], validate=True)
        if rest.startswith(_CUT) and rest.endswith(b"}\n"):
            places, _, text = rest[len(_CUT) : -2].partition(_JSON)
            return name, _whole(text, json.loads(places), parts)
    raise ValueError("a damaged line")


def _whole(text: bytes, places: Sequence[tuple[int, str]], parts: Mapping[str, bytes]) -> bytes:
    found, end = [], 0
    for at, digest in places:
        if digest not in parts or text[at : at + 4] != b"null":
            raise ValueError("a part of it is damaged or missing")
        found += [text[end:at], parts[digest]]
        end = at + 4
    return b"".join((*found, text[end:]))


def _clean(folder: str) -> None:
    """What a killed ingester left half written; only one process at a time packs, the one that holds the store."""
    if os.path.isdir(folder):
        for name in os.listdir(folder):
            if name.startswith(".") and ".ndjson." in name:
                os.unlink(os.path.join(folder, name))
