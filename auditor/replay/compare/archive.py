"""Do two archives hold the same members? zip, tar and what is gzipped, each member by its own kind; times, owners and order are left aside."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO

from auditor.replay.compare.content import Content, NotComparable
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger
from auditor.verdict import Sameness

MEMBER = 256 << 20
"""Bytes of one member, unpacked; all together at most TOTAL, in at most MEMBERS, archives within archives down to DEPTH."""
TOTAL = 2 << 30
MEMBERS = 20_000
DEPTH = 3
_ASIDE = "left aside: times, owners and the order of an archive's members"


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable and what zipfile, tarfile and gzip raise."""
    _compare(expected, actual, ledger, DEPTH)


def _compare(expected: Content, actual: Content, ledger: Ledger, depth: int) -> None:
    one, other = _names(expected), _names(actual)
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            ledger.shape(name, *(("present", "absent") if name in one else ("absent", "present")))
    spent = 0
    for name in sorted({*one} & {*other}):
        a, b = _member(expected, name, one[name]), _member(actual, name, other[name])
        spent += len(a) + len(b)
        if spent > TOTAL:
            raise NotComparable(f"more than {TOTAL} bytes of members")
        if a == b:
            ledger.same += 1
        else:
            _inside(name, a, b, ledger, depth)
    ledger.note(_ASIDE)


def _inside(name: str, a: bytes, b: bytes, ledger: Ledger, depth: int) -> None:
    """One member whose bytes are not the same. Its own comparator decides; its words go into the archive's ledger."""
    from auditor.replay.compare import examined

    x, y = Content(name, raw=a), Content(name, raw=b)
    if depth <= 1 and COMPARATOR.knows and COMPARATOR.knows(x.head()):
        raise NotComparable(f"archives within archives, more than {DEPTH} deep")
    if COMPARATOR.knows and COMPARATOR.knows(x.head()) and COMPARATOR.knows(y.head()):
        inner = Ledger(ledger.rules)
        _compare(x, y, inner, depth - 1)
        found, seen = inner.verdict("archive"), inner
    else:
        found, seen_or_none = examined(x, y, ledger.rules)
        seen = seen_or_none or Ledger(ledger.rules)
    ledger.same += seen.same
    ledger.used |= seen.used
    ledger.varied |= {f"{name} {k}": v for k, v in seen.varied.items()}
    if found.sameness is Sameness.DIFFERENT:
        ledger.structural |= seen.structural
        ledger.tell(f"{name}: {found.detail.splitlines()[0]}")
    elif seen.largest > ledger.largest:
        ledger.largest, ledger.where = seen.largest, f"{name} {seen.where}"


def _names(content: Content) -> dict[str, str]:
    """name → what it is: `zip`, `tar`, `gzip`, or `link TARGET`. Raises NotComparable for too many or encrypted ones."""
    head = content.head()
    if head.startswith(b"PK"):
        with content.open() as file, zipfile.ZipFile(file) as archive:
            found = {i.filename: "zip" for i in archive.infolist() if not i.is_dir()}
            if any(i.flag_bits & 1 for i in archive.infolist()):
                raise NotComparable("an encrypted archive")
    else:
        try:
            with content.open() as file, tarfile.open(fileobj=file) as tar:
                found = {m.name: "tar" if m.isreg() else f"link {m.linkname}" for m in _members(tar) if not m.isdir()}
        except tarfile.ReadError:
            if not head.startswith(b"\x1f\x8b"):
                raise
            found = {"": "gzip"}
    if len(found) > MEMBERS:
        raise NotComparable(f"more than {MEMBERS} members")
    return found


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(tar):
        if number > MEMBERS:
            raise NotComparable(f"more than {MEMBERS} members")
        yield member


def _member(content: Content, name: str, kind: str) -> bytes:
    """Its bytes; of a link, where it leads. Raises NotComparable for more than MEMBER of them."""
    if kind.startswith("link "):
        return kind.encode("utf-8", "surrogateescape")
    with content.open() as file:
        if kind == "zip":
            with zipfile.ZipFile(file) as archive, archive.open(name) as member:
                return _bounded(member)
        if kind == "gzip":
            with gzip.open(file) as member:
                return _bounded(member)
        with tarfile.open(fileobj=file) as tar:
            return _bounded(tar.extractfile(name) or io.BytesIO())


def _bounded(member: IO[bytes] | gzip.GzipFile) -> bytes:
    raw = member.read(MEMBER + 1)
    if len(raw) > MEMBER:
        raise NotComparable(f"a member of more than {MEMBER} bytes")
    return raw


def _knows(head: bytes) -> bool:
    """Zip (but not an archive of arrays), gzip, or the mark of a tar (POSIX pax: ustar at 257)."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return (
        (head.startswith(b"PK\x03\x04") and not first.endswith(b".npy"))
        or head.startswith(b"\x1f\x8b")
        or head[257:262] == b"ustar"
    )


COMPARATOR = Comparator("archive", ("zip", "tar", "gz", "tgz", "jar", "whl", "pt", "pth"), compare, _knows)
