"""What does tip 7 complain of in ten plain jobs, as people write them? The complaints, all of them, and what to paste."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor import registry
from auditor.model import Evidence, Grade, Outcome, Phase, Status
from probes.containers import (
    ApptainerRuntime,
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    EngineImage,
    EngineImages,
    ImageFacts,
    ImageIdentity,
    RanImage,
    RanImages,
    Reference,
    RegistryImages,
    SifImage,
    SifImages,
    SifStage,
)
from probes.containers.scripts import references
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.software import Component
from probes.software.conda import CondaPackages
from probes.software.guix import GuixProfile
from probes.software.spack import SpackSpecs
from probes.workflows.record import WorkflowRuns
from tests.factory import accounting, at, attempt, called, git_state, hardware, modules, packages, seen, sha, submission, unseen
from tests.reports.ask import FAILED, NOT_APPLICABLE, PASSED, UNKNOWN, WEAK, ask, declared, later, start

DIGEST = "sha256:" + "c" * 64
HEAD = "#!/bin/bash\n#SBATCH --time=10\n"
PYTHON = packages("numpy==2.3.0", "six==1.17.0", files_checked=900, maker="venv")
CONDA = packages(
    "numpy==2.3.0", prefix="/opt/conda/envs/paper", base_prefix="/opt/conda/envs/paper", files_checked=900, maker="conda"
)
CONDA = replace(CONDA, packages=(replace(CONDA.packages[0], source="conda"),))
CONDA_META = CondaPackages(
    CONDA.prefix, "CONDA_PREFIX", ("conda-forge",), ("numpy",), sha("history"),
    (Component("conda", "numpy", "2.3.0", "sha256:" + sha("numpy.conda"), "https://conda.anaconda.org/conda-forge/linux-64/numpy-2.3.0-0.conda"),),
)  # fmt: skip
SIF = SifImage(
    "/home/ada/train/torch.sif", 900, sha("img"), "7d0e", "amd64", "", sha("squashfs"), "squashfs", "Bootstrap: docker\nFrom: python:3.12-slim",
    sha("def"), "docker", "python:3.12-slim", False, {}, (), (), (SifStage("", "docker", "python:3.12-slim", False, False),),
)  # fmt: skip
VARIABLE = "apptainer exec --no-home --cleanenv $IMAGE python train.py"
FILLED_IN = ContainerReferences(references(f"{HEAD}{VARIABLE}\n", {"IMAGE": "torch.sif"}))
SWITCHED_OFF = Reference(
    "apptainer", "docker://lab/torch:2", "docker://lab/torch:2", "docker", "docker.io", "lab/torch", "2", "", 4, file="Snakefile",
    engine="snakemake", step="train", enabled="no",
)  # fmt: skip
NOT_ASKED = unseen(RegistryImages, "ask_registries is off", phase=Phase.LATER, status=Status.FAILED)


LOCK = (
    "/venv/bin/python -m pip freeze > requirements.in && uv pip compile --no-deps --format pylock.toml -o pylock.toml requirements.in"
    "   # each with its hashes"
)
PULL = "apptainer pull image.sif docker://docker.io/library/debian:13-slim   # one file, which has one digest; then run image.sif"
LABEL = "--label org.opencontainers.image"
SOURCE = f'{LABEL}.source="$(git remote get-url origin)" {LABEL}.revision="$(git rev-parse HEAD)"'
NAME = f'{LABEL}.base.name="$(sed -n "s/^FROM //p" Dockerfile | tail -1)"'
FILE = {
    "unobtainable-environment": (WEAK, "auditor bundle --images carry   # puts the file into the archive"),
    "loose-recipe": (
        WEAK,
        "skopeo inspect --format '{{.Digest}}' docker://python:3.12-slim   # tells the digest\n"
        "From: python@sha256:DIGEST   # in the definition of /home/ada/train/torch.sif",
    ),
}


def run(line: str, *told: Evidence) -> tuple[Evidence, ...]:
    """A job of one line that was seen at submission, at its start and after it; for what is not told, that nothing of the kind is there."""
    script = f"{HEAD}{line}\n"
    named = references(script, {})
    nothing = (
        unseen(ContainerReferences, "neither the script nor what it calls names an image"),
        unseen(ContainerReferences, "images are named without variables: as at submission", phase=Phase.START),
        unseen(ContainerIdentities, "no image is named"),
        unseen(ContainerIdentities, "no image is named", phase=Phase.START),
        unseen(ContainerMarkers, "no marker of a container: the script runs on the host", phase=Phase.START),
        unseen(RanImages, "the job's script runs on the host", phase=Phase.START),
        unseen(RanImages, "no trace is left", phase=Phase.LATER),
        unseen(RegistryImages, "no image of a registry is named", phase=Phase.LATER),
        unseen(SifImages, "the script names no image file"),
        unseen(WorkflowRuns, "no workflow engine left a record below the work directory", phase=Phase.LATER),
        unseen(EngineImages, "no image of an engine is named"),
        unseen(ApptainerRuntime, "no Apptainer is named"),
        unseen(PythonPackages, "nothing in the script or its environment speaks of Python"),
        unseen(LoadedModules, "no module is loaded", phase=Phase.START),
        *(unseen(kind, "nothing of the kind is used") for kind in (CondaPackages, SpackSpecs, GuixProfile)),
    )
    if any(e.kind == "ContainerReferences" and e.phase is Phase.SUBMIT for e in told):
        named = ()
    known = (
        seen(submission(script)), seen(git_state()), start(hardware()), later(accounting("1", attempt(started=at(0, 30)))), *told,
        *([declared(ContainerReferences(named))] if named else []),
    )  # fmt: skip
    have = {(e.kind, e.phase) for e in known}
    return (*known, *(e for e in nothing if (e.kind, e.phase) not in have))


def there(name: str, **changes: object) -> tuple[Evidence, ...]:
    """The same image at submission and at start."""
    both = ContainerIdentities((replace(ImageIdentity(name, "ok", ""), **changes),))  # type: ignore[arg-type]
    return seen(both), start(both)


def traced(runtime: str, how: str, typed: str, **digests: str) -> Evidence:
    return later(RanImages((RanImage(runtime, how, typed, ImageFacts(typed, platform="linux/amd64", **digests), "x"),)))  # type: ignore[arg-type]


def docker(name: str, engine: str = "docker", *repo: str) -> Evidence:
    image = EngineImage(
        name,
        engine,
        "28.0",
        "classic",
        "sha256:" + sha("config"),
        "sha256:" + sha("config"),
        "",
        repo,
        (),
        "",
        "linux",
        "amd64",
        "",
        {},
    )
    return seen(EngineImages((image,)))


JOBS: dict[str, tuple[tuple[Evidence, ...], dict[str, tuple[Outcome, str]]]] = {
    "a virtual environment": (
        run(". .venv/bin/activate && python train.py", seen(PYTHON, grade=Grade.VERIFIED)),
        {"unobtainable-environment": (WEAK, LOCK)},
    ),
    "conda": (
        run("conda run -n paper python train.py", seen(CONDA), seen(CONDA_META)),
        {},
    ),
    "modules and MPI": (
        run("module load gcc/12.2.0 openmpi/4.1.4\nsrun ./solver", start(modules("gcc/12.2.0", "openmpi/4.1.4"))),
        {
            "unnamed-environment": (FAILED, f"{PULL}\napptainer exec image.sif ./solver"),
            "unidentified-environment": (FAILED, PULL),
            "unobtainable-environment": (WEAK, PULL),
        },
    ),
    "an image file by its path": (
        run("apptainer exec torch.sif python train.py", seen(SifImages((SIF,))), *there("torch.sif", sha256=SIF.file_sha256, size=900)),
        {
            **FILE,
            "host-leaks": (WEAK, "apptainer exec --no-home --cleanenv torch.sif python train.py"),
        },
    ),
    "an image file, shut off from the host": (
        run("apptainer exec --no-home --cleanenv torch.sif python train.py", seen(SifImages((SIF,))), *there("torch.sif", sha256=SIF.file_sha256, size=900)),
        FILE,
    ),
    "Apptainer with a tag": (
        run("apptainer exec docker://lab/torch:2 python train.py", NOT_ASKED, traced("apptainer", "cache", "docker://lab/torch:2", manifest=DIGEST),
            *there("docker://lab/torch:2", state="unknown", reason="docker: nothing on this machine to ask without a network")),
        {
            "unpinned-image": (WEAK, f"docker://lab/torch@{DIGEST}   # line 3, instead of docker://lab/torch:2"),
            "moved-image": (UNKNOWN, ""),
            "drifted-tag": (UNKNOWN, ""),
            "unobtainable-environment": (UNKNOWN, ""),
            "host-leaks": (WEAK, "apptainer exec --no-home --cleanenv docker://lab/torch:2 python train.py"),
        },
    ),
    "Docker with a tag": (
        run("docker run --rm lab/torch:2 python train.py", NOT_ASKED, docker("lab/torch:2", "docker", f"lab/torch@{DIGEST}"),
            traced("docker", "engine", "lab/torch:2", manifest=DIGEST), *there("lab/torch:2", image_id="sha256:" + sha("config"), engine="docker")),
        {
            "unpinned-image": (WEAK, f"lab/torch@{DIGEST}   # line 3, instead of lab/torch:2"),
            "drifted-tag": (UNKNOWN, ""),
            "unobtainable-environment": (UNKNOWN, ""),
            "missing-recipe": (WEAK, f"docker build {SOURCE} -t lab/torch:2 .   # where it is built"),
            "unknown-base": (WEAK, f"docker build {NAME} -t lab/torch:2 .   # where it is built"),
        },
    ),
    "Podman by digest": (
        run(f"podman run --rm lab/torch@{DIGEST} python train.py", NOT_ASKED, docker(f"lab/torch@{DIGEST}", "podman", f"lab/torch@{DIGEST}"),
            traced("podman", "engine", f"lab/torch@{DIGEST}", manifest=DIGEST), *there(f"lab/torch@{DIGEST}", image_id=DIGEST)),
        {
            "unobtainable-environment": (UNKNOWN, ""),
            "missing-recipe": (WEAK, f"podman build {SOURCE} -t lab/torch .   # where it is built"),
            "unknown-base": (WEAK, f"podman build {NAME} -t lab/torch .   # where it is built"),
        },
    ),
    "Snakemake with its containers off": (
        run("snakemake --cores 2", seen(PYTHON, grade=Grade.VERIFIED), declared(ContainerReferences((SWITCHED_OFF,))), NOT_ASKED,
            *there("docker://lab/torch:2", state="unknown", reason="docker: nothing on this machine to ask without a network")),
        {"unobtainable-environment": (WEAK, LOCK)},
    ),
    "an image named by a variable, seen in the job": (
        run(VARIABLE, seen(SifImages((SIF,))), *there("$IMAGE", sha256=SIF.file_sha256, size=900), start(FILLED_IN)),
        FILE,
    ),
    "an image named by a variable, and the job was not seen": (
        tuple(
            e
            for e in run(VARIABLE, seen(SifImages((SIF,))), *there("$IMAGE", sha256=SIF.file_sha256, size=900), declared(FILLED_IN))
            if (e.kind, e.phase) != ("ContainerReferences", Phase.START)
        ),
        {**FILE, **dict.fromkeys(("unpinned-image", "open-doors", "drifted-tag", "host-leaks"), (UNKNOWN, ""))},
    ),
    "nothing": (
        run("./solver"),
        {
            "unnamed-environment": (FAILED, f"{PULL}\napptainer exec image.sif ./solver"),
            "unidentified-environment": (FAILED, PULL),
            "unobtainable-environment": (FAILED, PULL),
        },
    ),
}  # fmt: skip


def complaints(evidence: tuple[Evidence, ...]) -> dict[str, tuple[Outcome, str]]:
    """Without what only a replay settles."""
    found = [ask(check.id, *evidence) for check in registry.tips()[7].checks if check.id != "environment-not-rebuilt"]
    return {f.check: (f.outcome, f.fix) for f in found if f.outcome not in (PASSED, NOT_APPLICABLE)}


@pytest.mark.parametrize("name", JOBS)
def test_a_plain_job_hears_of_what_it_can_mend_and_of_nothing_else(name: str) -> None:
    evidence, expected = JOBS[name]

    assert complaints(evidence) == expected


@pytest.mark.parametrize("name", JOBS)
def test_hiding_evidence_of_a_plain_job_silences_no_complaint(name: str) -> None:
    """What stood against a pass may be hidden; then the answer is open, and not a pass."""
    evidence, expected = JOBS[name]
    for hidden in evidence:
        rest = tuple(e for e in evidence if e is not hidden)
        assert expected.keys() <= complaints(rest).keys(), hidden.kind


def test_an_image_that_is_switched_off_is_declared_and_not_enacted() -> None:
    evidence, _ = JOBS["Snakemake with its containers off"]

    assert ask("unnamed-environment", *evidence).message.startswith(
        "docker://lab/torch:2: named, but snakemake runs no containers here;"
    )
    assert ask("unpinned-image", *evidence).message == "switched off, so nothing runs in it: docker://lab/torch:2"
    assert ask("unidentified-environment", *evidence).message.startswith("2 packages of /venv")


def test_an_image_that_is_only_fetched_is_not_what_the_job_ran_in() -> None:
    fetched = run("apptainer pull torch.sif docker://lab/torch:2", seen(PYTHON), *there("docker://lab/torch:2", state="unknown"))

    assert ask("unnamed-environment", *fetched).message.startswith("no image; CPython 3.11.7 with 2 packages")
    assert ask("unidentified-environment", *fetched).outcome is PASSED
    assert ask("host-leaks", *fetched).outcome is NOT_APPLICABLE
    assert ask("unpinned-image", *fetched).outcome is WEAK  # what it fetches may still be another image tomorrow


def test_hiding_that_an_image_is_only_fetched_makes_it_no_environment() -> None:
    fetched = run("apptainer pull torch.sif docker://lab/torch:2", *there("docker://lab/torch:2", image_id=DIGEST))
    hidden = [e for e in fetched if e.kind != "ContainerReferences"]

    assert ask("unidentified-environment", *fetched).outcome is FAILED
    assert ask("unidentified-environment", *hidden).outcome is UNKNOWN


def test_a_file_run_by_its_path_leaves_no_trace_and_its_identity_at_start_stands_for_it() -> None:
    evidence, _ = JOBS["an image file, shut off from the host"]
    branch = replace(references(f"{HEAD}apptainer exec --no-home --cleanenv torch.sif python train.py\n", {})[0], sure=False)

    assert ask("host-leaks", *evidence).message == "neither home nor environment is seen inside: torch.sif"
    unseen_at_start = [e for e in evidence if (e.kind, e.phase) != ("ContainerIdentities", Phase.START)]
    assert ask("host-leaks", *unseen_at_start).message == "not seen to run: torch.sif"
    perhaps = [e for e in evidence if e.kind != "ContainerReferences"]
    nothing_new = unseen(ContainerReferences, "as at submission", phase=Phase.START)
    assert (
        ask("host-leaks", *perhaps, declared(ContainerReferences((branch,))), nothing_new).message == "not seen to run: torch.sif"
    )


def test_a_called_script_counts_where_it_did_not_change_since_submission() -> None:
    (ref,) = references(f"{HEAD}apptainer exec --no-home --cleanenv torch.sif python train.py\n", {})
    inside = declared(ContainerReferences((replace(ref, file="steps/train.sh"),)))
    rest = [e for e in JOBS["an image file, shut off from the host"][0] if e.kind != "ContainerReferences"]
    nothing_new = unseen(ContainerReferences, "as at submission", phase=Phase.START)

    def told(*looks: Evidence) -> str:
        return ask("host-leaks", *rest, inside, nothing_new, *looks).message

    same, other = (called({"steps/train.sh": text}) for text in ("a", "b"))
    assert told(seen(same), start(same)) == "neither home nor environment is seen inside: torch.sif"
    assert told(seen(same), start(other)) == told(seen(same)) == told() == "not seen to run: torch.sif"


def test_the_job_s_own_variables_come_before_those_of_the_submission() -> None:
    typed, ran = (
        ContainerReferences(references(f"{HEAD}apptainer exec $IMAGE x\n", {"IMAGE": i}))
        for i in (f"docker://lab/torch@{DIGEST}", "docker://lab/torch:2")
    )

    assert ask("unpinned-image", declared(typed), start(ran)).outcome is WEAK
    assert ask("unpinned-image", declared(typed)).outcome is UNKNOWN


def test_one_image_under_two_names_is_one() -> None:
    line = "apptainer exec $IMAGE python train.py"
    found = run(
        line, *there("$IMAGE", sha256=SIF.file_sha256, size=900), start(ContainerReferences(references(f"{HEAD}{line}\n", {"IMAGE": "torch.sif"}))),
        traced("apptainer", "instance", "torch.sif"),
    )  # fmt: skip
    assert ask("unidentified-environment", *found).message == f"$IMAGE = sha256:{SIF.file_sha256[:12]}"
