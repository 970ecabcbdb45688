"""Which options has a replay, and how does it end?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from auditor.cli.common import Json, console, emit, progress_console, say, store, write_file
from auditor.model import AuditError

if TYPE_CHECKING:
    from rich.console import Console

    from auditor.replay import Plan
    from auditor.verdict import ReplayVerdict


DIFFERENT, NOT_RUN = 1, 3
"""Exit codes beside 0 (the level that was asked for was reached) and 2 (a mistake of the user's, or a bundle that is none)."""


def replay(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="BUNDLE...", help="Bundles: ZIPs, their unpacked folders, or a folder of them.", show_default=False
        ),
    ] = None,
    into: Annotated[Path | None, typer.Option("--into", help="A new folder to run in; default: replay-BUNDLE.")] = None,
    inputs: Annotated[Path | None, typer.Option(help="Where inputs lie that the bundle does not carry.")] = None,
    on: Annotated[str, typer.Option(help="local, or slurm.")] = "local",
    level: Annotated[
        str,
        typer.Option(
            help="How far: verify, inputs, environment, smoke (made smaller), full, repeat. Default: full.", show_default=False
        ),
    ] = "",
    repeat: Annotated[
        int, typer.Option(min=0, help="Run it so many times; learn what varies by itself.", show_default=False)
    ] = 0,
    smoke: Annotated[
        list[str] | None, typer.Option("--smoke", help="How to make a smoke run smaller: --epochs=1, STEPS=10, seconds=60.")
    ] = None,
    tolerance: Annotated[
        list[str] | None, typer.Option("--tolerance", help="OUTPUT:FIELD=1e-3, OUTPUT=1e-3 or OUTPUT:FIELD=ignore.")
    ] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="Rules that an earlier --repeat learnt.")] = None,
    partition: Annotated[str, typer.Option(help="Slurm: this site's partition.", show_default=False)] = "",
    account: Annotated[str, typer.Option(help="Slurm: your account at this site.", show_default=False)] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the verdict as JSON; learnt rules go beside it.")
    ] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Go on with an interrupted replay: its folder.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; you know whose code this is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    network: Annotated[bool, typer.Option("--network", help="Let the code use the network.")] = False,
    sandbox: Annotated[bool, typer.Option(help="Shut the code off from your files where the machine can.")] = True,
    rebuild: Annotated[bool, typer.Option(help="Make its Python environment from the lock; without: use this machine's.")] = True,
    pull: Annotated[bool, typer.Option("--pull", help="Fetch its container images by digest from their registries.")] = False,
    rebuild_images: Annotated[
        bool, typer.Option("--rebuild-images", help="Build an image anew where it cannot be had by its digest.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a bundle again and judge: identical, equivalent within tolerance, different, or not run, because.

    Exit status: 0 the level was reached, 1 different (or the smaller run failed), 2 your input or this machine, 3 not run, because.

    Several bundles, or a folder of them, run in the order of what they read and of their jobs' dependencies.

    Examples: auditor replay run-4711.crate.zip --dry-run     auditor replay B.zip --level smoke     auditor replay B.zip --repeat 2 -o v.json
    """
    options: dict[str, Any] = {
        "inputs_dir": inputs, "on": on, "network": network, "sandbox": sandbox, "rebuild": rebuild, "pull": pull,
        "rebuild_images": rebuild_images, "level": level, "repeat": repeat, "tolerances": tuple(tolerance or ()),
        "rules": str(rules) if rules else "", "smoke": tuple(smoke or ()), "partition": partition, "account": account,
        "project": _project(),
    }  # fmt: skip
    _check(paths or [], resume, into)
    from auditor.replay.chain import ASKED, bundles

    named = bundles(paths or [])
    way = Way(into, resume, yes, dry_run, json, output)
    if len(named) > 1 or (resume and (resume / ASKED).is_file()):
        _many(named, way, options)
    _one(_planned((named or (Path(),))[0], resume, options), way)


def _check(paths: list[Path], resume: Path | None, into: Path | None) -> None:
    if resume and (paths or into):
        raise AuditError("--resume takes the folder alone: it knows its bundle", "leave out the bundle and --into")
    if not resume and not paths:
        raise AuditError("no bundle was named", "auditor replay run-4711.crate.zip --dry-run")


def _project() -> dict[str, dict[str, str]]:
    from auditor.config import load

    config = load().config
    return {name: dict(getattr(config, name, {})) for name in ("smoke", "tolerances")}


def _planned(path: Path, resume: Path | None, options: dict[str, Any]) -> Plan:
    from auditor.replay import plan
    from auditor.replay.execute import planned

    return planned(resume) if resume else plan(path, **options)


@dataclass(frozen=True)
class Way:
    """Where it runs, whether it goes on, who agreed, and how the answer is given."""

    into: Path | None
    resume: Path | None
    yes: bool
    dry_run: bool
    json: bool
    output: Path | None

    @property
    def out(self) -> Console:
        return progress_console() if self.json else console()

    def agree(self) -> None:
        if not self.yes and not (sys.stdin.isatty() and typer.confirm("Run this here?", default=False)):
            raise AuditError("not run: nobody said yes", "look at --dry-run, then add --yes")


def _one(ready: Plan, way: Way) -> None:
    from auditor.replay import execute
    from auditor.replay.view import plan_view, verdict_view

    if way.dry_run and way.json:
        emit(ready)
        return
    way.out.print(plan_view(ready))
    if way.dry_run:
        return
    way.agree()
    folder = way.resume or way.into or Path(f"replay-{ready.bundle[:12]}")
    with progress_console().status("replaying …") as status:
        verdict = execute(ready, folder, yes=True, progress=_teller(status.update), resume=bool(way.resume))
    if way.output:
        _keep(verdict, folder, way.output)
    if way.json:
        emit(verdict)
    else:
        console().print(verdict_view(verdict))
    _remember(verdict)
    sys.exit(status_of(verdict))


def _many(named: tuple[Path, ...], way: Way, options: dict[str, Any]) -> NoReturn:
    """Several bundles as a graph: one verdict for each and one for all."""
    from auditor.codec import pretty
    from auditor.replay import chain
    from auditor.replay.view import chain_plan_view, chain_view

    folder = way.resume or way.into or Path("replay-chain")
    ready = chain.resumed(folder) if way.resume else chain.chain(named, **options)
    if way.dry_run and way.json:
        emit(ready)
        sys.exit(0)
    way.out.print(chain_plan_view(ready))
    if way.dry_run:
        sys.exit(0)
    way.agree()
    with progress_console().status("replaying …") as status:
        found = chain.run_all(ready, folder.absolute(), yes=True, progress=_teller(status.update), resume=bool(way.resume))
    if way.output:
        write_file(way.output, pretty(found))
    if way.json:
        emit(found)
    else:
        console().print(chain_view(found))
    for verdict in found.verdicts:
        _remember(verdict)
    sys.exit(max(map(status_of, found.verdicts), key=(0, NOT_RUN, DIFFERENT).index))


def status_of(verdict: ReplayVerdict) -> int:
    """0, DIFFERENT or NOT_RUN."""
    from auditor.verdict import Sameness

    failed = verdict.sameness is Sameness.DIFFERENT or (
        verdict.sameness is Sameness.NOT_COMPARED and "exit code" in verdict.reason
    )
    return 0 if verdict.reached else DIFFERENT if failed else NOT_RUN


def _keep(verdict: ReplayVerdict, folder: Path, output: Path) -> None:
    """The verdict where it was asked for; beside it the rules that a repeat learnt."""
    from auditor.codec import pretty
    from auditor.replay.conclude import RULES

    write_file(output, pretty(verdict))
    if (folder / RULES).is_file():
        beside = output.with_name(f"{output.stem}.rules.json")
        write_file(beside, (folder / RULES).read_bytes())
        say(f"what varies by itself is in {beside}: --rules takes it")


def _teller(update: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: update(f"{text} …")


def _remember(verdict: ReplayVerdict) -> None:
    """Add the verdict to the original run's evidence, where this store knows the run. Below `full` it proves nothing that counts there."""
    from auditor.replay.evidence import counts, remember

    if not counts(verdict):
        return
    with store() as opened:
        if remember(opened, verdict):
            say(f"verdict added to run {verdict.run_id}")


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Judge and keep")(replay)
