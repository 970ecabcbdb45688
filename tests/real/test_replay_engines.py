"""Does a job in a container run again on other kinds of engine than the classic Docker: Podman, and Docker's containerd store?"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import containers_lab
import pytest
from container_jobs import bundled
from containers_lab import Engine

from auditor.replay import execute, plan
from auditor.replay.images import Place, obtain
from auditor.replay.unpack import unpack
from auditor.verdict import Sameness
from auditor.world import RealWorld
from reports.archive.engines import remove
from tests.needs import need

COUNT = "/bin/busybox sh -c 'wc -l <in.csv >lines.txt; cat /etc/version >>lines.txt'"


@dataclass(frozen=True)
class Runtime:
    """A command line, its engine, and the name it gives images without a registry."""

    command: str
    engine: Engine
    local: str
    limits: str = ""
    """Podman as a service asks for more than this machine allows."""

    def job(self, image: str) -> str:
        return f'#!/bin/bash\n{self.command} run --rm {self.limits} --network none -v "$PWD:/w" -w /w {image} {COUNT}\n'

    def do(self, *words: str) -> str:
        return subprocess.run([self.command, *words], check=True, capture_output=True, text=True).stdout

    def ids(self) -> set[str]:
        return set(self.do("image", "ls", "-aq", "--no-trunc").split())


@pytest.fixture
def runtime(podman_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    folder = Path(podman_engine.socket).parent
    for name, file in {"CONF": "containers", "STORAGE_CONF": "storage", "REGISTRIES_CONF": "registries"}.items():
        monkeypatch.setenv(f"CONTAINERS_{name}", str(folder / f"{file}.conf"))
    monkeypatch.setenv("CONTAINER_HOST", podman_engine.host)
    made = Runtime("podman", podman_engine, "localhost/", "--ulimit nofile=1024:4096 --ulimit nproc=4096:8192")
    yield made
    for image in made.ids():
        subprocess.run([made.command, "image", "rm", "-f", image], capture_output=True)


def again(bundle: str, folder: Path, **options: bool) -> tuple[Sameness, str, list[str], list[str]]:
    verdict = execute(plan(bundle, **options), folder, yes=True)
    return verdict.sameness, verdict.environment, [i.way for i in verdict.images], [i.level for i in verdict.images]


@pytest.mark.docker
def test_what_the_bundle_carries_is_loaded_used_and_taken_out_again(runtime: Runtime, tmp_path: Path) -> None:
    name = f"{runtime.local}lab/carried:1"
    runtime.engine.make(name, {"etc/version": b"1\n"})
    info = bundled(tmp_path, runtime.job(name), image_policy="carry")
    assert [(i.form, i.reason) for i in info.images] == [("oci-layout", "")]
    runtime.do("image", "rm", name)
    before = runtime.ids()

    sameness, environment, ways, levels = again(info.path, tmp_path / "again")
    assert (sameness, environment, ways) == (Sameness.IDENTICAL, "image-by-digest", ["carried"])
    assert set(levels) <= {"byte-same", "same-image"}
    assert runtime.ids() == before


@pytest.mark.docker
def test_what_is_gone_is_pulled_by_its_digest(runtime: Runtime, registry: str, tmp_path: Path) -> None:
    name = f"{registry}/engines/{runtime.command}:1"
    runtime.engine.make(name, {"etc/version": b"1\n"})
    runtime.do("push", name)
    runtime.do("image", "rm", name)
    runtime.do("pull", name)
    info = bundled(tmp_path, runtime.job(name))
    assert info.images[0].pull.startswith(f"{registry}/engines/{runtime.command}@sha256:")
    runtime.do("image", "rm", name)

    sameness, environment, ways, levels = again(info.path, tmp_path / "again", pull=True)
    assert (sameness, environment, ways) == (Sameness.IDENTICAL, "image-by-digest", ["pulled"])
    assert set(levels) <= {"byte-same", "same-image"}


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_classic_store_saved_is_the_same_image_in_a_containerd_store(
    docker_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(*(p for p in ("debootstrap", "unshare") if not shutil.which(p)))
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    docker_engine.make("lab/newer:1", {"etc/version": b"1\n"})
    old = Runtime("docker", docker_engine, "")
    info = bundled(tmp_path, old.job("lab/newer:1"), image_policy="carry")
    old.do("image", "rm", "lab/newer:1")
    with tempfile.TemporaryDirectory(prefix="newer-docker-", ignore_cleanup_errors=True) as folder:
        with containers_lab.containerd_engine(Path(folder)) as newer:
            monkeypatch.setenv("DOCKER_HOST", newer.host)
            before = Runtime("docker", newer, "").ids()
            ready = plan(info.path)
            unpack(info.path, ready.bundle, tmp_path / "crate")
            had = obtain(ready.images[0], Place(tmp_path / "crate", tmp_path, tmp_path / "images", ""), RealWorld())
            assert (had.verdict.way, had.verdict.level) == ("carried", "same-layers"), had
            said = Runtime("docker", newer, "").do("run", "--rm", "--network", "none", had.word, "cat", "/etc/version")
            remove("docker", had.added, RealWorld())
            assert (said, Runtime("docker", newer, "").ids()) == ("1\n", before)
