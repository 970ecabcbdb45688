"""Which images did a replay get, did its script come to use them, and what must be given back afterwards?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.replay.images import shim
from auditor.replay.images.choices import Way
from auditor.replay.images.obtain import Had, added, obtain
from auditor.replay.images.places import Place
from auditor.replay.run import Launch
from auditor.verdict import ImageVerdict
from auditor.world import World
from reports.archive import engines
from reports.archive.recipe import Recipe, RecipeImage

if TYPE_CHECKING:
    from auditor.replay.plan import Plan

NOT_SEEN = "the script never called its runtime by this name where the replay could see it: which image it used is not known"


@dataclass
class Images:
    """The images of one replay so far. Give back what engines were lent, whatever happens."""

    had: list[tuple[RecipeImage, Had]] = field(default_factory=list)
    shims: shim.Shims = field(default_factory=lambda: shim.Shims("", ()))
    folder: Path = field(default_factory=Path)

    def get(self, plan: Plan, crate: Path, work: Path, folder: Path, world: World, progress: Callable[[str], None]) -> None:
        """One after the other; stops at the first that cannot be had."""
        self.folder = folder / "images"
        where = Place(crate, work, self.folder, plan.recipe.workdir)
        for choice in plan.images:
            progress(f"getting image {choice.image.reference}")
            self.had.append((choice.image, obtain(choice, where, world)))
            if self.lacking:
                return

    @property
    def verdicts(self) -> tuple[ImageVerdict, ...]:
        return tuple(one.verdict for _, one in self.had)

    @property
    def lacking(self) -> str:
        """The first that could not be had, and why."""
        return next((f"{v.reference}: {v.why}" for v in self.verdicts if v.way == "none"), "")

    @property
    def rebuilt(self) -> bool:
        return any(v.way == Way.REBUILT for v in self.verdicts)

    @property
    def told(self) -> str:
        return "; ".join(f"{v.reference} {v.way}, {v.level}: {v.why}" for v in self.verdicts)

    def shown(self, what: Launch, recipe: Recipe) -> Launch:
        """The same launch inside of its image, or with the programs that exchange names first in PATH."""
        if around := next((one.word or image.reference for image, one in self.had if image.whole), ""):
            return replace(what, image=around)
        self.shims = shim.write(self.had, self.folder, {recipe.workdir: str(what.folder)}, what.environment)
        if not self.shims.folder:
            return what
        return replace(what, environment={**what.environment, "PATH": f"{self.shims.folder}:{what.environment['PATH']}"})

    def check_use(self) -> str:
        """After the run: an image whose name was never exchanged proves nothing. In words; empty: all is well."""
        unused = shim.unused(self.shims, self.folder)
        for number, (image, one) in enumerate(self.had):
            if image.reference in unused:
                verdict = replace(one.verdict, level="unknown", why=f"{NOT_SEEN}; it was had: {one.verdict.why}")
                self.had[number] = (image, replace(one, verdict=verdict))
        return f"{', '.join(unused)}: {NOT_SEEN}" if unused else ""

    def give_back(self, world: World) -> None:
        for engine, names in added(tuple(self.had)):
            engines.remove(engine, names, world)
