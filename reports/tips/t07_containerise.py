"""Tip 7: is the environment a known thing that somebody else could have again?"""

from __future__ import annotations

from auditor.model import Absent, Check, Fact, Need, Outcome, Phase, Tip, Verdict
from probes.called import CalledFiles
from probes.containers import (
    ApptainerRuntime,
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    EngineImages,
    RanImages,
    RegistryImages,
    SifImages,
)
from probes.environment import Environment
from probes.git import GitState
from probes.hardware import Hardware
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.schedulers import JobAccounting
from probes.software.conda import CondaPackages
from probes.software.guix import GuixProfile
from probes.software.spack import SpackSpecs
from probes.submission import Submission
from reports.judging import naming
from reports.judging.again import program
from reports.judging.amounts import several, some, words
from reports.judging.campaigncost import many_environments
from reports.judging.campaignwork import RECORD
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.cures import BASE, PYTHON_BASE, pull
from reports.judging.doorrules import edited_packages, host_leaks, open_doors, outside_paths
from reports.judging.enactedrules import unused_environment
from reports.judging.engineruns import ENGINES, SWEEP
from reports.judging.fitrules import bad_signature, wrong_architecture
from reports.judging.hadrules import environment_not_rebuilt, unobtainable_environment
from reports.judging.leaks import started
from reports.judging.packagerules import changed_packages, unversioned_modules
from reports.judging.pinrules import ASK, drifted_tag, moved_image, unpinned_image
from reports.judging.proofs import REPLAY, SETTLES
from reports.judging.ranrules import unidentified_environment, unknown_runtime, unnamed_surroundings
from reports.judging.reciperules import loose_recipe, missing_recipe, unknown_base
from reports.judging.revisionrules import foreign_revision
from reports.judging.strayrules import stray_code
from reports.judging.verdicts import Maybe, Unclear, failed, passed, weak

SUBMIT, START, LATER = (Phase.SUBMIT,), (Phase.START,), (Phase.LATER,)
NONE = Outcome.NOT_APPLICABLE
"""Where the one look that there is says that nothing of the kind exists."""
NAMED = Need(ContainerReferences, SUBMIT, absent=NONE)
MAYBE_NAMED = Need(ContainerReferences, SUBMIT, optional=True)
MAYBE_AT_START = Need(ContainerReferences, START, optional=True)
"""The same with the job's own variables; absent where none names an image."""
MAYBE_RAN = Need(RanImages, START, optional=True)
RAN = (MAYBE_RAN, Need(RanImages, LATER, optional=True))
"""Both looks: into the job as it starts, and at what runtimes keep after it."""
MAYBE_IMAGES = Need(ContainerIdentities, START, optional=True)
MAYBE_FILES = Need(SifImages, SUBMIT, optional=True)
MAYBE_ENGINE = Need(EngineImages, SUBMIT, optional=True)
MAYBE_REGISTRY = Need(RegistryImages, LATER, optional=True)
PACKAGES = Need(PythonPackages, SUBMIT, absent=NONE)
MAYBE_PACKAGES = Need(PythonPackages, SUBMIT, optional=True)
SUBMISSION = Need(Submission, SUBMIT)
HOOK = "let the in-job hook run: it identifies the images as the job starts"
PINNED = f"{HOOK}; where it ran, name the image by digest or as a file"
SEEN_RUNNING = "let the in-job hook run, then auditor sweep: what ran is looked for as the job starts and once it is over"
READ = "submit through auditor, so that scripts and environment are read"
OPEN = "submit from a machine that can read the image file and ask its container engine"
SIF = "submit from a machine that can read the image file"
OCI = "OCI image specification, annotations"


def unnamed_environment(
    typed: Maybe[ContainerReferences],
    packages: Maybe[PythonPackages],
    submission: Fact[Submission],
    at_start: Maybe[ContainerReferences],
) -> Verdict:
    named = naming.best(typed, at_start)
    if isinstance(named, Fact) and (refs := started(named.value)):
        return passed(f"the scripts name {some(dict.fromkeys(r.text for r in refs))}", named)
    if isinstance(packages, Fact):
        return _own_python(packages, named)
    if named is None or packages is None:
        raise Unclear("whether an image is named, or which Python the job used, is not known")
    line = program(submission.value)
    fix = f"{pull(base=PYTHON_BASE if 'python' in line else BASE)}\napptainer exec image.sif {line}"
    reason = packages.reason if isinstance(packages, Absent) else ""
    return failed(f"{_no_image(named)} and no Python environment was found ({reason})", fix)


def _no_image(named: Maybe[ContainerReferences]) -> str:
    """Declared is not enacted: an image that a workflow names while its switch is off is none."""
    off = naming.off(named.value) if isinstance(named, Fact) else ()
    if off:
        return f"{some(dict.fromkeys(r.text for r in off))}: named, but {off[0].engine or 'the engine'} runs no containers here;"
    if isinstance(named, Fact) and not named.value.references:
        raise Unclear(f"no image is named in what could be read, and not all could: {some(named.value.unread)}")
    return "images are only fetched" if isinstance(named, Fact) else "no image is named"


def _own_python(packages: Fact[PythonPackages], named: Maybe[ContainerReferences]) -> Verdict:
    p = packages.value
    said = f"{p.implementation} {p.version} with {several(len(p.packages), 'package')} in {p.prefix} ({p.chosen_by})"
    if p.prefix == p.base_prefix and not any(k.source == "conda" for k in p.packages):
        fix = f"{words([p.interpreter])} -m venv .venv && .venv/bin/pip install -r requirements.txt   # and in the script: . .venv/bin/activate"
        return weak(f"{_no_image(named)}, and the Python is shared, not an environment of its own: {said}", fix, packages)
    off = isinstance(named, Fact) and bool(naming.off(named.value))
    return passed(f"{_no_image(named)} {said}" if off else f"no image; {said}", packages)


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
            (MAYBE_NAMED, MAYBE_PACKAGES, SUBMISSION, MAYBE_AT_START),
            unnamed_environment,
            READ,
        ),
        Check(
            "unpinned-image",
            1,
            "Is each image named by file or digest, not by a tag?",
            (NAMED, MAYBE_ENGINE, *RAN, MAYBE_AT_START),
            unpinned_image,
            READ,
            "OCI distribution specification: tags are mutable, digests are not",
        ),
        Check(
            "open-doors",
            1,
            "Is the image run as it is, with nothing that could change it?",
            (NAMED, SUBMISSION, MAYBE_AT_START),
            open_doors,
            READ,
        ),
        Check(
            "unidentified-environment",
            2,
            "Is it known by digest what the job ran in?",
            (*RAN, MAYBE_IMAGES, MAYBE_PACKAGES, MAYBE_NAMED, MAYBE_FILES, MAYBE_AT_START),
            unidentified_environment,
            HOOK,
        ),
        Check(
            "moved-image",
            2,
            "Was the image at start the one of the submission?",
            (Need(ContainerIdentities, SUBMIT, absent=NONE), Need(ContainerIdentities, START, absent=NONE), MAYBE_NAMED),
            moved_image,
            PINNED,
        ),
        Check(
            "drifted-tag",
            2,
            "Does each tag still mean the image that ran?",
            (NAMED, *RAN, MAYBE_IMAGES, MAYBE_REGISTRY, MAYBE_AT_START),
            drifted_tag,
            ASK,
            "OCI distribution specification: tags are mutable, digests are not",
        ),
        Check(
            "unobtainable-environment",
            2,
            "Can all of the environment be had again?",
            (
                MAYBE_AT_START,
                MAYBE_NAMED,
                *RAN,
                MAYBE_IMAGES,
                MAYBE_FILES,
                MAYBE_ENGINE,
                MAYBE_REGISTRY,
                MAYBE_PACKAGES,
                Need(LoadedModules, START, optional=True),
                Need(CondaPackages, SUBMIT, optional=True),
                Need(SpackSpecs, SUBMIT, optional=True),
                Need(GuixProfile, SUBMIT, optional=True),
            ),
            unobtainable_environment,
            ASK,
        ),
        Check(
            "missing-recipe",
            2,
            "Does the image say how it was built, or where its recipe is?",
            (MAYBE_FILES, MAYBE_ENGINE),
            missing_recipe,
            OPEN,
            OCI,
        ),
        Check(
            "loose-recipe",
            2,
            "Would the recipe in the image file build from the same base?",
            (Need(SifImages, SUBMIT, absent=NONE),),
            loose_recipe,
            SIF,
        ),
        Check(
            "unknown-base",
            2,
            "Is it told on which image each image stands?",
            (MAYBE_FILES, MAYBE_ENGINE),
            unknown_base,
            OPEN,
            OCI,
        ),
        Check(
            "foreign-revision",
            2,
            "Was the image built from the commit that the run is of?",
            (MAYBE_FILES, MAYBE_ENGINE, Need(GitState, SUBMIT, optional=True)),
            foreign_revision,
            OPEN,
            OCI,
        ),
        Check(
            "wrong-architecture",
            2,
            "Was each image built for the node's architecture?",
            (*RAN, MAYBE_FILES, MAYBE_ENGINE, Need(Hardware, START, optional=True)),
            wrong_architecture,
            HOOK,
            "OCI image index specification, platform",
        ),
        Check(
            "bad-signature",
            2,
            "Where an image file is signed, does the signature fit what is in it?",
            (Need(SifImages, SUBMIT, absent=NONE),),
            bad_signature,
            SIF,
            "SIF specification: signature data objects",
        ),
        Check(
            "host-leaks",
            2,
            "Was the container shut off from the user's home and environment?",
            (
                NAMED,
                SUBMISSION,
                *RAN,
                MAYBE_AT_START,
                MAYBE_IMAGES,
                *(Need(CalledFiles, p, optional=True) for p in (SUBMIT, START)),
            ),
            host_leaks,
            SEEN_RUNNING,
        ),
        Check(
            "outside-paths",
            2,
            "Does nothing reach into the Python environment from outside?",
            (
                PACKAGES,
                Need(Environment, (Phase.END,), optional=True),
                *(Need(kind, SUBMIT, optional=True) for kind in (Submission, GitState)),
            ),
            outside_paths,
            "let the in-job hook run: it reads the environment as the job ends",
        ),
        Check(
            "stray-code",
            2,
            "Did a package bring all that Python can import?",
            (PACKAGES,),
            stray_code,
            "python3 -m venv .venv, and submit with it: there each module is on its package's record",
            "Python documentation, site: .pth files and sitecustomize",
        ),
        Check(
            "edited-packages",
            2,
            "Are the packages as they were installed?",
            (PACKAGES,),
            edited_packages,
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
            "unused-environment",
            2,
            "Did the engine's tasks run in the environments that its workflow declares?",
            (ENGINES,),
            unused_environment,
            SWEEP,
            "Snakemake, --software-deployment-method; Nextflow, conda and apptainer scopes: what a workflow names is used only where it is switched on",
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
            "unnamed-surroundings",
            2,
            "If the job ran inside a container, is it known which?",
            (Need(ContainerMarkers, START, absent=NONE), MAYBE_RAN),
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
    campaign=(
        Check(
            "many-environments",
            2,
            "Did runs of one script share one environment?",
            (RECORD,),
            many_environments,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 7",
        ),
    ),
)
