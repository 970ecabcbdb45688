"""Which files went in and came out, and what was in them?

Guest at the start of a job (declared inputs only, a fraction of a second); before it and after it on the login side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.data import DataManifest

if TYPE_CHECKING:
    from probes.data.part import Part


def collect(world: World, job: Job) -> DataManifest | Absent:
    root = job.workdir or world.cwd
    try:
        if not world.stat(root).is_dir:
            return Absent(f"the work directory is not a folder: {root}")
    except FileNotFoundError:
        return Absent(f"the work directory is not there: {root}")
    if not job.ended_at and not job.inputs:  # most jobs: nothing more is opened in them
        return Absent(_undeclared(job))
    from probes.data.assemble import assembled

    return assembled(root, _afterwards(world, root, job) if job.ended_at else _before(world, root, job))


def _undeclared(job: Job) -> str:
    if _speaks(job):
        from probes.data.meant import told

        if wrong := told(job):
            return f"no inputs are declared; {wrong}"
    return "no inputs are declared; outputs are looked for once the run is over"


def _speaks(job: Job) -> bool:
    """Is there a script, with lines that may be meant for us?"""
    return (job.scheduler != "local" or bool(job.script_path)) and "auditor" in job.script.lower()


def _meant(job: Job) -> Iterator[Part]:
    if _speaks(job):
        from probes.data.meant import meant
        from probes.data.part import NOTHING, Part

        yield Part("", "declared", NOTHING, meant(job))


def _before(world: World, root: str, job: Job) -> Iterator[Part]:
    """What is declared, within what a job or a submission can bear."""
    from probes.data.declared import declared
    from probes.manifest.build import Limits

    if job.started_at or "SLURM_JOB_ID" in world.env:
        limits = Limits(bytes=256 << 20, seconds=0.2, files=20_000, workers=1)
    else:
        limits = Limits(bytes=2 << 30, seconds=20, workers=1)
    yield declared(world, root, job, "input", limits)
    yield from _meant(job)


def _afterwards(world: World, root: str, job: Job) -> Iterator[Part]:
    """What was declared, what a trace saw, and what changed meanwhile, within what the settings allow."""
    from auditor.config import load
    from probes.data.changed import changed
    from probes.data.declared import declared
    from probes.data.recorded import recorded
    from probes.data.since import since
    from probes.data.traced import traced
    from probes.manifest.build import Limits
    from probes.tracing.roles import roles

    config = load(root, world.env).config
    limits = Limits(bytes=config.hash_bytes, seconds=config.hash_seconds)
    seen = roles(world, job, root)
    begun = since(world, job, seen)
    ways = [
        declared(world, root, job, "input", limits, begun),
        declared(world, root, job, "output", limits),
    ]
    yield from ways
    if seen:
        ways += traced(world, root, job, seen, limits, ways, begun)
        yield from ways[2:]
    yield from recorded(world, root, job, limits, ways, begun)
    yield from _meant(job)
    if seen is None or not seen.sure:  # a whole trace knows better than times
        yield changed(world, root, job, limits)


PROBE = Probe(
    name="data",
    kind=DataManifest,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.START, Phase.LATER}),
    source="content of the files",
    guest=True,
)
