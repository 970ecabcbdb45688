"""Why do two runs differ: the verb that finds it by running again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, emit, progress_console, resolve, say, store
from auditor.cli.look import complete_run
from auditor.cli.plain import printable
from auditor.model import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.bisection import Bisection
    from auditor.replay.bisect import Options


def bisect(
    first: Annotated[str, typer.Argument(metavar="A", autocompletion=complete_run, help="A run, or its bundle.")],
    second: Annotated[str, typer.Argument(metavar="B", autocompletion=complete_run, help="The run that came out differently.")],
    into: Annotated[Path | None, typer.Option("--into", help="Work folder; an interrupted bisection goes on in it.")] = None,
    output: Annotated[list[str] | None, typer.Option("--output", help="An output that counts (a glob); several times.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Last digits count, too.")] = False,
    rtol: Annotated[float | None, typer.Option(min=0, help="Relative tolerance for numbers.")] = None,
    atol: Annotated[float | None, typer.Option(min=0, help="Absolute tolerance for numbers.")] = None,
    together: Annotated[
        list[str] | None, typer.Option(help="Differences that need each other: NAME,NAME; several times.")
    ] = None,
    runs: Annotated[int, typer.Option(min=0, help="How many experiments at most.")] = 100,
    seconds: Annotated[float, typer.Option(min=0, help="How long at most.")] = 86400.0,
    controls: Annotated[int, typer.Option(min=2, max=20, help="How often A and B are run again first.")] = 2,
    inputs: Annotated[Path | None, typer.Option(help="Where inputs lie that the bundles do not carry.")] = None,
    on: Annotated[str, typer.Option(help="local, or slurm.")] = "local",
    max_jobs: Annotated[int, typer.Option("--max-jobs", min=1, max=100, help="Experiments side by side.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; you know whose code this is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell the differences.")] = False,
    network: Annotated[bool, typer.Option("--network", help="Let the code use the network.")] = False,
    sandbox: Annotated[bool, typer.Option(help="Shut the code off from your files where the machine can.")] = True,
    rebuild: Annotated[bool, typer.Option(help="Make its Python environment from the lock; without: use this machine's.")] = True,
    json: Json = False,
) -> None:
    """Why do two runs differ? Carries differences over from B to A, runs, and proves which ones matter.

    Examples: auditor bisect 4711 4712 --dry-run     auditor bisect a.crate.zip b.crate.zip --yes --runs 40
    """
    from auditor.replay.bisect import Options
    from auditor.replay.compare.tolerance import Tolerance

    given = {"rtol": rtol, "atol": atol}
    chosen = (
        Tolerance(**{k: v for k, v in given.items() if v is not None}) if any(v is not None for v in given.values()) else None
    )
    options = Options(
        on=on, max_jobs=max_jobs, inputs=str(inputs or ""), network=network, sandbox=sandbox, rebuild=rebuild, controls=controls,
        runs=runs, seconds=seconds, tolerance=Tolerance(0.0, 0.0) if exact else chosen, outputs=tuple(output or ()),
        together=tuple(tuple(n.strip() for n in names.split(",")) for names in together or ()),
    )  # fmt: skip
    with _work(into, first, second, dry_run) as folder:
        found = _done(first, second, folder, options, (yes, dry_run, json))
    if found:
        sys.exit(0 if found.certified else 1)


@contextmanager
def _work(into: Path | None, first: str, second: str, dry_run: bool) -> Iterator[Path]:
    """The work folder: a temporary one for a look."""
    if not dry_run:
        named = [Path(n).name.removesuffix(".zip").removesuffix(".crate") for n in (first, second)]
        yield into or Path(f"bisect-{named[0]}-{named[1]}")
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="auditor-bisect-") as folder:
        yield Path(folder) / "look"


def _done(first: str, second: str, folder: Path, options: Options, asked: tuple[bool, bool, bool]) -> Bisection | None:
    """asked: --yes, --dry-run, --json."""
    from auditor.replay.bisect import find, journal, prepare
    from auditor.replay.bisect.prepare import pair
    from auditor.replay.bisect.view import plan_text, text
    from auditor.world import RealWorld

    yes, dry_run, json = asked
    where = folder.absolute()
    with progress_console().status("reading both runs …"):
        wheels = _wheels(first, second)
        bundles = [_bundle(name, where / "bundles", wheels) for name in (first, second)]
        about = pair(bundles[0], bundles[1], options)
    with journal.opened(where, about):
        ready = prepare(bundles[0], bundles[1], where, options, RealWorld())
        if dry_run:
            emit(ready.differences) if json else print(printable(plan_text(ready)))
            return None
        sys.stderr.write(printable(plan_text(ready)) + "\n")
        if options.runs and not yes and not _agreed():
            raise AuditError("not run: nobody said yes", "look at --dry-run, then add --yes")
        with progress_console().status("bisecting …") as status:
            found = find(ready, _teller(status.update))
    emit(found) if json else print(printable(text(found)))
    _remember(found)
    return found


def _teller(update: Callable[[str], None]) -> Callable[[str], None]:
    return lambda words: update(f"{printable(words)} …")


def _agreed() -> bool:
    return sys.stdin.isatty() and typer.confirm("Run this here?", default=False)


def _wheels(first: str, second: str) -> str:
    """Packing wheels takes minutes: only of runs whose packages differ."""
    if any(Path(n).exists() or n.endswith(".zip") or "/" in n for n in (first, second)):
        return ""
    from reports.diff import explained

    with store() as opened:
        found = explained(*(opened.evidence(opened.resolve(n)) for n in (first, second)))
    return "carry" if any(g.name in ("package", "other-package", "interpreter") for g in found.groups) else ""


def _bundle(name: str, folder: Path, wheels: str) -> str:
    """The bundle that was named, or one of a run of the store, made once in the work folder."""
    if Path(name).exists():
        return name
    if name.endswith(".zip") or "/" in name:
        raise AuditError(f"there is no bundle {name}", "give a bundle's path, or a run; `auditor list` shows the runs")
    from auditor import objects
    from auditor.cli.common import home
    from auditor.config import load
    from reports.archive.bundle import build
    from reports.score import score

    config = load().config
    with store() as opened:
        run_id = resolve(opened, name)
        path = folder / f"{run_id}.crate.zip"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            job, evidence = opened.job(run_id), (*opened.evidence(run_id), opened.campaign(run_id))
            build(
                job, evidence, score(job, evidence), path, objects=lambda sha: objects.get(home().objects, sha),
                payload="all", limit=config.payload_bytes, wheels=wheels, image_policy=config.images, image_limit=config.images_bytes,
            )  # fmt: skip
    return str(path)


def _remember(found: Bisection) -> None:
    """Add it to the evidence of the runs that this store knows."""
    from auditor.replay.bisect.evidence import remember

    if not found.trials:
        return
    with store() as opened:
        for run in remember(opened, found):
            say(f"bisection added to run {run}")


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Judge and keep")(bisect)
