"""How does one experiment run? A hybrid in a fresh folder, by the parts of a replay: laid out, in its environment, sandboxed, locally or as a job."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.model import AuditError
from auditor.replay import lay, run, slurm, unpack
from auditor.replay.bisect import journal, stabilisers
from auditor.replay.bisect.case import Case
from auditor.replay.bisect.factor import Slot
from auditor.replay.bisect.hybrid import Hybrid, hybrid
from auditor.replay.bisect.outcome import PRINTED, Outcome, keep
from auditor.replay.bisect.software import Shelf
from auditor.replay.environment import IMAGE, Software
from auditor.replay.images import choices
from auditor.replay.images.choices import Allowed
from auditor.replay.images.use import Images
from auditor.replay.plan import Plan
from auditor.replay.run import Ended, Launch
from auditor.world import World


@dataclass(frozen=True)
class Bench:
    """What all experiments share. runs: the folder of their folders; outputs: names that are kept of each; on: local or slurm."""

    a: Case
    b: Case
    cpu: Mapping[str, Mapping[str, str]]
    shelf: Shelf
    runs: Path
    still: Path
    outputs: tuple[str, ...]
    on: str
    seconds: float
    world: World

    def make(self, name: str, taken: frozenset[Slot], held: frozenset[str]) -> Outcome:
        """Run it, keep its outputs, and write it down. taken: slots that are as in B; held: ids of stabilisers."""
        folder = journal.begin(self.runs, name)
        began = time.monotonic()
        made = hybrid(self.a, self.b, taken, self.cpu)
        try:
            found = self._run(made, folder, held)
        except (OSError, AuditError, TimeoutError) as error:
            found = Ended(1, False, _said(error)), Path()
        ended, work = found
        trouble = ended.trouble or ("it did not end within its time limit" if ended.timed_out else "")
        kept = {} if trouble else keep(self._places(made, folder, work), self.outputs, folder, folder / "outputs")
        outcome = Outcome(name, ended.exit_code, kept, round(time.monotonic() - began, 3), trouble)
        _tidy(folder)
        journal.end(folder, outcome)
        return outcome

    def _run(self, made: Hybrid, folder: Path, held: frozenset[str]) -> tuple[Ended, Path]:
        software, trouble = self.shelf.get(made, self.world)
        if trouble:
            return Ended(1, False, f"its environment cannot be made: {trouble}"), folder
        layout = lay.lay(made.recipe, self.a.crates, folder, made.sources)
        if layout.missing:
            return Ended(1, False, layout.missing[0]), folder
        images = Images()
        try:
            return self._launch(made, layout, software, images, held, folder), layout.work
        finally:
            images.give_back(self.world)

    def _launch(
        self, made: Hybrid, layout: lay.Layout, software: Software, images: Images, held: frozenset[str], folder: Path
    ) -> Ended:
        ready = self._plan(made)
        if made.recipe.images:
            images.get(ready, self.a.crates, layout.work, folder, self.world, lambda _: None)
            if images.lacking:
                return Ended(1, False, f"image {images.lacking}")
        what = run.launch(made.recipe, layout, software, ready.sandbox, folder)
        what = _set(what, {**made.switches, **_cores(made)}, self._before(made, held))
        what = self._held(what, held)
        if made.recipe.images:
            what = images.shown(what, made.recipe)
        if self.on == "slurm":
            script = unpack.script_text(layout.work, made.recipe)
            batch = slurm.batch(made.recipe, script, what, ready.sandbox.network)
            return slurm.run_slurm(batch, what, folder, self.world)[0]
        return run.run_local(replace(what, seconds=min(what.seconds, self.seconds)), ready.sandbox.network, recorded=False)

    def _plan(self, made: Hybrid) -> Plan:
        images = choices(made.recipe, Allowed(False, False, ""), self.world) if self.shelf.kind == IMAGE else ()
        return replace(self.a.plan, recipe=made.recipe, images=images, sources=made.sources)

    def _before(self, made: Hybrid, held: frozenset[str]) -> tuple[str, ...]:
        """Words in front of the command: the processors it may use, and what holds it still."""
        differ = self.a.recipe.asked.cpus != self.b.recipe.asked.cpus
        mine = sorted(os.sched_getaffinity(0))
        pinned = ("taskset", "-c", ",".join(map(str, mine[: made.cores]))) if differ and 0 < made.cores <= len(mine) else ()
        return (*pinned, *(w for s in stabilisers.chosen(held) for w in s.before))

    def _held(self, what: Launch, held: frozenset[str]) -> Launch:
        shown = "/tmp/auditor-still" if what.inside else str(self.still)  # the sandbox's own /tmp
        more = stabilisers.variables(held, shown, what.environment.get("PYTHONPATH", ""))
        what = _set(what, more, ())
        if not (what.inside and stabilisers.TOLD in more):
            return what
        return replace(what, inside=replace(what.inside, readable=[*what.inside.readable, (str(self.still), shown)]))

    def _places(self, made: Hybrid, folder: Path, work: Path) -> dict[str, Path]:
        """Where each output lies now."""
        printed = {n: folder / n for n in PRINTED}
        return {
            n: printed[n] if n in printed else lay.elsewhere(folder, n) if os.path.isabs(n) else work / n for n in self.outputs
        }


def _set(what: Launch, variables: Mapping[str, str], before: tuple[str, ...]) -> Launch:
    """The same launch with more variables, and words in front."""
    environment = {**what.environment, **variables}
    inside = replace(what.inside, environment=environment) if what.inside else None
    return replace(what, argv=(*before, *what.argv), environment=environment, inside=inside)


def _cores(made: Hybrid) -> dict[str, str]:
    """As Slurm tells a job what it has; only where the recipe tells it, too."""
    told = ("SLURM_CPUS_PER_TASK",) if made.cores and "SLURM_CPUS_PER_TASK" in made.recipe.environment else ()
    return dict.fromkeys(told, str(made.cores))


def _tidy(folder: Path) -> None:
    """Only what was printed and the outputs stay: an experiment more must not cost a copy of the inputs more."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name != "outputs":
            shutil.rmtree(path, ignore_errors=True)


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename or ''}"
    return str(error)[:300] or type(error).__name__


def write_site(folder: Path) -> None:
    """The `sitecustomize` that holds Python still."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "sitecustomize.py").write_text(stabilisers.SITE, "utf-8")
