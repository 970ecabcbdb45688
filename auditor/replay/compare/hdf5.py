"""Do two HDF5 files hold the same? Data set by data set and attribute by attribute, in slices, by h5py in a process of its own.

The library is C and the file may be a stranger's: a crash, a hang or a flood of memory costs one comparison, not the replay. Links to other
files are compared as links and not followed. How the values are chunked and packed is no difference.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from auditor.replay.compare.content import Content, NotComparable
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger
from auditor.replay.compare.numbers import Numbers

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SECONDS = 3600.0
MEMORY = 4 << 30
"""Of address space; the slices themselves are a few MiB."""
MAX_LINE = 1 << 16
_CHILD = Path(__file__).with_name("hdf5_child.py")


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable without h5py and for a file that h5py does not read."""
    with expected.on_disk() as a, actual.on_disk() as b:
        argv = (sys.executable, "-I", str(_CHILD), str(a), str(b), str(MEMORY), str(int(SECONDS)))
        quiet = {**os.environ, "HDF5_PLUGIN_PRELOAD": "::", "HDF5_USE_FILE_LOCKING": "FALSE"}
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=quiet)
        try:
            assert child.stdout and child.stderr
            _follow(child.stdout, ledger)
            why = child.stderr.read(4096).decode("utf-8", "replace").strip().splitlines()
            status = child.wait(timeout=30)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
            for pipe in (child.stdout, child.stderr):
                with suppress(OSError):
                    pipe.close() if pipe else None
    if status == 3:
        raise NotComparable("h5py is not installed: pip install 'run-auditor[hdf5]' to compare HDF5 files")
    if status:
        raise NotComparable(f"h5py could not read it: {why[-1][:200] if why else f'ended with {status}'}")


def _follow(told: IO[bytes], ledger: Ledger) -> None:
    """What the child says, a line each: `shape|differs TAB place TAB before TAB after`, `same TAB n`, or `numbers TAB name TAB kind TAB n TAB first`
    with n bytes of both behind it, of which something is not the same. Raises NotComparable for anything else."""
    numbers: Numbers | None = None
    while line := told.readline(MAX_LINE):
        word, *rest = line.decode("utf-8", "surrogateescape").rstrip("\n").split("\t")
        if word in ("shape", "differs") and len(rest) == 3:
            (ledger.shape if word == "shape" else ledger.differs)(*rest)
        elif word == "same" and len(rest) == 1:
            ledger.same += int(rest[0])
        elif word == "numbers" and len(rest) == 4:
            name, kind, size, first = rest
            if numbers is None or numbers.name != name:
                numbers = Numbers(name, kind, ledger)
            numbers.done = int(first)
            numbers.feed(_exactly(told, int(size)), _exactly(told, int(size)))
        else:
            raise NotComparable("the process that reads HDF5 said something unexpected")


def _exactly(told: IO[bytes], size: int) -> bytes:
    raw = told.read(size) if size <= 64 << 20 else b""
    if len(raw) != size:
        raise NotComparable("the process that reads HDF5 ended in the middle of the values")
    return raw


def _knows(head: bytes) -> bool:
    return any(head[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048))


COMPARATOR = Comparator("hdf5", ("h5", "hdf5", "he5", "nc", "nc4", "h5ad", "loom"), compare, _knows)
