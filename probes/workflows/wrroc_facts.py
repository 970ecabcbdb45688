"""What do the entities around an action say: its files with checksums, parameters, containers, and the resources it used?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from probes.records.lines import one_line
from probes.workflows import Digest, Environment, File, Used
from probes.workflows.wrroc_graph import Entity, Graph, ids, kinds, text

MAX_FILES = 20_000
_FILES = {"File", "MediaObject", "Dataset", "CreativeWork", "ImageObject", "SoftwareSourceCode"}
_ALGORITHMS = ("sha256", "sha512", "sha1", "md5")
_LENGTHS = {"sha256": 64, "sha512": 128, "sha1": 40, "md5": 32}
# QUDT's units and the words that writers use instead, in seconds or bytes
_UNITS = {
    "sec": 1.0, "s": 1.0, "seconds": 1.0, "millisec": 0.001, "ms": 0.001, "milliseconds": 0.001, "microsec": 1e-6, "min": 60.0, "hr": 3600.0,
    "byte": 1.0, "bytes": 1.0, "kilobyte": 1e3, "kb": 1e3, "megabyte": 1e6, "mb": 1e6, "gigabyte": 1e9, "gb": 1e9,
    "kibibyte": 1024.0, "mebibyte": 1024.0**2, "gibibyte": 1024.0**3,
}  # fmt: skip
_QUANTITIES = {
    "elapsed": "seconds", "realtime": "seconds", "executiontime": "seconds", "walltime": "seconds", "duration": "seconds",
    "totalcpu": "cpu_seconds", "cputime": "cpu_seconds",
    "maxrss": "memory", "peakrss": "memory", "peakmemory": "memory",
    "rchar": "read", "readbytes": "read", "wchar": "written", "writebytes": "written",
}  # fmt: skip


def files(graph: Graph, action: Entity, key: str, role: str) -> Iterator[File]:
    """Of `object` or `result`: files as they are, collections by their members."""
    seen: set[str] = set()
    waiting = [(i, 0) for i in reversed(ids(action.get(key)))]
    count = 0
    while waiting and count < MAX_FILES:
        ident, depth = waiting.pop()
        if ident in seen:
            continue
        seen.add(ident)
        entity = graph.get(ident)
        if "Collection" in kinds(entity) and depth < 10:
            waiting += [(i, depth + 1) for i in reversed(ids(entity.get("hasPart")))]
        elif kinds(entity) & _FILES or (not entity and "://" in ident):
            count += 1
            yield File(path(entity) or one_line(ident, 1000), role, size(entity), digests(entity))


def path(entity: Entity) -> str:
    """In the crate, as its id, which is a URI; of what stayed outside (`#...`), where it was."""
    ident = text(entity.get("@id"))
    name = text(entity.get("alternateName")) or text(entity.get("name")) if ident.startswith("#") else ident
    plain = name if "://" in name or ident.startswith("#") else unquote(name)
    return one_line(plain or ident, 1000).removeprefix("./")


def size(entity: Entity) -> int | None:
    found = re.fullmatch(r"(\d{1,18})(?: ?B)?", text(entity.get("contentSize")))
    return int(found[1]) if found else None


def digests(entity: Entity) -> tuple[Digest, ...]:
    """Bare hex, under the algorithm's name; `identifier` as `urn:sha256:...` is not one of the profile's ways."""
    found = ((a, text(entity.get(a)).lower()) for a in _ALGORITHMS)
    return tuple(Digest(a, v) for a, v in found if re.fullmatch(f"[0-9a-f]{{{_LENGTHS[a]}}}", v))


def parameters(graph: Graph, action: Entity) -> dict[str, str]:
    """Values among what the action was given, by the name of the value or of the parameter that it is an example of."""
    found: dict[str, str] = {}
    for ident in ids(action.get("object"))[:10_000]:
        entity = graph.get(ident)
        if "PropertyValue" in kinds(entity):
            formal = graph.get(text(entity.get("exampleOfWork")))
            name = text(entity.get("name")) or text(formal.get("name")) or ident
            found[one_line(name, 200)] = one_line(text(entity.get("value")))
    return found


def environments(graph: Graph, action: Entity, tool: Entity | None = None) -> Iterator[Environment]:
    """`containerImage` of an action is what it ran in; what the tool asks for (`softwareRequirements`) is only declared."""
    for ident in ids(action.get("containerImage"))[:200]:
        yield _container(graph, ident, graph.get(ident), action)
    for ident in ids((tool or {}).get("softwareRequirements"))[:200]:
        entity = graph.get(ident)
        place = graph.place(tool or {})
        if "ContainerImage" in kinds(entity):
            yield Environment("container", _image(entity, ident), declared=place, digests=_image_digests(entity))
        elif name := text(entity.get("name")) or (ident if "://" not in ident else ""):
            version = text(entity.get("softwareVersion")) or text(entity.get("version"))
            yield Environment("software", one_line(f"{name} {version}".strip(), 200), declared=place)


def _container(graph: Graph, ident: str, entity: Entity, action: Entity) -> Environment:
    return Environment("container", _image(entity, ident), enacted=graph.place(action), digests=_image_digests(entity))


def _image(entity: Entity, ident: str) -> str:
    name, tag, registry = (text(entity.get(k)) for k in ("name", "tag", "registry"))
    if not name:
        return one_line(ident, 300)
    full = name if not registry or name.startswith(registry) else f"{registry}/{name}"
    return one_line(f"{full}:{tag}" if tag else full, 300)


def _image_digests(entity: Entity) -> tuple[Digest, ...]:
    pinned = re.search("@sha256:([0-9a-f]{64})", " ".join(text(entity.get(k)) for k in ("@id", "softwareVersion", "identifier")))
    own = digests(entity)
    return own or ((Digest("sha256", pinned[1]),) if pinned else ())


def used(graph: Graph, action: Entity, seconds: float | None) -> Used:
    """`resourceUsage` with a quantity and a unit that are known; else the time between start and end."""
    found: dict[str, float] = {}
    for ident in ids(action.get("resourceUsage"))[:1000]:
        entity = graph.get(ident)
        named = re.sub("[^a-z]", "", re.split("[#/]", text(entity.get("propertyID")) or text(entity.get("name")))[-1].lower())
        unit = re.split("[#/]", text(entity.get("unitCode")) or text(entity.get("unitText")))[-1].lower()
        quantity = _QUANTITIES.get(named.removeprefix("opt"))
        value = _number(text(entity.get("value")))
        if quantity and value is not None and unit in _UNITS:
            found.setdefault(quantity, value * _UNITS[unit])
    memory, read, written = (int(found[k]) if k in found else None for k in ("memory", "read", "written"))
    place = graph.place(action) if found or seconds is not None else None
    return Used(found.get("seconds", seconds), found.get("cpu_seconds"), memory or None, read, written, place=place)


def _number(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\d{1,20}(\.\d{1,12})?", value) else None
