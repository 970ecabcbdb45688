"""Of which parts did the run's environment consist, for programs that read parts lists? One CycloneDX 1.6 document over all ecosystems.

ECMA-424 (CycloneDX 1.6), JSON. A list says what was there; it rebuilds nothing: the bundle's locks do. It is made from evidence, because
a scorecard holds only the beginning of long lists. Same evidence, same bytes: the serial number is made of the content.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from auditor import __version__
from auditor.model import AuditError, Evidence, Fact, Job, Status
from auditor.scorecard import Format, ImageSeen, PartsList, Scorecard
from probes.packages import PythonPackages
from probes.python.distributions import normal
from probes.software import Component
from reports.formats.clean import line
from reports.formats.purl import image as image_purl
from reports.formats.purl import purl
from reports.judging.card import run_card
from reports.judging.known import kinds, known
from reports.judging.outside import outside
from reports.judging.record import Record, record
from reports.judging.software import Key, components, key
from reports.judging.surroundings import surroundings

MOST = 50_000
"""Components of one document; what is left out is said in its properties."""
TYPES = {
    "interpreter": "platform",
    "compiler": "application",
    "kernel": "operating-system",
    "driver": "device-driver",
    "cuda": "framework",
    "rocm": "framework",
    "module": "application",
}
"""Ecosystem -> component type; everything else is a library."""
ALGORITHMS = {"sha256": ("SHA-256", 64), "sha512": ("SHA-512", 128), "sha1": ("SHA-1", 40), "md5": ("MD5", 32)}
NAMESPACE = uuid.UUID("6f1d2c3a-4e5b-5a69-8d7c-0b1a2c3d4e5f")
HOST = {"scope": "host"}
"""Property of what was seen on the host while the run's work was done in an image."""
SHARED = ("kernel", "driver")
"""Of the host, and the run stands on them all the same."""
Node = dict[str, Any]


def sbom(job: Job, evidence: Sequence[Evidence]) -> bytes:
    """The document, canonical JSON with sorted keys and two spaces, one line break at the end."""
    seen = record(evidence, job.attempt)
    facts = known(seen)
    parts, host = components(facts), outside(facts)
    release = next((fact.value.release for fact in facts if hasattr(fact.value, "release")), "")
    images = [_image(i) for i in surroundings(seen, facts).images]
    system = [_system(release, bool(host))] if release else []
    nodes = _once([*images, *system, *(_part(p, release, host) for p in parts[:MOST])])
    run = _run(job, seen, len(parts) - MOST)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": run,
            "tools": {"components": [{"type": "application", "name": "run-auditor", "version": __version__}]},
        },
        "components": nodes,
        "dependencies": _dependencies(run["bom-ref"], nodes, parts, facts, host),
        "compositions": [{"aggregate": _completeness(evidence), "assemblies": [run["bom-ref"]]}],
    }
    text = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(NAMESPACE, text)}"
    return (json.dumps(document, sort_keys=True, indent=2) + "\n").encode("ascii")


def _run(job: Job, seen: Record, more: int) -> Node:
    card = run_card(job, seen)
    told = {"job": card.job_id, "cluster": card.cluster, "started": card.started_at, "left-out": str(more) if more > 0 else ""}
    return _node("application", card.name or "batch job", "", f"run:{job.run_id}", told)


def _image(seen: ImageSeen) -> Node:
    digests = dict(text.split(" ", 1) for text in seen.digests)
    asked = digests.get("manifest") or digests.get("index") or ""
    told = {**digests, "seen": seen.how, "runtime": seen.runtime, "platform": seen.platform}
    content = next((digests[name] for name in ("manifest", "file", "config", "index", "layers") if name in digests), "")
    node = _node("container", seen.name, content, f"image:{seen.name}", told)
    hashes = _hashes(*(digests[name] for name in ("file", "manifest", "index") if name in digests))
    url = image_purl(seen.name, asked)
    lists = [_parts_list(seen.name, one) for one in seen.parts]
    return {
        **node,
        **({"hashes": hashes[:1]} if hashes else {}),
        **({"purl": url} if url else {}),
        **({"externalReferences": lists} if lists else {}),
    }


def _parts_list(image: str, one: PartsList) -> Node:
    """A list that the image brings along is referred to and not copied: it says what its maker meant, and nobody compared it."""
    name = line(one.name, 200) or "unnamed"
    where = f"{quote(line(image, 500), safe='/:@')}#{quote(name, safe='')}"
    said = f"kept inside the image as {name}, {one.format or 'of no known format'}, {one.size} bytes; not compared with the image"
    hashes = _hashes(one.digest)
    return {"type": "bom", "url": where, "comment": said, **({"hashes": hashes} if hashes else {})}


def _system(release: str, host: bool) -> Node:
    name, _, version = release.partition(" ")
    return _node("operating-system", name, version, f"system:{release}", HOST if host else {})


def _part(part: Component, release: str, host: Collection[Key]) -> Node:
    told = {"ecosystem": part.ecosystem, "detail": part.detail, "origin": part.origin, **(HOST if key(part) in host else {})}
    node = _node(TYPES.get(part.ecosystem, "library"), part.name, part.version, _ref(part), told)
    hashes = _hashes(part.digest)
    return {**node, **({"hashes": hashes} if hashes else {}), "purl": purl(part, release)}


def _node(kind: str, name: str, version: str, ref: str, told: Mapping[str, str]) -> Node:
    properties = [{"name": f"auditor:{key}", "value": line(value, 2000)} for key, value in sorted(told.items()) if value]
    found: Node = {"type": kind, "name": line(name, 500) or "unnamed", "bom-ref": line(ref, 1000)}
    return {**found, **({"version": line(version, 500)} if version else {}), **({"properties": properties} if properties else {})}


def _ref(part: Component) -> str:
    return f"{part.ecosystem}:{part.name}@{part.version}"


def _hashes(*digests: str) -> list[dict[str, str]]:
    found = []
    for digest in digests:
        name, _, content = digest.partition(":")
        algorithm, length = ALGORITHMS.get(name, ("", 0))
        if algorithm and len(content) == length and not content.strip("0123456789abcdef"):
            found.append({"alg": algorithm, "content": content})
    return found


def _once(nodes: Iterable[Node]) -> list[Node]:
    """By their reference: two that read alike once cleaned are one."""
    return list({node["bom-ref"]: node for node in nodes}.values())


def _dependencies(
    run: str, nodes: Sequence[Node], parts: Sequence[Component], facts: Iterable[Fact[Any]], host: Collection[Key]
) -> list[Node]:
    """The run stands on its images and on what it had beside them; the operating system is made of its packages.

    What is the host's only belongs to the host's system, or to nothing where that is not known.

    Of Python's packages those that were asked for by name, where the installer noted it.
    """
    python = [f.value for f in facts if isinstance(f.value, PythonPackages)]
    asked = {normal(p.name) for found in python for p in found.packages if p.requested}
    theirs = {line(_ref(p), 1000) for p in parts if key(p) in host and p.ecosystem not in SHARED}
    under = theirs | {line(_ref(p), 1000) for p in parts if p.ecosystem in ("deb", "rpm")}
    later = {line(_ref(p), 1000) for p in parts if p.ecosystem == "pypi" and asked and p.name not in asked}
    refs = [node["bom-ref"] for node in nodes]
    system = next((ref for ref in refs if ref.startswith("system:")), "")
    direct = sorted(ref for ref in refs if ref not in later and ref not in theirs and (not system or ref not in under))
    rows: list[Node] = [{"ref": run, "dependsOn": direct}]
    if system and (own := sorted(ref for ref in refs if ref in under)):
        rows.append({"ref": system, "dependsOn": own})
    return rows


def _completeness(evidence: Iterable[Evidence]) -> str:
    """`incomplete` where a look failed; else `unknown`: nobody can promise that nothing else was there."""
    looked = {kind.__name__ for kind in kinds()}
    return "incomplete" if any(e.kind in looked and e.status is Status.FAILED for e in evidence) else "unknown"


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard holds only the beginning of the lists of software",
        f"auditor report {card.run.job_id or 'RUN'} --format cyclonedx",
    )


FORMAT = Format("cyclonedx", ".cdx.json", render, "application/vnd.cyclonedx+json", of_evidence=sbom)
