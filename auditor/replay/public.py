"""How do the public folder names of a shared bundle (`/$WORK`, `/$HOME`) become places again? In the recipe, and in the code that is laid out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor import codec
from auditor.model import AuditError
from auditor.replay.sandbox import can_stand_at
from reports.archive.recipe import Recipe

if TYPE_CHECKING:
    from auditor.replay.lay import Layout

WORK = "/shared/work"
"""Where the work directory stands in a sandbox."""
_NAME = re.compile(r"/\$[A-Z][A-Z0-9_]{0,30}")
_KEPT = ("carried", "definition", "requirements", "listed", "paths")


def back(recipe: Recipe) -> Recipe:
    """The recipe with places instead of public names; of any other bundle unchanged. Raises AuditError for a place that is none."""
    if not recipe.paths:
        return recipe
    to = {name: where or WORK for name, where in recipe.paths.items()}
    odd = next((n for n, where in to.items() if not _NAME.fullmatch(n) or not can_stand_at(where)), "")
    if odd:
        raise AuditError(
            f"the recipe gives a folder a place it cannot have: {ascii(odd)[:60]}", "nothing was run; do not trust this bundle"
        )
    return codec.build(_mapped(codec.plain(recipe), to), Recipe, "replay.json")


def _mapped(value: Any, to: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return restored(value, to)
    if isinstance(value, Mapping):
        return {k: v if k in _KEPT else _mapped(v, to) for k, v in value.items()}
    return [_mapped(v, to) for v in value] if isinstance(value, list) else value


def restored(text: str, to: Mapping[str, str]) -> str:
    """A text with each public name replaced; the longest fits first."""
    if "/$" not in text or not to:
        return text
    names = "|".join(re.escape(n) for n in sorted(to, key=len, reverse=True))
    return re.sub(rf"(?:{names})(?![A-Za-z0-9_])", lambda m: to[m[0]], text)


def restore(recipe: Recipe, layout: Layout, shut: bool) -> int:
    """Rewrite the code that was laid out, so that it finds its folders; how many files."""
    if not recipe.paths:
        return 0
    work = standing(recipe, str(layout.work), shut)
    to = {name: where or work for name, where in recipe.paths.items()}
    shown = {target: source for source, target in layout.shown}
    count = 0
    for file in recipe.files:
        if file.role in ("code", "input") and file.mapped and file.carried:
            path = Path(shown.get(file.place, "")) if os.path.isabs(file.place) else layout.work / file.place
            count += _rewritten(path, to)
    return count


def _rewritten(path: Path, to: Mapping[str, str]) -> int:
    if path.is_symlink() or not path.is_file():
        return 0
    text = path.read_text("utf-8", "surrogateescape")
    new = restored(text, to)
    if new != text:
        path.write_text(new, "utf-8", "surrogateescape")
    return int(new != text)


def standing(recipe: Recipe, work: str, shut: bool) -> str:
    """Where the work directory is for the code."""
    return recipe.workdir if shut and can_stand_at(recipe.workdir) else work


def arguments(recipe: Recipe, work: str) -> tuple[str, ...]:
    """The script's arguments with the work directory where it is now."""
    return tuple(a.replace(recipe.workdir, work) for a in recipe.arguments) if recipe.paths else recipe.arguments
