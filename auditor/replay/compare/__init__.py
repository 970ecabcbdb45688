"""Did an output come out the same? Bytes first; then by kind, chosen by content, within a tolerance and by rules that the verdict shows."""

from __future__ import annotations

import csv
import hashlib
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.compare.content import Content, first_difference
from auditor.replay.compare.kind import candidates, recognised
from auditor.replay.compare.ledger import Compared, Ledger
from auditor.replay.compare.rules import Rules
from auditor.verdict import OutputVerdict, Sameness

BROKEN = (ValueError, KeyError, TypeError, IndexError, SyntaxError, RecursionError, MemoryError, EOFError, OSError,
          csv.Error, struct.error, zipfile.BadZipFile, zlib.error)  # fmt: skip
"""What a comparator may raise for a content that is not of its kind after all, or is damaged."""


@dataclass(frozen=True)
class Expected:
    """An output as it was: content is where the bundle's copy lies, None when only the checksum is known."""

    place: str
    sha256: str
    content: Path | None


def compare(expected: Expected, actual: Path, rules: Rules) -> OutputVerdict:
    """Compare one output that a replay made with what the run made."""
    if actual.is_dir():
        return _verdict(expected, "", Compared(Sameness.DIFFERENT, "bytes", "a file became a folder"))
    if not actual.is_file():
        return _verdict(expected, "", Compared(Sameness.DIFFERENT, "bytes", "the replay did not make this file"))
    made = sha256(actual)
    if made == expected.sha256:
        return _verdict(expected, made, Compared(Sameness.IDENTICAL, "bytes", ""))
    if expected.content is None:
        detail = "the checksums differ, and the original's content is not in the bundle: no closer look is possible"
        return _verdict(expected, made, Compared(Sameness.DIFFERENT, "bytes", detail))
    before, after = Content(expected.place, expected.content), Content(expected.place, actual)
    return _verdict(expected, made, look(before, after, rules))


def look(expected: Content, actual: Content, rules: Rules) -> Compared:
    """Two contents that are not the same bytes."""
    return examined(expected, actual, rules)[0]


def examined(expected: Content, actual: Content, rules: Rules) -> tuple[Compared, Ledger | None]:
    """The answer, with what the comparator wrote down; None where only the bytes could be compared."""
    why = ""
    for comparator in candidates(expected, actual):
        ledger = Ledger(rules)
        try:
            comparator.compare(expected, actual, ledger)
            return ledger.verdict(comparator.name), ledger
        except BROKEN as error:
            if comparator.knows or expected.suffix in comparator.suffixes:  # else it was only tried
                why = why or f"not compared as {comparator.name}: {str(error)[:200] or type(error).__name__}"
    one, other = (c.name if c else "another kind" for c in (recognised(expected), recognised(actual)))
    why = why or (f"{one} became {other}" if one != other else "")
    return Compared(Sameness.DIFFERENT, "bytes", "\n".join(filter(None, [why, _bytes(expected, actual)]))), None


def _bytes(a: Content, b: Content) -> str:
    return f"{a.size} bytes became {b.size}; they differ from byte {first_difference(a, b)} on"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verdict(expected: Expected, made: str, compared: Compared) -> OutputVerdict:
    return OutputVerdict(expected.place, compared.sameness, compared.comparator, compared.detail, expected.sha256, made)
