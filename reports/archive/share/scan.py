"""Is there still something in it that must not be published? The last look, with more suspicion than knowledge; it changes nothing.

JSON is looked at text by text, archives file by file. A finding names the file and the rule, never what was found.
"""

from __future__ import annotations

import html
import io
import json
import lzma
import math
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.model import AuditError
from reports.archive.share.book import Kind
from reports.archive.share.cover import Cover
from reports.archive.share.harvest import strings

DEPTH = 4
OURS = {k.value for k in Kind} - {Kind.MAIL, Kind.ADDRESS, Kind.DEVICE, Kind.NUMBER}
TOTAL = 1 << 30
"""Bytes of an unpacked archive; more is not looked at, and so not published."""
_DIGEST_NAME = re.compile(
    r"(?i)sha\d*|md5|digest|hash|checksum|commit|rev|uuid|guid|fingerprint|etag|integrity|blake|crc|image|ruleset|\bid$|_id$|path$|version|seed|url|ni$|tree|object|index$"
)
_ASSIGNED = re.compile(
    r"(?P<name>[A-Za-z_][\w.-]{1,60})['\"]?[ \t]{0,3}(?:=|:(?!//|:))[ \t]{0,3}['\"]?(?P<value>[A-Za-z0-9+/_=-]{20,400})(?![\w/+.-])"
)
_MARKED = re.compile(r"(?:\\?\[|\{\[\}|\[)withheld(?:\\?\]|\{\]\})")
"""As Markdown and LaTeX write it."""
_HEX = re.compile(r"[0-9a-fA-F]+")
_MEMBERS = re.compile(r"\.(?:zip|whl|npz|tar|tgz|gz|bz2|xz|jar|egg|crate)$|\.tar\.\w+$")


@dataclass(frozen=True)
class Finding:
    """rule: of the redaction, `high-entropy`, or `not-searchable` with the reason."""

    file: str
    rule: str
    count: int


class Blocked(AuditError):
    """Something was found in what was to be published; nothing was written. Exit status 1."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        told = "; ".join(f"{f.file}: {f.rule}" + (f" ({f.count} times)" if f.count > 1 else "") for f in self.findings[:20])
        more = f"; and {len(self.findings) - 20} more" if len(self.findings) > 20 else ""
        first = self.findings[0]
        super().__init__(
            f"not published: {told}{more}",
            f"take it out of the file and run again, or, if you looked and it is harmless: --accept '{first.rule}:{first.file}'",
        )


def findings(file: str, data: bytes, cover: Cover, depth: int = 0) -> Iterator[Finding]:
    """All of one file, which is searched as what its content shows it to be."""
    inner = _unpacked(file, data, depth)
    if isinstance(inner, str):
        yield Finding(file, f"not-searchable ({inner})", 1)
        return
    if inner is not None:
        for name, content in inner:
            yield from _within(file, [*findings(f"{file}!{name}", content, cover, depth + 1), *_rules(f"{file}!", name, cover)])
        return
    if file.endswith(".json") or data[:1] == b"{":
        try:
            texts = "\n\n".join(dict.fromkeys(text for _, text in strings(json.loads(data))))
        except (ValueError, RecursionError):
            texts = data.decode("utf-8", "replace")
        yield from _rules(file, texts, cover)
        return
    text = data.decode("latin-1" if b"\0" in data[:8192] else "utf-8", "replace")
    yield from _rules(file, html.unescape(text) if file.endswith(".html") else text, cover, binary=b"\0" in data[:8192])


def _within(file: str, found: Sequence[Finding]) -> Iterator[Finding]:
    """In a wheel only our own names count: what packages say of their authors and test with is public."""
    yield from (f for f in found if not file.endswith(".whl") or f.rule in OURS)


def _rules(file: str, text: str, cover: Cover, binary: bool = False) -> Iterator[Finding]:
    cover.fresh()
    text = text.replace("\\char39{}", "'").replace("{}", "") if file.endswith(".tex") else text
    text = _MARKED.sub("[withheld]", text)
    if binary:
        cover.binary(text)
    else:
        cover.text(text)
    for rule, count in sorted(cover.fresh().items()):
        if count:
            yield Finding(file, rule, count)
    if not binary and (count := sum(1 for m in _ASSIGNED.finditer(text) if secret_like(m["name"], m["value"]))):
        yield Finding(file, "high-entropy", count)


def secret_like(name: str, value: str) -> bool:
    """Is a name given a value that looks drawn by lot? Digests under a name that says so are none."""
    if _DIGEST_NAME.search(name) or value.startswith("[withheld"):
        return False
    body = value.strip("=_-")
    if len(body) < 20 or "//" in value or value.count("/") > 2:
        return False
    if _HEX.fullmatch(body):
        return entropy(body) > 3.0 and not body.isdigit()
    kinds = sum(bool(re.search(form, body)) for form in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds == 3 and entropy(body) > 3.9


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _unpacked(file: str, data: bytes, depth: int) -> list[tuple[str, bytes]] | str | None:
    """The files of an archive; None: it is none; a text: why it cannot be looked into."""
    is_zip = data[:4] in (b"PK\3\4", b"PK\5\6")
    packed = data[:2] == b"\x1f\x8b" or data[:3] == b"BZh" or data[:6] == b"\xfd7zXZ\0"
    is_tar = data[257:262] == b"ustar"
    if not (is_zip or packed or is_tar):
        return None
    if depth >= DEPTH:
        return "archives in archives"
    try:
        return list(_zip(data) if is_zip else _tar(data, file, packed and not is_tar))
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        RuntimeError,
        NotImplementedError,
        _TooMuch,
    ) as error:
        return f"damaged or locked: {type(error).__name__}"


class _TooMuch(Exception):
    pass


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(i.file_size for i in archive.infolist()) > TOTAL:
            raise _TooMuch
        for info in archive.infolist():
            yield info.filename, archive.read(info) + b"\n" + info.comment


def _tar(data: bytes, file: str, packed: bool) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
            left = TOTAL
            for member in archive:
                left -= member.size
                if left < 0:
                    raise _TooMuch
                content = archive.extractfile(member) if member.isfile() else None
                about = f"\n{member.uname}\n{member.gname}\n{member.linkname}\n"
                yield member.name + about, content.read() if content else b""
    except tarfile.ReadError:
        if not packed:
            raise
        yield file.rpartition(".")[0], _inflated(data)


def _inflated(data: bytes) -> bytes:
    import bz2
    import gzip

    opened = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}[data[:2]]
    with opened(io.BytesIO(data)) as file:  # type: ignore[operator]
        raw: bytes = file.read(TOTAL + 1)
    if len(raw) > TOTAL:
        raise _TooMuch
    return raw
