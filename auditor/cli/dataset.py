"""Data sets that are known once: the verb `dataset`."""

from __future__ import annotations

import os
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, emit, say
from auditor.model import AuditError

if TYPE_CHECKING:
    from probes.datasets import Dataset


class Act(StrEnum):
    ADD = "add"
    LIST = "list"
    SHOW = "show"
    CHECK = "check"
    REMOVE = "remove"


def dataset(
    act: Annotated[Act, typer.Argument(help="What to do.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="What it is called.", show_default=False)] = "",
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="With add: where it lies.", show_default=False)] = "",
    version: Annotated[str, typer.Option("--version", help="Which version it is.")] = "",
    doi: Annotated[str, typer.Option("--doi", help="Its DOI, such as 10.5281/zenodo.1234.")] = "",
    licence: Annotated[str, typer.Option("--license", help="Its licence: an SPDX name or a URL.")] = "",
    url: Annotated[str, typer.Option("--url", help="Where others get it.")] = "",
    place: Annotated[
        str, typer.Option("--in", metavar="FOLDER", help="Register it here, for a group; see the setting `datasets`.")
    ] = "",
    quick: Annotated[bool, typer.Option("--quick", help="With check: compare sizes and times, read nothing.")] = False,
    json: Json = False,
) -> None:
    """Data sets that are hashed once and then referred to: runs name them with version and DOI, and read nothing of them again.

    `check` hashes one anew and says what is different: exit status 1.

    Examples: auditor dataset add imagenet /data/imagenet --version 2012 --doi 10.1109/CVPR.2009.5206848
    """
    if act in {Act.ADD, Act.SHOW, Act.CHECK, Act.REMOVE} and not name:
        raise AuditError(f"{act} needs the name of a data set", f"auditor dataset {act} NAME")
    if act is Act.ADD:
        _add(name, path, version, doi, licence, url, place, json)
    elif act is Act.LIST:
        _list(json)
    elif act is Act.SHOW:
        _show(name, json)
    elif act is Act.CHECK:
        _check(name, quick, json)
    else:
        from auditor.datasets import remove
        from auditor.world import RealWorld

        gone = remove(RealWorld(), name)
        say(f"{name} is forgotten; its files are left as they are: {gone.root}")


def _add(name: str, path: str, version: str, doi: str, licence: str, url: str, place: str, json: bool) -> None:
    from auditor.cli.data import progress
    from auditor.datasets import add
    from auditor.world import RealWorld
    from probes.datasets import Dataset, registry

    if not path:
        raise AuditError("add needs the folder or file", f"auditor dataset add {name} PATH")
    world = RealWorld()
    where = os.path.abspath(place) if place else registry.own(world)
    if not where:
        raise AuditError("there is no place for it: neither AUDITOR_HOME nor HOME is set", "export AUDITOR_HOME=/some/folder")
    wanted = Dataset(name, path, "", 0, 0, "", "", version, doi.removeprefix("https://doi.org/"), licence, url)
    try:
        with progress() as tell:
            found = add(world, where, wanted, tell)
    except KeyboardInterrupt:
        say("interrupted; what was read is remembered: the same command goes on from there")
        raise typer.Exit(130) from None
    emit(found) if json else _print(found)
    if place and where not in registry.folders(world, world.cwd):
        say(f"to have it looked up: auditor config datasets {where}")


def _list(json: bool) -> None:
    from auditor.world import RealWorld
    from probes.datasets import registry

    world = RealWorld()
    every = registry.registered(world, registry.folders(world, world.cwd))
    if json:
        emit([asdict(d) | {"registry": place} for place, d in every])
    elif every:
        from rich.table import Table

        from auditor.cli.common import console
        from auditor.cli.plain import printable

        table = Table("name", "version", "files", "bytes", "verified", "DOI", "where", box=None, pad_edge=False)
        for _, d in every:
            row = (d.name, d.version, f"{d.files:,}", f"{d.bytes:,}", d.verified[:10], d.doi, d.root)
            table.add_row(*map(printable, row))
        console().print(table)
    else:
        print("no data set is registered: auditor dataset add NAME PATH")


def _show(name: str, json: bool) -> None:
    from auditor.datasets import find
    from auditor.world import RealWorld
    from probes.datasets import registry

    place, found = find(RealWorld(), name)
    manifest = registry.path(place, found, "manifest")
    if json:
        emit(asdict(found) | {"registry": place, "manifest": manifest})
        return
    _print(found)
    print(f"{'manifest':10} {manifest}")


def _check(name: str, quick: bool, json: bool) -> None:
    from auditor.cli.data import progress
    from auditor.cli.plain import printable
    from auditor.datasets import check
    from auditor.world import RealWorld

    with progress() as tell:
        found = check(RealWorld(), name, whole=not quick, tell=tell)
    if json:
        emit(found)
    else:
        for one in found.differences:
            print(printable(one))
        if found.counted > len(found.differences):
            print(f"... and {found.counted - len(found.differences)} more")
        how = "every byte was hashed" if found.hashed else "by sizes and times; nothing was read"
        say(f"{name} is {found.state} ({how})")
    raise typer.Exit(found.state != "unchanged")


def _print(found: Dataset) -> None:
    """One fact a line, those that are known."""
    from auditor.cli.plain import printable

    for key, value in asdict(found).items():
        if value:
            print(f"{key:10} {printable(str(value))}")


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(dataset)
