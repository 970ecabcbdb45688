"""Does a job in a container run again only with exactly its image, however that is had, on a real Docker engine?"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import containers_lab
import pytest
from container_jobs import bundled
from containers_lab import Engine

from auditor.replay import execute, plan
from auditor.verdict import Sameness
from auditor.world import RealWorld
from reports.archive.engines import NotHad, pull
from tests.reports.test_verify import files, packed, resealed

COUNT = "/bin/busybox sh -c 'wc -l <in.csv >lines.txt; cat /etc/version >>lines.txt'"
JOB = f'#!/bin/bash\ndocker run --rm --network none -v "$PWD:/w" -w /w {{image}} {COUNT}\n'


@pytest.fixture
def engine(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine that `docker` speaks to, with no image left over afterwards."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    yield docker_engine
    for image in docker("image", "ls", "-q", "--no-trunc").split():
        subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def ids() -> set[str]:
    return set(docker("image", "ls", "-aq", "--no-trunc").split())


def version(engine: Engine, name: str, number: str) -> None:
    engine.make(name, {"etc/version": f"{number}\n".encode()})


def again(bundle: str, folder: Path, **options: bool) -> tuple[Sameness, str, list[tuple[str, str]]]:
    verdict = execute(plan(bundle, **options), folder, yes=True)
    return verdict.sameness, verdict.environment, [(i.way, i.level) for i in verdict.images]


@pytest.mark.docker
def test_an_image_that_is_here_is_used_by_its_id_though_its_tag_moved_on(engine: Engine, tmp_path: Path) -> None:
    version(engine, "lab/count:1", "1")
    docker("tag", "lab/count:1", "lab/kept:1")
    info = bundled(tmp_path, JOB.format(image="lab/count:1"))
    assert again(info.path, tmp_path / "again") == (Sameness.IDENTICAL, "image-by-digest", [("here", "same-image")])

    version(engine, "lab/count:1", "2")
    assert again(info.path, tmp_path / "third") == (Sameness.IDENTICAL, "image-by-digest", [("here", "same-image")])

    docker("image", "rm", "lab/kept:1")
    gone = plan(info.path)
    assert gone.stops == (
        "image lab/count:1: not carried (by digest only); docker has another image under this name; no digest to pull it by; "
        "nothing is known that it was built from",
    )
    assert execute(gone, tmp_path / "fourth", yes=True).sameness is Sameness.NOT_RUN


@pytest.mark.docker
def test_an_image_that_is_gone_is_pulled_by_its_digest_and_taken_out_again(engine: Engine, registry: str, tmp_path: Path) -> None:
    name = f"{registry}/pulled/count:1"
    version(engine, name, "1")
    docker("push", name)
    info = bundled(tmp_path, JOB.format(image=name))
    version(engine, name, "2")
    docker("push", name)
    subprocess.run(["docker", "image", "prune", "-f"], check=True, capture_output=True)
    before = ids()

    assert "--pull would ask its registry" in plan(info.path).stops[0]
    assert again(info.path, tmp_path / "again", pull=True) == (Sameness.IDENTICAL, "image-by-digest", [("pulled", "byte-same")])
    assert ids() == before


@pytest.mark.docker
def test_an_image_that_the_bundle_carries_needs_neither_engine_nor_registry_to_have_it(engine: Engine, tmp_path: Path) -> None:
    version(engine, "lab/carried:1", "1")
    info = bundled(tmp_path, JOB.format(image="lab/carried:1"), image_policy="carry")
    assert [(i.carried, i.form) for i in info.images] == [("images/carried_1", "oci-layout")]
    docker("image", "rm", "lab/carried:1")
    before = ids()

    assert again(info.path, tmp_path / "again") == (Sameness.IDENTICAL, "image-by-digest", [("carried", "same-image")])
    assert ids() == before


@pytest.mark.docker
def test_what_only_a_registry_still_has_is_fetched_into_the_bundle_when_asked_for(
    engine: Engine, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/fetched/count:1"
    version(engine, name, "1")
    docker("push", name)
    script = JOB.format(image=name)

    def gone() -> None:
        docker("image", "rm", "-f", *docker("image", "ls", "-q", "--no-trunc", name).split())

    here_only = bundled(tmp_path / "one", script, meanwhile=gone, image_policy="carry")
    assert [(i.carried, i.reason) for i in here_only.images] == [("", "docker does not have it any more")]

    docker("pull", here_only.images[0].pull)
    docker("tag", here_only.images[0].pull, name)
    info = bundled(tmp_path / "two", script, meanwhile=gone, image_policy="fetch")
    assert [i.form for i in info.images] == ["oci-layout"]
    sameness, environment, images = again(info.path, tmp_path / "again")
    assert (sameness, environment, images) == (Sameness.IDENTICAL, "image-by-digest", [("carried", "same-image")])


@pytest.mark.docker
def test_an_image_over_the_limit_stays_and_the_bundle_says_so(engine: Engine, tmp_path: Path) -> None:
    version(engine, "lab/large:1", "1")
    info = bundled(tmp_path, JOB.format(image="lab/large:1"), image_policy="carry", image_limit=1000)
    assert [i.reason for i in info.images] == [
        f"{docker('image', 'inspect', '--format', '{{.Size}}', 'lab/large:1').strip()} bytes are over the limit "
        "(of 1000 that are left): --images-limit raises it"
    ]


@pytest.mark.docker
def test_an_image_that_nobody_has_is_built_from_its_dockerfile_and_the_level_is_said(engine: Engine, tmp_path: Path) -> None:
    version(engine, "lab/base:1", "1")
    recipe = "FROM lab/base:1\nLABEL maker=ada\n"
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "Dockerfile").write_text(recipe)
    subprocess.run(
        ["docker", "build", "-t", "lab/built:1", tmp_path / "build"],
        check=True,
        capture_output=True,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )
    info = bundled(tmp_path, JOB.format(image="lab/built:1"), {"Dockerfile": recipe})
    docker("image", "rm", "lab/built:1")

    assert "--rebuild-images would build it anew from built_1.Dockerfile" in plan(info.path).stops[0]
    sameness, environment, images = again(info.path, tmp_path / "again", rebuild_images=True)
    assert (sameness, environment) == (Sameness.IDENTICAL, "image-rebuilt")
    assert images == [("rebuilt", "same-layers")]


@pytest.mark.docker
def test_a_carried_image_with_another_layer_is_refused_and_leaves_nothing_behind(engine: Engine, tmp_path: Path) -> None:
    version(engine, "lab/forged:1", "1")
    info = bundled(tmp_path, JOB.format(image="lab/forged:1"), image_policy="carry")
    docker("image", "rm", "lab/forged:1")
    contents = files(Path(info.path))
    layer = max((n for n in contents if "/blobs/sha256/" in n), key=lambda n: len(contents[n]))
    contents[layer] = contents[layer].replace(b"1\n", b"2\n")
    packed(tmp_path / "forged.zip", resealed(contents))
    before = ids()

    verdict = execute(plan(tmp_path / "forged.zip"), tmp_path / "again", yes=True)
    assert verdict.sameness is Sameness.NOT_RUN
    assert "the image in the bundle is not what it says" in verdict.reason
    assert ids() == before


@pytest.mark.docker
def test_a_pull_that_gets_no_answer_is_one_clear_line(engine: Engine) -> None:
    address = f"127.0.0.1:{containers_lab._free_port()}"
    with pytest.raises(NotHad, match=r"docker pull: .*connection refused"):
        pull("docker", f"{address}/no/body@sha256:{'0' * 64}", RealWorld(env=dict(os.environ)), seconds=20)
