"""Data by content: the verb `manifest`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from auditor.cli.common import Json, emit, say
from auditor.cli.output import parts, whole
from auditor.model import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable

    from probes.manifest.look import Wish
    from probes.manifest.progress import Progress
    from probes.manifest.write import Total

SHOWN = 1000
"""Differences printed; all of them are counted."""


class Which(StrEnum):
    LOCAL = "local"
    DASK = "dask"
    SLURM = "slurm"


class As(StrEnum):
    AUDITOR = "auditor"
    SUMS = "sums"
    BAGIT = "bagit"
    DVC = "dvc"


def manifest(
    trees: Annotated[list[str], typer.Argument(metavar="TREE...", help="Folders and files.", show_default=False)],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write it there instead of to stdout.")] = "",
    check: Annotated[
        str, typer.Option(metavar="FILE", help="Compare the tree with this manifest; exit status 1: it differs.")
    ] = "",
    algorithm: Annotated[
        str, typer.Option(metavar="LIST", help="Of sha256, md5, sha1, sha512, sha256-tree:1GiB, with commas; all in one read.")
    ] = "sha256",
    form: Annotated[As, typer.Option("--as", help="Lines of JSON, or what sha256sum, BagIt or DVC read.")] = As.AUDITOR,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave out these paths or names; may be repeated.")
    ] = None,
    budget: Annotated[str, typer.Option("--budget-bytes", metavar="SIZE", help="Read at most so much, small files first.")] = "",
    seconds: Annotated[float, typer.Option("--budget-seconds", min=0, help="Stop after so long; 0: do not.")] = 0,
    rate: Annotated[str, typer.Option(metavar="SIZE", help="Read at most so much a second, such as 200M.")] = "",
    sample: Annotated[str, typer.Option("--sample-above", metavar="SIZE", help="Only sample larger files: no identity.")] = "",
    workers: Annotated[int, typer.Option("--io-threads", min=0, help="Readers side by side; 0: one a core.")] = 0,
    verify: Annotated[bool, typer.Option("--verify", help="Believe nothing that was remembered: read every byte.")] = False,
    engine: Annotated[Which, typer.Option(help="Who reads.")] = Which.LOCAL,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="With dask: the scheduler that runs; none: one is started.")
    ] = "",
    slurm: Annotated[bool, typer.Option("--slurm", help="With dask: start its workers as Slurm jobs.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="How many workers (dask) or array tasks (slurm).")] = 4,
    option: Annotated[
        list[str] | None, typer.Option("--sbatch", metavar="OPTION", help="For Slurm, such as --time=10; repeat.")
    ] = None,
    json: Json = False,
) -> None:
    """What is in these folders and files, by content: one line a file, the same bytes on every machine.

    What has not changed since the last time is not read again. An interrupted run goes on when it is started again.

    Examples: auditor manifest data -o data.manifest     auditor manifest data --check data.manifest
    """
    from probes.manifest.content import ALGORITHMS
    from probes.manifest.look import NO_LIMIT, Wish

    algorithms = tuple(dict.fromkeys(a.strip() for a in algorithm.split(",") if a.strip()))
    if not algorithms or set(algorithms) - set(ALGORITHMS):
        raise AuditError(f"no algorithm is called {algorithm!r}", f"there is: {', '.join(ALGORITHMS)}")
    wish = Wish(
        algorithms=(*algorithms, "md5") if form is As.DVC and "md5" not in algorithms else algorithms,
        budget=size_of(budget, "--budget-bytes") if budget else NO_LIMIT,
        seconds=seconds or float("inf"),
        rate=size_of(rate, "--rate") if rate else 0,
        workers=workers,
        verify=verify,
        exclude=tuple(exclude or ()),
        without=frozenset(map(os.path.abspath, (output, *parts(output)))) if output else frozenset(),
        sample_above=size_of(sample, "--sample-above") if sample else 0,
    )
    runner = _engine(engine, scheduler, slurm, jobs, tuple(option or ()))
    if check:
        sys.exit(_check(trees, check, wish, runner, json))
    with _result(output) as file:
        own = form is As.AUDITOR
        total = _made(trees, wish, runner, file.write) if own else _exported(trees, wish, runner, form, algorithms[0], file)
    _say_total(total, output, json)


def size_of(text: str, option: str) -> int:
    """Bytes: a number with K, M, G, T, P for powers of 1000, or Ki ... for powers of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGTP]?)(i?)B?", text.strip(), re.IGNORECASE)
    if not match or (match[3] and not match[2]):
        raise AuditError(f"{option} {text} is no size", "write 500M, 2G or 1.5TiB")
    power = " KMGTP".index(match[2].upper() or " ")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def _engine(which: Which, scheduler: str, slurm: bool, jobs: int, options: tuple[str, ...]) -> Any:
    if which is not Which.DASK and (scheduler or slurm):
        raise AuditError("--scheduler and --slurm go with --engine dask", "add --engine dask")
    if which is Which.DASK:
        from auditor.engines.dask import engine

        return engine(scheduler, slurm, jobs, options)
    if which is Which.SLURM:
        from auditor.engines.slurm import engine as array

        return array(jobs, options)
    return None


def _made(trees: list[str], wish: Wish, engine: Any, out: Callable[[bytes], object]) -> Total:
    import signal

    from auditor.world import RealWorld
    from probes.manifest.tree import manifest as make

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a job's time is over: keep what was done
    try:
        with progress() as tell:
            return make(RealWorld(), trees, wish, out, engine=engine, tell=tell)
    except KeyboardInterrupt:
        say("interrupted; what was read is remembered: the same command goes on from there")
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _exported(trees: list[str], wish: Wish, engine: Any, form: As, algorithm: str, out: IO[bytes]) -> Total:
    from probes.manifest.export import Form, export
    from probes.manifest.read import Reader

    with tempfile.TemporaryFile() as file:
        total = _made(trees, wish, engine, file.write)
        file.seek(0)
        export(Form(form.value), Reader(file, "the manifest"), algorithm, out.write)
    return total


def _check(trees: list[str], path: str, wish: Wish, engine: Any, json: bool) -> int:
    from dataclasses import replace

    from auditor.cli.plain import printable
    from probes.manifest.check import differences
    from probes.manifest.read import Reader
    from probes.manifest.rows import escaped

    with open(path, "rb") as file, tempfile.TemporaryFile() as fresh:
        before = Reader(file, path)
        exclude = wish.exclude or before.exclude
        wish = replace(wish, algorithms=before.algorithms, exclude=exclude, without=frozenset({os.path.abspath(path)}))
        total = _made(trees, wish, engine, fresh.write)
        fresh.seek(0)
        counts: dict[str, int] = {}
        shown: list[dict[str, str]] = []
        for found in differences(before, Reader(fresh, "the tree")):
            counts[found.what] = counts.get(found.what, 0) + 1
            if len(shown) < SHOWN:
                shown.append({"what": str(found.what), "path": escaped(found.path), "why": found.why})
    if json:
        emit({"same": not counts, "counts": counts, "differences": shown, "files": total.files, "digest": total.digest})
    else:
        for one in shown:
            why = f" ({one['why']})" if one["why"] else ""
            print(f"{one['what']:8} {printable(one['path'])}{why}")
        if sum(counts.values()) > SHOWN:
            print(f"... and {sum(counts.values()) - SHOWN} more")
        say(", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or f"as it was: {total.files} files, {total.digest}")
    return 1 if counts else 0


def _say_total(total: Total, output: str, json: bool) -> None:
    if json and output:
        emit(total._asdict())
        return
    left = ", ".join(f"{count} {reason}" for reason, count in total.skipped.items())
    say(f"{total.files} files, {total.bytes} bytes ({total.read} read), {total.folders} folders, {total.digest}")
    if left:
        say(f"{'without a digest' if total.complete else 'NOT COMPLETE'}: {left}")


@contextmanager
def _result(output: str) -> Iterator[IO[bytes]]:
    """stdout, or a file that is whole or not there; a pipe or a device is written to as it is."""
    if not output:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if os.path.isdir(output):
        raise AuditError(f"{output} is a folder", f"name a file in it: -o {os.path.join(output, 'data.manifest')}")
    if os.path.exists(output) and not os.path.isfile(output):
        with open(output, "wb") as file:
            yield file
        return
    with whole(output) as file:
        yield file


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A line on a terminal that says how far it is; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from auditor.cli.bar import bar

    with bar() as tell:
        yield tell


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(manifest)
