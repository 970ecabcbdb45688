"""Campaigns: which there are, and the audit of one as a whole."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, console, emit, progress_console, say, store, write_file
from auditor.model import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.campaigncard import CampaignCard

FORMATS = "html, markdown, json, terminal."


def complete_campaign(incomplete: str) -> list[tuple[str, str]]:
    """Shell completion: labels, arrays and first runs of the campaigns we know."""
    from contextlib import suppress

    from auditor.cli.plain import printable
    from auditor.home import find
    from auditor.store import Store

    where = find()
    if where is None or not Path(where.store).exists():
        return []
    with suppress(AuditError), Store.open(where.store, wait=0.2) as opened:
        return [(r.ask, printable(f"{r.name}, {r.runs} runs")) for r in opened.campaigns(50)[0] if r.ask.startswith(incomplete)]
    return []


def campaign(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[CAMPAIGN]",
            autocompletion=complete_campaign,
            help="A label, an array's number, or any run of it (run id, job id, `last`); none: show all campaigns.",
            show_default=False,
        ),
    ] = "",
    form: Annotated[str, typer.Option("--format", "-f", help=FORMATS)] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; `-` for stdout.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="So many runs are looked at, the nearest first.")] = 10_000,
    json: Json = False,
) -> None:
    """Runs that belong together, and their audit as a whole: by label, array, dependencies, data, or one run of a workflow engine.

    Examples: auditor campaign     auditor campaign paper-fig3 -o fig3.html     auditor campaign 4711 --json
    """
    if not name:
        if form or output:
            raise AuditError("which campaign?", "`auditor campaign` without options shows those that are known")
        _list(json)
        return
    made = _format(form, output, json)
    card = audit(name, most)
    if output is None and made == "terminal":
        from reports.formats.campaign.terminal import rich_view

        console().print(rich_view(card), crop=False)
        return
    raw = _formats()[made](card)
    if (json and output is None) or str(output) == "-":
        sys.stdout.buffer.write(raw)
        return
    path = output or Path(f"campaign-{re.sub(r'[^A-Za-z0-9._-]+', '-', card.name).strip('-') or 'audit'}{SUFFIX[made]}")
    if path.is_dir():
        raise AuditError(f"{path} is a folder", "give the name of a file")
    write_file(path, raw)
    path.chmod(0o644)
    print(path)


def _formats() -> dict[str, Callable[[CampaignCard], bytes]]:
    from auditor.registry import formats

    return {name: form.of_campaign for name, form in formats().items() if form.of_campaign}


SUFFIX = {"html": ".html", "markdown": ".md", "json": ".json", "terminal": ".txt"}


def _format(form: str, output: Path | None, json: bool) -> str:
    """The one that was asked for: by its name, by the file's suffix, else for the terminal."""
    by_suffix = {suffix: name for name, suffix in SUFFIX.items()}
    unsaid = "html" if output and str(output) != "-" else "terminal"
    name = "json" if json else form or by_suffix.get(output.suffix if output else "", unsaid)
    if name not in SUFFIX:
        raise AuditError(f"there is no format {name} for campaigns", f"formats are: {', '.join(SUFFIX)}")
    return name


def audit(name: str, most: int) -> CampaignCard:
    """The campaign's scorecard, made anew."""
    from auditor.config import load
    from reports.campaigns.score import kinds, score

    gc.set_threshold(
        100_000, 50, 100
    )  # rows pile up and form no circles: walking them again and again costs a seventh of the time
    rules = load().config.phases
    with store() as opened, progress_console().status("reading …") as status:
        found = opened.group(name, most)
        for note in opened.notes:
            say(note)
        group = found.group()
        total = len(group.runs)
        if group.known == 1:
            say("no other run belongs to it")

        def tell(done: int) -> None:
            if done % 50 == 0:
                status.update(f"judging {done:,} of {total:,} runs …")

        return score(group, found.runs(kinds()), phases=rules, tell=tell)


def _list(json: bool) -> None:
    with store() as opened:
        rows, older = opened.campaigns()
    if json:
        emit(rows)
    elif rows:
        from auditor.cli.tables import campaigns_table

        out = console()
        out.print(campaigns_table(rows, out.width))
    else:
        print("no campaigns yet: runs belong together by a label (--auditor-label), an array, dependencies, data or an engine")
    if older:
        say(f"{older:,} older runs were not looked through; name one of them to see its campaign")


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Judge and keep")(campaign)
