"""Judging and keeping: score, report, bundle."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, console, emit, home, progress_console, resolve, say, store, write_file
from auditor.cli.look import RUN, complete_run
from auditor.cli.publish import Accept, KeepNames, Share, blocked, public_page, public_run
from auditor.model import AuditError, Capture, Evidence, Job, Phase
from auditor.scorecard import Format, Owner, Scorecard

if TYPE_CHECKING:
    from auditor.home import Home
    from auditor.runlog import Head
    from auditor.store import Store
    from reports.archive.payload import Objects

RunOrFile = Annotated[
    str,
    typer.Argument(
        metavar="[RUN|FILE]",
        autocompletion=complete_run,
        help="A run, or a .json file that the step before wrote: `capture -o`, `score --json`.",
        show_default=False,
    ),
]


def _is_file(name: str) -> bool:
    return name.endswith(".json") and Path(name).is_file()


def _captured(name: str) -> Capture:
    """A capture file. Raises AuditError for a scorecard, or another file."""
    from auditor.codec import loads

    raw = Path(name).read_bytes()
    if b'"ruleset"' in raw:
        raise AuditError(f"{name} is a scorecard already", f"auditor report {name} makes a page of it")
    return loads(raw, Capture, name)


def _seen(name: str) -> tuple[Job, tuple[Evidence, ...]]:
    """A run's job and evidence, from the store or a capture file."""
    if _is_file(name):
        capture = _captured(name)
        return capture.job, capture.evidence
    with store() as opened:
        run_id = resolve(opened, name)
        return opened.job(run_id), (*opened.evidence(run_id), opened.campaign(run_id))


def _scored(name: str) -> Scorecard:
    """The scorecard of a run, made anew from its evidence and stored; or of a capture file, not stored."""
    from reports.score import score as judge

    if _is_file(name):
        return judge(*_seen(name))
    if "." in name and Path(name).is_file():
        raise AuditError(f"{name} is neither a run nor a .json file of ours", "`auditor list` shows the runs")
    from auditor.cli.tables import incomplete

    with store() as opened:
        run_id = resolve(opened, name)
        card = judge(opened.job(run_id), (*opened.evidence(run_id), opened.campaign(run_id)))
        try:
            opened.save_scorecard(card)
        except AuditError as error:  # a full disk: whoever asked still gets the answer
            say(f"{error.message}; the scorecard is not remembered")
    state = card.run.state or ("" if any(e.phase is Phase.LATER for e in card.evidence) else "submitted")
    if told := incomplete([(card.run.job_id, state)]):
        say(told)
    return card


def score(name: RunOrFile = "", json: Json = False) -> None:
    """Findings, interval, coverage and rung of one run, from its evidence.

    Examples: auditor score 4711     auditor score capture.json --json
    """
    card = _scored(name)
    if json:
        emit(card)
        return
    from reports.formats.terminal import rich_view

    console().print(rich_view(card), crop=False)


def report(
    name: RunOrFile = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="html, pdf, markdown, latex, json, sarif, ...; drafts of what accompanies a paper: cff, codecheck, adae, ...",
        ),
    ] = "html",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; `-` for stdout.")] = None,
    share: Share = False,
    keep_names: KeepNames = None,
    accept: Accept = None,
) -> None:
    """The page that is attached to the paper. One file, no outside asset.

    Examples: auditor report 4711     auditor report scorecard.json -f markdown -o -     auditor report 4711 --share
    """
    from auditor.registry import formats

    known = formats()
    if form not in known:
        raise AuditError(f"there is no format {form}", f"formats are: {', '.join(known)}")
    whole, deposit = known[form].of_evidence, known[form].of_deposit
    if share:
        job_id, raw = _public(name, known[form], keep_names, accept or ())
    elif deposit:
        job, evidence = _seen(name)
        job_id, raw = job.job_id, deposit(job, evidence, owner())
    elif whole:
        job, evidence = _seen(name)
        job_id, raw = job.job_id, whole(job, evidence)
    else:
        card = _read_card(name) if _is_file(name) else _scored(name)
        job_id, raw = card.run.job_id, known[form].render(card)
    if str(output) == "-" or (output is None and form == "terminal"):
        sys.stdout.buffer.write(raw)
        return
    path = output or Path(f"audit-{job_id}{known[form].suffix}")
    _write(path, raw)
    print(path)


def _public(name: str, form: Format, keep: Path | None, accept: Sequence[str]) -> tuple[str, bytes]:
    """A page for strangers: from evidence, as a finished scorecard has its names everywhere."""
    from reports.archive.share.scan import Blocked

    shared = public_run(*_seen(name), keep)
    try:
        return shared.job.job_id, public_page(form, shared, owner, accept)
    except Blocked as error:
        blocked(error)


def owner() -> Owner:
    """Whose deposit it is, as the settings say."""
    from auditor.config import load

    config = load().config
    return Owner(config.author, config.affiliation, config.orcid, config.license)


def _read_card(name: str) -> Scorecard:
    from auditor.codec import loads

    raw = Path(name).read_bytes()
    if b'"evidence"' in raw and b'"ruleset"' not in raw:
        raise AuditError(f"{name} is a capture, not yet a scorecard", f"auditor score {name} --json > scorecard.json makes one")
    return loads(raw, Scorecard, name)


def _write(path: Path, raw: bytes) -> None:
    if path.is_dir():
        raise AuditError(f"{path} is a folder", "give the name of a file")
    write_file(path, raw)
    path.chmod(0o644)


def bundle(
    name: Annotated[str, typer.Argument(metavar="[RUN]", autocompletion=complete_run, help=RUN, show_default=False)] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The ZIP to write.")] = None,
    payload: Annotated[str, typer.Option(help="Inputs and outputs to carry: none, auto (small files), all.")] = "",
    limit: Annotated[
        int, typer.Option(min=0, help="With --payload all: how many bytes at most; 0: the setting payload_bytes.")
    ] = 0,
    images: Annotated[
        str,
        typer.Option(
            help="Container images: digest (named), carry (those that are here too), fetch (ask registries for the rest)."
        ),
    ] = "",
    images_limit: Annotated[
        int, typer.Option(min=0, help="With --images carry or fetch: bytes at most; 0: the setting images_bytes.")
    ] = 0,
    wheels: Annotated[
        str,
        typer.Option(
            help="Python wheels: carry (those that are here), fetch (ask the index for the rest), pin (only their hashes), or a folder."
        ),
    ] = "",
    crate_version: Annotated[
        str,
        typer.Option("--crate-version", help="RO-Crate 1.1 (with run profiles 0.5, which validators know) or 1.3 (with 0.6)."),
    ] = "1.1",
    share: Share = False,
    keep_names: KeepNames = None,
    accept: Accept = None,
    json: Json = False,
) -> None:
    """The archive to deposit: a BagIt bag around a Process Run Crate, in one ZIP that is the same every time.

    Examples: auditor bundle 4711 --payload all     auditor bundle 4711 --wheels fetch     auditor bundle 4711 --share
    """
    from auditor import objects
    from auditor.config import load
    from reports.archive.bundle import build
    from reports.archive.share.scan import Blocked
    from reports.score import score as judge

    config = load().config
    where = home()
    with store() as opened:
        run_id = resolve(opened, name)
        job = opened.job(run_id)
        evidence = (*opened.evidence(run_id), opened.campaign(run_id))
        shared = public_run(job, evidence, keep_names) if share else None
        path = output or Path(f"{_slug(job)}{'.shared' if share else ''}.crate.zip")
        content: Objects = shared.objects if shared else lambda sha: objects.get(where.objects, sha)
        job, evidence = (shared.job, shared.evidence) if shared else (job, evidence)
        try:
            with progress_console().status("packing …"):
                info = build(
                    job,
                    evidence,
                    judge(job, evidence),
                    path,
                    objects=content,
                    payload=payload or config.payload,
                    limit=limit or config.payload_bytes,
                    author=config.author,
                    affiliation=config.affiliation,
                    license_url=config.license,
                    wheels=wheels,
                    image_policy=images or config.images,
                    image_limit=images_limit or config.images_bytes,
                    log=_log_head(where),
                    crate_version=crate_version,
                    world=shared.world if shared else None,
                    shared=shared,
                    accept=accept or (),
                )
        except Blocked as error:
            blocked(error)
        opened.record(run_id, "bundled", f"{info.id} {info.path} {info.size}")
        _chain(opened, where, {"what": "bundled", "run": run_id, "bundle": info.id})
    if json:
        emit(info)
        return
    print(info.path)
    say(
        f"bundle {info.id[:16]}, {info.size / 1000:.0f} kB, {len(info.carried)} data files carried, {len(info.referenced)} by checksum only"
    )
    for line in info.wheels_told:
        say(f"wheels: {line}")
    for image in info.images:
        said = f"carried, {image.size / 1e6:.1f} MB" if image.carried else f"not carried: {image.reason}"
        say(f"image {image.reference}: {said}")
    if any(image.carried for image in info.images):
        say("images travel as they are: nobody searched them for secrets")
    if info.redactions:
        what = "names and secrets were replaced or left out" if share else "secrets were withheld"
        say(f"{info.redactions} {what}; evidence/redactions.json in the bundle says where")


def _log_head(where: Home) -> Head | None:
    """Where the run log stands; a bundle is made all the same when that cannot be said."""
    from auditor import runlog

    try:
        return runlog.head(where.runlog)
    except (AuditError, OSError) as error:
        say(f"the bundle names no record of the run log: {error}")
        return None


def _chain(opened: Store, where: Home, event: dict[str, str]) -> None:
    """Tell the run log, and the store how far it goes now."""
    from datetime import UTC, datetime

    from auditor import runlog

    try:
        head = runlog.append(where.runlog, [{**event, "at": datetime.now(UTC).isoformat(timespec="seconds")}])
    except (AuditError, OSError) as error:
        say(f"not told in the run log: {error}")
        return
    if head:
        opened.record(event["run"], "run-log", f"{head.seq} {head.hash}")


def _slug(job: Job) -> str:
    return f"run-{job.job_id}"


def add_to(app: typer.Typer) -> None:
    for verb in (score, report, bundle):
        app.command(rich_help_panel="Judge and keep")(verb)
