"""What do a run's images tell: named by what, the same at start, built how, opened by what? The judges of tip 7 about images."""

from __future__ import annotations

from auditor.model import Fact, Verdict
from probes.containers import (
    ApptainerRuntime,
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    EngineImages,
    Reference,
    SifImages,
)
from probes.submission import Submission
from reports.judging.again import program
from reports.judging.amounts import line, several, some, words
from reports.judging.sightings import difference, images
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

# options that let the job change its image, or see the host's processes and network as its own
OPEN_DOORS = ("--writable", "-w", "--privileged", "--pid", "--net")


def _pinned(ref: Reference, engine: Fact[EngineImages] | None) -> str:
    """The reference to type instead, by digest where the engine knows one."""
    scheme = "docker://" if ref.runtime == "apptainer" else ""
    for image in engine.value.images if engine else ():
        if image.reference in (ref.text, ref.resolved) and image.repo_digests:
            return scheme + words(image.repo_digests[:1])
    name = "/".join(part for part in (ref.registry, ref.name) if part) or ref.text
    return f"{scheme}{words([name])}@sha256:DIGEST"


def unpinned_image(named: Fact[ContainerReferences], engine: Maybe[EngineImages]) -> Verdict:
    loose = [r for r in named.value.references if not r.digest and r.transport not in ("file", "directory")]
    if not loose:
        return passed(f"each by file or digest: {some(r.text for r in named.value.references)}", named)
    fix = "\n".join(f"{_pinned(r, known(engine))}   # line {r.line}, instead of {line(r.text)}" for r in loose[:3])
    moving = [r for r in loose if r.tag in ("", "latest")]
    said = f"{some(r.text for r in loose)}: a tag can be moved to another image at any time"
    return (failed if moving else weak)(said, fix, named)


def open_doors(named: Fact[ContainerReferences], submission: Fact[Submission]) -> Verdict:
    doors = [(r, o) for r in named.value.references for o in r.options if o.split("=", 1)[0] in OPEN_DOORS]
    if doors:
        r, option = doors[0]
        typed = _line(submission.value, r).replace(f" {option}", "")
        return failed(f"{r.text} is run with {some(sorted({o for _, o in doors}))}", f"{typed}   # without {line(option)}", named)
    used = sorted({o for r in named.value.references for o in r.options})
    return passed(f"options {some(used, 5)}" if used else "no option that lets the host in or changes the image", named)


def _line(submission: Submission, ref: Reference) -> str:
    lines = submission.script_text.splitlines()
    return line(lines[ref.line - 1], 1000) if not ref.file and 0 < ref.line <= len(lines) else program(submission)


def moved_image(before: Fact[ContainerIdentities], after: Fact[ContainerIdentities]) -> Verdict:
    old, new = images(before.value), images(after.value)
    both = sorted(old.keys() & new.keys())
    moved = {name: found for name in both if (found := difference(old[name], new[name]))}
    if moved:
        name, (was, became) = next(iter(moved.items()))
        engine = next((i.engine for i in after.value.images if i.reference == name), "")
        fix = (
            f"{engine} image inspect --format '{{{{index .RepoDigests 0}}}}' {words([name])}   # write what this prints instead of the tag"
            if engine
            else f'cp {words([name])} "images/$(sha256sum {words([name])} | cut -c1-12).sif"   # and name that file: it does not move'
        )
        return failed(f"{name} was {was} at submission and {became} at start", fix)
    unknown = [i.reference for i in after.value.images if i.state != "ok"]
    if not both or unknown:
        raise Unclear(f"not identified both at submission and at start: {some(unknown) or 'any image'}")
    return passed(f"{some(both)}: the same at submission and at start")


def unknown_recipe(sif: Fact[SifImages]) -> Verdict:
    bare = [i.path for i in sif.value.images if not i.definition]
    if bare:
        return weak(
            f"no definition inside {some(bare)}", "apptainer build image.sif image.def   # the definition is kept in the image"
        )
    loose = [i for i in sif.value.images if i.bootstrap != "scratch" and not i.base_pinned]
    if loose:
        i = loose[0]
        return weak(
            f"{i.path} was built from {i.base}, which is not pinned",
            f"Bootstrap: {line(i.bootstrap)}\nFrom: {line(i.base)}@sha256:DIGEST   # in the definition of {line(i.path)}",
        )
    return passed(f"definition inside, base pinned: {some(i.path for i in sif.value.images)}")


def unpullable_image(engine: Fact[EngineImages]) -> Verdict:
    local = [i for i in engine.value.images if not i.repo_digests]
    if local:
        return failed(
            f"only this machine has {some(i.reference for i in local)}: never pushed to a registry",
            f"docker push {words([local[0].reference])}",
        )
    return passed(f"in a registry: {some(i.repo_digests[0] for i in engine.value.images)}")


def unnamed_surroundings(markers: Fact[ContainerMarkers]) -> Verdict:
    inside = markers.value.inside
    if not inside:
        return passed("the batch script itself ran on the host", markers)
    names = [
        v for k, v in sorted(markers.value.evidence.items()) if v and any(w in k.upper() for w in ("CONTAINER", "IMAGE", "NAME"))
    ]
    if names:
        return passed(f"the batch script ran inside {inside}: {names[0]}", markers)
    return failed(
        f"the batch script ran inside {inside}, and which image is not known",
        f"# {inside} does not tell its image inside: say it where you start the container\n"
        "export CONTAINER_IMAGE=IMAGE@sha256:DIGEST",
        markers,
    )


def unknown_runtime(runtime: Fact[ApptainerRuntime]) -> Verdict:
    broken = sorted(runtime.value.errors)
    if not broken and not runtime.value.inspected:
        return not_applicable(f"no image was there for Apptainer {runtime.value.version} to open", runtime)
    if not runtime.value.version:
        return failed("Apptainer is used, and its version is not known", "apptainer --version")
    if broken:
        said = f"Apptainer {runtime.value.version} cannot open {some(broken)}: {runtime.value.errors[broken[0]]}"
        return weak(said, f"apptainer inspect {words(broken[:1])}")
    return passed(f"Apptainer {runtime.value.version}, {several(len(runtime.value.inspected), 'image')} opened")
