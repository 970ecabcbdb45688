"""Does a person at a terminal see that files are being read, and nobody else?"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.submit.waiting import size

ROOT = str(Path(__file__).parents[2])
CODE = (
    f"import sys; sys.path.insert(0, {ROOT!r}); import auditor.submit.waiting as w\n"
    "w.EVERY = -1\n"
    "with w.waiting() as tell:\n    tell and tell(1_000_000_000, 4_000_000_000)"
)


def test_at_a_terminal_one_line_comes_and_goes() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", CODE], stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 1000)
    os.close(ours)
    assert shown == b"\rauditor: reading what it wrote: 1 GB of 4 GB, about 0 s left\x1b[K\r\x1b[K"


def test_elsewhere_there_is_nothing() -> None:
    assert subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True).stderr == b""


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_600, "1 MB"), (1_234_000_000, "1.23 GB"), (5e15, "5000 TB")],
)
def test_sizes_are_told_in_three_digits(count: float, text: str) -> None:
    assert size(count) == text
