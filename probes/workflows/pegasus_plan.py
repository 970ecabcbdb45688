"""What was Pegasus asked to do? The braindump, the abstract workflow and the catalogs: jobs with their files and profiles, containers with checksums.

https://pegasus.isi.edu/documentation/reference-guide/catalogs.html, https://pegasus.isi.edu/documentation/development/schemas.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.records.lines import one_line
from probes.workflows import Asked, Digest, Environment, Place

MAX_JOBS = 100_000
_MIB = 1 << 20


@dataclass(frozen=True)
class Planned:
    """One abstract job. uses: (logical name, `input` or `output`); nested: it is a workflow itself."""

    id: str
    transformation: str
    uses: tuple[tuple[str, str], ...]
    asked: Asked
    nested: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Abstract:
    name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Planned] = field(default_factory=dict)


def abstract(document: Any) -> Abstract:
    """Of `workflow.yml`, read with every scalar as text."""
    top = _map(document)
    jobs: dict[str, Planned] = {}
    for job in _list(top.get("jobs"))[:MAX_JOBS]:
        about = _map(job)
        name = _text(about.get("name")) or _text(about.get("file"))
        full = "::".join(p for p in (_text(about.get("namespace")), name) if p)
        version = _text(about.get("version"))
        uses = tuple(_uses(about))
        planned = Planned(
            _text(about.get("id")),
            f"{full}:{version}" if version else full,
            uses,
            _asked(_map(_map(about.get("profiles")).get("pegasus")), _map(_map(about.get("profiles")).get("condor"))),
            _text(about.get("type")) in {"pegasusWorkflow", "condorWorkflow"},
            _texts(about.get("metadata")),
        )
        jobs.setdefault(planned.id, planned)
    return Abstract(_text(top.get("name")), _texts(top.get("metadata")), jobs)


def _uses(job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for use in _list(job.get("uses"))[:10_000]:
        role = _text(_map(use).get("type"))
        if lfn := _text(_map(use).get("lfn")):
            yield lfn, "output" if role == "output" else "input"


def _asked(pegasus: Mapping[str, Any], condor: Mapping[str, Any]) -> Asked:
    """The profiles `pegasus` (memory and disk in MB, runtime in seconds) and, of `condor`, the requests."""
    memory = _number(pegasus.get("memory") or condor.get("request_memory"))
    disk = _number(pegasus.get("diskspace"))
    nodes, ranks = _number(pegasus.get("nodes")), _number(pegasus.get("ppn"))
    return Asked(
        cpus=_number(pegasus.get("cores") or condor.get("request_cpus")),
        gpus=_number(pegasus.get("gpus") or condor.get("request_gpus")),
        memory=int(memory * _MIB) if memory is not None else None,
        disk=int(disk * _MIB) if disk is not None else None,
        seconds=_number(pegasus.get("runtime") or pegasus.get("maxwalltime")),
        nodes=int(nodes) if nodes is not None else None,
        tasks=int(ranks * (nodes or 1)) if ranks is not None else None,
        partition=_text(pegasus.get("queue")),
    )


def containers(document: Any, path: str) -> dict[str, Environment]:
    """Transformation → the container declared for it, of a transformation catalog (or the part of a workflow that is one)."""
    top = _map(document)
    known = {_text(_map(c).get("name")): _map(c) for c in _list(top.get("containers"))[:10_000]}
    found: dict[str, Environment] = {}
    for entry in _list(top.get("transformations"))[:MAX_JOBS]:
        about = _map(entry)
        full = "::".join(p for p in (_text(about.get("namespace")), _text(about.get("name"))) if p)
        names = [full, f"{full}:{_text(about.get('version'))}"] if about.get("version") else [full]
        for site in _list(about.get("sites"))[:100]:
            container = known.get(_text(_map(site).get("container")))
            if container:
                place = Place(path, f"containers, name {_text(container.get('name'))}")
                image = _text(container.get("image"))
                for name in names:
                    found.setdefault(
                        name, Environment("container", image, declared=place, digests=tuple(_digests(container, image)))
                    )
    return found


def _digests(container: Mapping[str, Any], image: str) -> Iterator[Digest]:
    for algorithm, value in _texts(container.get("checksum")).items():
        if re.fullmatch("[0-9a-fA-F]{32,128}", value):
            yield Digest(algorithm, value.lower())
    if pinned := re.search("@sha256:([0-9a-f]{64})", image):
        yield Digest("sha256", pinned[1])


def braindump(document: Any) -> dict[str, str]:
    """All of its values, as text."""
    return _texts(document)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return one_line(value, 2000) if isinstance(value, str) else ""


def _texts(value: Any) -> dict[str, str]:
    return {one_line(str(k), 200): _text(v) for k, v in list(_map(value).items())[:1000] if isinstance(v, str)}


def _number(value: Any) -> float | None:
    text = _text(value)
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,6})?", text) else None
