"""How does a second party's verdict come into a run's report? The verbs `verdict add`, `verdict show` and `verdict sign`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, console, emit, say, store, write_file
from auditor.model import AuditError

if TYPE_CHECKING:
    from auditor.replay.attach import Attached
    from auditor.sign.check import Signed
    from auditor.verdict import ReplayVerdict

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `auditor replay -o` wrote.", show_default=False)]
app = typer.Typer(no_args_is_help=True, help="Verdicts of replays: show one, sign it, add somebody else's to a run's report.")


@app.command()
def add(
    file: File,
    bundle: Annotated[
        Path | None,
        typer.Option(help="The bundle that was replayed, where this store did not make it.", show_default=False),
    ] = None,
    allowed_signers: Annotated[
        Path | None, typer.Option(help="Only when one of these keys signed it (FILE.sig); lines as ssh-keygen reads them.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="With --bundle: write the bundle's page with this verdict.")
    ] = None,
    json: Json = False,
) -> None:
    """Put a verdict into the report of the run that it is about. It must name the run's bundle; a bad signature is refused.

    A verdict from another machine raises the rung `replayed-elsewhere`; one from the machine of the run does not.

    Examples: auditor verdict add verdict.json     auditor verdict add verdict.json --bundle run-4711.crate.zip -o report.html
    """
    from auditor.replay import attach

    if output and not bundle:
        raise AuditError("a page without a store is made from a bundle", "add --bundle run-4711.crate.zip")
    verdicts, raw = attach.read(file)
    signed = attach.signature(file, raw, str(allowed_signers) if allowed_signers else "")
    stored = [] if output else [_stored(verdict, bundle, signed, file.name) for verdict in verdicts]
    added = [_page(verdicts, bundle, output, signed, file.name)] if bundle and output else stored
    if json:
        emit([a.verdict for a in added])
        return
    for one in added:
        print(f"run {one.verdict.run_id}: {one.verdict.sameness}, {one.evidence.source}")
        for note in one.notes:
            say(note)


def _stored(verdict: ReplayVerdict, bundle: Path | None, signed: Signed | None, name: str) -> Attached:
    from auditor.replay import attach
    from auditor.replay.evidence import keep

    with store() as opened:
        run_id = opened.job(verdict.run_id).run_id
        known = {event.detail.split(" ")[0] for event in opened.events(run_id) if event.what == "bundled"}
        if bundle:
            known.add(attach.of_bundle(bundle)[0])
        found = attach.attach(verdict, run_id, known, opened.evidence(run_id), signed, name)
        keep(opened, run_id, found.evidence)
        opened.record(run_id, "verdict", f"{verdict.sameness} {name}")
        return found


def _page(verdicts: tuple[ReplayVerdict, ...], bundle: Path, output: Path, signed: Signed | None, name: str) -> Attached:
    """The report of the bundle's run, with the verdict beside the evidence that the bundle carries."""
    from auditor.registry import formats
    from auditor.replay import attach
    from reports.score import score

    bundle_id, job, evidence = attach.of_bundle(bundle)
    mine = [v for v in verdicts if v.run_id == job.run_id] or list(verdicts[:1])
    found = attach.attach(mine[0], job.run_id, {bundle_id}, evidence, signed, name)
    suffixes = {one.suffix: key for key, one in formats().items() if not one.of_evidence}
    form = suffixes.get(output.suffix, "html")
    write_file(output, formats()[form].render(score(job, (*evidence, found.evidence))))
    return found


@app.command()
def show(file: File, json: Json = False) -> None:
    """What a verdict file says, what it proved and what not, and who signed it."""
    from auditor.replay import attach
    from auditor.replay.view import verdict_view

    verdicts, raw = attach.read(file)
    signed = attach.signature(file, raw)
    if json:
        emit(verdicts)
        return
    for verdict in verdicts:
        console().print(verdict_view(verdict))
    print(signed.said if signed else "not signed")


@app.command()
def sign(
    file: File,
    key: Annotated[Path | None, typer.Option(help="Your SSH key, or the .pub of one that your agent holds.")] = None,
    statement: Annotated[
        bool, typer.Option("--statement", help="Also write it as an in-toto statement (SLSA provenance), signed.")
    ] = False,
) -> None:
    """Vouch for a verdict with your SSH key. The signature lies beside it: FILE.sig."""
    from auditor.replay import attach
    from auditor.sign import bundles, statements

    verdicts, _ = attach.read(file)
    chosen = str(key) if key else bundles.default_key(os.path.expanduser("~"))
    made = [attach.sign(file, chosen)]
    for verdict in verdicts if statement else ():
        made += statements.signed(statements.of_verdict(verdict), chosen, file.with_name(f"{file.stem}-{verdict.run_id}.intoto"))
    for path in made:
        print(path)


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(app, name="verdict", rich_help_panel="Judge and keep")
