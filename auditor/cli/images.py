"""Images by content: the verb `image`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.common import Json, emit, say

if TYPE_CHECKING:
    from probes.containers import ImageFacts


def image(
    first: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="SIF, squashfs, OCI layout or archive, folder, or docker:NAME.", show_default=False),
    ],
    second: Annotated[str, typer.Argument(metavar="[OTHER]", help="Compare with this one.", show_default=False)] = "",
    files: Annotated[
        bool, typer.Option("--files", help="Hash the files inside too: finds a rebuilt or converted image.")
    ] = False,
    json: Json = False,
) -> None:
    """What identifies this container image, and how far is it the same as another one?

    Nothing is pulled or started. Exit status 1: the other one is not the same, or that cannot be told.

    Examples: auditor image model.sif docker:lab/model:1     auditor image model.sif saved.tar --files
    """
    from auditor.images import identify
    from auditor.world import RealWorld
    from probes.containers import Level
    from reports.judging.ladder import same

    world = RealWorld()
    one = identify(world, first, files)
    if not second:
        emit(one) if json else _show(one)
        return
    other = identify(world, second, files)
    found = same(one, other)
    if json:
        emit({"level": found.level, "why": found.why, "images": [one, other]})
    else:
        from auditor.cli.plain import printable

        print(printable(f"{found.level}: {found.why}"))
    if found.level in {Level.UNKNOWN, Level.SAME_NAME} and not files:
        say("with --files the files inside are compared")
    sys.exit(found.level in {Level.SAME_NAME, Level.DIFFERENT, Level.UNKNOWN})


def _show(found: ImageFacts) -> None:
    """One fact a line, those that are known."""
    from auditor.cli.plain import printable
    from probes.containers.oci import chain_id

    rows = {name: getattr(found, name) for name in found.__dataclass_fields__}
    rows["diff_ids"], rows["chain_id"] = " ".join(found.diff_ids), chain_id(found.diff_ids)
    rows["settings"] = ", ".join(f"{name}={value}" for name, value in sorted(found.settings.items()))
    for name, value in rows.items():
        if value:
            print(f"{name.replace('_', ' '):11} {printable(value)}")


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(image)
