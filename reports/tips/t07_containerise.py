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
    SifImages,
)
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.schedulers import JobAccounting
from probes.submission import Submission
from reports.judging.again import program
from reports.judging.amounts import several, some, words
from reports.judging.imagerules import (
    moved_image,
    open_doors,
    unknown_recipe,
    unknown_runtime,
    unnamed_surroundings,
    unpinned_image,
    unpullable_image,
)
from reports.judging.packagerules import changed_packages, leaking_environment, unversioned_modules
from reports.judging.proofs import REPLAY, SETTLES, same, step, summary
from reports.judging.sightings import digests
from reports.judging.verdicts import Maybe, Unclear, failed, known, passed, weak

REBUILT = ("rebuilt-from-lock", "bare-python", "image-by-digest")

SUBMIT, START, LATER = (Phase.SUBMIT,), (Phase.START,), (Phase.LATER,)
NONE = Outcome.NOT_APPLICABLE
"""Where the one look that there is says that nothing of the kind exists."""
NAMED = Need(ContainerReferences, SUBMIT, absent=NONE)
MAYBE_NAMED = Need(ContainerReferences, SUBMIT, optional=True)
MAYBE_IMAGES = Need(ContainerIdentities, START, optional=True)
MAYBE_FILES = Need(SifImages, SUBMIT, optional=True)
PACKAGES = Need(PythonPackages, SUBMIT, absent=NONE)
MAYBE_PACKAGES = Need(PythonPackages, SUBMIT, optional=True)
SUBMISSION = Need(Submission, SUBMIT)
HOOK = "let the in-job hook run: it identifies the images as the job starts"
READ = "submit through auditor, so that scripts and environment are read"


def unnamed_environment(
    named: Maybe[ContainerReferences], packages: Maybe[PythonPackages], submission: Fact[Submission]
) -> Verdict:
    if isinstance(named, Fact) and named.value.references:
        return passed(f"the scripts name {some(r.text for r in named.value.references)}", named)
    if isinstance(packages, Fact):
        return _own_python(packages)
    if named is None or packages is None:
        raise Unclear("whether an image is named, or which Python the job used, is not known")
    line = program(submission.value)
    base = "docker.io/library/python:3.12-slim" if "python" in line else "docker.io/library/debian:13-slim"
    fix = f"apptainer exec docker://{base}@sha256:DIGEST {line}   # apptainer pull tells the digest"
    reason = packages.reason if isinstance(packages, Absent) else ""
    return failed(f"no image is named and no Python environment was found ({reason})", fix)


def _own_python(packages: Fact[PythonPackages]) -> Verdict:
    p = packages.value
    said = f"{p.implementation} {p.version} with {several(len(p.packages), 'package')} in {p.prefix} ({p.chosen_by})"
    if p.prefix == p.base_prefix and not any(k.source == "conda" for k in p.packages):
        fix = f"{words([p.interpreter])} -m venv .venv && .venv/bin/pip install -r requirements.txt   # and in the script: . .venv/bin/activate"
        return weak(f"no image is named, and the Python is shared, not an environment of its own: {said}", fix, packages)
    return passed(f"no image; {said}", packages)


def unidentified_environment(
    images: Maybe[ContainerIdentities],
    packages: Maybe[PythonPackages],
    named: Maybe[ContainerReferences],
    files: Maybe[SifImages],
) -> Verdict:
    fix = "apptainer pull image.sif docker://IMAGE@sha256:DIGEST   # a file has one digest for ever"
    if isinstance(images, Fact) and images.value.images:
        sif = known(files)
        found = digests(images.value, sif.value if sif else None)
        loose = [f"{i.reference} ({i.reason or i.state})" for i in images.value.images if not found[i.reference]]
        if loose:
            return failed(f"no digest of {some(loose)}", fix, images)
        return passed(f"as the job started: {some(f'{name} = {sha[:19]}' for name, sha in found.items())}", images)
    if images is None or named is None:
        raise Unclear("whether an image ran, and which, was not seen as the job started")
    if isinstance(named, Fact) and named.value.references:
        raise Unclear("which image ran was not identified as the job started")
    if isinstance(packages, Fact) and packages.value.env_sha256:
        p = packages.value
        return passed(f"{several(len(p.packages), 'package')} of {p.prefix}, environment sha256 {p.env_sha256[:12]}", packages)
    if isinstance(packages, Absent):
        return failed(f"neither an image nor Python packages could identify it ({packages.reason})", fix)
    raise Unclear("neither an image nor the interpreter's packages were seen")


def environment_not_rebuilt(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    state, detail = step(v, "environment")
    if v.environment in REBUILT and state == "done" and same(v):
        return passed(f"{v.environment}: {summary(v)}")
    if v.environment in REBUILT:
        return failed(
            f"{v.environment}, {state} ({detail or summary(v)})",
            f"auditor replay BUNDLE   # of run {v.run_id}, which carries the lock",
        )
    said = f"replayed with what the machine has ({v.environment or 'nothing'}), not with a rebuilt environment"
    return failed(said, f"auditor replay BUNDLE   # of run {v.run_id}, where its lock or image can be had")


TIP = Tip(
    number=7,
    slug="containerise",
    title="Containerise environments to ensure reproducibility",
    why=(
        "Libraries move under a result without anybody changing a line. An image named by digest, or a list of packages "
        "with their hashes, can be had again; a tag or a module default cannot."
    ),
    advice="Run in an image named by digest, or at least in an environment of its own whose packages are known and unedited.",
    checks=(
        Check(
            "unnamed-environment",
            1,
            "Is the environment named: an image, or an environment of its own?",
            (MAYBE_NAMED, MAYBE_PACKAGES, SUBMISSION),
            unnamed_environment,
            READ,
        ),
        Check(
            "unpinned-image",
            1,
            "Is each image named by file or digest, not by a tag?",
            (NAMED, Need(EngineImages, SUBMIT, optional=True)),
            unpinned_image,
            READ,
            "OCI distribution specification: tags are mutable, digests are not",
        ),
        Check("open-doors", 1, "Is the image run as it is, apart from the host?", (NAMED, SUBMISSION), open_doors, READ),
        Check(
            "unidentified-environment",
            2,
            "Is it known by digest what the job ran in?",
            (MAYBE_IMAGES, MAYBE_PACKAGES, MAYBE_NAMED, MAYBE_FILES),
            unidentified_environment,
            HOOK,
        ),
        Check(
            "moved-image",
            2,
            "Was the image at start the one of the submission?",
            (Need(ContainerIdentities, SUBMIT, absent=NONE), Need(ContainerIdentities, START, absent=NONE)),
            moved_image,
            HOOK,
        ),
        Check(
            "leaking-environment",
            2,
            "Are the packages as installed, with nothing reaching in from outside?",
            (PACKAGES,),
            leaking_environment,
            READ,
            "Python packaging specification: recording installed projects (RECORD)",
        ),
        Check(
            "changed-packages",
            2,
            "Were the packages of the run those of the submission?",
            (PACKAGES, Need(PythonPackages, LATER, optional=True), Need(JobAccounting, LATER, optional=True)),
            changed_packages,
            "auditor sweep, once the run is finished",
        ),
        Check(
            "unversioned-modules",
            2,
            "Does every loaded module have a version and a readable file?",
            (Need(LoadedModules, START, absent=NONE),),
            unversioned_modules,
            "let the in-job hook run: it reads what is loaded",
        ),
        Check(
            "unknown-recipe",
            2,
            "Does the image file say how it was built, from a pinned base?",
            (Need(SifImages, SUBMIT, absent=NONE),),
            unknown_recipe,
            "submit from a machine that can read the image file",
        ),
        Check(
            "unpullable-image",
            2,
            "Is the engine's image in a registry too?",
            (Need(EngineImages, SUBMIT, absent=NONE),),
            unpullable_image,
            "submit from a machine whose container engine can be asked",
        ),
        Check(
            "unnamed-surroundings",
            2,
            "If the job ran inside a container, is it known which?",
            (Need(ContainerMarkers, START),),
            unnamed_surroundings,
            HOOK,
        ),
        Check(
            "unknown-runtime",
            2,
            "Which Apptainer opened the image?",
            (Need(ApptainerRuntime, SUBMIT, absent=NONE),),
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
