"""What do the pictures show? Attempts, resources, drift and lineage, computed once so that formats compute nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence

from auditor.campaign import Campaign, Link
from auditor.model import Fact, Phase
from auditor.scorecard import Edge, Gauge, Node, Span, Story
from probes.data import DataFile, DataManifest
from probes.kernel import KernelAccounting
from probes.schedulers import Attempt, JobAccounting
from reports.judging.drift import drift
from reports.judging.record import Record

MAX_FILES = 12
"""Files drawn on each side of the run; a picture with more is a hairball."""
MAX_LINKS = 24


def story(seen: Record) -> Story:
    accounting, kernel = seen.value(JobAccounting, Phase.LATER), seen.value(KernelAccounting, Phase.END)
    changes, state = drift(seen)
    nodes, edges = lineage(seen)
    return Story(
        attempts=tuple(_span(a) for a in accounting.value.attempts) if accounting else (),
        gauges=gauges(accounting, kernel) if accounting else (),
        drift=changes,
        drift_state=state,
        nodes=nodes,
        edges=edges,
    )


def _span(a: Attempt) -> Span:
    return Span(f"attempt {a.number + 1}", a.state, a.eligible or a.submitted, a.started, a.ended, a.number)


def gauges(accounting: Fact[JobAccounting], kernel: Fact[KernelAccounting] | None) -> tuple[Gauge, ...]:
    """Cores (used: mean busy), memory, time, GPUs; `source` names the rung each number came from."""
    a = accounting.value
    rung = next(iter(sorted(set(a.rungs.values()))), accounting.source)
    cores = a.used_cpus if a.used_cpus is not None else a.asked_cpus
    busy = a.used_cpu_seconds / a.used_seconds if a.used_cpu_seconds is not None and a.used_seconds else None
    peak, peak_from = memory_peak(accounting, kernel)
    rows = (
        Gauge("cores", "core", _float(cores), busy, a.rungs.get("used_cpu_seconds", rung)),
        Gauge("memory", "byte", _float(a.asked_memory), _float(peak), peak_from or a.rungs.get("asked_memory", rung)),
        Gauge("time", "s", _float(a.asked_seconds), a.used_seconds, a.rungs.get("used_seconds", rung)),
        Gauge("gpus", "gpu", _float(a.asked_gpus), None, a.rungs.get("asked_gpus", rung)),
    )
    return tuple(g for g in rows if (g.asked, g.used) != (None, None) and (g.name != "gpus" or g.asked))


def memory_peak(accounting: Fact[JobAccounting], kernel: Fact[KernelAccounting] | None) -> tuple[int | None, str]:
    """The larger of the sampled and the kernel's own peak (bytes), and where it came from."""
    sampled = accounting.value.used_memory
    counted = kernel.value.memory_peak if kernel and kernel.value.scope == "job" else None
    if counted is not None and counted >= (sampled or 0):
        return counted, "kernel"
    return sampled, accounting.value.rungs.get("used_memory", accounting.source) if sampled is not None else ""


def lineage(seen: Record) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Runs and the files between them from the campaign; this run's own inputs and outputs from its manifest."""
    campaign, files = seen.value(Campaign, Phase.LATER), seen.value(DataManifest, Phase.LATER)
    me = campaign.value.run_id if campaign else "this"
    nodes = {me: Node(me, "this-run", "this run")}
    edges: dict[Edge, None] = {}
    for link in _near(campaign.value) if campaign else ():
        _draw(link, campaign.value if campaign else None, nodes, edges)
    for role, own in (("input", _inputs(seen)), ("output", _of(files.value, "output") if files else [])):
        for f in own[:MAX_FILES]:
            _own(f, me, role, own, nodes, edges)
    for known in files.value.datasets[:MAX_FILES] if files else ():
        if known.digest:
            nodes.setdefault(known.digest, Node(known.digest, "dataset", f"{known.dataset} {known.version}".rstrip()))
            edges[Edge(known.digest, me)] = None
    return tuple(nodes.values()), tuple(edges)


def _of(manifest: DataManifest, role: str) -> list[DataFile]:
    return [f for f in manifest.files if f.role == role and f.sha256]


def _inputs(seen: Record) -> list[DataFile]:
    """As they were found after the run; what was written over meanwhile as it was before."""
    after = seen.value(DataManifest, Phase.LATER)
    if after is None:
        return []
    before = seen.value(DataManifest, Phase.START) or seen.value(DataManifest, Phase.SUBMIT)
    over = {s.path for s in after.value.skipped if s.role == "input" and s.reason.startswith("written-")}
    return _of(after.value, "input") + ([f for f in _of(before.value, "input") if f.path in over] if before else [])


def _own(f: DataFile, me: str, role: str, own: Sequence[DataFile], nodes: dict[str, Node], edges: dict[Edge, None]) -> None:
    """A file of this run: the one that other runs know, where it has that name; else one beside it, of equal content."""
    name = os.path.basename(f.path)
    known = nodes.get(f.sha256)
    key = f.sha256 if known is None or known.label == name else f"{f.sha256}-{f.path}"
    nodes.setdefault(key, Node(key, "file", name))
    edges[Edge(key, me) if role == "input" else Edge(me, key)] = None
    across = Edge(me, f.sha256)
    if known and key != f.sha256 and across in edges and not any(_named(o, f.sha256, known.label) for o in own):
        del edges[across]  # another run reads a copy of what this one made
        edges[Edge(key, f.sha256)] = None


def _named(f: DataFile, sha256: str, name: str) -> bool:
    return f.sha256 == sha256 and os.path.basename(f.path) == name


def _near(campaign: Campaign) -> list[Link]:
    """This run's own links first, then the others, up to what a picture bears."""
    mine = [k for k in campaign.links if campaign.run_id in (k.source, k.target)]
    return [*mine, *(k for k in campaign.links if k not in set(mine))][:MAX_LINKS]


def _draw(link: Link, campaign: Campaign | None, nodes: dict[str, Node], edges: dict[Edge, None]) -> None:
    names = {s.run_id: f"{s.name or 'run'} {s.job_id}" for s in campaign.siblings} if campaign else {}
    for run in (link.source, link.target):
        nodes.setdefault(run, Node(run, "run", names.get(run, run[:8])))
    nodes.setdefault(link.sha256, Node(link.sha256, "file", os.path.basename(link.path)))
    edges[Edge(link.source, link.sha256)] = None
    edges[Edge(link.sha256, link.target)] = None


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)
