"""Is it known how the image was built, and would it be built so again? Judges of tip 7 about recipes."""

from __future__ import annotations

from auditor.model import Fact, Verdict
from probes.containers import EngineImage, EngineImages, SifImage, SifImages, SifStage
from reports.judging import recipes
from reports.judging.amounts import line, some, words
from reports.judging.imagelabels import LABEL, all_looked, labels, sealed
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak


def missing_recipe(sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Verdict:
    files, images = known(sif), known(engine)
    if not files and not images:
        all_looked(sif, engine)
        return not_applicable("no image was there to look into", *(f for f in (files, images) if f))
    bare = [i.path for i in files.value.images if not i.definition] if files else []
    if bare:
        return weak(
            f"no definition inside {some(bare)}", "apptainer build image.sif image.def   # the definition is kept in the image"
        )
    if mute := [i for i in images.value.images if not i.labels.get(f"{LABEL}source")] if images else []:
        own = f'{LABEL}source="$(git remote get-url origin)" --label {LABEL}revision="$(git rev-parse HEAD)"'
        return weak(f"{some(i.reference for i in mute)} does not say where its recipe is kept", _labelled(mute[0], own))
    all_looked(sif, engine)
    told = [f"{name} ({own[LABEL + 'source']})" if own.get(f"{LABEL}source") else name for name, own in labels(sif, engine)]
    return passed(f"the recipe is inside, or where it is kept is told: {some(told)}")


def _labelled(image: EngineImage, told: str) -> str:
    """Where it is somebody else's image, they are the ones to ask."""
    return f"{image.engine} build --label {told} -t {words([image.reference.partition('@')[0]])} .   # where it is built"


def loose_recipe(sif: Fact[SifImages]) -> Verdict:
    """The worst first: a base nobody else has, then what moves, then files that no folder brings along."""
    built = [i for i in sif.value.images if i.definition]
    if not built:
        return not_applicable("no image file has a definition", sif)
    for image in built:
        for stage in recipes.local(image):
            base = stage.base or "an image"
            said = f"{recipes.called(stage, image)} was built from {base} by {stage.bootstrap}: only that machine had it"
            return failed(said, _elsewhere(stage, image))
    for image in built:
        for stage in recipes.mirrored(image):
            said = f"{recipes.called(stage, image)} was built by {stage.bootstrap} from a mirror that changes every day"
            return weak(said, f"MirrorURL: {_mirror(image)}   # a mirror of one day, in the definition of {line(image.path)}")
    for image in built:
        for stage in recipes.moving(image):
            return weak(f"{recipes.called(stage, image)} was built from {stage.base}, which is not pinned", _pin(stage, image))
    for image in built:
        if files := recipes.foreign(image):
            fix = f"cp -r {words(files)} .   # beside the definition of {line(image.path)}, and relative paths in its %files"
            return weak(f"%files of {image.path} copies from the building machine: {some(files)}", fix)
    return passed(f"built from a pinned base: {some(_with_files(i) for i in built)}")


def _with_files(image: SifImage) -> str:
    files = recipes.beside(image)
    return f"{image.path} (with {some(files)}, kept beside the definition)" if files else image.path


def _elsewhere(stage: SifStage, image: SifImage) -> str:
    """Push it where others can have it; an image file goes as it is."""
    push = f"apptainer push {words([stage.base])} oras://REGISTRY/NAME:1\n" if stage.base.endswith(".sif") else ""
    agent = "oras" if push else "docker"
    return f"{push}Bootstrap: {agent}\nFrom: REGISTRY/NAME@sha256:DIGEST   # in the definition of {line(image.path)}"


def _pin(stage: SifStage, image: SifImage) -> str:
    """A registry takes a tag or a digest, not both."""
    name, colon, tag = stage.base.rpartition(":")
    bare = name if colon and "/" not in tag else stage.base
    ask = f"skopeo inspect --format '{{{{.Digest}}}}' {words([f'docker://{stage.base}'])}   # tells the digest\n"
    write = f"From: {line(bare)}@sha256:DIGEST   # in the definition of {line(image.path)}"
    return f"{ask}{write}" if stage.bootstrap == "docker" else write


def _mirror(image: SifImage) -> str:
    """Debian keeps every day; that of the build has the packages that were taken."""
    day = image.created[:10].replace("-", "") or "20260101"
    return f"https://snapshot.debian.org/archive/debian/{day}T000000Z/"


def unknown_base(sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Verdict:
    files, images = known(sif), known(engine)
    bases = {i.path: _base(i) for i in files.value.images} if files else {}
    bases |= {i.reference: i.labels.get(f"{LABEL}base.name", "") for i in images.value.images} if images else {}
    closed = sealed(sif)
    built = {i.reference: i for i in images.value.images} if images else {}
    if bare := [name for name, base in bases.items() if not base and name not in closed]:
        own = f'{LABEL}base.name="$(sed -n "s/^FROM //p" Dockerfile | tail -1)"'
        inside = f"%labels\n    {LABEL}base.name IMAGE   # in the definition of {line(bare[0])}"
        fix = _labelled(built[bare[0]], own) if bare[0] in built else inside
        return weak(f"on which image {some(bare)} stands is not told", fix)
    if dark := [name for name, base in bases.items() if not base]:
        raise Unclear(f"{some(dark)} is encrypted: what is inside cannot be read")
    all_looked(sif, engine)
    if not bases:
        return not_applicable("no image was there to look into", *(f for f in (files, images) if f))
    return passed(f"{some(f'{name} stands on {base}' for name, base in bases.items())}")


def _base(image: SifImage) -> str:
    """Of the stage that makes the image."""
    stage = next(reversed(recipes.stages(image)), None)
    if stage and (stage.base or stage.bootstrap == "scratch"):
        return stage.base or "scratch"
    return image.labels.get(f"{LABEL}base.name", "")
