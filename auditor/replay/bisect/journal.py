"""Which experiments were made already? One folder a run; a run that has its `done.json` is whole, any other is made anew.

So a bisection that was killed goes on where it was, and asks nothing twice.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor import codec, spool
from auditor.model import AuditError
from auditor.replay.bisect.outcome import Outcome

NAME = "bisection.json"


@contextmanager
def opened(folder: Path, pair: dict[str, str]) -> Iterator[Path]:
    """Make or continue a work folder; only one process at a time. pair: what is bisected, and how. Raises AuditError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begun = folder / NAME
        if not begun.exists() and any(p.name not in ("lock", "bundles", "crates") for p in folder.iterdir()):
            raise AuditError(f"{folder} holds something else", "name a new folder with --into")
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise AuditError(f"{folder} cannot be used: {error.strerror or error}", "name another folder with --into") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AuditError(f"another bisection works in {folder}", "wait for it, or name another folder with --into") from None
        _same(begun, pair)
        yield folder
    finally:
        os.close(lock)


def _same(begun: Path, pair: dict[str, str]) -> None:
    if not begun.exists():
        spool.write(str(begun.parent), NAME, codec.pretty(pair))
        return
    was = codec.loads(begun.read_bytes(), dict[str, str], NAME)
    if was != pair:
        other = next(k for k in sorted({*was, *pair}) if was.get(k) != pair.get(k))
        raise AuditError(
            f"{begun.parent} holds a bisection with another {other}",
            "give the same runs and options to go on, or a new folder with --into",
        )


def done(runs: Path, run: str) -> Outcome | None:
    """The outcome of a run that is whole."""
    try:
        return codec.loads((runs / run / "done.json").read_bytes(), Outcome, "done.json")
    except (FileNotFoundError, NotADirectoryError):
        return None


def begin(runs: Path, run: str) -> Path:
    """A new folder for this run; what a killed one left in its place is gone."""
    folder = runs / run
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def end(folder: Path, outcome: Outcome) -> None:
    """Written last, whole or not at all."""
    spool.write(str(folder), "done.json", codec.pretty(outcome))


def spent(runs: Path) -> tuple[int, float]:
    """How many runs were made so far, and for how many seconds."""
    every = [o for p in (sorted(runs.iterdir()) if runs.is_dir() else ()) if (o := done(runs, p.name))]
    return len(every), sum(o.seconds for o in every)
