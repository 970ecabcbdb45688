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
from reports.recipe import Recipe, RecipeFile

COPY = 1 << 30
"""Bytes; a larger input is linked (in the sandbox: shown read-only) instead of copied."""


@dataclass(frozen=True)
class Layout:
    """work: the new work directory. shown: pairs (where it lies, absolute path it had) that only a sandbox can put in place.

    missing: places of needed files that could not be had, with the reason. copied, created: how many files and folders.
    """

    work: Path
    shown: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    copied: int


def check_places(recipe: Recipe) -> None:
    """Raise AuditError for a recipe whose files would leave their folder. Bundles come from strangers."""
    for file in recipe.files:
        for path in (file.place, file.carried):
            inside = not path or (os.path.normpath(path) == path and not path.startswith(".."))
            if not inside or "\0" in path or (path == file.carried and path.startswith("/")):
                raise AuditError(
                    f"the recipe names a file outside its folder: {ascii(path)[:80]}", "nothing was run; do not trust this bundle"
                )
    names = [n for n in recipe.environment if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", n) or n.startswith(("LD_", "BASH_"))]
    if names:
        raise AuditError(
            f"the recipe sets a variable it must not: {ascii(names[0])[:60]}", "nothing was run; do not trust this bundle"
        )


def find_inputs(recipe: Recipe, folder: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Inputs that the bundle does not carry: place -> path where the same content lies; place -> why there is none."""
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for file in recipe.files:
        if file.role != "input" or file.carried:
            continue
        candidates = _candidates(file, recipe.workdir, folder)
        there = [c for c in candidates if os.path.isfile(c)]
        same = next((c for c in there if os.path.getsize(c) == file.size and sha256(Path(c)) == file.sha256), "")
        if same:
            found[file.place] = same
        else:
            missing[file.place] = (
                f"{there[0]} is another file (its sha256 differs)" if there else "not found; name its folder with --inputs"
            )
    return found, missing


def _candidates(file: RecipeFile, workdir: str, folder: str | None) -> list[str]:
    given = [os.path.join(folder, file.place.lstrip("/")), os.path.join(folder, os.path.basename(file.place))] if folder else []
    return [*given, os.path.join(workdir, file.place)]


def lay(recipe: Recipe, crate: Path, folder: Path, sources: Mapping[str, str]) -> Layout:
    """Fill `folder/work` (and `folder/elsewhere` for what lay outside the work directory)."""
    work = folder / "work"
    work.mkdir(mode=0o700)
    shown: list[tuple[str, str]] = []
    missing: list[str] = []
    copied = 0
    for file in sorted(
        recipe.files, key=lambda f: (f.role != "code", f.place)
    ):  # an input that is code too: the code's copy stands
        if file.role not in ("code", "input"):
            continue
        source = crate / file.carried if file.carried else Path(sources[file.place]) if file.place in sources else None
        if source is None:
            missing.append(f"{file.place}: {file.reason or 'not carried'}")
        elif not os.path.isabs(file.place):
            copied += _put(source, work / file.place)
        elif can_stand_at(file.place):
            target = folder / "elsewhere" / file.place.lstrip("/")
            copied += _put(source, target)
            shown.append((str(target), file.place))
        else:
            missing.append(f"{file.place}: it lay among the system's files")
    for file in recipe.files:
        if file.role in ("expected", "log") and not os.path.isabs(file.place):
            (work / file.place).parent.mkdir(parents=True, exist_ok=True)  # jobs expect the folders they write to
    return Layout(work, tuple(shown), tuple(missing), copied)


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
