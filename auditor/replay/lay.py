"""Where does each file of the run go? Code and inputs as the recipe says: below the new work directory, or at their old absolute path."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.model import AuditError
from auditor.replay.compare import sha256
from auditor.replay.sandbox import can_stand_at
from auditor.replay.unpack import UNKNOWN
from reports.archive.names import place
from reports.archive.recipe import Recipe, RecipeFile

COPY = 1 << 30
"""Bytes; a larger input is linked (in the sandbox: shown read-only) instead of copied."""


@dataclass(frozen=True)
class Layout:
    """work: the new work directory. shown, writable: pairs (where it lies, absolute path it had) that only a sandbox can put
    in place: files to read, folders that outputs go to.

    missing: places of needed files that could not be had, with the reason. copied: how many files.
    """

    work: Path
    shown: tuple[tuple[str, str], ...]
    writable: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    copied: int


def check_places(recipe: Recipe) -> None:
    """Raise AuditError for a recipe whose files would leave their folder. Bundles come from strangers."""
    carried = {*(f.carried for f in recipe.files), *(path for i in recipe.images for path in (i.carried, i.definition))}
    for path in (*(f.place for f in recipe.files), *(d.place for d in recipe.datasets), *carried):
        inside = not path or (os.path.normpath(path) == path and not path.startswith(".."))
        if not inside or "\0" in path or ".git" in path.split("/") or (path in carried and path.startswith("/")):
            raise AuditError(
                f"the recipe names a file outside its folder: {ascii(path)[:80]}", "nothing was run; do not trust this bundle"
            )
    names = [n for n in recipe.environment if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", n) or n.startswith(("LD_", "BASH_"))]
    if names:
        raise AuditError(
            f"the recipe sets a variable it must not: {ascii(names[0])[:60]}", "nothing was run; do not trust this bundle"
        )


def needed(recipe: Recipe) -> tuple[RecipeFile, ...]:
    """Code and inputs. Image files are had in ways of their own (auditor.replay.images), also where they were noted as inputs."""
    images = {place(i.reference, recipe.workdir) for i in recipe.images if i.transport == "file"}
    return tuple(f for f in recipe.files if f.role == "code" or (f.role == "input" and f.place not in images))


def find_inputs(recipe: Recipe, folder: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """What the bundle does not carry: place -> path where the same content lies; place -> why there is none."""
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for file in needed(recipe):
        if file.role == "code" or file.carried:
            continue
        there = [c for c in _candidates(file.place, recipe.workdir, folder) if os.path.isfile(c)]
        same = next((c for c in there if _same(Path(c), file)), "")
        if same:
            found[file.place] = same
        elif there and not file.sha256:
            missing[file.place] = "its sha256 was not recorded, so no file can be known to be it"
        else:
            missing[file.place] = (
                f"{there[0]} is another file (its sha256 differs)" if there else "not found; name its folder with --inputs"
            )
    return found, missing


def _same(path: Path, file: RecipeFile) -> bool:
    return file.size in (UNKNOWN, path.stat().st_size) and bool(file.sha256) and sha256(path) == file.sha256


def _candidates(where: str, workdir: str, folder: str | None) -> list[str]:
    given = [os.path.join(folder, where.lstrip("/")), os.path.join(folder, os.path.basename(where))] if folder else []
    return [*given, os.path.join(workdir, where)]


def lay(
    recipe: Recipe, crate: Path, folder: Path, sources: Mapping[str, str], instead: Mapping[str, str | None] | None = None
) -> Layout:
    """Fill `folder/work`, and `folder/elsewhere` with the folders of outputs that lay outside the work directory.

    instead: inputs that another replay made, place -> path; they count before what the bundle carries. None: it comes later."""
    instead = instead or {}
    work = folder / "work"
    work.mkdir(mode=0o700)
    shown: list[tuple[str, str]] = []
    missing: list[str] = []
    copied = 0
    for file in sorted(needed(recipe), key=lambda f: (f.role != "code", f.place)):  # code before an input at the same place
        if file.role == "input" and instead.get(file.place, "") is None:
            continue
        source = _source(file, crate, sources, instead)
        if source is None:
            missing.append(f"{file.place}: {file.reason or 'not carried'}")
        elif not os.path.isabs(file.place):
            copied += _put(source, work / file.place)
        elif can_stand_at(file.place):
            shown.append((str(source.resolve()), file.place))
        else:
            missing.append(f"{file.place}: it lay among the system's files")
    put, unfound = _sets(recipe, work, sources, shown)
    return Layout(work, tuple(shown), _output_folders(recipe, work, folder), (*missing, *unfound), copied + put)


def _source(file: RecipeFile, crate: Path, sources: Mapping[str, str], instead: Mapping[str, str | None]) -> Path | None:
    fed = instead.get(file.place) if file.role == "input" else None
    if fed or file.carried:
        return Path(fed) if fed else crate / file.carried
    return Path(sources[file.place]) if file.place in sources else None


def _sets(recipe: Recipe, work: Path, sources: Mapping[str, str], shown: list[tuple[str, str]]) -> tuple[int, list[str]]:
    """Data sets are linked, or shown where they lay; how many links, and what could not be had."""
    copied, missing = 0, list[str]()
    for known in recipe.datasets:
        if known.place not in sources:
            missing.append(f"{known.place}: data set {known.name} was not found")
        elif not os.path.isabs(known.place):
            copied += _link(Path(sources[known.place]), work / known.place)
        elif can_stand_at(known.place):
            shown.append((os.path.realpath(sources[known.place]), known.place))
        elif sources[known.place] != known.place:
            missing.append(f"{known.place}: it lay among the system's files")
    return copied, missing


def _output_folders(recipe: Recipe, work: Path, folder: Path) -> tuple[tuple[str, str], ...]:
    """Make the folders that outputs lay in: jobs expect them. Those outside the work directory stand there in a sandbox only."""
    outside: dict[str, str] = {}
    for file in recipe.files:
        parent = os.path.dirname(file.place)
        if file.role == "expected" and os.path.isabs(file.place) and can_stand_at(parent):
            outside[parent] = str(elsewhere(folder, parent))
            os.makedirs(outside[parent], exist_ok=True)
        elif file.role in ("expected", "log") and not os.path.isabs(file.place):
            (work / parent).mkdir(parents=True, exist_ok=True)
    return tuple((source, target) for target, source in outside.items())


def elsewhere(folder: Path, path: str) -> Path:
    """Where in the replay's folder a place outside the work directory lies."""
    return folder / "elsewhere" / path.lstrip("/")


def _link(source: Path, target: Path) -> int:
    """A data set is never copied. What stands in its place already is code or an input of the same run."""
    if target.exists():
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())
    return 1


def _put(source: Path, target: Path) -> int:
    if target.exists():
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.stat().st_size > COPY:
        target.symlink_to(source.resolve())
        return 1
    shutil.copyfile(source, target)
    with source.open("rb") as file:
        target.chmod(0o700 if file.read(2) == b"#!" else 0o600)
    return 1
