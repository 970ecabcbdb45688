"""What does tip 7 say of a dozen whole runs? Each scenario is one kind of environment that people really use."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from auditor.model import Evidence, Grade, Outcome, Phase, Status
from probes.containers import (
    ContainerIdentities,
    ContainerReferences,
    Door,
    Doors,
    EngineImage,
    EngineImages,
    ImageFacts,
    ImageIdentity,
    RanImage,
    RanImages,
    Reference,
    RegistryImage,
    RegistryImages,
    SifImage,
    SifImages,
    SifSignature,
    State,
)
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.software import Component
from probes.software.conda import CondaPackages
from probes.software.guix import Channel, GuixProfile
from probes.software.spack import SpackSpecs
from reports.judging.known import known
from reports.judging.ranking import again, ways
from reports.judging.record import record
from reports.judging.surroundings import surroundings
from tests.factory import git_state, hardware, modules, packages, seen, sha, submission, unseen
from tests.reports.ask import FAILED, NOT_APPLICABLE, PASSED, UNKNOWN, WEAK, ask, declared, later, replayed, said, start

DIGEST = "sha256:" + "c" * 64
OTHER = "sha256:" + "d" * 64
SHUT = Door(State.SHUT, "default")
TIGHT = Doors(SHUT, SHUT, SHUT, SHUT, SHUT, SHUT, SHUT, SHUT, SHUT)
USUAL = replace(TIGHT, home=Door(State.OPEN, "default of Apptainer"), environment=Door(State.OPEN, "default of Apptainer"))

AROUND = start(RanImages((RanImage("docker", "inside", "", ImageFacts(""), "/.dockerenv"),)))
NO_NAME = unseen(ContainerReferences, "no image is named")
NO_START = unseen(ContainerIdentities, "no image is named", phase=Phase.START)
NO_TRACE = unseen(RanImages, "no trace of a container is left", phase=Phase.LATER)
NO_RAN = unseen(RanImages, "no trace of a container", phase=Phase.START)
NO_FILES = unseen(SifImages, "no image file is named")
NO_ENGINE = unseen(EngineImages, "no image of an engine is named")
NO_PYTHON = unseen(PythonPackages, "Python runs inside the image")
NO_MODULES = unseen(LoadedModules, "no module is loaded", phase=Phase.START)
NO_REGISTRY = unseen(RegistryImages, "no image of a registry is named", phase=Phase.LATER)
NOT_ASKED = unseen(RegistryImages, "ask_registries is off", phase=Phase.LATER, status=Status.FAILED)
NO_OTHER = tuple(unseen(kind, "nothing of the kind is used") for kind in (CondaPackages, SpackSpecs, GuixProfile))
TYPED = seen(submission("#!/bin/bash\nimage python train.py\n"))
NODE = start(hardware())
BASE = (TYPED, NODE, NO_MODULES, NO_TRACE, *NO_OTHER)


def typed(text: str, runtime: str = "docker", doors: Doors = TIGHT, **changes: object) -> Evidence:
    name, _, digest = text.partition("@")
    bare, _, tag = name.partition(":")
    kind = "file" if text.endswith(".sif") else "docker"
    base = Reference(runtime, text, text, kind, "docker.io", bare, "" if kind == "file" else tag, digest, 2, doors=doors)
    return declared(ContainerReferences((replace(base, **changes),)))  # type: ignore[arg-type]


def ran(text: str, digest: str = DIGEST, runtime: str = "docker", how: str = "engine") -> Evidence:
    image = ImageFacts(text, manifest=digest, platform="linux/amd64")
    return start(RanImages((RanImage(runtime, how, text, image, "container 7f3a of the job"),)))


def engine(text: str, *repo: str, **labels: str) -> Evidence:
    told = {f"org.opencontainers.image.{name.replace('_', '.')}": value for name, value in labels.items()}
    image = EngineImage(
        text, "docker", "28.0", "classic", OTHER, "", "", repo, (), "", "linux", "amd64", "", told
    )  # fmt: skip
    return seen(EngineImages((image,)))


def told(text: str, digest: str, state: str = "there", by_digest: str = "") -> Evidence:
    return later(RegistryImages((RegistryImage(text, state, "", ImageFacts(text, manifest=digest), by_digest),)))


def sif(**changes: object) -> SifImage:
    base = SifImage(
        "img.sif", 900, sha("img"), "7d0e", "amd64", "", sha("squashfs"), "squashfs", "Bootstrap: docker\nFrom: debian:13", sha("def"),
        "docker", f"debian@{DIGEST}", True, {}, (), (),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def file_run(image: SifImage, doors: Doors = TIGHT) -> tuple[Evidence, ...]:
    there = ContainerIdentities((ImageIdentity("img.sif", "ok", "", image.file_sha256, image.size, "uuid:7d0e"),))
    trace = RanImages(
        (RanImage("apptainer", "inside", "img.sif", ImageFacts("img.sif", file=f"sha256:{image.file_sha256}"), "x"),)
    )
    return (
        typed("img.sif", "apptainer", doors), seen(there), start(there), start(trace), seen(SifImages((image,))), NO_ENGINE, NO_PYTHON,
        NO_REGISTRY, *BASE,
    )  # fmt: skip


def engine_run(
    text: str, *more: Evidence, repo: tuple[str, ...] = (), doors: Doors = TIGHT, labels: dict[str, str] | None = None
) -> tuple[Evidence, ...]:
    there = ContainerIdentities((ImageIdentity(text, "ok", "", "", 0, OTHER, "docker"),))
    return (
        typed(text, doors=doors),
        seen(there),
        start(there),
        engine(text, *repo, **(labels or {})),
        NO_FILES,
        NO_PYTHON,
        *BASE,
        *more,
    )


PYTHON = (NO_NAME, NO_START, NO_RAN, NO_TRACE, NO_FILES, NO_ENGINE, NO_REGISTRY, TYPED, NODE, *NO_OTHER)
HASHED = packages("numpy==2.3.0")
HASHED = replace(HASHED, packages=(replace(HASHED.packages[0], reference=f"https://e.org/numpy.whl#sha256={sha('wheel')}"),))
SOURCE = {"source": "https://example.org/ada/train", "base_name": "docker.io/library/debian:13"}

SCENARIOS: dict[str, tuple[tuple[Evidence, ...], dict[str, Outcome]]] = {
    "an image by digest that its registry has": (
        engine_run(
            f"lab/torch@{DIGEST}",
            ran(f"lab/torch@{DIGEST}"),
            told(f"lab/torch@{DIGEST}", DIGEST, by_digest="there"),
            repo=(f"lab/torch@{DIGEST}",),
            labels=SOURCE,
        ),
        {
            "unnamed-environment": PASSED, "unpinned-image": PASSED, "open-doors": PASSED, "unidentified-environment": PASSED, "moved-image": PASSED,
            "drifted-tag": NOT_APPLICABLE, "unobtainable-environment": PASSED, "missing-recipe": PASSED, "unknown-base": PASSED,
            "wrong-architecture": PASSED, "host-leaks": PASSED,
        },
    ),
    "an image by digest, and no registry was asked": (
        engine_run(f"lab/torch@{DIGEST}", ran(f"lab/torch@{DIGEST}"), NOT_ASKED, repo=(f"lab/torch@{DIGEST}",), labels=SOURCE),
        {"unpinned-image": PASSED, "unobtainable-environment": UNKNOWN},
    ),
    "an image by digest that is gone from its registry": (
        engine_run(f"lab/torch@{DIGEST}", ran(f"lab/torch@{DIGEST}"), told(f"lab/torch@{DIGEST}", "", "gone", "gone")),
        {"unidentified-environment": PASSED, "unobtainable-environment": FAILED},
    ),
    "a tag that was moved since": (
        engine_run("lab/torch:2", ran("lab/torch:2"), told("lab/torch:2", OTHER, by_digest="there")),
        {"unpinned-image": WEAK, "unidentified-environment": PASSED, "drifted-tag": FAILED, "unobtainable-environment": PASSED},
    ),
    "a tag that was taken away, while the image that ran is still there": (
        engine_run("lab/torch:2", ran("lab/torch:2"), told("lab/torch:2", "", "gone", "there")),
        {"drifted-tag": FAILED, "unobtainable-environment": PASSED},
    ),
    "a tag that still means the image that ran": (
        engine_run("lab/torch:2", ran("lab/torch:2"), told("lab/torch:2", DIGEST)),
        {"unpinned-image": WEAK, "drifted-tag": PASSED, "unobtainable-environment": PASSED},
    ),
    "latest, with nothing known of what ran": (
        engine_run("lab/torch:latest", NOT_ASKED, start(RanImages((RanImage("docker", "engine", "lab/torch:latest", ImageFacts("lab/torch:latest"), ""),)))),
        {
            "unpinned-image": FAILED, "unidentified-environment": PASSED, "drifted-tag": UNKNOWN, "unobtainable-environment": WEAK,
            "missing-recipe": WEAK, "unknown-base": WEAK,
        },
    ),
    "an image file as people run it": (
        file_run(sif(), USUAL),
        {
            "unpinned-image": PASSED, "open-doors": PASSED, "host-leaks": WEAK, "unidentified-environment": PASSED, "moved-image": PASSED,
            "unobtainable-environment": WEAK, "missing-recipe": PASSED, "loose-recipe": PASSED, "unknown-base": PASSED, "bad-signature": NOT_APPLICABLE,
            "foreign-revision": NOT_APPLICABLE, "wrong-architecture": PASSED,
        },
    ),
    "an image file from a local image, changed after it was signed, run writable on another architecture": (
        file_run(
            sif(bootstrap="localimage", base="base.sif", base_pinned=False, architecture="arm64", signatures=(SifSignature("PGP", "AB12", False),)),
            replace(TIGHT, writable=Door(State.OPEN, "--writable")),
        ),
        {"open-doors": FAILED, "loose-recipe": FAILED, "bad-signature": FAILED, "wrong-architecture": FAILED},
    ),
    "a signed image file without a definition": (
        file_run(sif(definition="", signatures=(SifSignature("pgp", "AB12", True, covers="group 1", covers_root=True),))),
        {"missing-recipe": WEAK, "loose-recipe": NOT_APPLICABLE, "bad-signature": PASSED},
    ),
    "an image built from another commit of the same repository": (
        engine_run("lab/torch:2", ran("lab/torch:2"), seen(git_state()), labels={**SOURCE, "revision": "b" * 40}),
        {"foreign-revision": FAILED},
    ),
    "an image built from the run's own commit": (
        engine_run("lab/torch:2", ran("lab/torch:2"), seen(git_state()), labels={"revision": "a" * 40, "source": "git@example.org:ada/train.git"}),
        {"foreign-revision": PASSED},
    ),
    "a base image's label, inherited": (
        engine_run("lab/torch:2", ran("lab/torch:2"), seen(git_state()), labels={"revision": "b" * 40, "source": "https://example.org/upstream/torch"}),
        {"foreign-revision": NOT_APPLICABLE},
    ),
    "a virtual environment whose wheels are known": (
        (*PYTHON, seen(HASHED), NO_MODULES),
        {"unnamed-environment": PASSED, "unpinned-image": NOT_APPLICABLE, "unidentified-environment": PASSED,
            "unobtainable-environment": PASSED, "outside-paths": PASSED},
    ),
    "a virtual environment of names and versions, on modules": (
        (*PYTHON, seen(packages("numpy==2.3.0")), start(modules("gcc/12.2.0"))),
        {"unobtainable-environment": WEAK, "unversioned-modules": PASSED},
    ),
    "nothing but modules": (
        (*PYTHON, NO_PYTHON, start(modules("gcc/12.2.0", "openmpi"))),
        {"unnamed-environment": FAILED, "unidentified-environment": FAILED, "unobtainable-environment": WEAK, "unversioned-modules": WEAK},
    ),
    "a job inside a container that tells no name": (
        (*(e for e in PYTHON if e is not NO_RAN), AROUND, seen(HASHED), NO_MODULES),
        {"unnamed-environment": PASSED, "unidentified-environment": FAILED, "unobtainable-environment": WEAK},
    ),
    "nothing was seen": (
        (),
        {"unnamed-environment": UNKNOWN, "unidentified-environment": UNKNOWN, "unobtainable-environment": UNKNOWN,
            "missing-recipe": UNKNOWN, "foreign-revision": UNKNOWN, "wrong-architecture": UNKNOWN},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_judged_as_a_careful_reader_would(name: str) -> None:
    evidence, expected = SCENARIOS[name]
    assert {check: ask(check, *evidence).outcome for check in expected} == expected


@pytest.mark.parametrize("name", SCENARIOS)
def test_hiding_any_one_piece_of_evidence_makes_no_check_pass(name: str) -> None:
    """What stood against a pass may be hidden; then the answer is open, and not a pass."""
    evidence, expected = SCENARIOS[name]
    for hidden in evidence:
        rest = [e for e in evidence if e is not hidden]
        for check, outcome in expected.items():
            if outcome in (FAILED, WEAK, UNKNOWN):
                assert ask(check, *rest).outcome not in (PASSED, NOT_APPLICABLE), (check, hidden.kind)


def test_a_fault_is_told_with_what_was_seen_and_something_to_paste() -> None:
    evidence, _ = SCENARIOS["a tag that was moved since"]
    found = ask("drifted-tag", *evidence)

    assert found.message.startswith("lab/torch:2 means another image today:")
    assert found.fix == f"docker.io/lab/torch@{DIGEST}   # line 2: the image that ran"
    assert ask(
        "open-doors",
        *SCENARIOS["an image file from a local image, changed after it was signed, run writable on another architecture"][0],
    ).message == ("img.sif: the image's own files can change (--writable)")


def test_evidence_that_is_only_declared_does_not_reach_the_second_level() -> None:
    evidence = [replace(e, grade=Grade.DECLARED) for e in SCENARIOS["an image file as people run it"][0]]
    assert ask("loose-recipe", *evidence).outcome is UNKNOWN


# the order of ways, by what each kind of evidence gives

CHANNEL = Channel("guix", "https://git.savannah.gnu.org/git/guix.git", "master", "a" * 40)
GUIX = seen(GuixProfile("/p", "PATH", "4", (CHANNEL,), (Component("guix", "hello", "2.12"),)))
SPACK = SpackSpecs(
    "/env", "SPACK_ENV", sha("lock"), "5", "0.22", ("hdf5",), (), (Component("spack", "hdf5", "1.14", detail="/abc %gcc@12"),)
)
CONDA = CondaPackages("/c", "CONDA_PREFIX", (), (), "", (Component("conda", "zlib", "1.3", digest=f"sha256:{sha('zlib')}"),))
WAYS: dict[str, tuple[tuple[Evidence, ...], list[tuple[str, str]]]] = {
    "an image that ran, before everything else": (
        (ran("lab/torch:2"), GUIX, seen(HASHED), start(modules("gcc/12"))),
        [("image-by-digest", "recorded"), ("guix", "recorded"), ("lock-with-hashes", "recorded"), ("module-names", "partial")],
    ),
    "all that there can be, each with its hashes": (
        (ran("lab/torch:2"), GUIX, seen(HASHED), seen(CONDA), seen(SPACK), start(modules("gcc/12"))),
        [
            ("image-by-digest", "recorded"), ("guix", "recorded"), ("lock-with-hashes", "recorded"), ("conda-explicit", "recorded"),
            ("spack-lock", "recorded"), ("module-names", "partial"),
        ],
    ),
    "Guix without its channels is no more than names": (
        (seen(GuixProfile("/p", "PATH", "4", (), (Component("guix", "hello", "2.12"),))),),
        [("guix", "partial")],
    ),
    "Spack with its lock": (
        (seen(SPACK),),
        [("spack-lock", "recorded")],
    ),
    "Spack without a lock": (
        (seen(replace(SPACK, lock_sha256="")),),
        [("spack-lock", "partial")],
    ),
    "names and versions come before modules": (
        (seen(packages("numpy==2.3.0")), start(modules("gcc/12"))),
        [("lock-without-hashes", "partial"), ("module-names", "partial")],
    ),
    "an image that is gone stands last": (
        (ran("lab/torch:2"), told("lab/torch:2", "", "gone", "gone"), start(modules("gcc/12"))),
        [("module-names", "partial"), ("image-by-digest", "lost")],
    ),
    "a file and its recipe": (
        (seen(SifImages((sif(),))),),
        [("image-file", "recorded"), ("image-recipe", "recorded")],
    ),
    "what a replay did is confirmed": (
        (seen(SifImages((sif(base_pinned=False),))), replayed()),
        [("image-file", "confirmed"), ("image-recipe", "partial")],
    ),
    "an image around the job that nobody can name is no way by itself": (
        (AROUND, seen(HASHED)),
        [("lock-with-hashes", "recorded"), ("image-by-tag", "partial")],
    ),
    "an image that was never pushed": (
        (typed("lab/own:1"), engine("lab/own:1")),
        [("image-by-tag", "partial")],
    ),
    "nothing": ((), [("nothing", "recorded")]),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_ways_to_have_it_again_are_ranked_by_what_comes_back(name: str) -> None:
    evidence, expected = WAYS[name]
    assert [(way.name, way.state) for way in ways(known(record(evidence, 0)))] == expected


def test_an_image_that_only_one_machine_has_is_answered_with_a_push() -> None:
    (way,) = ways(known(record((typed("lab/own:1"), engine("lab/own:1")), 0)))

    assert way.evidence == "lab/own:1: only this machine's engine has it, it was never pushed to a registry"
    assert way.how == "docker push lab/own:1"


def test_the_whole_is_no_better_than_what_lies_beside_its_best_way() -> None:
    beside = ways(known(record((GUIX, start(modules("gcc/12"))), 0)))
    whole = ways(known(record((ran("lab/torch:2"), start(modules("gcc/12"))), 0)))

    assert (again(beside), again(whole)) == ("partial", "recorded")


def test_layers_are_told_by_one_digest_that_every_store_has() -> None:
    """OCI image-spec, config.md, "Layer ChainID"."""
    image = ImageFacts("lab/torch:2", config=OTHER, diff_ids=(DIGEST, OTHER))
    evidence = record((start(RanImages((RanImage("docker", "engine", "lab/torch:2", image, "container 7f3a"),))),), 0)
    (row,) = surroundings(evidence, known(evidence)).images
    chain = hashlib.sha256(f"{DIGEST} {OTHER}".encode()).hexdigest()

    assert row.digests == (f"config {OTHER}", f"layers sha256:{chain}")


def test_a_tag_that_apptainer_pulls_as_the_job_starts_is_to_be_named_by_digest_or_pulled_once() -> None:
    there = ContainerIdentities((ImageIdentity("docker://lab/x:1", "unknown", "no engine knows it"),))

    assert said("moved-image", seen(there), start(there)) == (
        UNKNOWN,
        "not identified both at submission and at start: docker://lab/x:1; "
        "name it by digest, or pull it to a file once: apptainer pull image.sif docker://lab/x:1",
    )
