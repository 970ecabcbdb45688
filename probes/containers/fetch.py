"""How is one document fetched over the network, within a deadline and a size? Standard library only; no login is ever read.

https to anywhere, plain http to loopback only, also when redirected (RFC 9110, section 15.4); the answer's bytes are data, never followed.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    import http.client  # with TLS behind it, 40 ms: paid only where there is somebody to talk to

REDIRECTS = 4


class Unreachable(OSError):
    """No usable answer; the message says why."""


@dataclass(frozen=True)
class Answer:
    """Header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def fetch(
    url: str, headers: Mapping[str, str], deadline: float, limit: int, environ: Mapping[str, str], method: str = "GET"
) -> Answer:
    """One document; `deadline`: of time.monotonic(), kept whatever the other side does. Raises Unreachable."""
    host, local = urlsplit(url).hostname, loopback(url)
    for _ in range(REDIRECTS):
        _may(url, local)
        answer = _bounded(method, url, headers, deadline, limit, environ)
        target = answer.headers.get("location", "")
        if answer.status not in {301, 302, 303, 307, 308} or not target:
            return answer
        try:
            url = urljoin(url, target)
            elsewhere = urlsplit(url).hostname != host
        except ValueError as error:
            raise Unreachable("redirected to what is no address") from error
        if elsewhere:  # what one host gave us is not shown to another
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    raise Unreachable("redirected without end")


def loopback(url: str) -> bool:
    """Is this address on this machine?"""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _may(url: str, local: bool) -> None:
    """`local`: the first address was on this machine; only then may another be."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and local and loopback(url)):
        return
    raise Unreachable(f"not asked without TLS: {parts.scheme}://{parts.netloc.rpartition('@')[2]}")


def _bounded(
    method: str, url: str, headers: Mapping[str, str], deadline: float, limit: int, environ: Mapping[str, str]
) -> Answer:
    """In a thread of its own: name look-up, handshake and an answer that drips have no time-out that adds up."""
    left = deadline - time.monotonic()
    done: list[Answer | Exception] = []

    def work() -> None:
        try:
            done.append(_request(method, url, headers, left, limit, environ))
        except (OSError, ValueError) as error:
            done.append(error)

    if left > 0:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(left)
    if not done:
        raise Unreachable("no answer in time")
    if isinstance(done[0], Exception):
        raise Unreachable(str(done[0]) or type(done[0]).__name__) from done[0]
    return done[0]


def _request(method: str, url: str, headers: Mapping[str, str], left: float, limit: int, environ: Mapping[str, str]) -> Answer:
    connection, target = _connection(url, left, environ)
    import http.client

    try:
        connection.request(method, target, headers={"User-Agent": "auditor", "Connection": "close", **headers})
        with connection.getresponse() as response:
            body = response.read(limit + 1)
            if len(body) > limit:
                raise Unreachable(f"an answer of more than {limit} bytes")
            return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, body)
    except http.client.HTTPException as error:
        raise Unreachable(f"no HTTP answer: {type(error).__name__}") from error
    finally:
        connection.close()


def _connection(url: str, left: float, environ: Mapping[str, str]) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(url)
    host, target = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "http":
        import http.client

        return http.client.HTTPConnection(host, parts.port, timeout=left), target
    proxy = urlsplit(_proxy(host, environ))
    socket.getaddrinfo((proxy.hostname or host).encode(), None)  # without a network it ends here; bytes need no codec for names
    import http.client

    if not proxy.hostname:
        return http.client.HTTPSConnection(host, parts.port, timeout=left), target
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port or 80, timeout=left)
    connection.set_tunnel(host, parts.port or 443)
    return connection, target


def _proxy(host: str, environ: Mapping[str, str]) -> str:
    """The user's proxy for https, unless this host is to be asked directly."""
    direct = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for name in (n.strip().lstrip("*").lstrip(".") for n in direct.split(",") if n.strip()):
        if not name or host == name or host.endswith(f".{name}"):
            return ""
    return "" if loopback(f"https://{host}") else environ.get("https_proxy") or environ.get("HTTPS_PROXY") or ""
