"""What is known of each image that a run named: its content, where it can be had by digest, what it was built from?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

from probes.containers import EngineImage, ImageFacts, ImageIdentity, Level, Reference, SifImage
from reports.archive.known import Known
from reports.archive.names import place
from reports.archive.recipe import RecipeImage
from reports.judging.imagefacts import facts
from reports.judging.ladder import same

AGREES = frozenset({Level.BYTE_SAME, Level.SAME_IMAGE, Level.SAME_LAYERS})
MOST = 200


def images(known: Known) -> tuple[RecipeImage, ...]:
    """One entry a reference that a replay must have, in the order of the script."""
    found = known.references.references if known.references else ()
    texts = {text for r in found for text in (r.text, r.resolved) if text}
    made: dict[str, RecipeImage] = {}
    for reference in found:
        text = reference.resolved or reference.text
        if text not in made and _needed(reference, texts, known) and len(made) < MOST:
            made[text] = _image(reference, text, known)
    return (*made.values(), *_around(known, set(made)))


def _around(known: Known, named: set[str]) -> Iterator[RecipeImage]:
    """The image file that the script itself was started in, when its content is known: no script names that one."""
    for ran in known.ran.images:
        if ran.how == "inside" and ran.runtime == "apptainer" and ran.image.file and ran.typed not in named:
            digest = ran.image.file.removeprefix("sha256:")
            yield RecipeImage(
                ran.runtime, ran.typed, "file", sha256=digest, facts=replace(ran.image, reference=ran.typed), whole=True
            )
            return


def _whole(reference: Reference, known: Known) -> bool:
    """Pyxis starts the batch script itself in the image that `sbatch` was given, by option or directive."""
    if reference.runtime != "pyxis" or reference.file:
        return False
    lines = (known.submission.script_text if known.submission else known.job.script).splitlines()
    return reference.line == 0 or (reference.line <= len(lines) and lines[reference.line - 1].startswith("#SBATCH"))


def _needed(reference: Reference, texts: set[str], known: Known) -> bool:
    """Not what the job makes itself out of another image or a recipe, nor what a branch or a switch left out."""
    if reference.transport in ("instance", "recipe") or reference.enabled == "no" or reference.origin in texts - {""}:
        return False
    ran = {i.typed for i in known.ran.images}
    return reference.sure or not ran or bool(ran & {reference.text, reference.resolved})


def _image(reference: Reference, text: str, known: Known) -> RecipeImage:
    seen = _identity(reference, known)
    made = _made_of(reference, text, known)
    sif = file_image(text, seen.sha256 if seen else "", known) if reference.transport == "file" else made
    engine = _engine(text, seen, known)
    whole = _asked(reference, text, known, _merged(text, _candidates(reference, text, known, seen, sif, engine)))
    return RecipeImage(
        runtime=reference.runtime,
        reference=text,
        transport=reference.transport,
        sha256=(seen.sha256 if seen else "") or (sif.file_sha256 if sif else ""),
        image_id=(seen.image_id if seen else "") or (engine.image_id if engine else ""),
        pull=_pull(reference, whole, engine),
        facts=whole,
        typed=reference.text if "$" in reference.text else "",
        made=made.path if made else "",
        whole=_whole(reference, known),
    )


def _made_of(reference: Reference, text: str, known: Known) -> SifImage | None:
    """The file that the job made of this image and then ran, as it lay there when the job was over."""
    named = known.references.references if known.references and reference.action == "fetch" else ()
    files = [r.resolved or r.text for r in named if r.transport == "file" and r.origin in (text, reference.text)]
    return next((sif for file in files if (sif := file_image(file, "", known))), None)


def _identity(reference: Reference, known: Known) -> ImageIdentity | None:
    found = known.identities.images if known.identities else ()
    return next((i for i in found if i.reference in (reference.resolved, reference.text)), None)


def file_image(text: str, sha256: str, known: Known) -> SifImage | None:
    """What was read in the image file of this name, as long as it was the one the job saw."""
    where = place(text, known.root)
    return next(
        (s for s in known.sif_images.images if place(s.path, known.root) == where and sha256 in ("", s.file_sha256)), None
    )


def _engine(text: str, seen: ImageIdentity | None, known: Known) -> EngineImage | None:
    """What the engine said under this name, unless the job saw another image there: then the tag had moved."""
    identity = seen.image_id if seen else ""
    return next((i for i in known.engine_images.images if i.reference == text and identity in ("", i.image_id)), None)


def _candidates(
    reference: Reference,
    text: str,
    known: Known,
    seen: ImageIdentity | None,
    sif: SifImage | None,
    engine: EngineImage | None,
) -> Iterator[ImageFacts]:
    """What ran first, then what was seen in the job, then what was there before it."""
    for ran in known.ran.images:
        if ran.typed in (text, reference.text):
            yield ran.image
    yield from (facts(value) for value in (seen, sif, engine) if value)


def _asked(reference: Reference, text: str, known: Known, whole: ImageFacts) -> ImageFacts:
    """With what a registry says today, where that is surely the same image; a tag may have moved since."""
    if reference.digest and not whole.index and not whole.manifest:
        whole = replace(whole, manifest=reference.digest, source="; ".join(filter(None, (whole.source, "the name as written"))))
    for told in known.registries.images if known.registries else ():
        if told.reference in (text, reference.text) and told.state == "there" and same(whole, told.image).level in AGREES:
            whole = _with(whole, told.image)
    return whole


def _merged(text: str, candidates: Iterator[ImageFacts]) -> ImageFacts:
    """The first one, and of the others what it does not say, where they are surely the same image."""
    whole = next(candidates, ImageFacts(text))
    for other in candidates:
        bare = not _says_something(whole)
        if bare or same(whole, other).level in AGREES or _only_more(whole, other):
            whole = _with(whole, other)
    return replace(whole, reference=text)


def _with(whole: ImageFacts, other: ImageFacts) -> ImageFacts:
    return replace(whole, **{f.name: getattr(other, f.name) for f in fields(other) if not getattr(whole, f.name)})


_CONTENT = ("index", "manifest", "config", "diff_ids", "file", "partition", "tree")


def _says_something(one: ImageFacts) -> bool:
    return any(getattr(one, name) for name in _CONTENT)


def _only_more(one: ImageFacts, other: ImageFacts) -> bool:
    """Both were seen in one run under one name, and nothing that both say differs (a missing fact is no difference)."""
    return all(not getattr(one, n) or not getattr(other, n) or getattr(one, n) == getattr(other, n) for n in _CONTENT)


def _pull(reference: Reference, whole: ImageFacts, engine: EngineImage | None) -> str:
    """`NAME@sha256:…` that a registry answers with exactly this image."""
    name = f"{reference.registry}/{reference.name}" if reference.registry else reference.name
    digest = reference.digest
    if not digest and reference.transport == "docker":
        digest = whole.index or ("" if engine else whole.manifest)
    if digest:
        return f"{name}@{digest}"
    return _noted(name, engine.repo_digests) if engine else ""


def _noted(name: str, digests: Sequence[str]) -> str:
    """The engine's own note, for the repository that the script names before others."""
    return next((d for d in digests if d.partition("@")[0] == name), next(iter(digests), ""))
