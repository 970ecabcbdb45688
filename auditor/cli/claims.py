"""Do the figures and claims of a paper hold? The verb `claims`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, console, emit, home, say, store
from auditor.model import AuditError, Capture, Phase

if TYPE_CHECKING:
    from auditor.claimed import ClaimChecked
    from auditor.store import Store
    from reports.claims.check import Content, Made
    from reports.claims.read import Claims

COLOUR = {"replayed": "green", "linked": "green", "contradicted": "red", "broken": "red", "unknown": "magenta"}


def claims(
    file: Annotated[
        Path, typer.Argument(help="A claims.toml: figure or claim, run, and output, sha256 or file.", readable=False)
    ],
    bundle: Annotated[list[Path] | None, typer.Option("--bundle", help="Look into this bundle, too; may be given again.")] = None,
    replayed: Annotated[
        bool, typer.Option("--replayed", help="Let a claim hold only if a replay made its output again.")
    ] = False,
    keep: Annotated[bool, typer.Option(help="Remember the answers in the records of the runs, for reports and drafts.")] = True,
    json: Json = False,
) -> None:
    """Does each figure or claim of a paper rest on an output of a run, and did a replay make it again?

    A claim that cannot be told does not hold. Exit status 1: one does not.

    Examples: auditor claims claims.toml     auditor claims claims.toml --bundle run-4711.crate.zip --no-keep
    """
    from reports.claims.check import check

    told = _told(file)
    wanted = tuple(dict.fromkeys(claim.run for claim in told.claims))
    packed = _packed(bundle or [], wanted)
    runs = {**_stored([name for name in wanted if name not in packed]), **packed}
    checked = [check(claim, runs.get(claim.run), _content(file.parent, claim.file)) for claim in told.claims]
    if keep:
        _keep(file.name, told, checked)
    if json:
        emit(checked)
    else:
        _show(checked)
    good = all(claim.standing == "replayed" or (claim.standing.holds and not replayed) for claim in checked)
    raise typer.Exit(0 if good else 1)


def _told(file: Path) -> Claims:
    from reports.claims.read import LARGEST, read

    if not file.is_file():
        raise AuditError(f"{file} is no file", "name a claims.toml; `auditor claims --help` says what it holds")
    with file.open("rb") as opened:
        return read(opened.read(LARGEST + 1), str(file))


def _packed(bundles: Sequence[Path], wanted: Sequence[str]) -> dict[str, Made]:
    from reports.claims.bundles import opened
    from reports.claims.check import made

    found: dict[str, Made] = {}
    for path in bundles:
        job, evidence = opened(path)
        for name in wanted:
            if name == job.job_id or job.run_id.startswith(name):
                found[name] = made(job, evidence)
    return found


def _stored(wanted: Sequence[str]) -> dict[str, Made]:
    """Of the runs that this store knows."""
    from reports.claims.check import made

    found: dict[str, Made] = {}
    if not wanted:
        return found
    with store() as opened:
        for name in wanted:
            try:
                run_id = opened.resolve(name)
            except AuditError as error:
                say(f"{error.message}")
                continue
            found[name] = made(opened.job(run_id), opened.evidence(run_id))
    return found


def _content(folder: Path, name: str) -> Content:
    """The digest of a file of the paper, which is named from the folder of its claims."""
    import hashlib

    from reports.claims.check import Content

    if not name:
        return Content()
    path = folder / name
    try:
        if not path.is_file():
            return Content(problem="it is not there" if not path.exists() else "it is no regular file")
        with path.open("rb") as opened:
            return Content(hashlib.file_digest(opened, "sha256").hexdigest())
    except (OSError, ValueError) as error:
        return Content(problem=str(getattr(error, "strerror", "") or error))


def _keep(file: str, told: Claims, checked: Sequence[ClaimChecked]) -> None:
    """Through the spool, so that a store that is built anew has them too; not a second time what is known already."""
    from auditor import spool
    from auditor.store import ingest_spool
    from auditor.world import RealWorld
    from reports.claims.evidence import as_evidence, is_news, of_runs

    where = home()
    if not Path(where.store).exists():
        return
    with store() as opened:
        for run_id, found in of_runs(file, told, checked):
            if not _knows(opened, run_id):
                continue
            evidence = as_evidence(found, RealWorld())
            if is_news(evidence, opened.evidence(run_id)):
                spool.save(where.spool, Capture(opened.job(run_id), Phase.LATER, (evidence,)))
        ingest_spool(opened, where)


def _knows(opened: Store, run_id: str) -> bool:
    try:
        opened.job(run_id)
    except AuditError:
        return False
    return True


def _show(checked: Sequence[ClaimChecked]) -> None:
    from auditor.cli.tables import cell, table

    made = table("claim", "run", "output", "state", "because")
    for claim in checked:
        where = claim.output or (claim.sha256[:16] if claim.sha256 else claim.file)
        made.add_row(
            cell(claim.name, "bold"), cell(claim.run), cell(where), cell(claim.standing, COLOUR[claim.standing]), cell(claim.why)
        )
    console().print(made)


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Judge and keep")(claims)
