"""Does a file that is about to be published hold a secret? Texts are cleaned before anything is hashed, and each change is written down."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.redact import MARK, Redactor


@dataclass(frozen=True)
class Redaction:
    """What was done to one file and how often; never the value. action: `replaced`, or `left-out` (the file is not carried)."""

    file: str
    rule: str
    count: int
    action: str


def clean(data: bytes, redactor: Redactor) -> tuple[bytes, int]:
    """The bytes without secrets, and how many were taken out. Binary data is searched as Latin-1, so that its bytes survive."""
    try:
        text, encoding = data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "latin-1"
    cleaned = redactor.text(text)
    if cleaned == text:
        return data, 0
    return cleaned.encode(encoding, "replace"), max(cleaned.count(MARK) - text.count(MARK), 1)
