"""Which images does a page show for a run, how is each known, and what became of it? What ran first, then what was there, then what is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from auditor.model import Fact, Phase
from auditor.scorecard import ImageSeen
from probes.containers import (
    ContainerIdentities,
    ContainerReferences,
    EngineImages,
    ImageFacts,
    ImageIdentity,
    RegistryImages,
    SifImages,
)
from probes.containers.oci import chain_id
from reports.judging.imagefacts import facts as identifying
from reports.judging.imagenotes import file_of, notes, parts
from reports.judging.ladder import same
from reports.judging.moved import moved
from reports.judging.record import Record
from reports.judging.traces import called, traces

DIGESTS = ("manifest", "index", "config", "layers", "file", "partition", "definition", "tree")
"""`layers`: the chain id of all of them (OCI image-spec), the one digest that every store and every conversion leaves as it is."""
Best = dict[str, Fact[Any]]


def images(seen: Record, every: Iterable[Fact[Any]], best: Best) -> Iterator[ImageSeen]:
    told: set[str] = set()
    for one, cite in traces(every):
        name = called(one)
        told |= {name, one.image.reference}
        yield _row(seen, best, ImageSeen(name, one.runtime, one.how, one.evidence, (), "", "", "", (cite,)), identifying(one))
    named = best.get(ContainerReferences.__name__)
    references = named.value.references if named else ()
    runtimes = {text: r.runtime for r in references for text in (r.text, r.resolved)}
    start = seen.value(ContainerIdentities, Phase.START)
    for i in start.value.images if start else ():
        if i.state == "ok" and i.reference not in told:
            told.add(i.reference)
            runtime = i.engine or runtimes.get(i.reference, "")
            row = ImageSeen(i.reference, runtime, "start", i.reason, _ids(i), "", "", "", (start.evidence_id,) if start else ())
            yield _row(seen, best, row, known(best, i))
    for r in references:
        if not {r.text, r.resolved} & told:
            told |= {r.text, r.resolved}
            where = f"line {r.line}{f' of {r.file}' if r.file else ''}" + ("" if r.action == "run" else ", only fetched or built")
            where += f", and {r.engine or 'the engine'} runs no containers here" if r.enabled == "no" else ""
            row = ImageSeen(r.text, r.runtime, "named", where, (), "", "", "", (named.evidence_id,) if named else ())
            yield _row(seen, best, row, known(best, ImageIdentity(r.resolved or r.text, "unknown", "")))


def known(best: Best, i: ImageIdentity) -> ImageFacts:
    """What was identified as the job started; what a file or an engine told at submission, where it is the same one."""
    files, engine = best.get(SifImages.__name__), best.get(EngineImages.__name__)
    for file in files.value.images if files else ():
        same_file = f"uuid:{file.uuid}" == i.image_id and file.size == i.size if i.image_id else _ends(file.path, i.reference)
        if same_file and i.sha256 in ("", file.file_sha256):
            return identifying(file)
    for image in engine.value.images if engine else ():
        if image.reference == i.reference and i.image_id in ("", image.image_id):
            return identifying(image)
    return identifying(i)


def _ends(path: str, reference: str) -> bool:
    return path == reference or path.endswith(f"/{reference.removeprefix('./')}")


def _ids(i: ImageIdentity) -> tuple[str, ...]:
    """An engine's own id says which image it was to that engine, and to nobody else."""
    return (f"id of {i.engine} {i.image_id}",) if i.engine and i.image_id else ()


def _row(seen: Record, best: Best, row: ImageSeen, image: ImageFacts) -> ImageSeen:
    layers = chain_id(image.diff_ids)
    digests = tuple(f"{f} {value}" for f in DIGESTS if (value := layers if f == "layers" else getattr(image, f)))
    today = _today(best.get(RegistryImages.__name__), row.name, image)
    file = file_of(best.get(SifImages.__name__), row.name, image)
    return replace(
        row,
        digests=digests or row.digests,
        platform=image.platform,
        drift=_drift(seen, row.name),
        today=today,
        notes=notes(file),
        parts=parts(file),
    )


def _drift(seen: Record, name: str) -> str:
    """Submission beside start, by the ladder, or by what else was held side by side."""
    before, after = (_identity(seen, phase, name) for phase in (Phase.SUBMIT, Phase.START))
    if before is None or after is None or "ok" not in (before.state, after.state):
        return ""  # neither look identified anything: there is nothing to hold side by side
    found = moved(before, after)
    said = {True: "another one", False: "the same", None: "not known"}[found.moved]
    return f"{said}: {found.why}"


def _identity(seen: Record, phase: Phase, name: str) -> ImageIdentity | None:
    fact = seen.value(ContainerIdentities, phase)
    return next((i for i in fact.value.images if i.reference == name), None) if fact else None


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
