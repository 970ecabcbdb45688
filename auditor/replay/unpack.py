"""How does a stranger's bundle get onto this disk without leaving its folder? Checked, then file by file, by names that are safe."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from auditor import codec
from auditor.model import AuditError
from auditor.replay.public import back
from reports.archive import verifier
from reports.archive.names import place
from reports.archive.recipe import Recipe, RecipeFile

UNKNOWN = -1
"""Size of a file that only a checksum list names."""


def load(path: str) -> tuple[str, Recipe]:
    """The bundle's id and its recipe. Raises AuditError: not a bundle, damaged, unsafe, or without a recipe."""
    try:
        with closing(verifier.open_bundle(path)) as bundle:
            result = _whole(bundle)
            recipe = codec.loads(verifier.read(bundle, "data/replay.json"), Recipe, "replay.json")
            return result.id, back(complete(recipe, bundle))
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused


def complete(recipe: Recipe, bundle: verifier.Folder | verifier.Zip) -> Recipe:
    """The recipe with the files that only a checksum list names."""
    known = {(f.role, f.place) for f in recipe.files}
    more = []
    for role, path in recipe.listed.items():
        for name, digest in sums(verifier.read(bundle, f"data/{path}")):
            if (role, where := place(name, recipe.workdir)) not in known:
                more.append(RecipeFile(role, where, digest, UNKNOWN, reason="by reference"))
    return replace(recipe, files=(*recipe.files, *more))


def sums(raw: bytes) -> Iterator[tuple[str, str]]:
    """Names and digests of a `sha256sum` list; a line that starts with a backslash has an escaped name."""
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        digest, _, name = line.lstrip("\\").partition("  ")
        if name:
            plain = re.sub(r"\\([nr\\])", lambda m: {"n": "\n", "r": "\r"}.get(m[1], "\\"), name)
            yield (plain if line.startswith("\\") else name), digest


def unpack(path: str, expected_id: str, folder: Path) -> int:
    """Write the crate's files below the new folder `folder`; how many. The bundle must still be the one that was planned."""
    try:
        with closing(verifier.open_bundle(path)) as bundle:
            if _whole(bundle).id != expected_id:
                raise AuditError("the bundle is not the one that was planned", "make a new plan")
            names = [n for n in bundle.sizes if n.startswith("data/")]
            _room(folder.parent, sum(bundle.sizes[n] for n in names))
            for name in names:
                _write(folder.joinpath(*name.split("/")[1:]), bundle, name)
            return len(names)
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused


def _room(folder: Path, need: int) -> None:
    """Before anything is written: half a bundle on a full disk helps nobody. Raises OSError."""
    free = shutil.disk_usage(folder).free
    if need > free:
        raise OSError(errno.ENOSPC, f"no room: {need} bytes are needed and {free} are free", str(folder))


def _whole(bundle: verifier.Folder | verifier.Zip) -> verifier.Result:
    result = verifier.check_open(bundle)
    if result.problems:
        more = f" (and {len(result.problems) - 1} more)" if len(result.problems) > 1 else ""
        raise AuditError(f"the bundle is not whole: {result.problems[0]}{more}", "fetch it again; nothing was run")
    return result


def _write(target: Path, bundle: verifier.Folder | verifier.Zip, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.writelines(bundle.pieces(name))


def script(path: str, recipe: Recipe) -> str:
    """The text of the batch script, read in the bundle; empty when it is not carried."""
    carried = next((f.carried for f in recipe.files if f.role == "code" and f.place == recipe.script), "")
    if not carried:
        return ""
    with closing(verifier.open_bundle(path)) as bundle:
        return verifier.read(bundle, f"data/{carried}", 8 << 20).decode("utf-8", "replace")


def code(path: str, recipe: Recipe) -> dict[str, str]:
    """Place -> text of the carried code, read in the bundle; what is too big for code is left out."""
    with closing(verifier.open_bundle(path)) as bundle:
        return {
            f.place: verifier.read(bundle, f"data/{f.carried}", 8 << 20).decode("utf-8", "replace")
            for f in recipe.files
            if f.role == "code" and f.carried and f.size <= 4 << 20
        }


def script_text(work: Path, recipe: Recipe) -> str:
    """The same, laid out."""
    where = work / recipe.script
    return where.read_text("utf-8", "replace") if where.is_file() else ""
