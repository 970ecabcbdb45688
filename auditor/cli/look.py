"""Looking at what is stored: list, show, diff, lineage."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, Name, console, emit, resolve, say, store
from auditor.cli.plain import printable
from auditor.model import AuditError

if TYPE_CHECKING:
    from auditor.campaign import Campaign
    from auditor.scorecard import Edge, Node
    from auditor.store import RunRow, Store

RUN = "Run id, a prefix of it, job id (123, 123_4) or `last`; none: the last one."


def complete_run(incomplete: str) -> list[tuple[str, str]]:
    """Shell completion: run ids and job ids that begin so."""
    from auditor.home import find
    from auditor.store import Store

    where = find()
    if where is None or not os.path.exists(where.store):
        return []
    with suppress(AuditError), Store.open(where.store, wait=0.2) as opened:
        rows = opened.runs(limit=50)
        return _beginning(incomplete, rows)
    return []


def _beginning(incomplete: str, rows: Sequence[RunRow]) -> list[tuple[str, str]]:
    found = [(r.id, f"{r.job_id} {r.name}") for r in rows] + [(r.job_id, r.name) for r in rows]
    return [(value, printable(text)) for value, text in found if value.startswith(incomplete)]


def list_(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 20,
    label: Annotated[str, typer.Option(help="Only runs with this label.")] = "",
    state: Annotated[str, typer.Option(help="Only runs in this state (COMPLETED, FAILED ...).")] = "",
    json: Json = False,
) -> None:
    """The runs that are known, newest first.

    Example: auditor list --label paper --state FAILED
    """
    with store() as opened:
        rows = opened.runs(limit=limit, label=label, state=state)
    if json:
        emit(rows)
        return
    from auditor.cli.tables import incomplete, runs_table

    if rows:
        out = console()
        out.print(runs_table(rows, out.width))
        if told := incomplete((r.job_id, r.state) for r in rows):
            say(told)
    elif label or state:
        print("no run matches")
    else:
        print("no runs yet: try `auditor sbatch SCRIPT`, `auditor run -- COMMAND` or `auditor demo`")


class Part(StrEnum):
    SUMMARY = "summary"
    EVIDENCE = "evidence"
    EVENTS = "events"


def show(
    name: Annotated[str, typer.Argument(metavar="[RUN]", autocompletion=complete_run, help=RUN, show_default=False)] = "",
    part: Annotated[Part, typer.Option(help="What to show.")] = Part.SUMMARY,
    probe: Annotated[str, typer.Option(help="With --part evidence: only this probe, data in full.")] = "",
    json: Json = False,
) -> None:
    """One run: who, what, when, and which evidence there is.

    Examples: auditor show 4711     auditor show last --part evidence --probe slurm
    """
    from auditor.cli.tables import events_table, evidence_table, run_panel

    with store() as opened:
        run_id = resolve(opened, name)
        job, evidence = opened.job(run_id), (*opened.evidence(run_id), opened.campaign(run_id))
        events = opened.events(run_id) if part is Part.EVENTS else ()
    probes = sorted({e.probe for e in evidence})
    if probe and probe not in probes:
        raise AuditError(f"the run has no evidence of a probe {probe}", f"there is: {', '.join(probes)}")
    evidence = tuple(e for e in evidence if not probe or e.probe == probe)
    out = console()
    if json:
        emit(
            {"run": run_id, "job": job, "events": events}
            if part is Part.EVENTS
            else {"run": run_id, "job": job, "evidence": evidence}
        )
    elif part is Part.EVENTS:
        out.print(events_table(events))
    elif part is Part.EVIDENCE:
        out.print(evidence_table(evidence, out.width))
        if probe:
            emit([e.data for e in evidence])
    else:
        from reports.score import score

        out.print(run_panel(score(job, evidence)))
        out.print(evidence_table(evidence, out.width))


def diff(
    first: Annotated[str, typer.Argument(metavar="A", autocompletion=complete_run, help="The first run.")],
    second: Annotated[str, typer.Argument(metavar="B", autocompletion=complete_run, help="The run to compare with it.")],
    json: Json = False,
) -> None:
    """What was different between two runs, causes before consequences: code, parameters, environment, machine, data.

    Of the environment what decides most comes first: the image with how far it is the same, the interpreter, native libraries, packages.

    Example: auditor diff 4711 4712
    """
    from auditor.cli.tables import changes_table
    from reports.bisections import bisections, sentence
    from reports.diff import explained

    with store() as opened:
        a, b = opened.resolve(first), opened.resolve(second)
        one, two = opened.evidence(a), opened.evidence(b)
        found, tried = explained(one, two), bisections(one, two)
    if json:
        groups = [{"name": g.name, "summary": g.summary, "changes": len(g.changes) + g.more} for g in found.groups]
        emit({"a": a, "b": b, "environment": groups, "changes": found.changes, "bisections": tried})
    elif found.changes:
        for group in found.groups:
            print(printable(group.summary))
        console().print(changes_table(found.changes, f"run {a}", f"run {b}"))
    else:
        print("no difference in what was recorded")
    for one_tried in () if json else tried:
        print(printable(sentence(one_tried)))


def packages(
    name: Annotated[
        str, typer.Argument(metavar="NAME[==VERSION]", help="A package, module, compiler, image ...; or sha256:DIGEST.")
    ],
    ecosystem: Annotated[str, typer.Option(help="Only here: pypi, conda, spack, module, mpi, deb, image ...")] = "",
    versions: Annotated[
        bool, typer.Option("--versions", help="Instead of runs: each version, how many runs had it, and when.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many runs, newest first.")] = 50,
    json: Json = False,
) -> None:
    """Which of the runs had this software in their environment, in which version? Images too, by name or digest.

    Examples: auditor packages numpy==1.26.4     auditor packages openmpi --ecosystem mpi --versions
    """
    from auditor.cli.tables import uses_table, versions_table

    called, _, version = name.partition("==")
    if not called.strip():
        raise AuditError("no package is named", "auditor packages numpy==1.26.4")
    if found := re.search("[<>~!,;=]", f"{called}{version.translate({ord('='): None})}"):
        raise AuditError(
            f"{name}: only NAME or NAME==VERSION can be asked for", f"auditor packages {name[: found.start()]} --versions"
        )
    if versions and version:
        raise AuditError("--versions asks for all versions", f"auditor packages {called} --versions")
    with store() as opened:
        drift = opened.package_versions(called, ecosystem) if versions else ()
        uses, total = ((), 0) if versions else opened.packages(called, version, ecosystem=ecosystem, limit=limit)
    if json:
        emit(drift if versions else {"uses": uses, "runs": total})
    elif drift:
        console().print(versions_table(drift))
    elif uses:
        console().print(uses_table(uses))
        shown = len({use.run_id for use in uses})
        if total > shown:
            say(f"{total - shown} more runs had it; --limit {total} shows all")
    else:
        print(f"no run that is known had {name}{f' in {ecosystem}' if ecosystem else ''}")


class As(StrEnum):
    TEXT = "text"
    SVG = "svg"
    JSON = "json"
    PROV = "prov"


def lineage(
    name: Annotated[str, typer.Argument(metavar="[RUN]", autocompletion=complete_run, help=RUN, show_default=False)] = "",
    form: Annotated[As, typer.Option("--as", help="Text, a picture (SVG), JSON, or W3C PROV (PROV-JSON).")] = As.TEXT,
    check: Annotated[
        bool,
        typer.Option("--check", help="What became of this run's files since: same, changed, gone, written over? Orphans too."),
    ] = False,
    campaign: Annotated[bool, typer.Option("--campaign", help="With --check: of every run that this one is joined to.")] = False,
    json: Json = False,
) -> None:
    """Which runs made this run's inputs, and which used its outputs: a join on digests, no engine needed.

    Examples: auditor lineage last --as svg > lineage.svg     auditor lineage last --check
    """
    with store() as opened:
        run_id = resolve(opened, name)
        if campaign and not check:
            raise AuditError("--campaign goes with --check", "auditor lineage --check --campaign")
        if check:
            runs = [r.run_id for r in opened.family(run_id).runs] if campaign else [run_id]
            _check(opened, run_id, runs, json)
            return
        if form is As.PROV:
            from reports.prov import document

            emit(document(opened.family(run_id)))
            return
        nodes, edges = opened.lineage(run_id)
        loop = _loop(opened, run_id)
    if json or form is As.JSON:
        emit({"run": run_id, "nodes": nodes, "edges": edges, "cycle": loop.cycle, "iterations": loop.iterations})
    elif form is As.SVG:
        print(_picture(nodes, edges))
    else:
        from auditor.cli.tables import lineage_tree

        console().print(lineage_tree(run_id, nodes, edges, loop.cycle, loop.iterations))


def _loop(opened: Store, run_id: str) -> Campaign:
    from auditor.campaign import Campaign
    from auditor.codec import build

    return build(opened.campaign(run_id).data, Campaign)


def _check(opened: Store, run_id: str, runs: Sequence[str], json: bool) -> None:
    """Exit status 1 when a file is not what it was; an orphan is told and changes nothing about that."""
    from auditor.cli.tables import since_table
    from auditor.whereabouts import orphans, since
    from auditor.world import RealWorld

    world = RealWorld()
    found = {run: (*since(opened, run, world), *orphans(opened, run, world)) for run in runs}
    if json and len(runs) == 1 and runs[0] == run_id:
        emit({"run": run_id, "files": found[run_id]})
    elif json:
        emit({"run": run_id, "runs": [{"run": run, "files": files} for run, files in found.items()]})
    for run, files in found.items() if not json else ():
        if len(runs) > 1:
            print(f"run {run} (job {opened.job(run).job_id})")
        if files:
            console().print(since_table(files))
        else:
            say(f"no file of run {run} is known by content: declare inputs and outputs, or trace it")
    if any(f.state not in ("same", "orphan") for files in found.values() for f in files):
        raise typer.Exit(1)


def _picture(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """The report's own picture of these nodes, as a file of its own."""
    from reports.formats.pictures.lineage import draw

    if not edges:
        raise AuditError(
            "no data is known that joins this run to others", "declare inputs and outputs: #AUDITOR input=GLOB in the script"
        )
    return draw(tuple(nodes), tuple(edges))


def add_to(app: typer.Typer) -> None:
    app.command("list", rich_help_panel="Look")(list_)
    for verb in (show, diff, lineage, packages):
        app.command(rich_help_panel="Look")(verb)


__all__ = ["Name", "add_to", "complete_run"]
