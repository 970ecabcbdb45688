"""What does a person at a terminal see while the files of a finished run are read? One line on stderr, gone when it is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

EVERY = 0.2
LINE = "\rauditor: reading what it wrote: {done} of {whole}, about {left:.0f} s left\033[K"


@contextmanager
def waiting() -> Iterator[Callable[[int, int], None] | None]:
    """What to tell bytes read so far, and of how many; None where nobody watches."""
    if not os.isatty(2):
        yield None
        return
    began, last, shown = monotonic(), 0.0, False

    def tell(done: int, whole: int) -> None:
        nonlocal last, shown
        now = monotonic()
        if now - last < EVERY or not done:
            return
        last, shown = now, True
        left = (now - began) * (whole - done) / done
        sys.stderr.write(LINE.format(done=size(done), whole=size(whole), left=left))
        sys.stderr.flush()

    try:
        yield tell
    finally:
        if shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def size(count: float) -> str:
    """Bytes for people: three digits and a unit of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.4g} TB"
