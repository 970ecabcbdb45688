"""Is the image that Apptainer really ran known afterwards, when its name says something else? Real cache, registry, instances."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import containers_lab
import docker
import pytest
from containers_lab import Engine

from auditor.model import Absent, Found, Job
from auditor.world import RealWorld, RecordedWorld
from probes.containers import RanImage
from probes.containers.identity import collect as identities
from probes.containers.inside import inside
from probes.containers.markers import DOCKER, LABELS, MOUNTS, PODMAN
from probes.containers.ran import collect

pytestmark = [pytest.mark.apptainer, pytest.mark.docker]
ACCEPT = "application/vnd.docker.distribution.manifest.v2+json"
NOBODY = 65534


def push(engine: Engine, name: str, tag: str, content: bytes) -> tuple[str, str]:
    """Give the tag to an image with this file. Digests of its manifest, as the registry tells it, and of its layer."""
    layer = engine.make(f"{name}:{tag}", {"etc/version": content})
    client = docker.DockerClient(base_url=engine.host)
    try:
        assert "error" not in client.images.push(name, tag=tag)
    finally:
        client.close()
    host, _, path = name.partition("/")
    request = urllib.request.Request(f"http://{host}/v2/{path}/manifests/{tag}", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return f"sha256:{hashlib.sha256(answer.read()).hexdigest()}", layer


def apptainer_env(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    path = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return {**path, "APPTAINER_NOHTTPS": "1", "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE"}


@pytest.fixture
def plain_home() -> Iterator[Path]:
    """A folder that a user without any rights can enter."""
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def run(home: Path, *argv: str, user: int | None = None) -> str:
    env = apptainer_env(home)
    as_user = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run(["apptainer", *argv], env=env, cwd=home, capture_output=True, text=True, timeout=120, **as_user)
    assert done.returncode == 0, done.stderr
    return done.stdout


def age(home: Path, seconds: float) -> None:
    """Let the newest image of the cache be this old."""
    newest = max(home.glob(".apptainer/cache/*/*"), key=lambda p: p.stat().st_mtime if len(p.name) >= 64 else 0)
    then = time.time() - seconds
    os.utime(newest, (then, then))


def ran(home: Path, script: str, seconds: float = 0) -> tuple[RanImage, ...] | Absent:
    """What is found out about a run that took place so many seconds ago, for one minute."""
    now = time.time()  # not when the tests were collected: that may be many minutes ago
    began, ended = (datetime.fromtimestamp(now - seconds + d, UTC).isoformat() for d in (-30, 30))
    world = RealWorld(env=apptainer_env(home), cwd=str(home))
    found = collect(world, Job("slurm", "1", workdir=str(home), script=script, started_at=began, ended_at=ended))
    return found.value.images if isinstance(found, Found) else found


def test_the_digest_behind_a_tag_is_known_after_the_tag_moved(
    docker_engine: Engine, registry: str, apptainer: str, tmp_path: Path
) -> None:
    name = f"{registry}/ran/moved"
    script = f"apptainer exec docker://{name}:1 cat /etc/version\n"
    old, layer = push(docker_engine, name, "1", b"old")
    assert run(tmp_path / "h", "exec", f"docker://{name}:1", "cat", "/etc/version") == "old"
    age(tmp_path / "h", 7200)
    new, _ = push(docker_engine, name, "1", b"new")
    assert run(tmp_path / "h", "exec", f"docker://{name}:1", "cat", "/etc/version") == "new"

    [then] = ran(tmp_path / "h", script, 7200)
    assert (then.how, then.typed, then.image.manifest, then.image.diff_ids) == ("cache", f"docker://{name}:1", old, (layer,))
    assert then.evidence.endswith("made for this name during the run")
    path = Path(then.evidence.split(": ")[0])
    assert then.image.file == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    [now] = ran(tmp_path / "h", script)
    assert now.image.manifest == new


def test_behind_a_name_for_several_platforms_lie_an_index_and_this_machine_s_manifest(
    docker_engine: Engine, registry: str, apptainer: str, tmp_path: Path
) -> None:
    name = f"{registry}/ran/many"
    manifest, layer = push(docker_engine, name, "1", b"many")
    index = containers_lab.push_index(registry, "ran/many", "all", manifest)
    run(tmp_path / "h", "exec", f"docker://{name}:all", "echo")
    [seen] = ran(tmp_path / "h", f"apptainer exec docker://{name}:all echo\n")
    assert (seen.image.manifest, seen.image.index, seen.image.diff_ids) == (manifest, "", (layer,))  # no index is kept
    assert seen.image.source.endswith("its files are those of the manifest's layers, by tree hash")
    [pinned] = ran(tmp_path / "h", f"apptainer exec docker://{name}@{index} echo\n")
    assert (pinned.image.manifest, pinned.image.index) == (manifest, index)

    other, _ = push(docker_engine, name, "1", b"other")
    second = containers_lab.push_index(registry, "ran/many", "all", other)
    age(tmp_path / "h", 7200)
    run(tmp_path / "h", "exec", f"docker://{name}:all", "echo")
    [then], [now] = (ran(tmp_path / "h", f"apptainer exec docker://{name}:all echo\n", ago) for ago in (7200, 0))
    assert ((then.image.manifest, now.image.manifest), index != second) == ((manifest, other), True)


def test_an_image_that_was_cached_before_is_told_while_only_one_fits(
    docker_engine: Engine, registry: str, apptainer: str, tmp_path: Path
) -> None:
    name = f"{registry}/ran/again"
    first, _ = push(docker_engine, name, "1", b"first")
    run(tmp_path / "h", "exec", f"docker://{name}:1", "echo")
    age(tmp_path / "h", 7200)
    [seen] = ran(tmp_path / "h", f"apptainer exec docker://{name}:1 echo\n", 3600)
    assert (seen.image.manifest, seen.evidence.partition(": ")[2]) == (
        first,
        "the only image of this name in the cache; made before",
    )

    second, _ = push(docker_engine, name, "2", b"second")
    run(tmp_path / "h", "exec", f"docker://{name}:2", "echo")
    age(tmp_path / "h", 7000)
    [either] = ran(tmp_path / "h", f"apptainer exec docker://{name}:1 echo\n", 3600)
    assert (either.image.manifest, either.image.file) == ("", "")
    assert either.evidence == f"2 images in the cache fit, so it is not known which ran: {', '.join(sorted((first, second)))}"
    pinned = ran(tmp_path / "h", f"apptainer exec docker://{name}@{first} echo\n", 3600)
    assert [i.image.manifest for i in pinned] == [first]


def test_an_image_packed_in_a_registry_is_cached_under_its_own_digest(registry: str, apptainer: str, tmp_path: Path) -> None:
    image = containers_lab.sif(tmp_path / "x.sif", {}, "Bootstrap: scratch\n")
    run(tmp_path / "h", "push", "-U", str(image), f"oras://{registry}/ran/sif:1")
    run(tmp_path / "h", "exec", f"oras://{registry}/ran/sif:1", "echo")
    [seen] = ran(tmp_path / "h", f"apptainer exec oras://{registry}/ran/sif:1 echo\n")
    assert seen.image.file == f"sha256:{hashlib.sha256(image.read_bytes()).hexdigest()}"


def test_an_instance_is_known_while_it_runs_and_its_log_after(
    docker_engine: Engine, registry: str, apptainer: str, tmp_path: Path
) -> None:
    push(docker_engine, f"{registry}/ran/instance", "1", b"")
    image = tmp_path / "x.sif"
    run(tmp_path / "h", "pull", str(image), f"docker://{registry}/ran/instance:1")
    script = "apptainer exec instance://lab-h2 echo\n"
    run(tmp_path / "h", "instance", "start", str(image), "lab-h2")
    try:
        [seen] = ran(tmp_path / "h", script)
        world = RealWorld(env=apptainer_env(tmp_path / "h"), cwd=str(tmp_path))
        cheap = identities(world, Job("slurm", "1", workdir=str(tmp_path), script=script))
    finally:
        run(tmp_path / "h", "instance", "stop", "lab-h2")
    sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
    assert (seen.how, seen.image.file, seen.image.reference) == ("instance", f"sha256:{sha256}", str(image))
    assert "APPTAINER" not in json.dumps(seen.evidence)  # the record holds the user's whole environment
    assert not isinstance(cheap, Absent)
    assert [(i.reference, i.sha256) for i in cheap.images] == [("instance://lab-h2", sha256)]
    gone = ran(tmp_path / "h", script)
    assert isinstance(gone, Absent)
    assert gone.reason.startswith("instance://lab-h2: stopped since; only its log is left: ")


@pytest.mark.parametrize("mounted", [True, False], ids=["squashfuse", "no-squashfuse"])
def test_inside_a_container_the_marker_names_the_image_or_only_a_folder(apptainer: str, plain_home: Path, mounted: bool) -> None:
    """As a plain user: mounting goes by FUSE, and without it the image is unpacked to a folder that is gone after the job."""
    image = containers_lab.sif(plain_home / "x.sif", {}, "Bootstrap: scratch\n")
    image.chmod(0o644)
    how = [] if mounted else ["--unsquash"]
    said = run(plain_home, "exec", *how, str(image), "/bin/sh", "-c", f"/bin/busybox env; echo; cat {MOUNTS}", user=NOBODY)
    env, _, mounts = said.partition("\n\n")
    recorded = RecordedWorld(
        dict(line.split("=", 1) for line in env.splitlines() if "=" in line),
        {MOUNTS: mounts.encode()},
        {},
        frozenset({LABELS, PODMAN, DOCKER}),
        datetime.now(UTC),
        "n",
        "/",
    )
    [seen] = inside(recorded)
    assert (seen.runtime, seen.how, seen.image.file) == ("apptainer", "inside", "")
    assert (seen.typed == str(image)) == mounted
