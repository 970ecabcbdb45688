"""How far is it? A progress line on stderr, drawn at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from auditor.cli.common import progress_console

if TYPE_CHECKING:
    from probes.manifest.progress import Progress

EVERY = 0.1


@contextmanager
def bar() -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, Progress as Rich, TextColumn, TimeElapsedColumn  # noqa: I001

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    with Rich(*columns, console=progress_console(), transient=True, auto_refresh=False) as rich:
        task = rich.add_task("listing", total=None, said="")
        last = 0.0

        def tell(progress: Progress) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < EVERY:
                return
            last = now
            done, share = said(progress, now), progress.share(now)
            rich.update(task, description="listing" if progress.walking else "reading", said=done)
            rich.update(task, completed=share, total=None if progress.walking else 1.0)
            rich.refresh()

        yield tell


def said(progress: Progress, now: float) -> str:
    """`120,000 of 1,000,000 files, 1.2 of 3.4 GB, 42 s left`; a number of files that may still grow is `at least`."""
    known = f"{'at least ' if progress.walking else ''}{progress.files_known:,}"
    text = f"{progress.files_done:,} of {known} files, {_size(progress.bytes_read)} read"
    left = progress.seconds_left(now)
    return f"{text}, {_time(left)} left" if left is not None else text


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.4g} TB"


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
