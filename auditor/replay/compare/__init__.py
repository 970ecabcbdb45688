"""Did an output come out the same? Bytes first; then, by kind, within a tolerance; logs as text, with nothing ignored."""

from __future__ import annotations

import csv
import hashlib
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.compare import array, table, text, tree
from auditor.replay.compare.tolerance import Comparator, Compared, Tolerance
from auditor.verdict import OutputVerdict, Sameness

READ = 128 << 20
"""Bytes; larger files are compared by their checksum only."""
KINDS: dict[str, Comparator] = {
    "csv": table.compare,
    "tsv": table.compare,
    "json": tree.compare,
    "npy": array.compare,
    "npz": array.compare,
}


@dataclass(frozen=True)
class Expected:
    """An output as it was: content is where the bundle's copy lies, None when only the checksum is known."""

    place: str
    sha256: str
    content: Path | None


def compare(expected: Expected, actual: Path, tolerance: Tolerance) -> OutputVerdict:
    """Compare one output that a replay made with what the run made."""
    if not actual.is_file():
        return _verdict(expected, "", Compared(Sameness.DIFFERENT, "bytes", "the replay did not make this file"))
    made = sha256(actual)
    if made == expected.sha256:
        return _verdict(expected, made, Compared(Sameness.IDENTICAL, "bytes", ""))
    if expected.content is None:
        detail = "the checksums differ, and the original's content is not in the bundle: no closer look is possible"
        return _verdict(expected, made, Compared(Sameness.DIFFERENT, "bytes", detail))
    if max(actual.stat().st_size, expected.content.stat().st_size) > READ:
        detail = f"the checksums differ; over {READ} bytes there is no closer look"
        return _verdict(expected, made, Compared(Sameness.DIFFERENT, "bytes", detail))
    return _verdict(expected, made, look(expected.place, expected.content.read_bytes(), actual.read_bytes(), tolerance))


def look(name: str, expected: bytes, actual: bytes, tolerance: Tolerance) -> Compared:
    """Two contents that are not the same bytes, by the kind the name tells; text when that fails, bytes when it is none."""
    kind = KINDS.get(name.rpartition(".")[2].lower(), text.compare)
    for comparator in (kind, text.compare):
        try:
            return comparator(expected, actual, tolerance)
        except (
            ValueError,
            KeyError,
            TypeError,
            SyntaxError,
            RecursionError,
            MemoryError,
            csv.Error,
            struct.error,
            zipfile.BadZipFile,
        ):
            continue  # not of that kind after all
    return Compared(Sameness.DIFFERENT, "bytes", first_byte(expected, actual))


def first_byte(expected: bytes, actual: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), min(len(expected), len(actual)))
    return f"{len(expected)} bytes became {len(actual)}; they differ from byte {at} on"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verdict(expected: Expected, made: str, compared: Compared) -> OutputVerdict:
    return OutputVerdict(expected.place, compared.sameness, compared.comparator, compared.detail, expected.sha256, made)
