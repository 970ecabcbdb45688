"""What does a registry hold under this name? Asked as anybody may, without a login; digests recomputed from the bytes.

OCI distribution-spec 1.1 ("Pulling manifests"), Docker's token protocol for anonymous pulls (distribution docs, "Token Authentication").
A request without all the types in `Accept` may be answered with another manifest, made on the spot.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from probes.containers import ImageFacts, Reference, RegistryImage
from probes.containers.fetch import Answer, Unreachable, fetch, loopback
from probes.containers.oci import INDEXES, MANIFESTS, MAX_JSON, BadImage, digest, facts_of, parse

SECONDS = 8.0
MAX_TOKEN = 1 << 20
ACCEPT = ", ".join(sorted(INDEXES | MANIFESTS))
_HUB = {"", "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_STATES = {200: "there", 404: "gone", 401: "denied", 403: "denied"}


class Registry:
    """One registry during one look: which repository a token is for, and whether it gave no answer before."""

    def __init__(self, host: str, environ: Mapping[str, str], seconds: float = SECONDS) -> None:
        self.host = "registry-1.docker.io" if host in _HUB else host
        self.scheme = "http" if loopback(f"http://{self.host}") else "https"
        self._environ = environ
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._tokens: dict[str, str] = {}
        self._silent = "" if _HOST.fullmatch(self.host) else f"{self.host[:80]!r} is no host"

    def get(self, name: str, kind: str, what: str, method: str = "GET") -> Answer:
        """`manifests/TAG-OR-DIGEST` or `blobs/DIGEST` of a repository. Raises Unreachable; at once when it did before."""
        if self._silent:
            raise Unreachable(self._silent)
        try:
            url = f"{self.scheme}://{self.host}/v2/{quote(name)}/{kind}/{quote(what, safe=':')}"
            answer = self._ask(url, name, method)
            challenge = answer.headers.get("www-authenticate", "")
            if answer.status == 401 and name not in self._tokens and challenge.lower().startswith("bearer "):
                self._tokens[name] = self._token(challenge, name)
                answer = self._ask(url, name, method)
            return answer
        except Unreachable as error:
            self._silent = f"{self.host}, given {self._seconds:g} s: {error}"
            raise Unreachable(self._silent) from error

    def _ask(self, url: str, name: str, method: str) -> Answer:
        token = self._tokens.get(name)
        headers = {"Accept": ACCEPT, **({"Authorization": f"Bearer {token}"} if token else {})}
        return fetch(url, headers, self._deadline, MAX_JSON, self._environ, method)

    def _token(self, challenge: str, name: str) -> str:
        """What anybody is given who wants to pull from this repository."""
        said = dict(_CHALLENGE.findall(challenge))
        query = {"service": said.get("service", ""), "scope": f"repository:{name}:pull"}
        realm = said.get("realm", "")
        if loopback(realm) and not loopback(f"{self.scheme}://{self.host}"):
            raise Unreachable("it sends us to this machine for a token")
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
        answer = fetch(url, {}, self._deadline, MAX_TOKEN, self._environ)
        try:
            found = parse(answer.body) if answer.status == 200 else {}
        except BadImage:
            found = {}
        token = found.get("token") or found.get("access_token") or ""
        return token if isinstance(token, str) and token.isascii() and token.isprintable() else ""


def repository(reference: Reference) -> str:
    """The name in its registry: Docker Hub's own images lie under `library/`."""
    return f"library/{reference.name}" if reference.registry in _HUB and "/" not in reference.name else reference.name


def ask(registry: Registry, reference: Reference, ran: str = "", platform: str = "") -> RegistryImage:
    """What the registry says of this name now, and of the digest `ran`. Never raises for what the registry does."""
    name = repository(reference)
    try:
        answer = registry.get(name, "manifests", reference.digest or reference.tag or "latest")
        seen = _seen(registry, reference, name, answer, platform)
        if not ran:
            return seen
        same = ran in {seen.image.index, seen.image.manifest}  # its bytes were just hashed
        state = "there" if same else _state(registry.get(name, "manifests", ran, "HEAD"))
        return replace(seen, by_digest=state)
    except Unreachable as error:
        return RegistryImage(
            reference.resolved, "unreachable", str(error), ImageFacts(reference.resolved), "unreachable" if ran else ""
        )


def _seen(registry: Registry, reference: Reference, name: str, answer: Answer, platform: str) -> RegistryImage:
    state = _state(answer)
    asked = f"{registry.scheme}://{registry.host}/v2/{name}"
    if state != "there":
        return RegistryImage(reference.resolved, state, _why(answer, state), ImageFacts(reference.resolved, source=asked))
    try:
        if reference.digest and digest(answer.body) != reference.digest:
            raise BadImage(f"asked for {reference.digest}, its bytes have {digest(answer.body)}")
        parts = frozenset(_parts(answer.body))

        def blob(wanted: str) -> bytes:
            try:
                got = registry.get(name, "manifests" if wanted in parts else "blobs", wanted)
            except Unreachable as error:  # what came before it is known all the same
                raise FileNotFoundError(2, str(error), wanted) from error
            if got.status != 200:
                raise FileNotFoundError(2, f"status {got.status}", wanted)
            return got.body

        return RegistryImage(reference.resolved, "there", "", facts_of(answer.body, blob, reference.resolved, platform, asked))
    except BadImage as error:
        return RegistryImage(
            reference.resolved, "unreachable", f"no image: {error}", ImageFacts(reference.resolved, source=asked)
        )


def _parts(raw: bytes) -> Iterator[str]:
    listed = parse(raw).get("manifests")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("digest"), str):
            yield entry["digest"]


def _state(answer: Answer) -> str:
    return _STATES.get(answer.status, "unreachable")


def _why(answer: Answer, state: str) -> str:
    """In words; an error's text is the registry's, and so is not repeated."""
    words = {
        "gone": "no manifest of this name",
        "denied": "it wants a login, which is never read; or there is no such repository",
    }
    return words.get(state, "asked too often" if answer.status == 429 else f"it answered with status {answer.status}")
