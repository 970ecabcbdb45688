"""In what did the run run? Images with their digests, ways to have it again, what the host let in, and the software that matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from auditor.model import Fact, Phase
from auditor.scorecard import Count, ImageSeen, Software, Surroundings
from probes.containers import (
    ContainerIdentities,
    ContainerReferences,
    EngineImages,
    ImageFacts,
    ImageIdentity,
    RegistryImages,
    SifImages,
)
from probes.software import Component
from reports.judging.imagefacts import facts as identifying
from reports.judging.ladder import same
from reports.judging.leaks import leaks
from reports.judging.ranking import ways
from reports.judging.record import Record
from reports.judging.software import choose, components
from reports.judging.traces import traces

MOST = 40
"""Images, and pieces of software, that a page names; whole lists are in the evidence."""
MATTER = ("interpreter", "blas", "mpi", "libc", "cuda", "rocm", "driver", "compiler", "module", "kernel")
"""Ecosystems whose every piece is named: all results pass through these. The others are counted."""
DIGESTS = ("manifest", "index", "config", "file", "partition", "definition", "tree")


def surroundings(seen: Record, facts: Iterable[Fact[Any]]) -> Surroundings:
    """facts: the current ones of the run."""
    every = tuple(facts)
    best = choose(every)
    parts = components(every)
    counts = Counter(part.ecosystem for part in parts)
    return Surroundings(
        images=tuple(images(seen, every, best))[:MOST],
        ways=ways(every),
        leaks=leaks(every)[:MOST],
        counts=tuple(Count(name, counts[name]) for name in sorted(counts)),
        software=tuple(Software(p.ecosystem, p.name, p.version, p.digest) for p in notable(parts)),
    )


def notable(parts: Iterable[Component]) -> tuple[Component, ...]:
    """The pieces that all results pass through, in the order in which their difference matters."""
    chosen = [part for part in parts if part.ecosystem in MATTER]
    return tuple(sorted(chosen, key=lambda p: (MATTER.index(p.ecosystem), p.name, p.version)))[:MOST]


def images(seen: Record, every: Iterable[Fact[Any]], best: dict[str, Fact[Any]]) -> Iterator[ImageSeen]:
    """What ran first; then what was identified as the job started; then what is only named."""
    named = _of(best, ContainerReferences)
    told: set[str] = set()
    for one, cite in traces(every):
        told |= {one.typed, one.image.reference}
        yield _row(seen, best, one.typed or one.image.reference, one.runtime, one.how, one.evidence, identifying(one), (cite,))
    start = seen.value(ContainerIdentities, Phase.START)
    for i in start.value.images if start else ():
        if i.state == "ok" and i.reference not in told:
            told.add(i.reference)
            yield _row(
                seen, best, i.reference, i.engine, "start", i.reason, known(best, i), (start.evidence_id,) if start else ()
            )
    for r in named.value.references if named else ():
        if not {r.text, r.resolved} & told:
            told |= {r.text, r.resolved}
            read = known(best, ImageIdentity(r.resolved or r.text, "unknown", ""))
            yield _row(
                seen,
                best,
                r.text,
                r.runtime,
                "named",
                f"line {r.line}{f' of {r.file}' if r.file else ''}",
                read,
                (named.evidence_id,) if named else (),
            )


def known(best: dict[str, Fact[Any]], i: ImageIdentity) -> ImageFacts:
    """What was identified as the job started; what a file or an engine told at submission, where it is the same one."""
    own = identifying(i)
    files, engine = _of(best, SifImages), _of(best, EngineImages)
    for file in files.value.images if files else ():
        same_file = f"uuid:{file.uuid}" == i.image_id and file.size == i.size if i.image_id else file.path.endswith(i.reference)
        if same_file and i.sha256 in ("", file.file_sha256):
            return identifying(file)
    for image in engine.value.images if engine else ():
        if image.reference == i.reference and i.image_id in ("", image.image_id):
            return identifying(image)
    return own


def _row(
    seen: Record,
    best: dict[str, Fact[Any]],
    name: str,
    runtime: str,
    how: str,
    trace: str,
    image: ImageFacts,
    cites: tuple[str, ...],
) -> ImageSeen:
    digests = tuple(f"{field} {value}" for field in DIGESTS if (value := getattr(image, field)))
    return ImageSeen(
        name,
        runtime,
        how,
        trace,
        digests,
        image.platform,
        _drift(seen, name),
        _today(_of(best, RegistryImages), name, image),
        cites,
    )


def _drift(seen: Record, name: str) -> str:
    before, after = (_identity(seen, phase, name) for phase in (Phase.SUBMIT, Phase.START))
    if before is None or after is None:
        return ""
    told = same(identifying(before), identifying(after))
    return f"{told.level.replace('-', ' ')}: {told.why}"


def _identity(seen: Record, phase: Phase, name: str) -> ImageIdentity | None:
    fact = seen.value(ContainerIdentities, phase)
    return next((i for i in fact.value.images if i.reference == name and i.state == "ok"), None) if fact else None


def _today(registry: Fact[Any] | None, name: str, image: ImageFacts) -> str:
    told = next((r for r in registry.value.images if r.reference in (name, image.reference)), None) if registry else None
    if told is None:
        return ""
    level = same(image, identifying(told)) if told.state == "there" else None
    said = (
        f"{told.state}"
        + (f" ({told.reason})" if told.reason else "")
        + (f", {level.level.replace('-', ' ')}: {level.why}" if level else "")
    )
    return said + (f"; the digest that ran: {told.by_digest}" if told.by_digest else "")


def _of(best: dict[str, Fact[Any]], kind: type) -> Fact[Any] | None:
    return best.get(kind.__name__)
