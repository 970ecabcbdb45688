"""Is each image named so that it cannot move, and did it stay what it was? Judges of tip 7 about names."""

from __future__ import annotations

from auditor.model import Fact, Verdict
from probes.containers import (
    ContainerIdentities,
    ContainerReferences,
    EngineImages,
    ImageFacts,
    Level,
    RanImages,
    Reference,
    RegistryImages,
)
from reports.judging import naming
from reports.judging.amounts import line, some, words
from reports.judging.imagefacts import facts
from reports.judging.ladder import same
from reports.judging.moved import RUNS_ALIKE, moved
from reports.judging.traces import both
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

FILES = ("file", "directory", "instance")
ASK = "auditor config ask_registries true, then auditor sweep: the registry is asked what the name means today"


def _pinned(ref: Reference, engine: Fact[EngineImages] | None = None, ran: ImageFacts | None = None) -> str:
    """The reference to type instead, by digest where the engine knows one, or what ran was seen to have one."""
    if ref.transport == "library":
        return f"library://{words([ref.name])}:sha256.DIGEST"
    scheme = ("oras://" if ref.transport == "oras" else "docker://") if ref.runtime == "apptainer" else ""
    for image in engine.value.images if engine else ():
        if image.reference in (ref.text, ref.resolved) and image.repo_digests:
            return scheme + words(image.repo_digests[:1])
    slash = "#" if ref.runtime in ("pyxis", "enroot") else "/"
    name = slash.join(part for part in (ref.registry, ref.name) if part) or ref.text
    digest = (ran.index or ran.manifest) if ran and ref.transport == "docker" else ""
    return scheme + words([f"{name}@{digest or 'sha256:DIGEST'}"])


def _instead(ref: Reference, pinned: str) -> str:
    """Where nobody has seen the digest yet: the line that asks for it, which may need no more than the registry's answer."""
    write = f"{pinned}   # line {ref.line}, instead of {line(ref.text)}"
    if "sha256:DIGEST" not in pinned or ref.transport != "docker" or not ref.resolved:
        return write
    source = f"docker://{'/'.join(part for part in (ref.registry, ref.name) if part)}:{ref.tag or 'latest'}"
    return f"skopeo inspect --format '{{{{.Digest}}}}' {words([source])}   # tells the digest\n{write}"


def unpinned_image(
    typed: Fact[ContainerReferences],
    engine: Maybe[EngineImages],
    before: Maybe[RanImages],
    after: Maybe[RanImages],
    at_start: Maybe[ContainerReferences],
) -> Verdict:
    named = at_start if isinstance(at_start, Fact) else typed
    refs = naming.on(named.value)
    if not refs:
        naming.settled(typed, at_start)
        return not_applicable(f"switched off, so nothing runs in it: {some(r.text for r in naming.off(named.value))}", named)
    bare = [r for r in refs if r.transport == "directory"]
    loose = [r for r in refs if not r.digest and r.transport not in FILES]
    if loose:
        ran = both(before, after)
        fix = "\n".join(_instead(r, _pinned(r, known(engine), _then(r, ran, None))) for r in loose[:3])
        moving = [r for r in loose if r.tag in ("", "latest")]
        said = f"{some(r.text for r in loose)}: a tag can be moved to another image at any time"
        return (failed if moving else weak)(said, fix, named)
    if bare:
        fix = f"apptainer build image.sif {words([bare[0].text])}   # one file, with one digest"
        return weak(f"{some(r.text for r in bare)}: an open folder, which anybody may write into", fix, named)
    naming.settled(typed, at_start)
    return passed(f"each by file or digest: {some(r.text for r in refs)}", named)


def moved_image(
    before: Fact[ContainerIdentities], after: Fact[ContainerIdentities], typed: Maybe[ContainerReferences]
) -> Verdict:
    named = known(typed)
    off = naming.names(naming.off(named.value)) - naming.names(naming.on(named.value)) if named else set()
    old, new = ({i.reference: i for i in fact.value.images if i.reference not in off} for fact in (before, after))
    if named and off and not old and not new:
        return not_applicable(f"switched off, so nothing runs in it: {some(sorted(off))}", named)
    both = sorted(old.keys() & new.keys())
    told = {name: moved(old[name], new[name]) for name in both}
    bad = next((name for name in both if told[name].moved), None)
    if bad is not None:
        engine = new[bad].engine
        fix = (
            f"{engine} image inspect --format '{{{{index .RepoDigests 0}}}}' {words([bad])}   # write what this prints instead of the tag"
            if engine
            else f'cp {words([bad])} "images/$(sha256sum {words([bad])} | cut -c1-12).sif"   # and name that file: it does not move'
        )
        return failed(f"{bad} between submission and start {told[bad].why}{_level(told[bad].level)}", fix)
    unknown = [n for n in both if told[n].moved is None] + [n for n, i in new.items() if i.state != "ok"]
    if not both or unknown:
        said = f"not identified both at submission and at start: {some(dict.fromkeys(unknown)) or 'any image'}"
        tag = next((name for name in unknown if name.startswith("docker://") and "@" not in name), "")
        pull = f"; name it by digest, or pull it to a file once: apptainer pull image.sif {words([tag])}" if tag else ""
        raise Unclear(said + pull)
    same_ones = some(f"{n}{_level(told[n].level, told[n].why)}" for n in both)
    return passed(f"the same at submission and at start: {same_ones}", before, after)


def drifted_tag(
    typed: Fact[ContainerReferences],
    before: Maybe[RanImages],
    after: Maybe[RanImages],
    start: Maybe[ContainerIdentities],
    registry: Maybe[RegistryImages],
    at_start: Maybe[ContainerReferences],
) -> Verdict:
    named = at_start if isinstance(at_start, Fact) else typed
    tags = [r for r in naming.on(named.value) if not r.digest and r.transport not in (*FILES, "recipe")]
    if not tags:
        naming.settled(typed, at_start)
        return not_applicable("no image is named by a tag", named)
    if not isinstance(registry, Fact):
        raise Unclear(f"no registry was asked what {tags[0].text} means today{f' ({registry.reason})' if registry else ''}")
    ran = both(before, after)
    today = {i.reference: i for i in registry.value.images}
    open_: list[str] = []
    for ref in tags:
        then, now = _then(ref, ran, start), today.get(ref.text) or today.get(ref.resolved)
        told = same(then, facts(now)) if then and now and now.state == "there" else None
        if now and now.state == "gone":
            still = now.by_digest == "there" and then is not None
            said = f"{ref.text} is no longer in its registry{'; the image that ran is, by its digest' if still else ''}"
            return failed(said, _pinned(ref, ran=then if still else None))
        if told and told.level in (Level.SAME_NAME, Level.DIFFERENT, Level.SAME_LAYERS_OTHER_SETTINGS):
            digest = then.manifest or then.index if then else ""
            fix = f"{_pinned(ref).replace('sha256:DIGEST', words([digest or 'sha256:DIGEST']))}   # line {ref.line}: the image that ran"
            return failed(f"{ref.text} means another image today: {told.why}", fix)
        if told is None or told.level not in (*RUNS_ALIKE, Level.SAME_FILES):
            open_.append(f"{ref.text} ({told.why if told else 'which image ran, or what the name means today, is not known'})")
    if open_:
        raise Unclear(some(open_))
    return passed(
        f"today still the image that ran: {some(r.text for r in tags)}", *(f for f in (known(ran), known(start)) if f), registry
    )


def _then(ref: Reference, ran: Maybe[RanImages], start: Maybe[ContainerIdentities]) -> ImageFacts | None:
    names = {ref.text, ref.resolved}
    seen, identified = known(ran), known(start)
    traces = [facts(r) for r in seen.value.images if {r.typed, r.image.reference} & names] if seen else []
    sightings = [facts(i) for i in identified.value.images if i.reference in names] if identified else []
    return next(iter((*traces, *sightings)), None)


def _level(level: Level, otherwise: str = "") -> str:
    """The rung of the ladder in brackets; where none is proved, what else was held side by side."""
    said = level.replace("-", " ") if level is not Level.UNKNOWN else otherwise
    return f" ({said})" if said else ""
