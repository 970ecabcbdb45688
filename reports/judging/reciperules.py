"""Is it known how the image was built, from what, and from which commit? Judges of tip 7 about recipes and labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.model import Fact, Verdict
from probes.containers import EngineImages, SifImage, SifImages
from probes.git import GitState
from reports.judging.amounts import line, some, words
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

LABEL = "org.opencontainers.image."
"""OCI image specification, annotations: source, revision, base.name, base.digest."""
LOCAL = frozenset(("localimage", "docker-archive", "docker-daemon", "oci", "oci-archive"))
"""Bootstrap agents that start from something only that machine had."""
MIRRORS = frozenset(("debootstrap", "yum", "zypper", "arch", "busybox"))
"""These install whatever the mirror holds on the day."""


def _labels(sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Iterator[tuple[str, Mapping[str, str]]]:
    files, images = known(sif), known(engine)
    yield from ((i.path, i.labels) for i in files.value.images) if files else ()
    yield from ((i.reference, i.labels) for i in images.value.images) if images else ()


def _all_looked(*maybes: Maybe[Any]) -> None:
    """Raises Unclear when one of the looks is missing: a fault may hide there."""
    if any(m is None for m in maybes):
        raise Unclear("not every image could be looked into")


def missing_recipe(sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Verdict:
    files, images = known(sif), known(engine)
    if not files and not images:
        _all_looked(sif, engine)
        return not_applicable("no image was there to look into", *(f for f in (files, images) if f))
    bare = [i.path for i in files.value.images if not i.definition] if files else []
    if bare:
        return weak(
            f"no definition inside {some(bare)}", "apptainer build image.sif image.def   # the definition is kept in the image"
        )
    mute = [i.reference for i in images.value.images if not i.labels.get(f"{LABEL}source")] if images else []
    if mute:
        fix = f'docker build --label {LABEL}source="$(git remote get-url origin)" --label {LABEL}revision="$(git rev-parse HEAD)" -t {words(mute[:1])} .'
        return weak(f"{some(mute)} does not say where its recipe is kept", fix)
    _all_looked(sif, engine)
    told = [
        f"{name} ({labels[LABEL + 'source']})" if labels.get(f"{LABEL}source") else name for name, labels in _labels(sif, engine)
    ]
    return passed(f"the recipe is inside, or where it is kept is told: {some(told)}")


def loose_recipe(sif: Fact[SifImages]) -> Verdict:
    built = [i for i in sif.value.images if i.definition]
    if not built:
        return not_applicable("no image file has a definition", sif)
    for image in built:
        if image.bootstrap.lower() in LOCAL:
            said = f"{image.path} was built from {image.base or 'an image'} by {image.bootstrap}: only that machine had it"
            return failed(said, f"Bootstrap: docker\nFrom: IMAGE@sha256:DIGEST   # in the definition of {line(image.path)}")
    moving = [i for i in built if i.bootstrap.lower() in MIRRORS]
    if moving:
        i = moving[0]
        said = f"{i.path} was built by {i.bootstrap} from a mirror that changes every day"
        return weak(said, "MirrorURL: https://snapshot.debian.org/archive/debian/20260101T000000Z/   # a mirror of one day")
    loose = [i for i in built if not _fixed(i)]
    if loose:
        i = loose[0]
        return weak(
            f"{i.path} was built from {i.base}, which is not pinned",
            f"Bootstrap: {line(i.bootstrap)}\nFrom: {line(i.base)}@sha256:DIGEST   # in the definition of {line(i.path)}",
        )
    return passed(f"built from a pinned base: {some(i.path for i in built)}")


def _fixed(image: SifImage) -> bool:
    return image.bootstrap.lower() == "scratch" or image.base_pinned


def unknown_base(sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Verdict:
    files, images = known(sif), known(engine)
    bases = (
        {
            i.path: i.base or ("scratch" if i.bootstrap.lower() == "scratch" else i.labels.get(f"{LABEL}base.name", ""))
            for i in files.value.images
        }
        if files
        else {}
    )
    bases |= {i.reference: i.labels.get(f"{LABEL}base.name", "") for i in images.value.images} if images else {}
    bare = [name for name, base in bases.items() if not base]
    if bare:
        fix = f"docker build --label {LABEL}base.name=IMAGE --label {LABEL}base.digest=sha256:DIGEST -t {words(bare[:1])} ."
        return weak(f"on which image {some(bare)} stands is not told", fix)
    _all_looked(sif, engine)
    if not bases:
        return not_applicable("no image was there to look into", *(f for f in (files, images) if f))
    return passed(f"{some(f'{name} stands on {base}' for name, base in bases.items())}")


def foreign_revision(sif: Maybe[SifImages], engine: Maybe[EngineImages], git: Maybe[GitState]) -> Verdict:
    """A label may be the base image's, which every image built on it inherits: it counts where it names the run's own repository."""
    told = [
        (name, labels[f"{LABEL}revision"], labels.get(f"{LABEL}source", ""))
        for name, labels in _labels(sif, engine)
        if labels.get(f"{LABEL}revision")
    ]
    state = known(git)
    sources = [f for f in (known(sif), known(engine), state) if f]
    if told and state:
        own = [
            (name, revision, source)
            for name, revision, source in told
            if not source or _repository(source) == _repository(state.value.remote)
        ]
        for name, revision, source in own:
            if not _same_commit(revision, state.value.commit):
                said = f"{name} says that it was built from {revision[:12]}, and the run's code is {state.value.commit[:12]}"
                fix = f'docker build --label {LABEL}revision="$(git rev-parse HEAD)" -t {words([name])} .   # build it again from this commit'
                return (failed if source else weak)(said, fix, *sources)
        _all_looked(sif, engine)
        if own:
            return passed(
                f"built from the run's own commit {state.value.commit[:12]}: {some(name for name, _, _ in own)}", *sources
            )
        return not_applicable(f"the labels name other repositories: {some(source for _, _, source in told)}", *sources)
    _all_looked(sif, engine)
    if told:
        raise Unclear(f"{told[0][0]} says {told[0][1][:12]}, and the run's own commit is not known")
    return not_applicable("no image states a revision", *sources)


def _same_commit(label: str, commit: str) -> bool:
    return len(label) >= 7 and bool(commit) and (commit.startswith(label) or label.startswith(commit))


def _repository(url: str) -> str:
    """`git@host:group/name.git` and `https://host/group/name` are one."""
    return re.sub(r"^(?:[a-z+]+://)?(?:[^@/]+@)?", "", url).replace(":", "/").removesuffix("/").removesuffix(".git").lower()
