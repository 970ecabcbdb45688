"""What is an image right now? Files on disk, and engines that answer, refuse, babble or hang on a real socket."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.containers import ContainerIdentities, ImageIdentity
from probes.containers import identity as module
from probes.containers.enginesocket import NoAnswer, image, sockets
from probes.containers.scripts import references
from probes.manifest import remember

D = "sha256:" + "ab" * 32


def look(folder: Path, script: str, **env: str) -> tuple[ImageIdentity, ...]:
    env = {"DOCKER_HOST": f"unix://{folder}/no.sock", **env}
    found = module.collect(RealWorld(env=env, cwd="/"), Job("slurm", "1", workdir=str(folder), script=script))
    return found.images if isinstance(found, ContainerIdentities) else ()


@contextlib.contextmanager
def engine(path: Path, answer: bytes | None) -> Iterator[list[bytes]]:
    """Something that listens, notes one request, and says this; None: never says anything."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            with server.accept()[0] as peer:
                heard.append(peer.recv(4096))
                if answer is None:
                    done.wait()
                else:
                    with contextlib.suppress(OSError):
                        peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield heard
        done.set()
        thread.join()


def test_a_file_is_known_by_its_content_and_the_id_of_a_sif(tmp_path: Path) -> None:
    (tmp_path / "x.sqsh").write_bytes(b"content")
    [found] = look(tmp_path, "apptainer exec x.sqsh a")
    assert (found.state, found.sha256, found.size, found.image_id) == ("ok", hashlib.sha256(b"content").hexdigest(), 7, "")


def test_a_sif_is_known_by_its_id_too(tmp_path: Path) -> None:
    launch = b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0")
    head = launch + b"SIF_MAGIC\x0001\x0002\0" + bytes(range(16)) + struct.pack("<8q", 1, 1, 0, 48, 4096, 28080, 32176, 0)
    (tmp_path / "x.sif").write_bytes(head.ljust(40_000, b"\0"))
    [found] = look(tmp_path, "./x.sif")
    assert (found.state, found.image_id) == ("ok", "uuid:00010203-0405-0607-0809-0a0b0c0d0e0f")


def test_a_file_beyond_the_budget_is_known_by_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "x.sif").write_bytes(b"content")
    [reference] = references("apptainer exec x.sif a", {})
    found = module.identify(RealWorld(cwd=str(tmp_path)), Job("slurm", "1"), reference, module.Budget(6, deadline=1e18))
    assert (found.state, found.sha256, found.size) == ("ok", "", 7)
    assert found.mtime_ns == (tmp_path / "x.sif").stat().st_mtime_ns
    assert found.reason == "larger than the budget: known by size, time and id"


def test_a_large_file_that_was_hashed_before_is_known_by_content_until_it_changes(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    path = tmp_path / "x.sif"
    path.write_bytes(b"x" * remember.WORTH)
    world = RealWorld(cwd=str(tmp_path), env={"AUDITOR_HOME": str(tmp_path / "home")})
    world.now = lambda: datetime.now(UTC) + timedelta(days=1)  # type: ignore[method-assign]  # a file must have been left alone for a while
    [reference] = references("apptainer exec x.sif a", {})

    def found() -> tuple[str, str]:
        seen = module.identify(world, Job("slurm", "1"), reference, module.Budget(0, deadline=1e18))
        return seen.sha256, seen.reason

    beyond = ("", "larger than the budget: known by size, time and id")
    before = found()
    digest = remember.sha256(world, str(path)).sha256
    known = found()
    path.write_bytes(b"y" * remember.WORTH)

    assert (before, known, found()) == (beyond, (digest, ""), beyond)


def test_what_is_not_there_and_what_cannot_be_told_are_two_things(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    script = f"apptainer exec gone.sif a\napptainer exec box a\napptainer exec $V.sif a\napptainer exec docker://p:1 a\ndocker run lab/x@{D}\n"
    assert [(i.reference, i.state, i.image_id) for i in look(tmp_path, script)] == [
        ("gone.sif", "absent", ""),
        ("box", "unknown", ""),
        ("$V.sif", "unknown", ""),
        ("docker://p:1", "unknown", ""),
        (f"lab/x@{D}", "ok", D),
    ]


def test_an_engine_is_asked_for_the_image_by_name(tmp_path: Path) -> None:
    body = json.dumps({"Id": D}).encode()
    with engine(tmp_path / "e.sock", b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body) as heard:
        [found] = look(tmp_path, "docker run localhost:5000/lab/x:1", DOCKER_HOST=f"unix://{tmp_path}/e.sock")
    assert found == ImageIdentity("localhost:5000/lab/x:1", "ok", "", image_id=D, engine="docker")
    assert heard[0].startswith(b"GET /images/localhost:5000/lab/x:1/json HTTP/1.0\r\n")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b'HTTP/1.0 404 Not Found\r\n\r\n{"message":"no such image"}', "absent"),
        (b"HTTP/1.0 500 Oops\r\n\r\n{}", "unknown"),
        (b"HTTP/1.0 200 OK\r\n\r\n[", "unknown"),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", "unknown"),
        (b"garbage", "unknown"),
        (b"", "unknown"),
        (b'HTTP/1.0 200 OK\r\n\r\n{"Id": "sha256:1"}' + b" " * (5 << 20), "unknown"),
    ],
)
def test_whatever_an_engine_says_is_a_state(tmp_path: Path, answer: bytes, state: str) -> None:
    with engine(tmp_path / "e.sock", answer):
        [found] = look(tmp_path, "docker run a:1", DOCKER_HOST=f"unix://{tmp_path}/e.sock")
    assert found.state == state


def test_an_engine_that_hangs_is_left_at_the_deadline(tmp_path: Path) -> None:
    with engine(tmp_path / "e.sock", None), pytest.raises(NoAnswer, match=r"timed out|no answer in time"):
        image(str(tmp_path / "e.sock"), "a:1", time.monotonic() + 0.02)


def test_a_remote_engine_is_never_asked() -> None:
    assert list(sockets({"DOCKER_HOST": "tcp://10.0.0.1:2375"}, "docker")) == []
    assert list(sockets({"DOCKER_HOST": "unix:///d.sock"}, "docker")) == ["/d.sock"]
    assert list(sockets({"XDG_RUNTIME_DIR": "/run/user/7"}, "podman")) == [
        "/run/user/7/podman/podman.sock",
        "/run/podman/podman.sock",
    ]


def test_a_job_without_images_is_absent() -> None:
    assert module.collect(RealWorld(env={}), Job("slurm", "1", script="true")) == Absent("no image is named")


def test_the_image_around_the_job_s_script_is_identified_from_inside(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    (tmp_path / "cache/blob/blobs/sha256").mkdir(parents=True)
    (tmp_path / "cache/blob/blobs/sha256" / digest).write_bytes(b"{}")
    key = hashlib.sha256(f"{digest}amd64".encode()).hexdigest()
    (tmp_path / "x.sif").write_bytes(b"image")
    mounts = {"/proc/self/mountinfo": "98 67 0:41 / / rw - overlay overlay ro\n"}

    def around(path: str) -> ImageIdentity:
        found = module.collect(Inside(path, mounts), Job("slurm", "1", started_at="2026-11-23T12:00:00+00:00"))
        assert isinstance(found, ContainerIdentities)
        return found.images[0]

    cached = around(f"{tmp_path}/cache/oci-tmp/{key}")
    assert (cached.state, cached.image_id) == ("ok", f"sha256:{digest}")
    assert around(f"{tmp_path}/x.sif").sha256 == hashlib.sha256(b"image").hexdigest()
    assert around("/tmp/rootfs-gone").state == "unknown"


class Inside(RealWorld):
    """This machine as a script in a container would see it: these files lie over the real ones."""

    def __init__(self, image: str, files: dict[str, str]) -> None:
        super().__init__(env={"APPTAINER_CONTAINER": image}, cwd="/")
        self._files = files

    def text(self, path: str, limit: int = 1 << 20) -> str:
        return self._files[path] if path in self._files else super().text(path, limit)
