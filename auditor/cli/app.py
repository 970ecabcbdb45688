"""Which verb calls which function? Typer wires; nothing is decided here."""

from __future__ import annotations

import errno
import os
import sys
from itertools import takewhile
from typing import Annotated

import typer

from auditor import __version__
from auditor.cli import (
    bisect,
    campaign,
    claims,
    data,
    dataset,
    experiments,
    images,
    judge,
    look,
    replay,
    sign,
    site,
    verdict,
    ways_in,
    workflow,
)
from auditor.cli.common import fail
from auditor.model import AuditError

app = typer.Typer(
    name="auditor",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Could somebody else run this batch job again and get the same result?

Type [bold]auditor sbatch train.sh[/bold] where you typed [bold]sbatch train.sh[/bold]. Later: [bold]auditor report[/bold] is the page for the paper,
[bold]auditor bundle[/bold] the archive to deposit, [bold]auditor replay BUNDLE[/bold] what the reviewer types.

A run is named by its run id, a prefix of it, its job id (123, 123_4) or `last`; without a name, verbs take the last run and say which.""",
    epilog="Exit status: 0 done, 1 the answer is no (verify, replay, bisect, preflight, claims, --share with something left), 2 your input or this machine, "
    "3 it cannot be decided here (verify); a wrapped command keeps its own.",
)


def _version(value: bool) -> None:
    if value:
        print(f"auditor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks instead of one line.", envvar="AUDITOR_DEBUG")] = False,
) -> None:
    if debug:
        os.environ["AUDITOR_DEBUG"] = "1"


for part in (
    ways_in,
    look,
    campaign,
    workflow,
    experiments,
    data,
    dataset,
    images,
    judge,
    replay,
    verdict,
    bisect,
    claims,
    sign,
    site,
):
    part.add_to(app)


def main() -> None:
    """The console script's slow path; `auditor sbatch` never comes here (see auditor.entry)."""
    ours = takewhile(lambda word: word.startswith("-"), sys.argv[1:])  # `auditor run -- train.py --debug` is not for us
    if os.environ.get("AUDITOR_DEBUG") or "--debug" in ours:
        app()
        return
    try:
        app(standalone_mode=True)
    except AuditError as error:
        sys.exit(fail(error))
    except BrokenPipeError:  # `auditor list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except MemoryError:
        sys.exit(fail(AuditError("not enough memory", "look at a smaller part, or on a larger machine")))
    except OSError as error:
        sys.exit(fail(_said(error)))


def _said(error: OSError) -> AuditError:
    try:
        os.getcwd()
    except OSError:
        return AuditError("the current folder is gone", "cd to one that is there")
    what = f"{error.filename}: " if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return AuditError(f"{what}{error.strerror}", "make room, or work on another disk")
    return AuditError(f"{what}{error.strerror or error}", "run it as `auditor --debug ...` to see where")
