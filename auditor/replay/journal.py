"""Where did an interrupted replay stop? One line for each step that was whole, on the disk before the next begins.

`journal.jsonl` of a replay's folder. A line without its end was being written when the power went: that step was not whole.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from auditor import codec
from auditor.model import AuditError

NAME = "journal.jsonl"
LARGEST = 64 << 20
BEGIN = "begin"
T = TypeVar("T")


@dataclass
class Journal:
    """An open journal, locked against a second replay in the same folder."""

    path: Path
    file: int
    steps: dict[str, Any] = field(default_factory=dict)

    def get(self, step: str, type_: type[T]) -> T | None:
        """What the step left, when it was whole."""
        return codec.build(self.steps[step], type_, f"step {step} of {self.path}") if step in self.steps else None

    def has(self, step: str) -> bool:
        return step in self.steps

    def write(self, step: str, data: Any) -> None:
        """On the disk when this returns. Raises OSError."""
        plain = codec.plain(data)
        line = json.dumps({"step": step, "data": plain}, separators=(",", ":"), sort_keys=True) + "\n"
        raw = line.encode("utf-8", "surrogatepass")
        if os.write(self.file, raw) != len(raw):
            raise OSError(28, "the journal could not be written whole", str(self.path))
        os.fsync(self.file)
        self.steps[step] = plain

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.file)


def begin(folder: Path, asked: Mapping[str, Any]) -> Journal:
    """A new one. asked: what makes the same plan again."""
    made = _open(folder / NAME, os.O_CREAT | os.O_EXCL)
    made.write(BEGIN, asked)
    return made


def resume(folder: Path) -> Journal:
    """The one that is there. Raises AuditError: none, of another kind, or in use."""
    made = _open(folder / NAME, 0)
    if BEGIN not in made.steps:
        made.close()
        raise AuditError(f"{folder} holds no replay that began", "start it anew in another folder")
    return made


def asked(folder: Path) -> Mapping[str, Any]:
    """What the replay of this folder was asked for. Raises AuditError."""
    made = resume(folder)
    try:
        return dict(made.steps[BEGIN])
    finally:
        made.close()


def _open(path: Path, flags: int) -> Journal:
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | flags, 0o600)
    except OSError as error:
        raise AuditError(
            f"{path.parent} holds no replay to go on with: {error.strerror or error}", "--resume takes the folder of a replay"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise AuditError(f"another replay is at work in {path.parent}", "wait for it, or end it first") from error
    made = Journal(path, file)
    try:
        _read(made)
    except (ValueError, KeyError, TypeError) as error:
        made.close()
        raise AuditError(f"{path} is no journal of a replay", "start the replay anew in another folder") from error
    return made


def _read(made: Journal) -> None:
    """A torn last line is cut off, so that the next one begins at the start of a line."""
    if os.fstat(made.file).st_size > LARGEST:
        raise ValueError("too large")
    raw = made.path.read_bytes()
    whole, newline, torn = raw.rpartition(b"\n")
    if torn:
        os.ftruncate(made.file, len(whole) + len(newline))
    for line in whole.split(b"\n") if whole else ():
        row = json.loads(line)
        made.steps[str(row["step"])] = row["data"]
