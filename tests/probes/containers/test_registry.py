"""What does a registry say, whatever it does? Servers on loopback that answer by the book, lie, send us away, or hang."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.containers import Reference, RegistryImage
from probes.containers.distribution import Registry, ask
from probes.containers.fetch import Unreachable, fetch
from probes.containers.registry import NotAsked, collect
from probes.containers.scripts import named

DIFF = f"sha256:{'d' * 64}"
CONFIG = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [DIFF]}, "config": {"Cmd": ["sh"]}}).encode()


def name(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


MANIFEST = json.dumps({"config": {"digest": name(CONFIG)}, "layers": [{"digest": DIFF}]}).encode()
INDEX = json.dumps({"manifests": [{"digest": name(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
WHOLE = {
    "/v2/lab/app/manifests/1": INDEX,
    f"/v2/lab/app/manifests/{name(INDEX)}": INDEX,
    f"/v2/lab/app/manifests/{name(MANIFEST)}": MANIFEST,
    f"/v2/lab/app/blobs/{name(CONFIG)}": CONFIG,
}
Answer = tuple[int, dict[str, str], bytes]


@contextlib.contextmanager
def server(answer: Callable[[str, Any], Answer]) -> Iterator[tuple[str, list[str]]]:
    """`host:port`, and the requests that came: method and path."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.command} {self.path}")
            status, headers, body = answer(self.path, self.headers)
            with contextlib.suppress(OSError):
                self.send_response(status)
                for key, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{http.server_address[1]}", heard
        finally:
            http.shutdown()
            thread.join()


def by_path(files: dict[str, bytes]) -> Callable[[str, Any], Answer]:
    return lambda path, _: (200, {}, files[path]) if path in files else (404, {}, b"{}")


def reference(host: str, rest: str = "lab/app:1") -> Reference:
    [found] = named(RealWorld(env={}), Job("slurm", "1", script=f"docker run {host}/{rest} true\n"))
    return found


def look(host: str, rest: str = "lab/app:1", ran: str = "", seconds: float = 8) -> RegistryImage:
    return ask(Registry(host, {}, seconds), reference(host, rest), ran, "linux/amd64")


def test_a_tag_is_followed_down_to_the_layers() -> None:
    with server(by_path(WHOLE)) as (host, heard):
        seen = look(host, ran=name(INDEX))
    assert (seen.state, seen.reason, seen.by_digest) == ("there", "", "there")
    assert (seen.image.index, seen.image.manifest, seen.image.config) == (name(INDEX), name(MANIFEST), name(CONFIG))
    assert (seen.image.diff_ids, seen.image.settings, seen.image.platform) == ((DIFF,), {"Cmd": '["sh"]'}, "linux/amd64")
    assert len(heard) == 3  # what was just seen is not asked for again


def test_the_digest_that_ran_is_asked_for_by_itself() -> None:
    old = f"sha256:{'a' * 64}"
    with server(by_path(WHOLE)) as (host, heard):
        seen = look(host, ran=old)
    assert (seen.state, seen.by_digest, heard[-1]) == ("there", "gone", f"HEAD /v2/lab/app/manifests/{old}")


def test_anybody_s_token_is_fetched_and_shown_to_this_registry_only() -> None:
    shown: list[str | None] = []

    def answer(path: str, headers: Any) -> Answer:
        if path.startswith("/token"):
            return 200, {}, b'{"token": "for-anybody"}'
        if headers.get("Authorization") != "Bearer for-anybody":
            return 401, {"WWW-Authenticate": f'Bearer realm="http://{headers["Host"]}/token",service="lab",scope="x"'}, b""
        if "/blobs/" in path:
            return 307, {"Location": f"http://localhost:{headers['Host'].split(':')[1]}/elsewhere"}, b""
        return 200, {}, WHOLE[path]

    def with_elsewhere(path: str, headers: Any) -> Answer:
        if path == "/elsewhere":
            shown.append(headers.get("Authorization"))
            return 200, {}, CONFIG
        return answer(path, headers)

    with server(with_elsewhere) as (host, heard):
        seen = look(host)
    assert (seen.state, seen.image.config) == ("there", name(CONFIG))
    assert heard[:3] == [
        "GET /v2/lab/app/manifests/1",
        "GET /token?service=lab&scope=repository%3Alab%2Fapp%3Apull",
        "GET /v2/lab/app/manifests/1",
    ]
    assert shown == [None]


def always(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Callable[[str, Any], Answer]:
    return lambda *_: (status, headers or {}, body)


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (always(404), "gone", "no manifest of this name"),
        (always(403), "denied", "it wants a login, which is never read; or there is no such repository"),
        (always(401, {"WWW-Authenticate": 'Basic realm="x"'}), "denied", "it wants a login, which is never read"),
        (always(401, {"WWW-Authenticate": 'Bearer realm="ftp://x/token"'}), "unreachable", "not asked without TLS: ftp://x"),
        (
            always(401, {"WWW-Authenticate": 'Bearer realm="http://lab.example/t"'}),
            "unreachable",
            "not asked without TLS: http://lab",
        ),
        (always(429), "unreachable", "asked too often"),
        (always(500), "unreachable", "it answered with status 500"),
        (always(200, body=b"\x1b[2J"), "unreachable", "no image: not JSON"),
        (always(200, body=b"{}" + b" " * (5 << 20)), "unreachable", "an answer of more than 4194304 bytes"),
        (
            always(302, {"Location": "http://169.254.169.254/latest"}),
            "unreachable",
            "not asked without TLS: http://169.254.169.254",
        ),
        (always(302, {"Location": "file:///etc/passwd"}), "unreachable", "not asked without TLS: file://"),
        (always(302, {"Location": "http://[x"}), "unreachable", "redirected to what is no address"),
        (always(302, {"Location": "again"}), "unreachable", "redirected without end"),
        (always(200, {"Content-Length": "100"}, b"{"), "unreachable", ""),
    ],
)
def test_whatever_a_registry_says_is_a_state(answer: Callable[[str, Any], Answer], state: str, reason: str) -> None:
    with server(answer) as (host, _):
        seen = look(host, seconds=2)
    assert (seen.state, reason in seen.reason) == (state, True), seen


def test_a_digest_is_answered_with_its_own_bytes_or_not_at_all() -> None:
    with server(always(200, body=MANIFEST)) as (host, _):
        seen = look(host, f"lab/app@sha256:{'b' * 64}")
    assert (seen.state, seen.image.manifest) == ("unreachable", "")
    assert seen.reason == f"no image: asked for sha256:{'b' * 64}, its bytes have {name(MANIFEST)}"


def test_a_registry_that_hangs_costs_one_time_out_for_all_its_images() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        registry = Registry(host, {}, seconds=0.1)
        seen = [ask(registry, reference(host, f"lab/{n}:1"), DIFF) for n in "abc"]
    assert {(s.state, s.by_digest) for s in seen} == {("unreachable", "unreachable")}
    assert {s.reason for s in seen} <= {f"{host}, given 0.1 s: no answer in time", f"{host}, given 0.1 s: timed out"}
    assert len({s.reason for s in seen}) == 1


def test_an_answer_that_drips_ends_at_the_deadline_too() -> None:
    done = threading.Event()

    def drip(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            peer.sendall(b"HTTP/1.0 200 OK\r\n")
            while not done.wait(0.02):
                peer.sendall(b"X: y\r\n")

    with socket.create_server(("127.0.0.1", 0)) as slow:
        thread = threading.Thread(target=lambda: drip(slow.accept()[0]))
        thread.start()
        try:
            with pytest.raises(Unreachable, match="no answer in time"):
                fetch(f"http://127.0.0.1:{slow.getsockname()[1]}/", {}, time.monotonic() + 0.2, 1000, {})
        finally:
            done.set()
            thread.join()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server_:
        host = f"127.0.0.1:{server_.getsockname()[1]}"
    assert "refused" in look(host).reason


@pytest.mark.parametrize("host", ["ex ample.org", "[", "a/b", "x\0"])
def test_a_registry_that_is_no_host_is_not_asked(host: str) -> None:
    assert ask(Registry(host, {}), reference("h.example")).reason.endswith("is no host")


def test_docker_hub_s_own_images_lie_in_its_library() -> None:
    from probes.containers.distribution import repository

    asked = named(RealWorld(env={}), Job("slurm", "1", script="docker run python:3 a\napptainer exec docker://lab/x:1 a\n"))
    assert [(Registry(r.registry, {}).host, repository(r)) for r in asked] == [
        ("registry-1.docker.io", "library/python"),
        ("registry-1.docker.io", "lab/x"),
    ]
    assert Registry("", {}).scheme == "https"
    assert Registry("lab.example:5000", {}).scheme == "https"


def test_nothing_is_asked_unless_the_settings_say_so() -> None:
    with server(by_path(WHOLE)) as (host, heard):
        job = Job("slurm", "1", script=f"docker run {host}/lab/app:1 true\n")
        with pytest.raises(NotAsked, match="ask_registries is off"):
            collect(RealWorld(env={}, cwd="/"), job)
        assert heard == []
        seen = collect(RealWorld(env={"AUDITOR_ASK_REGISTRIES": "1"}, cwd="/"), job)
    assert not isinstance(seen, Absent)
    assert [(i.reference, i.state) for i in seen.images] == [(f"{host}/lab/app:1", "there")]


def test_where_no_registry_answers_nobody_looked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    job = Job("slurm", "1", script=f"docker run {host}/a:1 x\ndocker run {host}/b:1 x\n")
    with pytest.raises(Unreachable, match=f"^{host}, given 8 s: .* refused$"):
        collect(RealWorld(env={"AUDITOR_ASK_REGISTRIES": "1"}, cwd="/"), job)


def test_a_job_without_an_image_of_a_registry_asks_for_nothing() -> None:
    answer = collect(RealWorld(env={}), Job("slurm", "1", script="apptainer exec x.sif true\n"))
    assert answer == Absent("no image of a registry is named")
