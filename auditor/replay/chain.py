"""How are several bundles replayed as one graph? In dependency order here, or all at once under Slurm, which keeps the order by --dependency."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor import codec
from auditor.model import AuditError
from auditor.replay import journal, slurm, unpack
from auditor.replay.execute import execute, opened
from auditor.replay.graph import Graph, graph
from auditor.replay.plan import Plan, plan
from auditor.replay.run import limit
from auditor.replay.stages import Fed, Replay
from auditor.verdict import ChainVerdict, Level, ReplayVerdict, Sameness
from auditor.world import RealWorld, World
from reports.judging.amounts import several

MOST = 1000
"""Bundles of one replay."""
ORDER = (Sameness.DIFFERENT, Sameness.NOT_RUN, Sameness.NOT_COMPARED, Sameness.EQUIVALENT, Sameness.IDENTICAL)


ASKED = "chain.json"


@dataclass(frozen=True)
class Asked:
    """What makes the same chain again."""

    paths: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Chain:
    """plans: run id -> plan, in the order in which they run. left_out: bundles that do not run, with the reason."""

    plans: Mapping[str, Plan]
    graph: Graph
    left_out: tuple[str, ...]
    on: str
    asked: Asked


def bundles(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The bundles that were named: a folder that is none itself stands for those in it, by name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and not (path / "bagit.txt").is_file():
            inside = [p for p in sorted(path.iterdir()) if p.suffix == ".zip" or (p / "bagit.txt").is_file()]
            if not inside:
                raise AuditError(f"{path} is no bundle and holds none", "name ZIPs that `auditor bundle` wrote")
            found += inside
        else:
            found.append(path)
    if len(found) > MOST:
        raise AuditError(f"{len(found)} bundles are more than one replay takes ({MOST})", "replay them in parts")
    return tuple(found)


def chain(paths: Sequence[Path], world: World | None = None, **options: Any) -> Chain:
    """Plan each, and the order of all. Raises AuditError as `plan` does, for two bundles of one run, and for a circle."""
    world = world or RealWorld()
    on, repeat = options.get("on", "local"), options.get("repeat", 0)
    if on == "slurm" and (repeat > 1 or options.get("level") == Level.REPEAT):
        raise AuditError("several bundles under Slurm run once each", "repeat one bundle at a time, or leave out --on slurm")
    known: dict[str, tuple[str, Path, Any]] = {}
    left: list[str] = []
    for path in paths:
        bundle_id, recipe = unpack.load(str(path))
        if recipe.run_id in known:
            _twice(path, bundle_id, known[recipe.run_id][:2], left)
        else:
            known[recipe.run_id] = (bundle_id, path, recipe)
    if options.get("level") == Level.SMOKE:
        known = _fewer(known, left)
    scripts = {run: unpack.script(str(path), recipe) for run, (_, path, recipe) in known.items()}
    made = graph([recipe for _, _, recipe in known.values()], scripts)
    coming = {
        run: {i.place: i.maker for i in made.inputs if i.reader == run and _can_feed(i.place, i.source, on)} for run in made.order
    }
    plans = {run: plan(known[run][1], coming=coming[run], world=world, **options) for run in made.order}
    asked = Asked(tuple(os.path.abspath(p) for p in paths), {k: _plain(v) for k, v in options.items()})
    return Chain(plans, made, tuple(left), on, asked)


def _plain(value: Any) -> Any:
    return os.path.abspath(value) if isinstance(value, Path) else codec.plain(value)


def _twice(path: Path, bundle_id: str, before: tuple[str, Path], left: list[str]) -> None:
    if bundle_id != before[0]:
        raise AuditError(f"{path} and {before[1]} are two bundles of the same run", "name the one that counts")
    left.append(f"{path}: the same bundle as {before[1]}, replayed once")


def _fewer(known: Mapping[str, tuple[str, Path, Any]], left: list[str]) -> dict[str, tuple[str, Path, Any]]:
    """A smoke run of an array is one task of it: the one with the lowest number."""
    first: dict[str, str] = {}
    for run, (_, _, recipe) in sorted(known.items(), key=lambda k: int(k[1][2].array_task or 0)):
        first.setdefault(_array(recipe), run)
    kept = {run: one for run, one in known.items() if first[_array(one[2])] == run}
    left += [
        f"{one[1]}: another task of the same array, left out of a smoke run" for run, one in known.items() if run not in kept
    ]
    return kept


def _array(recipe: Any) -> str:
    return f"{recipe.cluster}:{recipe.job_id.partition('_')[0]}" if recipe.array_task else recipe.run_id


def _can_feed(place: str, source: str, on: str) -> bool:
    """Under Slurm a job copies what it reads into its own work directory; what lay elsewhere is taken from the bundle."""
    return not os.path.isabs(source) and (on == "local" or not os.path.isabs(place))


def run_all(
    ready: Chain,
    folder: Path,
    *,
    yes: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    world: World | None = None,
    resume: bool = False,
) -> ChainVerdict:
    """Each in a folder of its own below `folder`, by its run id. resume: those that are whole are judged from what they left."""
    world = world or RealWorld()
    if not yes:
        raise AuditError("nothing was run: a bundle is somebody's code, and nobody said yes", "look at the plan, then say --yes")
    if not resume and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AuditError(f"{folder} is already there", "name a new folder with --into, or go on with --resume")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not resume:
        (folder / ASKED).write_bytes(codec.pretty(ready.asked))
    done = _slurm if ready.on == "slurm" and ready.plans[ready.graph.order[0]].rounds else _local
    verdicts = done(ready, folder, progress, world)
    return _all(ready, verdicts)


def resumed(folder: Path, world: World | None = None) -> Chain:
    """The plans of an interrupted replay, made again. Raises AuditError."""
    try:
        asked = codec.loads((folder / ASKED).read_bytes(), Asked, str(folder / ASKED))
    except OSError as error:
        raise AuditError(f"{folder} holds no replay to go on with: {error.strerror or error}", "start it anew") from error
    return chain([Path(p) for p in asked.paths], world, **asked.options)


def _feeds(ready: Chain, run: str, folder: Path, jobs: Mapping[str, str]) -> dict[str, Fed]:
    wanted = ready.plans[run].coming
    return {
        i.place: Fed(i.maker, folder / i.maker / "work", i.source, i.sha256, jobs.get(i.maker, ""))
        for i in ready.graph.inputs
        if i.reader == run and i.place in wanted
    }


def _local(ready: Chain, folder: Path, progress: Callable[[str], None], world: World) -> list[ReplayVerdict]:
    made: list[ReplayVerdict] = []
    for run, one in ready.plans.items():
        began = (folder / run / journal.NAME).is_file()
        feeds = _feeds(ready, run, folder, {}) if one.rounds else {}
        made.append(execute(one, folder / run, yes=True, progress=progress, world=world, resume=began, feeds=feeds))
    return made


def _slurm(ready: Chain, folder: Path, progress: Callable[[str], None], world: World) -> list[ReplayVerdict]:
    """Prepare and submit all in order, then wait for each; a job that is over is not asked for again."""
    replays: dict[str, Replay] = {}
    jobs: dict[str, str] = {}
    with ExitStack() as stack:
        for run, one in ready.plans.items():
            log = stack.enter_context(
                closing(opened(one, folder / run, yes=True, resume=(folder / run / journal.NAME).is_file()))
            )
            replays[run] = Replay(one, folder / run, progress, world, log)
        early = {run: verdict for run in replays if (verdict := _submit(ready, run, folder, replays[run], jobs)) is not None}
        return [early[run] if run in early else _finish(replays[run], jobs.get(run, ""), world) for run in ready.plans]


def _submit(ready: Chain, run: str, folder: Path, one: Replay, jobs: dict[str, str]) -> ReplayVerdict | None:
    """Its job is on the way, or the verdict why not. What is over already needs no dependency, and Slurm may have forgotten it."""
    one.feeds = _feeds(ready, run, folder, jobs)

    def prepared() -> None:
        one.begin()
        layout = one.ready(1)
        if one.known_run():
            return
        before = [jobs[b] for b in ready.graph.needs[run] if b in jobs]
        jobs[run] = one.known_job() or one.submit(1, layout, _after(before, ready, run, jobs))
        one.say("submitted", f"as job {jobs[run]}" + (f" after {', '.join(before)}" if before else ""))

    return one.prepared(prepared)


def _after(before: Sequence[str], ready: Chain, run: str, jobs: Mapping[str, str]) -> str:
    """afterok where the original before it ended well; afterany where it failed then, too (sbatch(1), --dependency)."""
    failed = {jobs[b] for b in ready.graph.needs[run] if b in jobs and ready.plans[b].recipe.original.exit_code}
    return ",".join(f"{'afterany' if job in failed else 'afterok'}:{job}" for job in before)


def _finish(one: Replay, job: str, world: World) -> ReplayVerdict:
    def finished() -> ReplayVerdict:
        one.take(one.known_run() or one.ran(slurm.wait(job, limit(one.plan.recipe), world), job))
        return one.judge()

    return one.guarded(finished)


def _all(ready: Chain, verdicts: Sequence[ReplayVerdict]) -> ChainVerdict:
    """The worst of them. Of a chain that stops, what comes after it is not run, which says nothing of its own results."""
    worst = min((v.sameness for v in verdicts), key=ORDER.index)
    counts = ", ".join(f"{n} {s.value}" for s in reversed(ORDER) if (n := sum(v.sameness is s for v in verdicts)))
    return ChainVerdict(worst, f"of {several(len(verdicts), 'run')} {counts}", tuple(verdicts), ready.graph.links, ready.left_out)
