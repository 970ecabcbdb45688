"""Tip 7: is the environment a known thing that somebody else could have again?"""

from __future__ import annotations

from auditor.model import Absent, Check, Fact, Need, Outcome, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.containers import (
    ApptainerRuntime,
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    EngineImages,
    ImageIdentity,
    Reference,
    SifImages,
)
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.submission import Submission
from reports.again import program
from reports.amounts import several, some
from reports.proofs import REPLAY, SETTLES, same, step, summary
from reports.verdicts import Maybe, Unclear, failed, known, passed, weak

SHARED_PREFIXES = ("/usr", "/usr/local", "/")
REBUILT = ("rebuilt-from-lock", "image-by-digest")
# options that let the host in or let the job change its image
OPEN_DOORS = ("--writable", "-w", "--privileged", "--pid", "--net=host")

MAYBE_NAMED = Need(ContainerReferences, (Phase.SUBMIT,), optional=True)
# only where the submit-time look found no image at all, and said so
NO_IMAGE = Need(ContainerReferences, (Phase.SUBMIT,), absent=Outcome.NOT_APPLICABLE)
AT_SUBMIT = Need(ContainerIdentities, (Phase.SUBMIT,), absent=Outcome.NOT_APPLICABLE)
AT_START = Need(ContainerIdentities, (Phase.START,), absent=Outcome.NOT_APPLICABLE)
MAYBE_IMAGES = Need(ContainerIdentities, (Phase.START,), optional=True)
PACKAGES = Need(PythonPackages, (Phase.START,), absent=Outcome.NOT_APPLICABLE)
MAYBE_PACKAGES = Need(PythonPackages, (Phase.START,), optional=True)
ENGINE = Need(EngineImages, (Phase.SUBMIT,), optional=True)
SIF = Need(SifImages, (Phase.SUBMIT,), absent=Outcome.NOT_APPLICABLE)
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
HOOK = "let the in-job hook run: it identifies images and packages as the job starts"


def _pinned(ref: Reference, engine: Fact[EngineImages] | None) -> str:
    """The reference to type instead, by digest where the engine knows one."""
    for image in engine.value.images if engine else ():
        if image.reference in (ref.text, ref.resolved) and image.repo_digests:
            return ("docker://" if ref.runtime in ("apptainer", "singularity") else "") + image.repo_digests[0]
    name = "/".join(part for part in (ref.registry, ref.name) if part) or ref.text
    return f"{'docker://' if ref.runtime in ('apptainer', 'singularity') else ''}{name}@sha256:DIGEST"


def unnamed_environment(
    named: Maybe[ContainerReferences], packages: Maybe[PythonPackages], submission: Fact[Submission]
) -> Verdict:
    if isinstance(named, Fact) and named.value.references:
        return passed(f"the scripts name {some(r.text for r in named.value.references)}", named)
    if isinstance(packages, Fact):
        return _own_python(packages)
    if named is None or packages is None:
        raise Unclear("whether an image is named, or which Python the job used, is not known")
    fix = f"apptainer exec docker://docker.io/library/python:3.12-slim@sha256:DIGEST {program(submission.value)}"
    reason = packages.reason if isinstance(packages, Absent) else ""
    return failed(f"no image is named and no Python environment was found ({reason})", fix)


def _own_python(packages: Fact[PythonPackages]) -> Verdict:
    p = packages.value
    said = f"{p.implementation} {p.version} with {several(len(p.packages), 'package')} in {p.prefix} ({p.chosen_by})"
    if p.prefix in SHARED_PREFIXES:
        fix = f"{p.interpreter} -m venv .venv && .venv/bin/pip install -r requirements.txt   # and in the script: . .venv/bin/activate"
        return weak(f"no image is named, and the Python is the machine's own: {said}", fix, packages)
    return passed(f"no image; {said}", packages)


def unpinned_image(named: Fact[ContainerReferences], engine: Maybe[EngineImages]) -> Verdict:
    loose = [r for r in named.value.references if not r.digest and r.transport not in ("file", "directory")]
    if not loose:
        return passed(f"each by file or digest: {some(r.text for r in named.value.references)}", named)
    fix = "\n".join(f"{_pinned(r, known(engine))}   # line {r.line}, instead of {r.text}" for r in loose[:3])
    moving = [r for r in loose if r.tag in ("", "latest")]
    said = f"{some(r.text for r in loose)}: a tag can be moved to another image at any time"
    return (failed if moving else weak)(said, fix, named)


def unidentified_environment(
    images: Maybe[ContainerIdentities], packages: Maybe[PythonPackages], named: Maybe[ContainerReferences]
) -> Verdict:
    fix = "apptainer pull image.sif docker://IMAGE@sha256:DIGEST   # a file has one digest for ever"
    if isinstance(images, Fact) and images.value.images:
        loose = [i for i in images.value.images if not _digest(i)]
        if loose:
            return failed(f"no digest of {some(f'{i.reference} ({i.reason or i.state})' for i in loose)}", fix, images)
        return passed(f"as the job started: {some(f'{i.reference} = {_digest(i)[:19]}' for i in images.value.images)}", images)
    if named is None or (isinstance(named, Fact) and named.value.references):
        raise Unclear("which image ran was not identified as the job started")
    if isinstance(packages, Fact) and packages.value.env_sha256:
        p = packages.value
        return passed(f"{several(len(p.packages), 'package')}, environment sha256 {p.env_sha256[:12]}", packages)
    if isinstance(images, Absent) and isinstance(packages, Absent):
        return failed(f"neither an image ({images.reason}) nor Python packages ({packages.reason})", fix)
    raise Unclear("neither an image nor the interpreter's packages were seen as the job started")


def _digest(image: ImageIdentity) -> str:
    return f"sha256:{image.sha256}" if image.sha256 else image.image_id


def moved_image(before: Fact[ContainerIdentities], after: Fact[ContainerIdentities]) -> Verdict:
    old = {i.reference: _digest(i) for i in before.value.images}
    new = {i.reference: _digest(i) for i in after.value.images}
    both = sorted(r for r in old.keys() & new.keys() if old[r] and new[r])
    moved = [r for r in both if old[r] != new[r]]
    if moved:
        r = moved[0]
        return failed(
            f"{r} was {old[r][:19]} at submission and {new[r][:19]} at start",
            f"{r.rsplit('@', 1)[0]}@{new[r]}   # in the script, to stay with what ran",
        )
    if not both:
        raise Unclear("no image was identified both at submission and at start")
    return passed(f"{some(both)}: the same image at submission and at start")


def leaking_environment(packages: Fact[PythonPackages]) -> Verdict:
    p = packages.value
    changed = [f"{k.name}: {path}" for k in p.packages for path in k.modified]
    editable = [k.name for k in p.packages if k.source == "editable"]
    if p.leaks:
        return failed(
            f"{several(len(p.leaks), 'path')} from outside {p.prefix} can be imported: {some(p.leaks)}",
            "unset PYTHONPATH; export PYTHONNOUSERSITE=1",
        )
    if changed:
        names = sorted({c.split(":", 1)[0] for c in changed})
        return failed(
            f"installed files were edited: {some(changed)}",
            f"{p.interpreter} -m pip install --force-reinstall --no-deps {' '.join(names[:5])}",
        )
    if editable:
        return weak(
            f"installed from a working tree: {some(editable)}",
            f"{p.interpreter} -m pip install {' '.join(editable[:5])}=={{VERSION}}   # a released or committed one",
        )
    return passed(f"{several(len(p.packages), 'package')}, all as installed, nothing reaches in from outside")


def unversioned_modules(modules: Fact[LoadedModules]) -> Verdict:
    loose = [m for m in modules.value.modules if "/" not in m.name]
    if loose:
        full = [m.path.rsplit("/", 2)[-1].removesuffix(".lua") for m in loose]
        fix = "module load " + " ".join(f"{m.name}/{f}" for m, f in zip(loose, full, strict=True))
        return weak(f"loaded without a version: {some(m.name for m in loose)}", fix)
    unread = [m.name for m in modules.value.modules if not m.sha256]
    if unread:
        return weak(f"modulefiles that could not be read: {some(unread)}", f"module show {unread[0]}   # may you read its file?")
    return passed(
        f"{several(len(modules.value.modules), 'module')}, each with version and file digest: {some(m.name for m in modules.value.modules)}"
    )


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
            f"Bootstrap: {i.bootstrap}\nFrom: {i.base}@sha256:DIGEST   # in the definition of {i.path}",
        )
    return passed(f"definition inside, base pinned: {some(i.path for i in sif.value.images)}")


def unpullable_image(named: Fact[ContainerReferences], engine: Fact[EngineImages]) -> Verdict:
    local = [i for i in engine.value.images if not i.repo_digests]
    if local:
        return failed(
            f"only this machine has {some(i.reference for i in local)}: never pushed to a registry",
            f"docker push {local[0].reference}",
        )
    return passed(f"in a registry: {some(i.repo_digests[0] for i in engine.value.images)}", engine)


def open_doors(named: Fact[ContainerReferences], submission: Fact[Submission]) -> Verdict:
    doors = [(r, o) for r in named.value.references for o in r.options if o.split("=", 1)[0] in OPEN_DOORS or o in OPEN_DOORS]
    if doors:
        r, option = doors[0]
        return failed(
            f"{r.text} is run with {some(sorted({o for _, o in doors}))}",
            f"{program(submission.value).replace(f' {option}', '')}   # without {option}",
            named,
        )
    return passed(f"no option among {some(OPEN_DOORS, 9)}", named)


def unnamed_surroundings(markers: Fact[ContainerMarkers]) -> Verdict:
    inside = markers.value.inside
    if not inside:
        return passed("the batch script itself ran on the host", markers)
    image = next(
        (
            v
            for k, v in sorted(markers.value.evidence.items())
            if "CONTAINER" in k.upper() or "IMAGE" in k.upper() or "NAME" in k.upper()
        ),
        "",
    )
    if image:
        return passed(f"the batch script ran inside {inside}: {image}", markers)
    return failed(
        f"the batch script ran inside {inside}, and which image is not known",
        "#SBATCH --container-image=IMAGE@sha256:DIGEST",
        markers,
    )


def unknown_runtime(named: Fact[ContainerReferences], runtime: Fact[ApptainerRuntime]) -> Verdict:
    broken = sorted(runtime.value.errors)
    if not runtime.value.version:
        return failed(f"Apptainer runs {named.value.references[0].text}, and its version is not known", "apptainer --version")
    if broken:
        return weak(
            f"Apptainer {runtime.value.version} cannot open {some(broken)}: {runtime.value.errors[broken[0]]}",
            f"apptainer inspect {broken[0]}",
        )
    return passed(f"Apptainer {runtime.value.version}, {several(len(runtime.value.inspected), 'image')} opened")


def environment_not_rebuilt(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    state, detail = step(v, "environment")
    if v.environment in REBUILT and state == "done" and same(v):
        return passed(f"{v.environment}: {summary(v)}")
    if v.environment in REBUILT:
        return failed(
            f"{v.environment}, {state} ({detail or summary(v)})",
            f"auditor replay BUNDLE   # the bundle of run {v.run_id} carries the lock",
        )
    return failed(
        f"replayed with what the machine has ({v.environment or 'nothing'}), not with a rebuilt environment",
        f"auditor replay BUNDLE   # bundle of run {v.run_id}, where its lock or image can be had",
    )


TIP = Tip(
    number=7,
    slug="containerise",
    title="Containerise environments to ensure reproducibility",
    why=(
        "Libraries move under a result without anybody changing a line. An image named by digest, or a list of packages"
        " with their hashes, can be had again; a tag or a module default cannot."
    ),
    advice="Run in an image named by digest, or at least in an environment of its own whose packages are known and unedited.",
    checks=(
        Check(
            "unnamed-environment",
            1,
            "Is the environment named: an image, or an environment of its own?",
            (MAYBE_NAMED, MAYBE_PACKAGES, SUBMISSION),
            unnamed_environment,
            "submit through auditor, and let the in-job hook run",
        ),
        Check(
            "unpinned-image",
            1,
            "Is each image named by file or digest, not by a tag?",
            (NO_IMAGE, ENGINE),
            unpinned_image,
            "submit through auditor, so that the scripts are read",
        ),
        Check(
            "open-doors",
            1,
            "Is the image run without letting the job change it or the host in?",
            (NO_IMAGE, SUBMISSION),
            open_doors,
            "submit through auditor, so that the scripts are read",
        ),
        Check(
            "unidentified-environment",
            2,
            "Is it known by digest what the job ran in?",
            (MAYBE_IMAGES, MAYBE_PACKAGES, MAYBE_NAMED),
            unidentified_environment,
            HOOK,
        ),
        Check("moved-image", 2, "Was the image at start the one of the submission?", (AT_SUBMIT, AT_START), moved_image, HOOK),
        Check(
            "leaking-environment",
            2,
            "Are the packages as installed, with nothing reaching in from outside?",
            (PACKAGES,),
            leaking_environment,
            HOOK,
            "Python packaging specification: recording installed projects (RECORD)",
        ),
        Check(
            "unversioned-modules",
            2,
            "Does every loaded module have a version and a readable file?",
            (Need(LoadedModules, (Phase.START,), absent=Outcome.NOT_APPLICABLE),),
            unversioned_modules,
            HOOK,
        ),
        Check(
            "unknown-recipe",
            2,
            "Does the image file say how it was built, from a pinned base?",
            (SIF,),
            unknown_recipe,
            "submit through auditor from a machine that can read the image file",
        ),
        Check(
            "unpullable-image",
            2,
            "Is the engine's image in a registry too?",
            (NO_IMAGE, Need(EngineImages, (Phase.SUBMIT,), absent=Outcome.NOT_APPLICABLE)),
            unpullable_image,
            "submit from a machine whose container engine can be asked",
        ),
        Check(
            "unnamed-surroundings",
            2,
            "If the job ran inside a container, which?",
            (Need(ContainerMarkers, (Phase.START,)),),
            unnamed_surroundings,
            HOOK,
        ),
        Check(
            "unknown-runtime",
            2,
            "Which Apptainer opened the image?",
            (NO_IMAGE, Need(ApptainerRuntime, (Phase.SUBMIT,), absent=Outcome.NOT_APPLICABLE)),
            unknown_runtime,
            "submit from a machine that has Apptainer",
        ),
        Check(
            "environment-not-rebuilt",
            3,
            "Could the environment be rebuilt, with the same result?",
            (REPLAY,),
            environment_not_rebuilt,
            SETTLES,
        ),
    ),
)
