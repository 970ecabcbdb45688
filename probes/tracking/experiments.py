"""Which tracked runs did experiment trackers record where the job worked, and which of them are the job's own?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.tracking import TrackedRun
from probes.tracking.belonging import seen
from probes.tracking.looking import MAX_MARKS, Look, readers
from probes.tracking.pointed import Pointed, in_environment, in_text
from probes.tracking.record import MAX_COUNTS, MAX_LISTED, MAX_OTHERS, MAX_RUNS, Experiments, RunCount, TrackedSeen
from probes.workflows.find import marked

_FIRST = {"task": 0, "inside": 1, "folder": 2}


def collect(world: World, job: Job) -> Experiments | Absent:
    """Below the work directory and where the script points to. What only the environment of this process names may be another project's:
    of that, runs count that name the job themselves."""
    root = job.workdir
    told = in_text(f"{job.script}\n{' '.join(job.argv)}", root)
    around = in_environment(world.env, root)
    kept, look = _Kept(), Look(world)
    for run in _runs(world, look, told, root):
        kept.add(seen(run, job))
    for run in _runs(world, look, around):
        if (one := seen(run, job)).relation == "task":
            kept.add(one)
    if not kept.seen and not look.unread and not told.servers:
        if not look.whole:
            raise OSError("not everything could be looked through, and no tracker's record was found up to there")
        there = bool(root) and world.exists(root)
        return Absent(
            "no tracker left a record below the work directory"
            if there
            else f"the work directory is not there: {root or 'not known'}"
        )
    return Experiments(kept.runs(), kept.seen, kept.counts(), tuple(look.unread[:MAX_LISTED]), told.servers, look.whole)


def _runs(world: World, look: Look, where: Pointed, *roots: str) -> Iterator[TrackedRun]:
    folders = [f for f in (*roots, *where.folders) if f and world.exists(f)]
    found = marked(folders, {r.system: r.marks for r in readers()}, MAX_MARKS)
    look.whole = look.whole and found.whole
    yield from look.folders(found.marks)
    yield from look.databases(d for d in where.databases if world.exists(d))


class _Kept:
    """The best MAX_RUNS so far, and the number of all."""

    def __init__(self) -> None:
        self.seen = 0
        self._best: list[TrackedSeen] = []
        self._numbers: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, run: TrackedSeen) -> None:
        self.seen += 1
        self._numbers[run.system, run.experiment, run.state, run.relation] += 1
        self._best.append(run)
        if len(self._best) > 4 * MAX_RUNS:
            self._best = list(self.runs())

    def runs(self) -> tuple[TrackedSeen, ...]:
        ordered = sorted(self._best, key=lambda r: (_FIRST[r.relation], [-ord(c) for c in r.started], r.folder, r.id))
        own = sum(r.relation != "folder" for r in ordered)
        return tuple(ordered[: min(own + MAX_OTHERS, MAX_RUNS)])

    def counts(self) -> tuple[RunCount, ...]:
        most = sorted(self._numbers.items(), key=lambda item: (-item[1], item[0]))[:MAX_COUNTS]
        return tuple(RunCount(*key, runs) for key, runs in most)


PROBE = Probe(
    "experiments",
    Experiments,
    collect,
    frozenset({Phase.LATER}),
    source="the trackers' own records below the work directory and where the script points to",
)
