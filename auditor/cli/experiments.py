"""What experiment trackers recorded: the verb `experiments`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, console, emit, say

if TYPE_CHECKING:
    from rich.table import Table

    from probes.tracking import TrackedRun

COLOUR = {"succeeded": "green", "failed": "red", "killed": "red", "not-run": "yellow", "unknown": "magenta"}
SHOWN = 100


def experiments(
    path: Annotated[str, typer.Argument(metavar="[FOLDER]", help="Where the runs were tracked.", show_default=False)] = ".",
    json: Json = False,
) -> None:
    """What did experiment trackers record here: which runs, with which parameters, seeds, results, data and models?

    Read from their own files (MLflow, Optuna, Hydra, DVC, W&B offline, TensorBoard, Lightning, Ray Tune); no server is asked, nothing is unpickled.
    --json prints every run whole. Exit status 1: no tracker left a record here.

    Examples: auditor experiments     auditor experiments ~/campaign --json
    """
    from auditor.codec import plain
    from auditor.model import AuditError
    from auditor.redact import Redactor
    from auditor.world import RealWorld
    from probes.tracking.looking import look, readers

    if not os.path.isdir(path):
        raise AuditError(f"{path} is not a folder", "name the folder in which the tracked program was started")
    world = RealWorld()
    runs, unread, whole = look(world, os.path.abspath(path))
    for line in unread:
        say(f"not read: {line}")
    if not whole:
        say("the folder is too large or too deep: not all of it was looked through")
    if json:
        emit(Redactor(world.env).value({"runs": [plain(r) for r in runs], "unread": unread, "walked_all": whole}))
    elif runs:
        out = console()
        out.print(_table(runs[:SHOWN], os.path.abspath(path), out.width))
        if len(runs) > SHOWN:
            say(f"{len(runs) - SHOWN} more runs: --json prints them all")
    else:
        say(f"no record of {', '.join(r.system for r in readers())} below {path}")
    raise typer.Exit(0 if runs else 1)


def _table(runs: list[TrackedRun], root: str, width: int) -> Table:
    from auditor.cli.tables import ROOMY, WIDE, cell, table

    wide, roomy = width >= WIDE, width >= ROOMY
    made = table(
        "tracker",
        "experiment",
        "run",
        "ended",
        *(["started", "results"] if roomy else []),
        *(["parameters", "models"] if wide else []),
    )
    for r in runs:
        place = r.experiment or os.path.relpath(r.folder, root)
        cells = [cell(r.system), cell(place), cell(r.name or r.id[:12]), cell(r.state, COLOUR.get(r.state, ""))]
        cells += [cell(r.started[:16].replace("T", " ") or "–"), cell(_results(r))] if roomy else []
        cells += [cell(_parameters(r)), cell(", ".join(m.registered or m.name for m in r.models[:3]) or "–")] if wide else []
        made.add_row(*cells)
    return made


def _results(run: TrackedRun) -> str:
    shown = ", ".join(f"{m.name} {m.last:.4g}" for m in run.metrics[:3] if m.last is not None)
    return shown + (f" and {len(run.metrics) - 3} more" if len(run.metrics) > 3 else "") or "–"


def _parameters(run: TrackedRun) -> str:
    """Seeds first: they decide whether it can be repeated."""
    from auditor.redact import Redactor

    named = {**run.seeds, **run.parameters}
    shown = ", ".join(f"{k}={v[:30]}" for k, v in list(named.items())[:4])
    return Redactor(os.environ).text(shown) + (f" and {len(named) - 4} more" if len(named) > 4 else "") or "–"


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(experiments)
