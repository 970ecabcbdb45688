"""Tip 7 by example: is the environment a known thing that somebody else could have?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditor.model import Evidence, Grade, Outcome, Phase
from auditor.verdict import Sameness
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
)
from probes.containers.scripts import references
from probes.modules import LoadedModules, Module
from probes.packages import PythonPackages
from probes.software.conda import CondaPackages
from probes.software.guix import GuixProfile
from probes.software.spack import SpackSpecs
from tests.factory import accounting, at, attempt, environment, git_state, image, modules, packages, seen, sha, submission, unseen
from tests.reports.ask import (
    FAILED,
    IDENTICAL,
    NEVER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    ask,
    declared,
    later,
    replayed,
    said,
    start,
)

TYPED = seen(submission("#!/bin/bash\ndocker run --rm --privileged lab/torch:2 python train.py\n"))
NOTHING_RAN = tuple(unseen(RanImages, "no trace of a container", phase=p) for p in (Phase.START, Phase.LATER))
NO_NAME = unseen(ContainerReferences, "neither the script nor what it calls names an image")
NO_PYTHON = unseen(PythonPackages, "nothing in the script or its environment speaks of Python")


def named(text: str, tag: str = "", digest: str = "", transport: str = "docker", **changes: Any) -> Evidence:
    base = Reference("docker", text, text, transport, "docker.io", text.split(":")[0].split("@")[0], tag, digest, 2)
    return declared(ContainerReferences((replace(base, **changes),)))


def engine(reference: str, *repo_digests: str) -> EngineImage:
    return EngineImage(
        reference, "docker", "28.0", "classic", "sha256:" + sha("config"), "", "", repo_digests, (), "", "linux", "amd64", "", {}
    )  # fmt: skip


def sif(**changes: Any) -> SifImage:
    base = SifImage(
        "img.sif", 5_000_000_000, sha("img"), "7d0e", "amd64", "", "", "squashfs", "Bootstrap: docker\nFrom: debian:13", sha("def"),
        "docker", "debian:13", False, {}, (), (),
    )  # fmt: skip
    return replace(base, **changes)


# unnamed-environment


def test_an_image_or_an_environment_of_its_own_is_a_name() -> None:
    assert said("unnamed-environment", named("lab/torch:2"), NO_PYTHON, TYPED) == (PASSED, "the scripts name lab/torch:2")
    assert said("unnamed-environment", NO_NAME, seen(packages("numpy==2.3.0")), TYPED) == (
        PASSED,
        "no image; CPython 3.11.7 with 1 package in /venv (VIRTUAL_ENV)",
    )


def test_an_interpreter_that_is_no_environment_of_its_own_is_a_weak_name() -> None:
    shared = packages("numpy==2.3.0", prefix="/usr")
    conda = packages("numpy==2.3.0", prefix="/opt/conda/envs/paper", base_prefix="/opt/conda/envs/paper")
    from_conda = replace(conda, packages=(replace(conda.packages[0], source="conda"),))

    assert said("unnamed-environment", NO_NAME, seen(shared), TYPED)[0] == WEAK
    assert said("unnamed-environment", NO_NAME, seen(from_conda), TYPED)[0] == PASSED


def test_neither_image_nor_python_fails_and_not_having_looked_is_unknown() -> None:
    assert said("unnamed-environment", NO_NAME, NO_PYTHON, TYPED)[0] == FAILED
    assert said("unnamed-environment", NO_NAME, TYPED) == (
        UNKNOWN,
        "whether an image is named, or which Python the job used, is not known",
    )


# unpinned-image, open-doors


def test_a_tag_is_answered_with_the_digest_that_the_engine_knows() -> None:
    known = seen(EngineImages((engine("lab/torch:2", "docker.io/lab/torch@sha256:" + "c" * 64),)))

    assert said("unpinned-image", named("lab/torch:2", tag="2"), known) == (
        WEAK,
        "lab/torch:2: a tag can be moved to another image at any time",
    )
    assert advised("unpinned-image", named("lab/torch:2", tag="2"), known)[1] == (
        f"docker.io/lab/torch@sha256:{'c' * 64}   # line 2, instead of lab/torch:2"
    )
    assert said("unpinned-image", named("lab/torch:latest", tag="latest"))[0] == FAILED
    assert advised("unpinned-image", named("lab/torch:latest", tag="latest"))[1] == (
        "skopeo inspect --format '{{.Digest}}' docker://docker.io/lab/torch:latest   # tells the digest\n"
        "docker.io/lab/torch@sha256:DIGEST   # line 2, instead of lab/torch:latest"
    )


def test_a_tag_is_answered_with_the_digest_of_what_ran_where_no_engine_was_asked() -> None:
    image = ImageFacts("lab/torch:2", manifest="sha256:" + "d" * 64)
    ran = seen(RanImages((RanImage("apptainer", "cache", "lab/torch:2", image, "made before"),)), phase=Phase.LATER)
    nothing = unseen(RanImages, "the job's script runs on the host", phase=Phase.START)

    assert advised("unpinned-image", named("lab/torch:2", tag="2"), nothing, ran)[1] == (
        f"docker.io/lab/torch@sha256:{'d' * 64}   # line 2, instead of lab/torch:2"
    )


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("apptainer exec library://lab/x/y:1 true", "library://lab/x/y:sha256.DIGEST"),
        ("apptainer exec oras://reg.example/lab/x:1 true", "oras://reg.example/lab/x@sha256:DIGEST"),
        ("srun --container-image=nvcr.io#nvidia/pytorch:24.01-py3 true", "'nvcr.io#nvidia/pytorch@sha256:DIGEST'"),
        ("docker run reg.example/lab/x:1 true", "reg.example/lab/x@sha256:DIGEST"),
    ],
)
def test_each_runtime_gets_its_own_spelling_of_a_digest(line: str, instead: str) -> None:
    found = ContainerReferences(references(f"#!/bin/bash\n{line}\n", {}))

    assert advised("unpinned-image", declared(found))[1].splitlines()[-1].split("   #")[0] == instead


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("apptainer exec docker://lab/x:1 true", "apptainer exec --no-home --cleanenv docker://lab/x:1 true"),
        (
            "docker run -v /home:/home -e HOME lab/x:1 true",
            "docker run -v /home:/home -e HOME lab/x:1 true   # without bind /home:/home",
        ),
        (
            "srun --container-image=lab/x:1 true",
            "srun --container-image=lab/x:1 true   # pyxis has no option that shuts off the environment",
        ),
    ],
)
def test_what_lets_the_host_in_is_shut_or_named(line: str, fix: str) -> None:
    found = ContainerReferences(references(f"#!/bin/bash\n{line}\n", {"HOME": "/home/ada"}))

    assert advised("host-leaks", declared(found), seen(submission(f"#!/bin/bash\n{line}\n")))[1] == fix


def test_a_digest_or_a_file_is_pinned() -> None:
    assert said("unpinned-image", named("lab/torch@sha256:" + "c" * 64, digest="sha256:" + "c" * 64))[0] == PASSED
    assert said("unpinned-image", named("img.sif", transport="file")) == (PASSED, "each by file or digest: img.sif")


def test_without_an_image_there_is_nothing_to_pin() -> None:
    assert said("unpinned-image", NO_NAME) == (NOT_APPLICABLE, "neither the script nor what it calls names an image")
    assert said("unpinned-image") == (UNKNOWN, "never captured: container references at submission")


def test_privileged_opens_a_door_and_the_line_without_it_is_given() -> None:
    assert said("open-doors", named("lab/torch:2", options=("--privileged",)), TYPED) == (
        FAILED,
        "lab/torch:2: --privileged",
    )
    assert advised("open-doors", named("lab/torch:2", options=("--privileged",)), TYPED)[1] == (
        "docker run --rm lab/torch:2 python train.py   # without --privileged"
    )
    assert said("open-doors", named("lab/torch:2", options=("--nv",)), TYPED) == (PASSED, "options --nv")
    assert said("open-doors", NO_NAME, TYPED)[0] == NOT_APPLICABLE


def test_a_door_opened_in_a_called_script_is_not_sought_in_the_batch_script() -> None:
    elsewhere = named("lab/torch:2", options=("--privileged",), file="steps/train.sh")

    assert advised("open-doors", elsewhere, seen(submission("#!/bin/bash\nhostname\nbash steps/train.sh\n")))[1] == (
        "bash steps/train.sh   # without --privileged"
    )


# unidentified-environment, moved-image


def test_an_image_is_identified_by_its_digest_at_start() -> None:
    assert said(
        "unidentified-environment", named("img.sif", transport="file"), start(image("img.sif", "content")), *NOTHING_RAN
    ) == (
        PASSED,
        f"img.sif = sha256:{sha('content')[:12]}",
    )


def test_a_large_image_is_identified_by_the_file_read_at_submission() -> None:
    large = start(
        ContainerIdentities((ImageIdentity("img.sif", "ok", "larger than the budget", "", 5_000_000_000, "uuid:7d0e"),))
    )
    file = seen(SifImages((sif(),)), grade=Grade.VERIFIED)

    assert said("unidentified-environment", named("img.sif", transport="file"), large, file, *NOTHING_RAN)[0] == PASSED
    assert said("unidentified-environment", named("img.sif", transport="file"), large, *NOTHING_RAN) == (
        FAILED,
        "no digest of img.sif (larger than the budget)",
    )


def test_an_image_file_that_was_not_there_is_looked_for() -> None:
    gone = start(ContainerIdentities((ImageIdentity("img.sif", "absent", "no such file: /home/ada/img.sif"),)))

    assert said("unidentified-environment", named("img.sif", transport="file"), gone, *NOTHING_RAN) == (
        FAILED,
        "no digest of img.sif (no such file: /home/ada/img.sif)",
    )
    assert advised("unidentified-environment", named("img.sif", transport="file"), gone, *NOTHING_RAN)[1] == (
        "ls -l img.sif   # it was not there as the job started: name the file that is"
    )


def test_packages_identify_the_environment_where_no_image_is_named() -> None:
    none = unseen(ContainerIdentities, "no image is named", phase=Phase.START)

    assert said("unidentified-environment", NO_NAME, none, *NOTHING_RAN, seen(packages("numpy==2.3.0")))[0] == PASSED
    assert said("unidentified-environment", NO_NAME, none, *NOTHING_RAN, NO_PYTHON)[0] == FAILED
    assert said("unidentified-environment", named("lab/torch:2"), none, *NOTHING_RAN, seen(packages("numpy==2.3.0"))) == (
        UNKNOWN,
        "which image ran was not identified as the job started",
    )


def test_an_image_that_moved_is_named_with_both_digests() -> None:
    assert said("moved-image", seen(image("lab/torch:2", "monday")), start(image("lab/torch:2", "tuesday"))) == (
        FAILED,
        f"lab/torch:2 between submission and start was sha256:{sha('monday')} and became sha256:{sha('tuesday')} (same name only)",
    )
    assert said("moved-image", seen(image("lab/torch:2", "monday")), start(image("lab/torch:2", "monday"))) == (
        PASSED,
        "the same at submission and at start: lab/torch:2 (byte same)",
    )


def test_an_image_seen_once_only_did_not_prove_to_stay() -> None:
    assert said("moved-image", seen(image("lab/torch:2")))[0] == UNKNOWN
    assert said("moved-image", *(unseen(ContainerIdentities, "no image is named", phase=p) for p in (Phase.SUBMIT, Phase.START)))[
        0
    ] == (NOT_APPLICABLE)


# packages, modules


def test_a_path_from_outside_or_an_edited_file_leaks() -> None:
    clean = packages("numpy==2.3.0", files_checked=900)
    edited = replace(clean, packages=(replace(clean.packages[0], modified=("numpy/core.py",)),))
    editable = replace(clean, packages=(replace(clean.packages[0], source="editable"),))

    assert said("outside-paths", seen(clean)) == (PASSED, "nothing reaches into /venv from outside")
    assert said("outside-paths", seen(replace(clean, leaks=("PYTHONPATH=/home/ada/lib",)))) == (
        FAILED,
        "1 path from outside /venv can be imported: PYTHONPATH=/home/ada/lib",
    )
    assert said("outside-paths", seen(clean), seen(environment(PYTHONPATH="/home/ada/lib:/venv/more:"), phase=Phase.END)) == (
        FAILED,
        "1 path from outside /venv can be imported: PYTHONPATH /home/ada/lib",
    )
    sets = submission("#!/bin/bash\nPYTHONPATH=/home/ada/lib:$PYTHONPATH python train.py\n")
    assert said("outside-paths", seen(clean), seen(sets)) == (
        UNKNOWN,
        "the script gives PYTHONPATH a value on line 2, and which folders that named was not seen",
    )
    assert said("outside-paths", seen(clean), seen(submission("#!/bin/bash\nexport PYTHONPATH=\npython train.py\n")))[0] == PASSED
    assert said("edited-packages", seen(clean)) == (PASSED, "1 package as installed (900 files recomputed)")
    assert said("edited-packages", seen(packages("numpy==2.3.0")))[0] == UNKNOWN
    assert said("edited-packages", seen(edited)) == (FAILED, "installed files were edited: numpy: numpy/core.py")
    assert said("edited-packages", seen(editable))[0] == WEAK
    assert said("outside-paths", NO_PYTHON)[0] == said("edited-packages", NO_PYTHON)[0] == NOT_APPLICABLE


def test_the_projects_own_folder_on_the_path_is_code_and_better_installed() -> None:
    job, tree = seen(submission()), seen(git_state())  # in /home/ada/train
    src, lib = "PYTHONPATH /home/ada/train/src", "PYTHONPATH /home/ada/lib"
    own = packages("numpy==2.3.0", leaks=(src,))
    both = packages("numpy==2.3.0", leaks=(src, lib))
    installed = packages("numpy==2.3.0", leaks=("__editable__.fit-1.0.pth /home/ada/train/src",))
    copied = packages("numpy==2.3.0", leaks=("PYTHONPATH /home/ada/train/lib/python3.11/site-packages",))

    assert (
        said("outside-paths", seen(own), job)
        == said("outside-paths", seen(own), tree)
        == (
            WEAK,
            f"the project's own code is found by its place only, and carried as code where the job calls it: {src}",
        )
    )
    assert advised("outside-paths", seen(own), job)[1] == "pip install -e .   # then leave PYTHONPATH alone"
    assert (
        advised("outside-paths", seen(replace(own, maker="uv 0.9")), job)[1]
        == "uv pip install -e .   # then leave PYTHONPATH alone"
    )
    assert said("outside-paths", seen(both), job) == (FAILED, f"1 path from outside /venv can be imported: {lib}")
    assert advised("outside-paths", seen(both), job)[1] == "export PYTHONPATH=/home/ada/train/src; export PYTHONNOUSERSITE=1"
    assert said("outside-paths", seen(installed), job) == (
        PASSED,
        "nothing reaches into /venv from outside but the project's own code",
    )
    assert said("outside-paths", seen(copied), job)[0] == FAILED
    assert said("outside-paths", seen(own))[0] == FAILED  # where the job's folder is not known


def test_code_that_no_package_brought_would_not_come_back() -> None:
    clean = packages(
        "numpy==2.3.0", startup=("/venv/s/_virtualenv.pth (virtualenv)", "/venv/s/distutils-precedence.pth (setuptools)")
    )
    hook = replace(clean, startup=("/venv/s/sitecustomize.py (of no package)",), unowned=("/venv/s/helper.py",))
    loose = replace(clean, unowned=("/venv/s/helper.py",))

    assert said("stray-code", seen(clean)) == (PASSED, "all code in /venv was brought by 1 package, each there once")
    assert said("stray-code", seen(hook)) == (
        FAILED,
        "/venv/s/sitecustomize.py: code that runs whenever Python starts, and that no package brought",
    )
    assert said("stray-code", seen(loose)) == (
        WEAK,
        "1 module in /venv of no package, so no lock brings them back: /venv/s/helper.py",
    )
    assert advised("stray-code", seen(loose))[1] == (
        "mv /venv/s/helper.py .   # beside the program that imports them, under version control"
    )
    assert said("stray-code", seen(replace(loose, maker="conda"))) == (
        UNKNOWN,
        "which package brought which module is not known: conda keeps its own records, and /venv/s/helper.py may be of one of its packages",
    )
    debian = replace(clean, packages=(replace(clean.packages[0], location="/usr/lib/python3/dist-packages"),))
    assert said("stray-code", seen(debian))[0] == UNKNOWN
    assert said("stray-code", seen(replace(clean, shadowed=("numpy 1.26 in /a hides 2.3.0 in /b",)))) == (
        WEAK,
        "there twice, and which one counts depends on the order of folders: numpy 1.26 in /a hides 2.3.0 in /b",
    )
    assert said("stray-code", NO_PYTHON)[0] == NOT_APPLICABLE


def test_a_hash_that_only_a_lock_file_names_does_not_show_that_it_was_installed() -> None:
    def known_by(**changes: Any) -> tuple[Outcome, str]:
        found = packages("numpy==2.3.0")
        one = replace(found.packages[0], wheel_sha256=sha("numpy"), **changes)
        none = [
            unseen(kind, "nothing of the kind")
            for kind in (ContainerReferences, SifImages, EngineImages, CondaPackages, SpackSpecs, GuixProfile)
        ]
        start_ = [unseen(kind, "nothing of the kind", phase=Phase.START) for kind in (ContainerIdentities, LoadedModules)]
        registry = unseen(RegistryImages, "no image of a registry is named", phase=Phase.LATER)
        return said("unobtainable-environment", seen(replace(found, packages=(one,))), *none, *start_, *NOTHING_RAN, registry)

    whole = "lock with hashes: 1 Python package of /venv, each with the hash of its archive"
    assert known_by(wheel_source="direct_url.json") == (PASSED, whole)
    assert known_by(wheel_source="uv cache", wheel_proved=True) == (PASSED, whole)
    assert known_by(wheel_source="uv.lock") == (
        UNKNOWN,
        f"{whole}; of 1 package only as uv.lock says, and not proved by what is installed",
    )


def test_packages_guessed_by_name_only_do_not_reach_the_second_level() -> None:
    found = ask("edited-packages", seen(packages("numpy==2.3.0", files_checked=900), grade=Grade.DECLARED))

    assert found.outcome is UNKNOWN
    assert found.message.endswith("only declared so far, and level 2 needs it seen at run time")


def test_a_package_upgraded_during_the_run_is_named() -> None:
    before, after = packages("numpy==2.3.0", "torch==2.8.0"), packages("numpy==2.3.1", "torch==2.8.0")

    assert said("changed-packages", seen(before), later(before)) == (
        PASSED,
        "the same 2 packages at submission and after the run",
    )
    outcome, message = said("changed-packages", seen(before), later(after))
    assert (outcome, message.split(": ", 1)[1].split(" ")[:2]) == (FAILED, ["numpy", "2.3.0"])
    assert advised("changed-packages", seen(before), later(after))[1].split("install ")[1].split("   #")[0] == "numpy==2.3.0"
    assert said("changed-packages", seen(before)) == (UNKNOWN, "the packages after the run are not known")


def test_a_job_that_started_at_once_left_no_time_to_change_a_package() -> None:
    at_once, waited = later(accounting("1", attempt(started=at(0, 30)))), later(accounting("1", attempt(started=at(30))))

    assert said("changed-packages", seen(packages("numpy==2.3.0")), at_once) == (
        PASSED,
        "the job started 30 s after submission: no time to change a package",
    )
    assert said("changed-packages", seen(packages("numpy==2.3.0")), waited)[0] == UNKNOWN


def test_another_interpreter_seen_later_is_no_change() -> None:
    other = packages("numpy==2.4.0", prefix="/opt/other")

    assert said("changed-packages", seen(packages("numpy==2.3.0")), later(other)) == (
        UNKNOWN,
        "submission saw /venv, and after the run another shell saw /opt/other",
    )


def test_modules_want_a_version_and_a_readable_file() -> None:
    bare = LoadedModules("lmod", (Module("gcc", "/modules/gcc/12.2.0.lua", sha("gcc")),), ())
    unread = LoadedModules("lmod", (Module("gcc/12.2.0", "/modules/gcc/12.2.0.lua", ""),), ())

    assert said("unversioned-modules", start(modules("gcc/12.2.0")))[0] == PASSED
    assert said("unversioned-modules", start(bare)) == (WEAK, "loaded without a version: gcc")
    assert advised("unversioned-modules", start(bare))[1] == "module load gcc/12.2.0"
    assert said("unversioned-modules", start(unread)) == (WEAK, "modulefiles that could not be read: gcc/12.2.0")
    assert said("unversioned-modules", unseen(LoadedModules, "no module system", phase=Phase.START)) == (
        NOT_APPLICABLE,
        "no module system",
    )


# images: recipe, registry, runtime, surroundings


def test_a_script_inside_a_container_must_know_which() -> None:
    assert said("unnamed-surroundings", start(ContainerMarkers(""))) == (PASSED, "the batch script itself ran on the host")
    assert said("unnamed-surroundings", start(ContainerMarkers("apptainer", {"APPTAINER_CONTAINER": "/img.sif"}))) == (
        PASSED,
        "the batch script ran inside apptainer: /img.sif",
    )
    assert said("unnamed-surroundings", start(ContainerMarkers("docker", {"/.dockerenv": ""})))[0] == FAILED
    assert said("unnamed-surroundings", unseen(ContainerMarkers, "the script runs on the host", phase=Phase.START)) == (
        NOT_APPLICABLE,
        "the script runs on the host",
    )
    assert said("unnamed-surroundings")[0] == UNKNOWN


def test_the_runtime_has_a_version_and_opens_the_image() -> None:
    assert said("unknown-runtime", seen(ApptainerRuntime("1.3.4", {"img.sif": {}}))) == (
        PASSED,
        "Apptainer 1.3.4, 1 image opened",
    )
    assert said("unknown-runtime", seen(ApptainerRuntime("1.3.4", {})))[0] == NOT_APPLICABLE
    assert said("unknown-runtime", seen(ApptainerRuntime("", {"img.sif": {}}))) == (
        FAILED,
        "Apptainer is used, and its version is not known",
    )
    assert said("unknown-runtime", seen(ApptainerRuntime("1.3.4", {}, {"img.sif": "no such file"})))[0] == WEAK
    assert said("unknown-runtime", unseen(ApptainerRuntime, "not on the path"))[0] == NOT_APPLICABLE


# environment-not-rebuilt


def test_only_a_rebuilt_environment_with_the_same_result_proves_it() -> None:
    assert said("environment-not-rebuilt", replayed()) == (PASSED, f"image-by-digest: {IDENTICAL}")
    assert said("environment-not-rebuilt", replayed(environment="host")) == (
        FAILED,
        "replayed with what the machine has (host), not with a rebuilt environment",
    )
    assert said("environment-not-rebuilt", replayed(Sameness.NOT_RUN, stopped_at="environment"))[0] == FAILED
    assert said("environment-not-rebuilt") == (UNKNOWN, NEVER)


def test_an_environment_from_a_lock_is_the_run_s_where_every_package_was_compared() -> None:
    def told(equal: bool | None) -> tuple[Outcome, str]:
        return said("environment-not-rebuilt", replayed(environment="rebuilt-from-lock", environment_equal=equal))

    assert told(True) == (PASSED, f"rebuilt-from-lock: {IDENTICAL}")
    assert told(None) == (
        UNKNOWN,
        f"rebuilt-from-lock (environment went well): {IDENTICAL}; but not every package of it could be compared with the run's, file by file",
    )
    assert told(False) == (
        FAILED,
        "rebuilt-from-lock: some of its packages are not the run's, file by file (environment went well)",
    )
