"""Which steps has a replay, in which order, and what is left of each when it is interrupted?

Whole steps are in the journal. A run that was not whole is laid out anew and run from its start: nothing is judged from half of one.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from auditor.replay import conclude, environment, lay, leftover, run, slurm, smoke, unpack
from auditor.replay.compare import sha256
from auditor.replay.environment import Software
from auditor.replay.images.use import Images
from auditor.replay.journal import Journal
from auditor.replay.leftover import Running
from auditor.replay.levels import includes
from auditor.replay.plan import Plan
from auditor.replay.public import restore
from auditor.replay.rounds import Round
from auditor.replay.run import Ended
from auditor.verdict import FedInput, ImageVerdict, Level, ReplayVerdict, Sameness, Step
from auditor.world import World
from reports.archive.recipe import Recipe


@dataclass(frozen=True)
class Fed:
    """An input that another replay makes: `source` below `root`. job: the Slurm job that is still to make it; empty: it is over."""

    maker: str
    root: Path
    source: str
    recorded: str
    job: str = ""


@dataclass(frozen=True)
class Ran:
    """What the journal keeps of a run that was whole."""

    ended: Ended
    job: str
    software: Software
    images: tuple[ImageVerdict, ...]
    fed: tuple[FedInput, ...]
    smaller: tuple[str, ...] = ()


class Stopped(Exception):
    """The replay ends here without a run: the reason."""


@dataclass
class Replay:
    """One execution: the steps so far."""

    plan: Plan
    folder: Path
    progress: Callable[[str], None]
    world: World
    log: Journal
    feeds: Mapping[str, Fed] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    software: Software = field(default_factory=lambda: Software(environment.HOST, "", (), "", ()))
    images: Images = field(default_factory=Images)
    came: Level | None = None
    smaller: tuple[str, ...] = ()
    rounds: list[Ran] = field(default_factory=list)
    began: str = ""
    waits: bool = False
    """Its job waits for another one."""

    @property
    def crate(self) -> Path:
        return self.folder / "bundle"

    def go(self) -> ReplayVerdict:
        """To the end of the level that was asked for."""
        return self.guarded(self._go)

    def guarded(self, stage: Callable[[], ReplayVerdict]) -> ReplayVerdict:
        """What goes wrong on the way is a verdict too; what engines were lent is given back."""
        try:
            return stage()
        except Stopped as stopped:
            return conclude.end(self, Sameness.NOT_RUN, str(stopped))
        except OSError as error:
            reason = f"{error.strerror or error}: {error.filename or self.folder}"
            self.say("stopped", reason, "failed")
            return conclude.end(self, Sameness.NOT_RUN, reason)
        finally:
            self.images.give_back(self.world)

    def prepared(self, stage: Callable[[], None]) -> ReplayVerdict | None:
        """The same for what only begins a run: nothing is given back while it goes on, and there is a verdict only when it cannot."""
        try:
            stage()
        except (Stopped, OSError) as error:
            return self.guarded(partial(_again, error))
        return None

    def known_run(self) -> Ran | None:
        """A whole run, of before an interruption."""
        return self.log.get("round-1", Ran)

    def known_job(self) -> str:
        """A job that was submitted before an interruption."""
        return self._job(1)

    def take(self, found: Ran) -> None:
        """The run is over, and whole: the journal has it."""
        if not self.log.has("round-1"):
            self.log.write("round-1", found)
        self._tell_run("run", found)
        self.rounds.append(found)

    def _go(self) -> ReplayVerdict:
        self.begin()
        if not includes(self.plan.level, Level.INPUTS):
            return conclude.end(self, Sameness.NOT_RUN, "nothing was run, as asked (level verify)")
        layout = self.ready(1)
        for number in range(1, self.plan.rounds + 1):
            self.rounds.append(self._round(number, layout if number == 1 else None))
        if not self.rounds:
            return conclude.end(self, Sameness.NOT_RUN, f"nothing was run, as asked (level {self.plan.level})")
        return self.judge()

    def begin(self) -> None:
        self.began = self.log.get("began", str) or self.world.now().isoformat(timespec="seconds")
        if self.log.has("began"):
            whole = [step for step in self.log.steps if step.startswith(("unpack", "environment", "round"))]
            self.say("resume", f"whole before: {', '.join(whole) or 'no step'}")
            self._end_leftover()
        else:
            self.log.write("began", self.began)
        if (files := self.log.get("unpack", int)) is None:
            remove(self.crate)
            files = unpack.unpack(self.plan.path, self.plan.bundle, self.crate)
            self.log.write("unpack", files)
        self.say("unpack", f"{files} files, every checksum recomputed")
        self.came = Level.VERIFY

    def ready(self, number: int) -> lay.Layout:
        """Inputs and environment. Raises Stopped."""
        if self.plan.stops:
            raise Stopped(self.plan.stops[0])
        layout = self._lay(number)
        self.came = Level.INPUTS
        if includes(self.plan.level, Level.ENVIRONMENT):
            self._rebuild(number, layout)
            self.came = Level.ENVIRONMENT
        return layout

    def place(self, number: int) -> Path:
        return self.folder if number == 1 else self.folder / f"round-{number}"

    def _lay(self, number: int) -> lay.Layout:
        if self.log.has(f"round-{number}") or self._job(number):
            return lay.Layout(self.place(number) / "work", (), (), (), 0)
        folder = self.place(number)
        for name in ("work", "elsewhere", "images", "stdout.txt", "stderr.txt", "replay.sbatch"):
            remove(folder / name)
        folder.mkdir(exist_ok=True, mode=0o700)
        layout = lay.lay(self.plan.recipe, self.crate, folder, self.plan.sources, self._instead())
        if layout.missing:
            raise Stopped(layout.missing[0])
        restore(self.plan.recipe, layout, self.plan.sandbox.kind != "none")
        if number == 1:
            self.say("inputs", f"{layout.copied} files laid out, inputs checked by sha256{self._told_fed()}")
        return layout

    def _instead(self) -> dict[str, str | None]:
        made: dict[str, str | None] = {}
        for place, fed in self.feeds.items():
            path = fed.root / fed.source
            if not fed.job and path.resolve() != fed.root.resolve() / fed.source:
                raise Stopped(f"input {place}: the replay of run {fed.maker} left a link in its place, which is not followed")
            if not fed.job and not path.is_file():
                raise Stopped(f"input {place}: the replay of run {fed.maker} did not make it")
            made[place] = None if fed.job else str(path)
        return made

    def fed(self) -> tuple[FedInput, ...]:
        """By content, once their makers are over."""
        found = []
        for place, fed in self.feeds.items():
            path = fed.root / fed.source
            made = sha256(path) if path.is_file() and path.resolve() == fed.root.resolve() / fed.source else ""
            found.append(FedInput(place, fed.maker, made, made == fed.recorded))
        return tuple(found)

    def _told_fed(self) -> str:
        other = [f"{f.place} (of run {f.maker})" for f in self.fed() if not f.same and not self.feeds[f.place].job]
        told = f"; {len(self.feeds)} as other replays made them" if self.feeds else ""
        return told + (f", not the recorded content: {', '.join(other[:5])}" if other else "")

    def _rebuild(self, number: int, layout: lay.Layout) -> None:
        """Get the environment. Raises Stopped when the run makes no sense without it."""
        self.progress("rebuilding the environment")
        if self.plan.recipe.images:
            self._get_images(number, layout)
            return
        found = self.log.get("environment", Software)
        if found is None:
            remove(self.folder / "env")
            found = self._build()
            self.log.write("environment", found)
        self.software = found
        state = "done" if found.kind == self.plan.environment else "failed"
        self.say("environment", "; ".join((found.detail, *found.warnings[:10])), state)

    def _build(self) -> Software:
        recipe = self.plan.recipe
        if self.plan.environment == environment.LOCK:
            return environment.rebuild(recipe, self.crate, self.folder, self.plan.sandbox, self.world)
        if self.plan.environment == environment.BARE:
            return environment.bare(recipe, self.folder, self.world)
        return Software(self.plan.environment, "", (), "this machine's own software", ())

    def _get_images(self, number: int, layout: lay.Layout) -> None:
        """Each image by the best way that works."""
        if self.log.has(f"round-{number}"):
            return
        self.images.give_back(self.world)
        self.images = Images()
        self.images.get(self.plan, self.crate, layout.work, self.place(number), self.world, self.progress)
        kind = environment.IMAGE_REBUILT if self.images.rebuilt else environment.IMAGE
        lacking = self.images.lacking
        if lacking:
            self.say("environment", f"image {lacking}", "failed")
            raise Stopped(f"image {lacking}")
        self.software = Software(kind, "", (), self.images.told, ())
        if number == 1:
            self.say("environment", self.images.told)

    def _round(self, number: int, layout: lay.Layout | None) -> Ran:
        """A run, whole. Raises Stopped."""
        label = "run" if number == 1 else f"run {number}"
        if (found := self.log.get(f"round-{number}", Ran)) is None:
            if layout is None:
                layout = self._lay(number)
                if self.plan.recipe.images:
                    self._get_images(number, layout)
            found = self._run(number, layout)
            self.log.write(f"round-{number}", found)
        self._tell_run(label, found)
        return found

    def _tell_run(self, label: str, found: Ran) -> None:
        self.smaller = found.smaller
        limit = " (stopped at the time limit)" if found.ended.timed_out else ""
        self.say(label, f"exit code {found.ended.exit_code}{limit}, sandbox {self.plan.sandbox.kind}")
        if found.software != self.software:
            self.software = found.software
            self.say("environment", found.software.detail, "failed" if found.software.kind == environment.HOST else "done")

    def launch(self, number: int, layout: lay.Layout) -> tuple[run.Launch, Recipe]:
        """What is about to run, made smaller for a smoke run."""
        recipe, folder = self.plan.recipe, self.place(number)
        if self.plan.smoke:
            script = layout.work / recipe.script
            made = smoke.apply(self.plan.smoke, recipe, script.read_text("utf-8", "surrogateescape") if script.is_file() else "")
            if script.is_file():
                script.write_text(made.script, "utf-8", "surrogateescape")
            recipe, self.smaller = made.recipe, made.told
        what = run.launch(recipe, layout, self.software, self.plan.sandbox, folder)
        if recipe.images:
            what = self.images.shown(what, recipe)
        return what, recipe

    def _run(self, number: int, layout: lay.Layout) -> Ran:
        where = "under Slurm" if self.plan.on == "slurm" else "here"
        self.progress(f"running {self.plan.recipe.script} {where}")
        if self.plan.on == "slurm":
            job = self._job(number) or self.submit(number, layout)
            seconds = self.plan.recipe.asked.seconds or run.limit(self.plan.recipe)
            return self.ran(slurm.wait(job, seconds, self.world), job)
        what, _ = self.launch(number, layout)
        if self.plan.smoke and self.plan.smoke.seconds:
            what = run.shorter(what, self.plan.smoke.seconds)
        return self.ran(run.run_local(what, self.plan.sandbox.network, self._started), "")

    def submit(self, number: int, layout: lay.Layout, after: str = "") -> str:
        """The job's id, on the disk at once: an interrupted replay waits for the same job. Raises Stopped."""
        what, recipe = self.launch(number, layout)
        feeds = tuple(slurm.Feed(str(f.root), f.source, str(layout.work / place)) for place, f in self.feeds.items() if f.job)
        seconds = self.plan.smoke.seconds if self.plan.smoke else 0.0
        text = unpack.script_text(layout.work, recipe)
        made = slurm.batch(recipe, text, what, self.plan.sandbox.network, feeds, seconds)
        job, trouble = slurm.submit(made, what, self.place(number), self.world, self.plan.site, after)
        if trouble:
            self.say("run", trouble, "failed")
            raise Stopped(trouble)
        self.log.write(f"job-{number}", job)
        self.waits = bool(after)
        return job

    def ran(self, ended: Ended, job: str) -> Ran:
        """Raises Stopped when it did not run at all."""
        if self.plan.smoke and self.plan.on == "slurm" and ended.exit_code == TIMEOUT_ENDED:
            ended = Ended(ended.exit_code, True)
        if ended.exit_code == slurm.NOT_FED and any(f.job for f in self.feeds.values()):
            ended = Ended(ended.exit_code, False, f"a replay before it did not make {self._unmade() or 'its input'}")
        if ended.trouble:
            trouble = f"{ended.trouble}: a replay that it waited for did not end well" if self.waits else ended.trouble
            self.say("run", trouble, "failed")
            raise Stopped(trouble)
        software = self.software
        if unused := self.images.check_use():
            software = Software(environment.HOST, "", (), unused, ())
        return Ran(ended, job, software, self.images.verdicts, self.fed(), self.smaller)

    def _unmade(self) -> str:
        return ", ".join(f.place for f in self.fed() if not f.sha256)

    def judge(self) -> ReplayVerdict:
        """From runs that were whole, and nothing else."""
        made = [
            Round(n, self.place(n), lay.Layout(self.place(n) / "work", (), (), (), 0), ran.ended, ran.job)
            for n, ran in enumerate(self.rounds, 1)
        ]
        return conclude.judged(self, made)

    def _job(self, number: int) -> str:
        """A job of before the interruption, which may still run; with images, whose programs are gone, it is not taken up."""
        return "" if self.plan.recipe.images else self.log.get(f"job-{number}", str) or ""

    def _started(self, pid: int) -> None:
        self.log.write("running", leftover.running(pid))

    def _end_leftover(self) -> None:
        left = self.log.get("running", Running)
        if left and leftover.end(left):
            self.say("resume", "the run that the interruption left behind was ended")
        if self.plan.recipe.images:
            for step in [s for s in self.log.steps if s.startswith("job-") and not self.log.has(f"round-{s[4:]}")]:
                self.world.run("scancel", str(self.log.steps.pop(step)), timeout=60)

    def say(self, name: str, detail: str, state: str = "done") -> None:
        self.steps.append(Step(name, state, detail))
        self.progress(f"{name}: {detail}")


def _again(error: Exception) -> ReplayVerdict:
    raise error


TIMEOUT_ENDED = 124
"""How timeout(1) ends when it had to end the command."""


def remove(path: Path) -> None:
    """What an interrupted step left, also below folders that the job closed to itself. Links are removed, not followed."""
    if path.is_dir() and not path.is_symlink():
        for folder, names, _ in os.walk(path):
            for name in names:
                inner = os.path.join(folder, name)
                if not os.path.islink(inner) and not os.access(inner, os.R_OK | os.W_OK | os.X_OK):
                    os.chmod(inner, stat.S_IRWXU)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
