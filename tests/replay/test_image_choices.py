"""Which ways to an image does a plan name, in which order, and what does it say of the others? Nothing is fetched by looking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.model import AuditError
from auditor.replay.images.choices import Allowed, Choice, choices
from auditor.replay.images.level import level, recorded
from auditor.replay.images.trust import check_images
from auditor.replay.sentences import far
from auditor.world import RealWorld
from probes.containers import ImageFacts
from reports.archive.recipe import Asked, Original, Recipe, RecipeImage
from tests import factory

DIGEST = f"sha256:{'c' * 64}"
PULL = f"quay.io/lab/count@{DIGEST}"


def recipe(*images: RecipeImage, workdir: str = "/home/ada/train") -> Recipe:
    empty: dict[str, Any] = dict.fromkeys(
        ("run_id", "name", "scheduler", "cluster", "job_id", "script", "interpreter", "array_task", "python", "prefix"), ""
    )
    return Recipe(
        **empty, attempt=0, workdir=workdir, arguments=(), command=(), environment={}, files=(), interpreter_path="",
        requirements="", packages=0, images=images, modules=(), asked=Asked(), original=Original(),
    )  # fmt: skip


def told(image: RecipeImage, allowed: Allowed, folder: Path, workdir: str = "/nowhere") -> tuple[list[str], list[str]]:
    world = RealWorld(env={"PATH": "/nowhere", "HOME": str(folder)}, cwd=str(folder))
    (choice,) = choices(recipe(image, workdir=workdir), allowed, world)
    return [s.told for s in choice.steps], list(choice.closed)


def test_without_a_yes_to_the_network_a_pull_is_only_offered(tmp_path: Path) -> None:
    image = RecipeImage("docker", "lab/count:1", "docker", pull=PULL, reason="by digest only")
    assert told(image, Allowed(), tmp_path) == (
        [],
        [
            "not carried (by digest only)",
            "docker is not on this machine",
            f"--pull would ask its registry for {PULL}",
            "nothing is known that it was built from",
        ],
    )
    steps, _ = told(image, Allowed(pull=True), tmp_path)
    assert steps == [f"pull {PULL} (network, taken out again after the run)"]


def test_ways_come_in_order_what_is_carried_first_and_a_rebuild_last(tmp_path: Path) -> None:
    (tmp_path / "x.sif").write_text("image")
    image = RecipeImage(
        "apptainer", "x.sif", "file", sha256=factory.sha("image"), carried="images/x.sif", form="file", size=2_000_000,
        definition="images/x.def", builder="apptainer",
    )  # fmt: skip
    assert told(image, Allowed(rebuild=True), tmp_path, workdir=str(tmp_path))[0] == [
        "take it from the bundle (2.0 MB)",
        f"use {tmp_path}/x.sif, which has the same content",
        "build it anew from x.def with apptainer: runs its commands in a container, with network; it may come out as another image",
    ]


def test_a_file_of_the_same_name_with_other_content_is_no_way(tmp_path: Path) -> None:
    (tmp_path / "x.sif").write_text("imagE")
    image = RecipeImage("apptainer", "x.sif", "file", sha256=factory.sha("image"))
    assert told(image, Allowed(), tmp_path, workdir=str(tmp_path))[1][1] == f"{tmp_path}/x.sif is another file"
    unknown = RecipeImage("apptainer", "x.sif", "file")
    assert told(unknown, Allowed(), tmp_path, workdir=str(tmp_path))[0] == []


def test_what_only_the_runtime_can_fetch_is_left_to_it_when_the_script_names_the_digest(tmp_path: Path) -> None:
    pinned = RecipeImage("shifter", f"docker:{PULL}", "docker", pull=PULL)
    assert told(pinned, Allowed(pull=True), tmp_path)[0] == ["let shifter fetch it: the script itself names the digest (network)"]
    tag = RecipeImage("shifter", "docker:quay.io/lab/count:1", "docker", pull=PULL)
    assert told(tag, Allowed(pull=True), tmp_path)[0] == []


def test_under_slurm_an_engine_s_images_may_be_on_another_machine() -> None:
    engine, file = RecipeImage("docker", "lab/count:1", "docker"), RecipeImage("apptainer", "x.sif", "file")
    images = [Choice(image, (), ()) for image in (engine, file)]
    assert far("slurm", images) == (
        "docker's images lie in this machine's engine: a job that Slurm starts elsewhere does not find them",
    )
    assert far("local", images) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "--privileged"},
        {"reference": "a\nb"},
        {"reference": ""},
        {"pull": "--all-tags"},
        {"pull": "quay.io/lab/count:1"},
        {"pull": f"-x@{DIGEST}"},
        {"image_id": "--format=x"},
        {"form": "device"},
        {"builder": "sh"},
    ],
)
def test_names_that_would_become_options_are_refused(change: dict[str, str]) -> None:
    fields = {"runtime": "docker", "reference": "lab/count:1", "transport": "docker", **change}
    with pytest.raises(AuditError, match="names an image in a way it must not"):
        check_images(recipe(RecipeImage(**fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["docker://quay.io/lab/x:1", "lab/x:1", "/a b/x.sif", "127.0.0.1:5000/x", "./x.sif"])
def test_plain_names_are_taken(name: str) -> None:
    check_images(recipe(RecipeImage("apptainer", name, "docker", image_id=DIGEST, pull=PULL)))


def test_a_bundle_of_an_older_version_still_says_what_ran() -> None:
    assert recorded(RecipeImage("apptainer", "x.sif", "file", sha256="ab")).file == "sha256:ab"
    assert recorded(RecipeImage("docker", "x", "docker", pull=PULL)).index == DIGEST


def test_equal_ids_are_one_image_and_a_name_alone_is_none() -> None:
    image = RecipeImage("docker", "lab/count:1", "docker", image_id=DIGEST)
    assert level(image, ImageFacts("lab/count:1", config=DIGEST)).level == "same-image"
    assert level(image, ImageFacts("lab/count:1", config="sha256:00")).level == "unknown"
