"""How does a set of files become a ZIP that has the same bytes every time it is made?

Order as given by the caller, one time stamp, plain modes, no extra fields, no owner: nothing of this machine is in it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from types import TracebackType

FIRST_DAY = datetime(1980, 1, 1, tzinfo=UTC)
"""The ZIP format knows no earlier time."""
STORE_ABOVE = 4 << 20
"""Bytes. Larger data files are stored, not deflated: they rarely shrink, and a reader need not fear a bomb."""


class SteadyZip:
    """A ZIP being written. Use as a context manager; entries come out in the order of `add`."""

    def __init__(self, path: str, when: datetime) -> None:
        self._zip = zipfile.ZipFile(path, "w")
        self._when = max(when, FIRST_DAY).timetuple()[:6]

    def __enter__(self) -> SteadyZip:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with nullcontext() if kind is None else suppress(OSError, ValueError):  # the first error is the one to tell
            self._zip.close()

    def add(
        self, name: str, pieces: Iterable[bytes | memoryview], size: int, *, executable: bool = False, data: bool = False
    ) -> None:
        """One file of `size` bytes (it decides about ZIP64 before the content is read). data: a file of the run, not ours."""
        info = zipfile.ZipInfo(name, self._when)
        info.create_system = 3  # Unix: the mode below counts
        info.external_attr = (0o100755 if executable else 0o100644) << 16
        info.compress_type = zipfile.ZIP_STORED if data and size > STORE_ABOVE else zipfile.ZIP_DEFLATED
        info._compresslevel = 9  # type: ignore[attr-defined]  # `open` has no argument for it before 3.13
        info.file_size = size
        with self._zip.open(info, "w") as entry:
            for piece in pieces:
                entry.write(piece)
