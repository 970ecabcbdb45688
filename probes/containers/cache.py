"""Which image did Apptainer take from its cache for a name? The digest behind a tag, even after the tag moved.

Apptainer keeps what it made of a registry's image as `cache/oci-tmp/KEY`, KEY = sha256(hex digest of index or manifest + GOARCH + variant)
(internal/pkg/cache and client/oci of apptainer 1.x, tried with 1.4.5), the manifests themselves in `cache/blob`, and images of `oras://` and
`library://` under their own sha256. The file's definition says which name it was made for. Where it is made stays: a later use leaves no trace.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.model import Job
from auditor.world import World
from probes.containers import ImageFacts, Reference
from probes.containers.image import ImageName, parse
from probes.containers.oci import MAX_JSON, BadImage, facts_of, here
from probes.containers.sifformat import NotSif

MAX_ENTRIES = 2000
_KEY = re.compile(r"[0-9a-f]{64}")
_OWN = re.compile(r"sha256[.:]([0-9a-f]{64})")
_FROM = re.compile(r"(?im)^[ \t]*from[ \t]*:[ \t]*(\S+)[ \t]*$")
_ARCHITECTURES = ("amd64", "arm64", "ppc64le", "s390x", "riscv64", "386", "arm")
_VARIANTS = ("", "v8", "v7", "v6", "v5")
_HUB = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True)
class Entry:
    """One image in the cache. digest: behind its key, or its own; empty: its manifest is not in the cache any more. made: seconds.

    transport: `docker`, `oras`, `library`. origin: the name it was made for, as its definition says.
    """

    path: str
    transport: str
    digest: str
    made: float
    origin: str = ""


def folders(world: World, job: Job) -> Iterator[str]:
    """Where the job's Apptainer or Singularity may keep its cache."""
    home = world.env.get("HOME", "")
    for name, hidden in (("APPTAINER_CACHEDIR", ".apptainer"), ("SINGULARITY_CACHEDIR", ".singularity")):
        said = [world.env[name]] if world.env.get(name) else []
        said += re.findall(rf"(?m)^\s*(?:export\s+)?{name}=[\"']?(/[^\s\"'$`;&|]+)", job.script)  # only a plain path can be known
        yield from (os.path.join(folder, "cache") for folder in said)
        if home:
            yield os.path.join(home, hidden, "cache")


def entries(world: World, folder: str, digests: Iterable[str] = ()) -> list[Entry]:
    """Every image in this cache, none hashed. An unreadable one counts as one of which nothing is known.

    digests: that the job names; what Apptainer made for an index is found by them alone, it keeps no index.
    """
    if not world.exists(folder):
        return []
    files = [p for p in world.glob(os.path.join(folder, "oci-tmp", "*")) if _KEY.fullmatch(os.path.basename(p))]
    known = behind(world, folder, {os.path.basename(p) for p in files}, digests)
    found = [_entry(world, p, "docker", known.get(os.path.basename(p), "")) for p in files[:MAX_ENTRIES]]
    for transport in ("oras", "library"):
        for path in world.glob(os.path.join(folder, transport, "sha256*"))[:MAX_ENTRIES]:
            if own := _OWN.fullmatch(os.path.basename(path)):
                found.append(_entry(world, path, transport, f"sha256:{own[1]}"))
    return [entry for entry in found if entry]


def behind(world: World, folder: str, keys: Iterable[str], digests: Iterable[str] = ()) -> dict[str, str]:
    """Key -> digest, by trying these and every manifest that the cache has."""
    wanted = set(keys)
    found: dict[str, str] = {}
    if not wanted:
        return found
    names = [d.removeprefix("sha256:") for d in digests]
    names += [os.path.basename(p) for p in world.glob(os.path.join(folder, "blob", "blobs", "sha256", "*"))]
    own = here().removeprefix("linux/")
    for architecture in (own, *(a for a in _ARCHITECTURES if a != own)):
        for variant in _VARIANTS if architecture.startswith("arm") else ("",):
            for name in names:
                if (key := key_of(name, architecture, variant)) in wanted:
                    found[key] = f"sha256:{name}"
        if len(found) == len(wanted):
            break
    return found


def key_of(digest: str, architecture: str, variant: str = "") -> str:
    """The cache's name for an image; digest in bare hex."""
    return hashlib.sha256(f"{digest}{architecture}{variant}".encode()).hexdigest()


def choose(found: Sequence[Entry], reference: Reference, began: float, ended: float) -> tuple[Entry | None, str]:
    """The image that a run between these times must have got for this name, and why; None: none, or several fit, and why.

    Apptainer asks the registry at each use and makes an entry where its answer is new. So the entry is among those made before the end.
    """
    before = [e for e in found if e.transport == reference.transport and e.made <= ended]
    if reference.digest and (pinned := [e for e in before if e.digest == reference.digest]):
        return pinned[0], "its key is that of the digest in the name"
    fit = [e for e in before if e.transport != "docker" or _same(e, reference)]
    fresh = [
        e for e in fit if e.made >= began and (e.transport != "docker" or _tag(parse(e.origin, "docker")) == _tag(reference))
    ]
    for among, why in (
        (fresh, "made for this name during the run"),
        (fit, "the only image of this name in the cache; made before"),
    ):
        if len({e.digest or e.path for e in among}) == 1:
            return among[0], why
        if among:
            several = ", ".join(sorted(e.digest or e.path for e in among))
            return None, f"{len(among)} images in the cache fit, so it is not known which ran: {several}"
    return None, "no image of this name in the cache"


def facts(world: World, folder: str, entry: Entry, reference: str) -> ImageFacts:
    """What the entry's manifest says, where the cache still has it. Raises BadImage, OSError."""
    source = f"Apptainer's cache, {entry.path}"
    if entry.transport != "docker":
        return ImageFacts(reference, file=entry.digest, source=source)

    def blob(digest: str) -> bytes:
        return world.read(os.path.join(folder, "blob", "blobs", "sha256", digest.removeprefix("sha256:")), MAX_JSON)

    try:
        raw = blob(entry.digest) if entry.digest else b""
    except FileNotFoundError:
        raw = b""  # only manifests are kept: it is an index's, or cleaned away
    if not raw:
        return ImageFacts(reference, index=entry.digest, source=source)
    if f"sha256:{hashlib.sha256(raw).hexdigest()}" != entry.digest:
        raise BadImage(f"the cache's manifest {entry.digest} has other bytes")
    return facts_of(raw, blob, reference, source=source)


def same_name(a: ImageName, b: ImageName) -> bool:
    """The same repository, however it is spelt (distribution `reference.go`: docker.io and library/ may be left out)."""
    return _full(a) == _full(b)


def when(text: str, default: float) -> float:
    """Seconds since the epoch of an ISO 8601 time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return default


def _full(name: ImageName) -> tuple[str, str]:
    return ("docker.io", name.name.removeprefix("library/")) if name.registry in _HUB else (name.registry, name.name)


def _tag(name: ImageName | Reference) -> str:
    return name.tag or ("" if name.digest else "latest")


def _same(entry: Entry, reference: Reference) -> bool:
    asked = ImageName("docker", reference.name, reference.registry)
    return same_name(parse(entry.origin, "docker"), asked) if entry.origin else False


def _entry(world: World, path: str, transport: str, digest: str) -> Entry | None:
    try:
        made = world.stat(path).mtime_ns / 1e9
        origin = _origin(world, path) if transport == "docker" else ""
    except OSError:
        return None
    return Entry(path, transport, digest, made, origin)


def _origin(world: World, path: str) -> str:
    """`From:` of the definition inside; empty where there is none to read."""
    from probes.containers.sifread import layout

    try:
        text = next(
            (world.span(path, o.offset, min(o.size, 1 << 16)) for o in layout(world, path)[1] if o.type == "deffile"), b""
        )
    except NotSif:
        return ""
    found = _FROM.search(text.decode("utf-8", "replace"))
    return found[1] if found else ""
