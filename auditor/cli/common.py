"""What do all verbs share? Finding the home and the run, printing results and errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditor.home import Home, find
from auditor.model import AuditError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from auditor.store import Store

Name = Annotated[
    str, typer.Argument(metavar="[RUN]", help="Run id, a prefix of it, job id (123, 123_4) or `last`.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def home() -> Home:
    found = find()
    if found is None:
        raise AuditError(
            "there is no place for records: neither AUDITOR_HOME nor HOME is set", "export AUDITOR_HOME=/some/folder"
        )
    return found


@contextmanager
def store() -> Iterator[Store]:
    """The store, with whatever waits in the spool taken in first."""
    from auditor.store import Store, ingest_spool

    where = home()
    with Store.open(where.store) as opened:
        for note in getattr(opened, "notes", ()):
            say(note)
        report = ingest_spool(opened, where)
        for name, reason in report.quarantined:
            say(f"set aside {name}: {reason}")
        yield opened


def resolve(opened: Store, name: str) -> str:
    """The run that was meant; says which when it was not named outright."""
    run_id = opened.resolve(name or None)
    if not name or name == "last":
        job = opened.job(run_id)
        say(f"run {run_id} (job {job.job_id})")
    return run_id


def say(text: str) -> None:
    """Talk goes to stderr; stdout is the result."""
    from auditor.cli.plain import printable

    sys.stderr.write(f"auditor: {printable(text)}\n")


def fail(error: AuditError) -> int:
    say(error.message)
    if error.hint:
        from auditor.cli.plain import printable

        sys.stderr.write(f"  hint: {printable(error.hint)}\n")
    return 2


def write_file(path: Path, raw: bytes) -> None:
    """A result into the file that the user named, whole or not at all."""
    from auditor import spool

    try:
        spool.write(str(path.absolute().parent), path.name, raw)
    except OSError as error:
        raise AuditError(f"{path} cannot be written: {error.strerror or error}", "choose another place with --output") from error


def emit(value: Any) -> None:
    """A result as JSON on stdout."""
    from auditor.codec import pretty

    sys.stdout.write(pretty(value).decode("ascii"))


def console() -> Console:
    """For results: as wide as the terminal; into a file or a pipe nothing is folded to 80 columns."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160)


def progress_console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)
