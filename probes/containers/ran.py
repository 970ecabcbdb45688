"""Which containers really ran in this job, as far as traces tell, and of which images? What ran, not what was typed.

At the start: is the job's script itself inside of one (the hook's record). When the run is over: what Apptainer's cache, its instances and
the local engines kept of the run's time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace

from auditor.model import Absent, Found, Job, Phase, Probe
from auditor.world import World
from probes.containers import ImageFacts, RanImage, RanImages, Reference, cache, instances, markers
from probes.containers.enginesocket import NoAnswer, sockets
from probes.containers.inside import inside
from probes.containers.scripts import named, where
from probes.containers.sifformat import NotSif

SECONDS = 3.0
"""For each engine."""
MAX_BYTES = 16 << 30
GRACE = 1.0
"""The end of a run is known in whole seconds."""


def collect(world: World, job: Job) -> Found[RanImages] | Absent:
    if not job.ended_at:
        found = tuple(inside(world))
        return Found(RanImages(found), "markers inside") if found else Absent("the job's script runs on the host")
    images, reasons = seen(world, job)
    if images:
        return Found(RanImages(images), "; ".join(("traces of the run's time", *reasons)))
    if silent := [r for r in reasons if r.startswith("no answer")]:
        raise NoAnswer("; ".join(silent))
    return Absent("; ".join(reasons) or "no container image is named")


def seen(world: World, job: Job, hashed: bool = True) -> tuple[tuple[RanImage, ...], list[str]]:
    """What ran between the job's start and end, and for the rest why it is not known. hashed: image files too, not only digests."""
    wanted = [r for r in named(world, job) if r.resolved and r.action == "run"] if job.ended_at else []
    began = cache.when(job.started_at or job.submitted_at, 0.0)
    ended = cache.when(job.ended_at, 0.0) + GRACE
    reasons: list[str] = []
    found = [
        *_cached(world, job, wanted, (began, ended), hashed, reasons),
        *_instances(world, job, wanted, (began, ended), hashed, reasons),
        *_engines(world, wanted, (began, ended), reasons),
    ]
    return tuple(found), reasons


Times = tuple[float, float]


def _cached(
    world: World, job: Job, wanted: list[Reference], times: Times, hashed: bool, reasons: list[str]
) -> Iterator[RanImage]:
    asked = {r.resolved: r for r in wanted if r.runtime == "apptainer" and r.transport in {"docker", "oras", "library"}}
    digests = [r.digest for r in asked.values() if r.digest]
    folders = {f: cache.entries(world, f, digests) for f in dict.fromkeys(cache.folders(world, job))} if asked else {}
    for text, reference in asked.items():
        entry, why = cache.choose([e for found in folders.values() for e in found], reference, *times)
        if entry is None:
            reasons.append(f"{text}: {why}")
            if "fit" in why:  # it ran, and which of them is not known: that is worth saying
                yield RanImage("apptainer", "cache", text, ImageFacts(text, source="Apptainer's cache"), why)
            continue
        folder = next(f for f, found in folders.items() if entry in found)
        yield RanImage("apptainer", "cache", text, _facts(world, folder, entry, text, hashed), f"{entry.path}: {why}")


def _facts(world: World, folder: str, entry: cache.Entry, text: str, hashed: bool) -> ImageFacts:
    try:
        known = cache.facts(world, folder, entry, text)
    except (OSError, ValueError) as error:
        known = ImageFacts(text, source=f"{entry.path}: {error}")
    if entry.transport == "docker" and not known.manifest:
        from probes.containers.cachelink import made_from

        found, why = made_from(world, folder, entry.path)
        known = replace(found, reference=text, index=known.index, source=f"{known.source}; {why}")
    return _with_file(world, entry.path, known) if hashed else known


def _with_file(world: World, path: str, known: ImageFacts) -> ImageFacts:
    """The same with what the image file itself says; its own bytes decide over a name."""
    from probes.containers.sifread import read

    try:
        if world.stat(path).size > MAX_BYTES:
            raise OSError("too large to hash")
        sif = read(world, path)
    except (OSError, NotSif) as error:
        return _with_bytes(world, path, known, str(error))
    return replace(
        _named(known, _sha256(sif.file_sha256)),
        uuid=sif.uuid,
        partition=_sha256(sif.partition_sha256),
        definition=_sha256(sif.definition_sha256),
    )


def _with_bytes(world: World, path: str, known: ImageFacts, why: str) -> ImageFacts:
    """Of a file that is no Singularity image: its digest, where it is a file of a size to be hashed."""
    try:
        state = world.stat(path)
        if state.is_file and state.size <= MAX_BYTES:
            hash_ = hashlib.sha256()
            for piece in world.chunks(path):
                hash_.update(piece)
            known = _named(known, _sha256(hash_.hexdigest()))
    except OSError:
        pass  # `why` tells
    return replace(known, source=f"{known.source}; {why}")


def _named(known: ImageFacts, found: str) -> ImageFacts:
    lie = f"; named {known.file}, which its bytes are not" if known.file not in {"", found} else ""
    return replace(known, file=found, source=known.source + lie)


def _instances(
    world: World, job: Job, wanted: list[Reference], times: Times, hashed: bool, reasons: list[str]
) -> Iterator[RanImage]:
    apptainer = [r for r in wanted if r.runtime == "apptainer"]
    by_name = {r.name: r for r in apptainer if r.transport == "instance"}
    by_path = {
        where(world, job, r.resolved): r for r in apptainer if r.transport in {"file", "directory"} and "://" not in r.resolved
    }
    there = instances.instances(world) if apptainer else []
    for one in there:
        named_so = by_name.pop(one.name, None)
        started_here = by_path.get(one.image) if times[0] <= one.started <= times[1] else None
        if (reference := named_so or started_here) and one.started <= times[1]:
            facts = ImageFacts(one.image, source=f"the instance's record {one.path}")
            facts = _with_file(world, one.image, facts) if hashed else facts
            yield RanImage("apptainer", "instance", reference.resolved, facts, f"instance {one.name} of {one.image}: {one.path}")
    for name, reference in by_name.items():
        log = instances.stopped(world, name)
        reasons.append(
            f"{reference.resolved}: "
            + (f"stopped since; only its log is left: {log}" if log else "no instance of this name here")
        )


def _engines(world: World, wanted: list[Reference], times: Times, reasons: list[str]) -> Iterator[RanImage]:
    for engine in ("docker", "podman"):
        asked = [r for r in wanted if r.runtime == engine and r.transport == "docker"]
        path = next((p for p in sockets(world.env, engine) if world.exists(p)), "") if asked else ""
        if asked and not path:
            reasons.append(f"no socket of a local {engine} engine")
        if path:
            from probes.containers.enginecontainers import ran

            try:
                found = ran(path, asked, *times, world.now().timestamp(), time.monotonic() + SECONDS)
            except NoAnswer as error:
                reasons.append(f"no answer of {engine}, given {SECONDS:g} s: {error}")
                continue
            if not found:
                reasons.append(f"{engine} at {path} on {world.host} knows of no container of these images in the run's time")
            yield from found


def _sha256(bare: str) -> str:
    return f"sha256:{bare}" if bare else ""


PROBE = Probe(
    name="container-ran",
    kind=RanImages,
    collect=collect,
    phases=frozenset({Phase.START, Phase.LATER}),
    source="markers inside; Apptainer's cache and instances; engines' containers",
    records=(markers.MOUNTS, markers.LABELS, markers.PODMAN, markers.DOCKER),
)
