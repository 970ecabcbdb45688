"""What are the named images right now, as cheaply as can be told? Asked at submit and again in the job: a change is drift.

Guest: standard library only. Files are known by size, time and SIF id; by content too where they are small, or were hashed before and
have not changed since. Engines are asked over their unix socket, never over a network, and all of it ends in a fraction of a second.
"""

from __future__ import annotations

import os
import time

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import Stat, World
from probes.containers import ContainerIdentities, ImageIdentity, Reference, sifformat
from probes.containers.enginesocket import NoAnswer, image, sockets
from probes.containers.scripts import named, where

MAX_BYTES = 128 << 20
SECONDS = 0.3
_ENGINES = frozenset({"docker", "podman"})


def collect(world: World, job: Job) -> ContainerIdentities | Absent:
    budget = Budget(MAX_BYTES, time.monotonic() + SECONDS)
    seen: dict[str, ImageIdentity] = {}
    if job.started_at and not job.ended_at and (path := _around(world)):
        seen[path] = _surroundings(world, path, budget)
    for reference in named(world, job):
        if reference.text not in seen:
            seen[reference.text] = identify(world, job, reference, budget)
    return ContainerIdentities(tuple(seen.values())) if seen else Absent("no image is named")


class Budget:
    """What may still be spent: bytes to hash, and the time to stop asking."""

    def __init__(self, size: int, deadline: float) -> None:
        self.left = size
        self.deadline = deadline

    def take(self, size: int) -> bool:
        if size > self.left or time.monotonic() > self.deadline:
            return False
        self.left -= size
        return True


def _around(world: World) -> str:
    """The image that the job's script is itself in, where Apptainer says so; without it nothing is read."""
    if not any(n in world.env for n in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")):
        return ""
    from probes.containers.inside import inside

    return next((one.typed for one in inside(world) if one.runtime == "apptainer"), "")


def _surroundings(world: World, path: str, budget: Budget) -> ImageIdentity:
    """The file may be seen from inside, as homes are. One from the cache is known by the digest behind its key."""
    try:
        folder, key = os.path.split(path)
        if os.path.basename(folder) == "oci-tmp":
            from probes.containers.cache import behind

            if digest := behind(world, os.path.dirname(folder), [key]).get(key, ""):
                return ImageIdentity(path, "ok", "the digest behind the cache's key", image_id=digest)
        return _file(world, path, path, budget)
    except OSError as error:
        return ImageIdentity(path, "unknown", f"not to be seen from inside: {error.strerror or error}")


def identify(world: World, job: Job, reference: Reference, budget: Budget) -> ImageIdentity:
    """Never raises: what could not be told is `unknown`, with the reason."""
    if not reference.resolved:
        return ImageIdentity(reference.text, "unknown", f"named by what only the run knows: {', '.join(reference.unresolved)}")
    if reference.transport in {"file", "docker-archive", "directory", "oci"} and "://" not in reference.resolved:
        try:
            return _file(world, reference.text, where(world, job, reference.name), budget)
        except FileNotFoundError:
            return ImageIdentity(reference.text, "absent", f"no such file: {where(world, job, reference.name)}")
        except OSError as error:
            return ImageIdentity(reference.text, "unknown", str(error))
    if reference.transport == "instance":
        return _instance(world, reference, budget)
    if reference.runtime in _ENGINES and reference.transport == "docker":
        return _engine(world, reference, budget)
    if reference.digest:
        return ImageIdentity(reference.text, "ok", "the name pins the digest", image_id=reference.digest)
    return ImageIdentity(reference.text, "unknown", f"{reference.transport}: nothing on this machine to ask without a network")


def _instance(world: World, reference: Reference, budget: Budget) -> ImageIdentity:
    """The image of one that runs here already; the job may still start it."""
    from probes.containers.instances import instances

    for one in instances(world, reference.name)[:1]:
        try:
            return _file(world, reference.text, one.image, budget)
        except OSError as error:
            return ImageIdentity(reference.text, "unknown", f"of {one.image}: {error}")
    return ImageIdentity(reference.text, "unknown", "no instance of this name runs here yet")


def _file(world: World, text: str, path: str, budget: Budget) -> ImageIdentity:
    state = world.stat(path)
    if not state.is_file:
        return ImageIdentity(text, "unknown", "a directory: not hashed", mtime_ns=state.mtime_ns)
    sha256 = _content(world, path, state, budget)
    if world.stat(path) != state:
        return ImageIdentity(text, "unknown", "the file changed while it was read", size=state.size)
    reason = "" if sha256 else "larger than the budget: known by size, time and id"
    identity = _sif_id(world, path)
    return ImageIdentity(text, "ok", reason, sha256=sha256, size=state.size, image_id=identity, mtime_ns=state.mtime_ns)


def _content(world: World, path: str, state: Stat, budget: Budget) -> str:
    """The file's sha256 as it is remembered, or read within the budget; empty: neither. Raises OSError."""
    from probes.manifest import remember  # most jobs have no image file: not loaded in their name

    known = remember.digest_of(world, path, state).recall(world, path) if state.size >= remember.WORTH and state.ino else None
    if known is not None and len(known) == 32:
        return known.hex()
    return remember.sha256(world, path).sha256 if budget.take(state.size) else ""


def _sif_id(world: World, path: str) -> str:
    for piece in world.chunks(path, 4096):
        try:
            return f"uuid:{sifformat.header(bytes(piece[: sifformat.HEAD])).uuid}"
        except sifformat.NotSif:
            break
    return ""


def _engine(world: World, reference: Reference, budget: Budget) -> ImageIdentity:
    reasons = []
    for path in sockets(world.env, reference.runtime):
        if not world.exists(path):
            continue
        if not os.path.isabs(path):
            continue
        try:
            answer = image(path, reference.resolved, budget.deadline)
        except NoAnswer as error:
            reasons.append(str(error))
            continue
        if answer is None:
            return ImageIdentity(reference.text, "absent", "the engine has no image of this name", engine=reference.runtime)
        return ImageIdentity(reference.text, "ok", "", image_id=str(answer.get("Id", "")), engine=reference.runtime)
    reason = "; ".join(reasons) or f"no socket of a local {reference.runtime} engine"
    if reference.digest:
        return ImageIdentity(reference.text, "ok", f"the name pins the digest ({reason})", image_id=reference.digest)
    return ImageIdentity(reference.text, "unknown", reason)


PROBE = Probe(
    name="container-identity",
    kind=ContainerIdentities,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.START}),
    source="image files and the engine's socket",
    guest=True,
)
