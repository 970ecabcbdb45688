"""How does a plan become a verdict? Unpack, lay out, rebuild, run, compare; each step told, nothing run without a yes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from auditor import __version__
from auditor.model import AuditError
from auditor.replay import environment, judge, lay, run, slurm, unpack
from auditor.replay.environment import Software
from auditor.replay.images.use import Images
from auditor.replay.machine import same_machine
from auditor.replay.plan import Plan
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness, Step
from auditor.world import RealWorld, World


def _quiet(_text: str) -> None:
    pass


def execute(
    plan: Plan,
    folder: str | os.PathLike[str],
    *,
    yes: bool = False,
    progress: Callable[[str], None] = _quiet,
    world: World | None = None,
) -> ReplayVerdict:
    """Do what the plan says in the new folder `folder`, and judge.

    yes: a person has seen the plan and agrees that this code runs here. Raises AuditError without it, when the folder is
    in use, and when the bundle is no longer the one that was planned. Whatever goes wrong later is the verdict `not-run`.
    """
    if not yes:
        raise AuditError("nothing was run: a bundle is somebody's code, and nobody said yes", "look at the plan, then say --yes")
    target = Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AuditError(f"{target} is already there", "name a new folder with --into")
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise AuditError(f"{target} cannot be made: {error.strerror or error}", "name another folder with --into") from error
    return _Replay(plan, target, progress, world or RealWorld()).go()


@dataclass
class _Replay:
    """One execution: the steps so far."""

    plan: Plan
    folder: Path
    progress: Callable[[str], None]
    world: World
    steps: list[Step] = field(default_factory=list)
    software: Software = field(default_factory=lambda: Software(environment.HOST, "", (), "", ()))
    job: str = ""
    images: Images = field(default_factory=Images)

    def go(self) -> ReplayVerdict:
        try:
            return self._go(self._now())
        finally:
            self.images.give_back(self.world)

    def _go(self, began: str) -> ReplayVerdict:
        crate = self.folder / "bundle"
        try:
            self._say("unpack", f"{unpack.unpack(self.plan.path, self.plan.bundle, crate)} files, every checksum recomputed")
            if self.plan.stops:
                return self._end(began, Sameness.NOT_RUN, self.plan.stops[0], ())
            layout = lay.lay(self.plan.recipe, crate, self.folder, self.plan.sources)
            if layout.missing:
                return self._end(began, Sameness.NOT_RUN, layout.missing[0], ())
            self._say("inputs", f"{layout.copied} files laid out, inputs checked by sha256")
            if reason := self._rebuild(crate, layout):
                return self._end(began, Sameness.NOT_RUN, reason, ())
            ended = self._run(layout)
            if ended.trouble:
                self._say("run", ended.trouble, "failed")
                return self._end(began, Sameness.NOT_RUN, ended.trouble, ())
            made = judge.outputs(self.plan.recipe, crate, layout, self.folder, self.job)
            sameness, reason = judge.verdict(self.plan.recipe, made, ended)
            self._say("compare", reason)
            return self._end(began, sameness, reason, made)
        except OSError as error:
            reason = f"{error.strerror or error}: {error.filename or self.folder}"
            self._say("stopped", reason, "failed")
            return self._end(began, Sameness.NOT_RUN, reason, ())

    def _rebuild(self, crate: Path, layout: lay.Layout) -> str:
        """Get the environment; the reason when the run makes no sense without it."""
        self.progress("rebuilding the environment")
        recipe = self.plan.recipe
        if recipe.images:
            return self._get_images(crate, layout)
        if self.plan.environment == environment.LOCK:
            self.software = environment.rebuild(recipe, crate, self.folder, self.plan.sandbox, self.world)
        elif self.plan.environment == environment.BARE:
            self.software = environment.bare(recipe, self.folder, self.world)
        else:
            self.software = Software(self.plan.environment, "", (), "this machine's own software", ())
        state = "done" if self.software.kind == self.plan.environment else "failed"
        self._say("environment", "; ".join((self.software.detail, *self.software.warnings[:10])), state)
        return ""

    def _get_images(self, crate: Path, layout: lay.Layout) -> str:
        """Each image by the best way that works; the reason when one cannot be had."""
        self.images.get(self.plan, crate, layout.work, self.folder, self.world, self.progress)
        kind = environment.IMAGE_REBUILT if self.images.rebuilt else environment.IMAGE
        lacking = self.images.lacking
        if not lacking:
            self.software = Software(kind, "", (), self.images.told, ())
        self._say("environment", f"image {lacking}" if lacking else self.images.told, "failed" if lacking else "done")
        return f"image {lacking}" if lacking else ""

    def _run(self, layout: lay.Layout) -> run.Ended:
        recipe, where = self.plan.recipe, "under Slurm" if self.plan.on == "slurm" else "here"
        what = run.launch(recipe, layout, self.software, self.plan.sandbox, self.folder)
        if recipe.images:
            what = self.images.shown(what, recipe)
        self.progress(f"running {recipe.script} {where}")
        if self.plan.on == "slurm":
            made = slurm.batch(recipe, unpack.script_text(layout.work, recipe), what, self.plan.sandbox.network)
            ended, self.job = slurm.run_slurm(made, what, self.folder, self.world)
        else:
            ended = run.run_local(what, self.plan.sandbox.network)
        if not ended.trouble:
            limit = " (stopped at the time limit)" if ended.timed_out else ""
            self._say("run", f"exit code {ended.exit_code}{limit}, sandbox {self.plan.sandbox.kind}")
        if unused := self.images.check_use():
            self.software = Software(environment.HOST, "", (), unused, ())
            self._say("environment", unused, "failed")
        return ended

    def _say(self, name: str, detail: str, state: str = "done") -> None:
        self.steps.append(Step(name, state, detail))
        self.progress(f"{name}: {detail}")

    def _now(self) -> str:
        return self.world.now().isoformat(timespec="seconds")

    def _end(self, began: str, sameness: Sameness, reason: str, outputs: tuple[OutputVerdict, ...]) -> ReplayVerdict:
        on_slurm = self.plan.on == "slurm"
        cluster = slurm.cluster(self.world) if on_slurm else ""
        return ReplayVerdict(
            bundle=self.plan.bundle,
            run_id=self.plan.recipe.run_id,
            sameness=sameness,
            reason=reason,
            outputs=outputs,
            steps=tuple(self.steps),
            where=f"slurm:{cluster}" if on_slurm else "local",
            same_machine=cluster in ("", self.plan.recipe.cluster) if on_slurm else same_machine(self.plan.recipe, self.world),
            sandbox=self.plan.sandbox.kind,
            environment=self.software.kind,
            started_at=began,
            ended_at=self._now(),
            auditor=__version__,
            environment_equal=self.software.equal,
            images=self.images.verdicts,
        )
