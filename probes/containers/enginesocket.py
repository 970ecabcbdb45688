"""What does a local engine answer, asked in milliseconds: which image does it hold under this name? Standard library only; never a network.

HTTP/1.0 requests over the engine's unix socket (Docker Engine API, `GET /images/{name}/json`), bounded in time and size.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket  # where nothing is asked, a job opens no files for it

MAX_ANSWER = 4 << 20


class NoAnswer(OSError):
    """The engine could not be asked, or said something that is no answer."""


def sockets(environ: Mapping[str, str], engine: str) -> Iterator[str]:
    """Paths where this engine (`docker`, `podman`) may listen, the user's own choice first. A remote engine yields none."""
    chosen = environ.get("DOCKER_HOST" if engine == "docker" else "CONTAINER_HOST", "")
    if chosen:
        if chosen.startswith("unix://"):
            yield chosen.removeprefix("unix://")
        return
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if engine == "docker":
        yield "/var/run/docker.sock"
        if runtime:
            yield os.path.join(runtime, "docker.sock")
    else:
        if runtime:
            yield os.path.join(runtime, "podman", "podman.sock")
        yield "/run/podman/podman.sock"


def image(path: str, name: str, deadline: float) -> dict[str, Any] | None:
    """What the engine at this socket says of the image; None: it has none of that name. `deadline`: of time.monotonic().

    Raises NoAnswer.
    """
    answer = get(path, f"/images/{path_part(name)}/json", deadline)
    if answer is not None and not isinstance(answer, dict):
        raise NoAnswer("engine: no image in its answer")
    return answer


def get(path: str, target: str, deadline: float) -> Any:
    """The JSON that the engine answers; None: it has no such thing. Raises NoAnswer."""
    status, body = _get(path, target, deadline)
    if status == 404:
        return None
    try:
        if status == 200:
            return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoAnswer(f"engine: {error}") from error
    raise NoAnswer(f"engine answered with status {status}")


def lines(path: str, target: str, deadline: float) -> list[dict[str, Any]]:
    """One JSON object a line, as `/events` of a time that is over; what is none is passed over. Raises NoAnswer."""
    status, body = _get(path, target, deadline)
    if status != 200:
        raise NoAnswer(f"engine answered with status {status}")
    found = []
    for line in body.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def path_part(name: str) -> str:
    """An image's name as it stands in a request."""
    from urllib.parse import quote

    return quote(name, safe="/:@")


def _get(path: str, target: str, deadline: float) -> tuple[int, bytes]:
    import socket

    request = f"GET {target} HTTP/1.0\r\nHost: engine\r\nAccept: application/json\r\n\r\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(_left(deadline))
            s.connect(path)
            s.sendall(request.encode("ascii"))
            raw = _all(s, deadline)
    except OSError as error:
        raise NoAnswer(f"{path}: {error}") from error
    head, _, body = raw.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise NoAnswer(f"{path}: not an HTTP answer")
    return int(words[1]), body


def _all(s: socket.socket, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        s.settimeout(_left(deadline))
        part = s.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            raise NoAnswer(f"more than {MAX_ANSWER} bytes of answer")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise NoAnswer("no answer in time")
    return left
