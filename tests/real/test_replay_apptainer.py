"""Does a job in an image file, or in a registry's image through Apptainer, run again only with exactly its image?"""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import slurmlab
from container_jobs import ENVIRONMENT, bundled
from containers_lab import Engine, rootfs

from auditor.replay import execute, plan
from auditor.verdict import Sameness
from auditor.world import RealWorld
from reports.archive.engines import NotHad, build_file, fetch_folder, pull_file
from reports.archive.ocilayout import from_folder
from tests.reports.test_verify import files, packed, resealed

COUNT = "/bin/busybox sh -c 'wc -l <in.csv >lines.txt; cat /etc/version >>lines.txt'"
JOB = f'#!/bin/bash\napptainer exec --bind "$PWD" --pwd "$PWD" {{image}} {COUNT}\n'


@pytest.fixture
def quiet(apptainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Apptainer with a home, cache and keys of its own."""
    for name, value in {**ENVIRONMENT, "APPTAINER_CACHEDIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return apptainer


def image(path: Path, version: str, head: str = "") -> Path:
    """An image file of busybox; `/etc/version` tells two apart."""
    root = path.parent / f"{path.name}.root"
    root.mkdir(parents=True)
    subprocess.run(["tar", "-xC", root], input=rootfs({"etc/version": f"{version}\n".encode()}), check=True)
    subprocess.run(["apptainer", "build", "--disable-cache", path, root], check=True, capture_output=True)
    return path


@pytest.mark.apptainer
def test_an_image_that_the_bundle_carries_is_all_a_replay_needs(quiet: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    image(tmp_path / "work" / "count.sif", "1")
    info = bundled(tmp_path, JOB.format(image="count.sif"), image_policy="carry")
    assert [(i.reference, i.carried) for i in info.images] == [("count.sif", "images/count.sif")]
    (tmp_path / "moved" / "count.sif").unlink()

    ready = plan(info.path)
    assert ready.will[2].startswith("image count.sif: take it from the bundle (")
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "image-by-digest")
    assert [(i.reference, i.way, i.level) for i in verdict.images] == [("count.sif", "carried", "byte-same")]


@pytest.mark.apptainer
def test_an_image_file_that_lay_elsewhere_is_found_under_its_old_name_by_the_script(quiet: str, tmp_path: Path) -> None:
    shared = image(tmp_path / "shared.sif", "1")
    info = bundled(tmp_path, JOB.format(image=shared), image_policy="carry")
    shared.unlink()
    image(shared, "2") if not (tmp_path / "shared.sif.root").exists() else shared.write_text("another")

    verdict = execute(plan(info.path), tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "image-by-digest")
    assert [(i.way, i.level) for i in verdict.images] == [("carried", "byte-same")]


@pytest.mark.apptainer
def test_a_tag_that_moved_is_pulled_by_the_digest_that_ran(
    quiet: str, docker_engine: Engine, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(docker_engine, f"{registry}/moved/count:1", "1", monkeypatch)
    info = bundled(tmp_path, JOB.format(image=f"docker://{registry}/moved/count:1"))
    push(docker_engine, f"{registry}/moved/count:1", "2", monkeypatch)
    monkeypatch.setenv("APPTAINER_CACHEDIR", str(tmp_path / "empty"))

    offline = plan(info.path)
    assert (offline.runnable, "--pull would ask its registry" in offline.stops[0]) == (False, True)
    ready = plan(info.path, pull=True)
    assert f"pull {registry}/moved/count@sha256:" in ready.will[2]
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "image-by-digest")
    assert [(i.way, i.level) for i in verdict.images] == [("pulled", "byte-same")]


@pytest.mark.apptainer
def test_apptainer_s_cache_holds_what_ran_even_after_the_tag_moved(
    quiet: str, docker_engine: Engine, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(docker_engine, f"{registry}/cached/count:1", "1", monkeypatch)
    info = bundled(tmp_path, JOB.format(image=f"docker://{registry}/cached/count:1"), image_policy="carry")
    push(docker_engine, f"{registry}/cached/count:1", "2", monkeypatch)
    assert [i.form for i in info.images] == ["file"]
    monkeypatch.setenv("APPTAINER_CACHEDIR", str(tmp_path / "empty"))

    verdict = execute(plan(info.path), tmp_path / "again", yes=True)
    assert (verdict.sameness, [(i.way, i.level) for i in verdict.images]) == (Sameness.IDENTICAL, [("carried", "byte-same")])


@pytest.mark.apptainer
def test_an_image_that_is_gone_is_built_anew_from_its_definition_and_the_level_is_said(
    quiet: str, docker_engine: Engine, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(docker_engine, f"{registry}/base/count:1", "1", monkeypatch)
    (tmp_path / "work").mkdir()
    (tmp_path / "count.def").write_text(f"Bootstrap: docker\nFrom: {registry}/base/count:1\n\n%labels\n  Maker ada\n")
    build = ["apptainer", "build", "--no-https", "--disable-cache", tmp_path / "work" / "count.sif", tmp_path / "count.def"]
    subprocess.run(build, check=True, capture_output=True)
    info = bundled(tmp_path, JOB.format(image="count.sif"))
    assert [(i.carried, i.definition) for i in info.images] == [("", "images/count.def")]
    (tmp_path / "moved" / "count.sif").unlink()

    refused = plan(info.path)
    assert refused.stops == (
        "image count.sif: not carried (by digest only); not found here (--inputs names its folder); "
        "no digest to pull it by; --rebuild-images would build it anew from count.def",
    )
    verdict = execute(plan(info.path, rebuild_images=True), tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "image-rebuilt")
    assert [i.way for i in verdict.images] == ["rebuilt"]
    assert verdict.images[0].level in {"same-image", "same-files"}  # the former when both were built in the same second


@pytest.mark.apptainer
def test_a_carried_image_that_is_not_the_recorded_one_is_refused(quiet: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    image(tmp_path / "work" / "count.sif", "1")
    info = bundled(tmp_path, JOB.format(image="count.sif"), image_policy="carry")
    (tmp_path / "moved" / "count.sif").unlink()
    contents = files(Path(info.path))
    contents["data/images/count.sif"] = image(tmp_path / "other.sif", "2").read_bytes()
    forged = tmp_path / "forged.zip"
    packed(forged, resealed(contents))

    verdict = execute(plan(forged), tmp_path / "again", yes=True)
    assert verdict.sameness is Sameness.NOT_RUN
    assert "carried: it is not the image that ran" in verdict.reason


@pytest.mark.apptainer
def test_a_name_from_the_user_s_own_shell_leads_to_the_same_image(
    quiet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = image(tmp_path / "shared.sif", "1")
    monkeypatch.setenv("COUNT_IMAGE", str(shared))
    info = bundled(tmp_path, JOB.format(image='"$COUNT_IMAGE"'), image_policy="carry")
    monkeypatch.delenv("COUNT_IMAGE")
    shared.unlink()
    verdict = execute(plan(info.path), tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "image-by-digest")


@pytest.mark.apptainer
def test_a_script_that_goes_past_the_exchange_proves_nothing_about_its_image(quiet: str, tmp_path: Path) -> None:
    """It calls the runtime by its path, and finds a file of the old name there: which one, nobody checked."""
    shared = image(tmp_path / "shared.sif", "1")
    info = bundled(tmp_path, JOB.format(image=shared).replace("apptainer", "/usr/bin/apptainer"), image_policy="carry")
    verdict = execute(plan(info.path), tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "host")
    assert [(i.way, i.level) for i in verdict.images] == [("carried", "unknown")]
    assert verdict.images[0].why.startswith("the script never called its runtime by this name")


@pytest.mark.apptainer
def test_a_pull_without_an_answer_ends_in_one_line_and_leaves_nothing_half(quiet: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"127.0.0.1:{silent.getsockname()[1]}/no/body@sha256:{'0' * 64}"
        with pytest.raises(NotHad, match=r"^apptainer pull gave no answer in 2 s$"):
            pull_file(f"docker://{name}", str(tmp_path / "x.sif"), RealWorld(), seconds=2)
    assert not list(tmp_path.glob("x.sif*"))


@pytest.mark.apptainer
def test_the_layout_of_an_image_is_made_into_a_file_when_that_is_what_the_job_runs(
    quiet: str, docker_engine: Engine, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/layout/count:1"
    docker_engine.make(name, {"etc/version": b"1\n"})
    pushed = subprocess.run(["docker", "-H", docker_engine.host, "push", name], check=True, capture_output=True, text=True).stdout
    digest = pushed.split("digest: ")[1].split()[0]
    folder = tmp_path / "fetched"
    fetch_folder(f"{name.removesuffix(':1')}@{digest}", str(folder), RealWorld())
    for blob in from_folder(str(folder)):
        target = tmp_path / "layout" / blob.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(blob.source).read_bytes() if blob.source else blob.data)
    build_file(f"oci:{tmp_path / 'layout'}", str(tmp_path / "x.sif"), RealWorld())
    said = subprocess.run(["apptainer", "exec", tmp_path / "x.sif", "cat", "/etc/version"], check=True, capture_output=True)
    assert said.stdout == b"1\n"


@pytest.mark.apptainer
def test_a_job_that_pulls_its_image_itself_gets_the_file_that_it_got_then(
    quiet: str, docker_engine: Engine, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(docker_engine, f"{registry}/self/count:1", "1", monkeypatch)
    script = JOB.format(image="mine.sif").replace("\n", f"\napptainer pull mine.sif docker://{registry}/self/count:1\n", 1)
    info = bundled(tmp_path, script, image_policy="carry")
    assert [(i.reference, i.carried) for i in info.images] == [(f"docker://{registry}/self/count:1", "images/count_1.sif")]
    push(docker_engine, f"{registry}/self/count:1", "2", monkeypatch)
    (tmp_path / "moved" / "mine.sif").unlink()

    verdict = execute(plan(info.path), tmp_path / "again", yes=True)
    assert (verdict.sameness, [(i.way, i.level) for i in verdict.images]) == (Sameness.IDENTICAL, [("carried", "byte-same")])


INSIDE = """#!/bin/sh
#SBATCH --container-image=./count.sqsh
[ -e /home/not-yours ] && exit 9
[ -n "$MY_SECRET" ] && exit 8
touch /tmp/here && /bin/busybox wc -l <in.csv >lines.txt
cat /etc/version >>lines.txt
"""


@pytest.mark.apptainer
@pytest.mark.parametrize("on", ["local", pytest.param("slurm", marks=pytest.mark.slurm)])
def test_a_script_that_ran_inside_of_an_image_runs_inside_of_it_again_and_sees_nothing_else(
    quiet: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    """As Pyxis starts it; here Apptainer takes its place, and is the sandbox too."""
    if on == "slurm":
        request.getfixturevalue("slurm")
    work = tmp_path / "work"
    image(work / "count.sif", "1")
    root = work / "count.sif.root"
    subprocess.run(["mksquashfs", root, work / "count.sqsh", "-quiet", "-no-progress"], check=True, capture_output=True)
    shutil.rmtree(root)
    (work / "count.sif").unlink()
    within = ["apptainer", "exec", "--containall", "--bind", str(work), "--pwd", str(work), str(work / "count.sqsh")]
    info = bundled(tmp_path, INSIDE, within=within, image_policy="carry")
    (tmp_path / "moved" / "count.sqsh").unlink()
    monkeypatch.setenv("MY_SECRET", "not for strangers")

    ready = plan(info.path, on=on)
    assert (ready.sandbox.kind, ready.environment) == ("apptainer", "image-by-digest")
    assert "inside of its image by Apptainer, with network: it sees its work directory and none of your files" in ready.will
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.reason) == (Sameness.IDENTICAL, "of 1 output 1 identical")
    assert (verdict.sandbox, [(i.way, i.level) for i in verdict.images]) == ("apptainer", [("carried", "byte-same")])


@pytest.mark.apptainer
@pytest.mark.slurm
def test_on_slurm_too(quiet: str, slurm: slurmlab.Lab, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    image(tmp_path / "work" / "count.sif", "1")
    info = bundled(tmp_path, JOB.format(image="count.sif"), image_policy="carry")
    (tmp_path / "moved" / "count.sif").unlink()
    verdict = execute(plan(info.path, on="slurm"), tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.environment, verdict.where) == (Sameness.IDENTICAL, "image-by-digest", "slurm:lab")


def push(engine: Engine, name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of this version under this name in the registry; the engine keeps nothing."""
    engine.make(name, {"etc/version": f"{version}\n".encode()})
    for verb in (["push"], ["image", "rm"]):
        subprocess.run(["docker", "-H", engine.host, *verb, name], check=True, capture_output=True)
