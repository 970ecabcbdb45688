"""What workflow engines left behind: the verb `workflow`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, console, emit, say

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from probes.workflows.record import TaskGroup, WorkflowSeen

SHOWN = 8
"""Links between groups of tasks, of each kind."""
COLOUR = {"succeeded": "green", "failed": "red", "killed": "red", "not-run": "yellow", "unknown": "magenta"}


def workflow(
    path: Annotated[str, typer.Argument(metavar="[FOLDER]", help="Where the engine was run.", show_default=False)] = ".",
    json: Json = False,
) -> None:
    """What did workflow engines leave here: which tasks ran, how did they end, what bound them?

    Read from the engine's own files; nothing of the workflow is run, and no engine needs to be installed. --json prints every task.
    Exit status 1: no engine left a record here.

    Examples: auditor workflow     auditor workflow ~/campaign --json
    """
    from auditor import codec
    from auditor.model import AuditError
    from auditor.redact import Redactor
    from auditor.world import RealWorld
    from probes.workflows.record import WorkflowSeen
    from probes.workflows.summary import summary
    from probes.workflows.workflow_runs import look, readers

    if not os.path.isdir(path):
        raise AuditError(f"{path} is not a folder", "name the folder in which the workflow engine was started")
    world = RealWorld()
    redactor = Redactor(world.env)
    found, runs, unread = look(world, os.path.abspath(path))
    for line in unread:
        say(f"not read: {line}")
    if not found.whole:
        say("the folder is too large or too deep: not all of it was looked through")
    if json:
        emit(redactor.value({"runs": [codec.plain(run) for run in runs], "unread": unread, "walked_all": found.whole}))
    elif runs:
        cleaned = (redactor.value(codec.plain(summary(run))) for run in runs)
        _show([codec.build(run, WorkflowSeen, "the summary") for run in cleaned])
    else:
        say(f"no record of {', '.join(r.system for r in readers())} below {path}")
        say(
            "hint: what auditor made Dask or Ray write down is not kept here but with the run: `auditor report RUN`, `auditor campaign RUN`"
        )
    raise typer.Exit(0 if runs else 1)


def _show(runs: list[WorkflowSeen]) -> None:
    out = console()
    for run in runs:
        for part in _parts(run, out.width):
            out.print(part)


def _parts(run: WorkflowSeen, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    from auditor.cli.tables import cell

    head = Text()
    head.append_text(cell(f"{run.system} {run.version}".strip(), "bold"))
    head.append_text(cell(f"  {run.name or run.id}  "))
    head.append_text(cell(run.state, COLOUR.get(run.state, "")))
    yield head
    for name, value in _facts(run):
        yield Text.assemble((f"  {name:13}", "dim"), cell(value))
    if run.groups:
        yield _groups(run.groups, width)
    yield Text("")


def _facts(run: WorkflowSeen) -> Iterator[tuple[str, str]]:
    """(name, value), those that are known."""
    span = " to ".join(t[:19].replace("T", " ") for t in (run.started, run.ended) if t)
    tasks = ", ".join(f"{n} {state}" for state, n in run.states.items())
    again = f"; {run.retried} tried again" if run.retried else ""
    facts = {
        "ended": run.proof,
        "folder": run.folder,
        "time": f"{span}{' (zone assumed)' if run.zone_assumed else ''} UTC" if span else "",
        "tasks": f"{run.tasks} ({tasks}{again})" if run.tasks else "",
        "side by side": f"{run.concurrent} at most, of {run.width} that the graph allows" if run.concurrent else "",
        "data flow": _links(run, "file"),
        "order": _links(run, "dependency"),
        "feedback": "; ".join(f"{' → '.join(ring)}, {n} times" for ring, n in zip(run.loops, run.iterations, strict=True)),
        "not told": "; ".join(run.gaps[:5]),
        "left out": "; ".join(run.omitted),
    }
    return ((name, value) for name, value in facts.items() if value)


def _links(run: WorkflowSeen, by: str) -> str:
    """`make → count (3)`: three pairs of tasks."""
    bound = [k for k in run.links if k.by == by]
    more = f" and {len(bound) - SHOWN} more" if len(bound) > SHOWN else ""
    return ", ".join(f"{k.source} → {k.target} ({k.count})" for k in bound[:SHOWN]) + more


def _groups(groups: tuple[TaskGroup, ...], width: int) -> Table:
    from auditor.cli.tables import ROOMY, cell, table

    roomy = width >= ROOMY
    made = table("  task", "number", "ended", *(["tries", "median", "side by side", "environment"] if roomy else []))
    for g in groups[:40]:
        used = ", ".join(dict.fromkeys(e.name for e in g.environments if e.enacted)) or "–"
        ended = ", ".join(f"{n} {state}" for state, n in g.states.items())
        worst = next((s for s in COLOUR if s != "succeeded" and s in g.states), "succeeded")
        took = "–" if g.median_seconds is None else f"{g.median_seconds:.3g} s"
        more: list[RenderableType] = [str(g.attempts), took, str(g.concurrent or "–"), cell(used)] if roomy else []
        made.add_row(cell(f"  {g.name}"), str(g.tasks), cell(ended, COLOUR[worst]), *more)
    return made


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(workflow)
