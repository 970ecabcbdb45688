"""Which ways lead back to a run's images: by digest, by file, by recipe, by a tag? Pure; each with its evidence and what to paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.model import Fact
from auditor.scorecard import Way
from probes.containers import (
    ContainerIdentities,
    ContainerReferences,
    EngineImages,
    Reference,
    RegistryImages,
    SifImages,
)
from reports.judging import naming
from reports.judging.amounts import line, some, words
from reports.judging.imagefacts import facts as identifying
from reports.judging.recipes import beside, loose, stages
from reports.judging.traces import called, content, traces

Best = Mapping[str, Fact[Any]]
"""The best look at each kind of evidence, by its name."""
ONE_FILE = ("file", "directory", "instance", "recipe")
"""Transports that name no tag of a registry."""


@dataclass(frozen=True)
class _Digest:
    """An image that can be asked for by content. pull: the reference to pull; empty: only a file has it."""

    name: str
    runtime: str
    digest: str
    pull: str
    cites: tuple[str, ...]


def image_ways(every: Sequence[Fact[Any]], best: Best) -> Iterator[Way]:
    known = _digests(every, best)
    registry = _value(best, RegistryImages)
    files = _value(best, SifImages)
    sealed = frozenset(f"sha256:{f.file_sha256}" for f in files.value.images if f.encrypted) if files else frozenset()
    for image in known:
        yield _image(image, registry, sealed)
    yield from _recipes(files)
    named = _value(best, ContainerReferences)
    pinned = {image.name for image in known}
    run = [r for r in naming.on(named.value) if r.action == "run" or not known] if named else []
    tags = [r for r in run if not r.digest and r.transport not in ONE_FILE]
    yield from _tags([r for r in tags if not {r.text, r.resolved} & pinned], named, _value(best, EngineImages))
    typed = {text for r in tags for text in (r.text, r.resolved)}
    lost = [(one, cite) for one, cite in traces(every) if not content(identifying(one)) and one.typed not in typed]
    if lost:
        said = f"{some(called(one) for one, _ in lost)}: which content it had is not known"
        yield Way("image-by-tag", "partial", said, "", tuple(dict.fromkeys(cite for _, cite in lost)))


def _tags(
    loose: Sequence[Reference], named: Fact[ContainerReferences] | None, engine: Fact[EngineImages] | None
) -> Iterator[Way]:
    """Only by a tag; and those that only the machine's own engine has."""
    local = {i.reference for i in engine.value.images if not i.repo_digests} if engine else set()
    here = [r for r in loose if {r.text, r.resolved} & local]
    there = [r for r in loose if r not in here]
    if here and engine:
        said = f"{some(r.text for r in here)}: only this machine's engine has it, it was never pushed to a registry"
        push = f"{here[0].runtime or 'docker'} push {words([here[0].resolved or here[0].text])}"
        yield Way("image-by-tag", "partial", said, push, (engine.evidence_id,))
    if there and named:
        said = f"{some(r.text for r in there)}: by a tag that can be moved"
        pull = f"docker pull {words([_plain(there[0])])}" if there[0].transport in ("docker", "") else ""
        yield Way("image-by-tag", "partial", said, pull, (named.evidence_id,))


def _plain(ref: Reference) -> str:
    """As engines and registries spell it: without `docker://`, and with `/` after the registry where pyxis has `#`."""
    return (ref.resolved or ref.text).removeprefix("docker://").replace("#", "/", 1)


def _value(best: Best, kind: type) -> Fact[Any] | None:
    return best.get(kind.__name__)


def _digests(every: Sequence[Fact[Any]], best: Best) -> tuple[_Digest, ...]:
    """Each image once, from the trace that says most: what ran, else what was identified at start, else what scripts pin."""
    found: dict[str, _Digest] = {}
    for image in (*_ran(every), *_seen(best), *_typed(_value(best, ContainerReferences))):
        found.setdefault(image.name, image)
    return tuple({image.digest: image for image in reversed(found.values())}.values())[::-1]


def _ran(every: Sequence[Fact[Any]]) -> Iterator[_Digest]:
    for one, cite in traces(every):
        i = one.image
        digest = i.manifest or i.index
        if digest:
            yield _Digest(called(one), one.runtime, digest, _by_digest(i.reference or one.typed, digest), (cite,))
        elif i.file:
            yield _Digest(called(one), one.runtime, i.file, "", (cite,))


def _seen(best: Best) -> Iterator[_Digest]:
    identities, engine, files = (_value(best, kind) for kind in (ContainerIdentities, EngineImages, SifImages))
    for image in engine.value.images if engine else ():
        for repo in image.repo_digests[:1]:
            yield _Digest(image.reference, image.engine, repo.rpartition("@")[2], repo, (engine.evidence_id,))  # type: ignore[union-attr]
    for i in identities.value.images if identities else ():
        if i.sha256:
            yield _Digest(i.reference, "apptainer", f"sha256:{i.sha256}", "", (identities.evidence_id,))  # type: ignore[union-attr]
    for file in files.value.images if files else ():
        if file.file_sha256:
            yield _Digest(file.path, "apptainer", f"sha256:{file.file_sha256}", "", (files.evidence_id,))  # type: ignore[union-attr]


def _typed(fact: Fact[ContainerReferences] | None) -> Iterator[_Digest]:
    for r in naming.on(fact.value) if fact else ():
        if r.digest and fact:
            name = "/".join(part for part in (r.registry, r.name) if part)
            yield _Digest(r.text, r.runtime, r.digest, f"{name}@{r.digest}", (fact.evidence_id,))


def _by_digest(reference: str, digest: str) -> str:
    name = reference.rpartition("://")[2].split("@")[0]
    head, colon, tag = name.rpartition(":")
    return f"{head if colon and '/' not in tag else name}@{digest}"


def _image(image: _Digest, registry: Fact[RegistryImages] | None, sealed: frozenset[str] = frozenset()) -> Way:
    """sealed: digests of encrypted image files."""
    told = next((r for r in registry.value.images if _about(r.reference, image)), None) if registry else None
    said = image.name if image.digest in image.name else f"{image.name} = {image.digest[:19]}…"
    if not image.pull:
        how = f"sha256sum {words([image.name])}   # must give {image.digest.removeprefix('sha256:')[:12]}…; deposit the file"
        if image.digest in sealed:
            return Way("image-file", "partial", f"{said}: encrypted, so the file is of use only with its key", how, image.cites)
        return Way("image-file", "recorded", f"{said}: whoever has this file has the environment", how, image.cites)
    engine = "apptainer pull docker://" if image.runtime in ("apptainer", "singularity") else f"{image.runtime or 'docker'} pull "
    how = engine + words([image.pull])
    if told is None or registry is None:
        return Way("image-by-digest", "recorded", f"{said}; no registry was asked whether it is still there", how, image.cites)
    cites = (*image.cites, registry.evidence_id)
    state = told.by_digest or (told.state if image.digest in (told.image.manifest, told.image.index) else "")
    if state == "there":
        return Way("image-by-digest", "confirmed", f"{said}; the registry has it", how, cites)
    if state == "gone":
        return Way("image-by-digest", "lost", f"{said}; the registry has it no more", how, cites)
    return Way(
        "image-by-digest", "recorded", f"{said}; the registry did not tell ({line(told.reason or told.state)})", how, cites
    )


def _about(reference: str, image: _Digest) -> bool:
    return (
        reference == image.name
        or reference.rpartition("@")[2] == image.digest
        or reference.rpartition("://")[2] == image.name.rpartition("://")[2]
    )


def _recipes(files: Fact[SifImages] | None) -> Iterator[Way]:
    for file in files.value.images if files else ():
        if file.definition and files:
            bases = [stage.base or stage.bootstrap for stage in stages(file)]
            open_ = loose(file)
            said = f"the definition inside {file.path}{f': {open_}' if open_ else f', from {some(bases)}' if bases else ''}"
            if carried := beside(file):
                said += f"; with {some(carried)} beside it"
            how = f"apptainer inspect --deffile {words([file.path])} > image.def && apptainer build again.sif image.def"
            yield Way("image-recipe", "partial" if open_ else "recorded", said, how, (files.evidence_id,))
