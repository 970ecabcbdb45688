"""Do two PDF files draw the same? Byte by byte, but for the dates and ids that a writer stamps anew (ISO 32000-1, 14.3.3 and 14.4)."""

from __future__ import annotations

import re

from auditor.replay.compare.content import Content
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger

WHOLE = 256 << 20
_STAMPS = (
    re.compile(rb"/(CreationDate|ModDate)\s*\([^)]{0,64}\)"),
    re.compile(rb"/ID\s*\[\s*<[0-9A-Fa-f]*>\s*<[0-9A-Fa-f]*>\s*\]"),
    re.compile(rb"(?s)<(xmp:CreateDate|xmp:ModifyDate|xmp:MetadataDate|xmpMM:DocumentID|xmpMM:InstanceID)>[^<]{0,100}</\1>"),
)


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable for a file that is larger than WHOLE bytes."""
    a, b = (_unstamped(c.whole(WHOLE)) for c in (expected, actual))
    if a == b:
        ledger.same += 1
        ledger.note("left aside: creation and modification dates, document ids")
    else:
        at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        ledger.shape(f"without its dates, from byte {at} on", f"{len(a)} bytes", f"{len(b)} bytes")


def _unstamped(raw: bytes) -> bytes:
    for pattern in _STAMPS:
        raw = pattern.sub(b"", raw)
    return raw


def _knows(head: bytes) -> bool:
    return head.startswith(b"%PDF-")


COMPARATOR = Comparator("pdf", ("pdf",), compare, _knows)
