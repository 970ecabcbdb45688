"""What does the name of an image say: where from, which name, tag, digest? Pure; sources: the runtimes' own URI forms.

Docker's grammar (distribution `reference.go`): `[registry[:port]/]path[:tag][@algorithm:hex]`. Apptainer's and Shifter's
`transport:rest`, Enroot's `[user@][registry#]path[:tag]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FILES = (".sif", ".simg", ".img", ".sqsh", ".sqfs", ".squashfs", ".sfs")
_TRANSPORTS = {
    "docker": "docker",
    "dockerd": "docker-daemon",
    "podman": "docker-daemon",
    "oras": "oras",
    "library": "library",
    "shub": "shub",
    "docker-daemon": "docker-daemon",
    "docker-archive": "docker-archive",
    "oci-archive": "docker-archive",
    "oci": "oci",
    "oci-sif": "docker",
    "instance": "instance",
    "http": "file",
    "https": "file",
}
_URI = re.compile(r"([a-z][a-z0-9-]*):(//)?(.*)", re.DOTALL)
_DIGEST = re.compile(r"@([a-z0-9]+:[0-9a-fA-F]{32,})$")
_LIBRARY_DIGEST = re.compile(r":sha256\.([0-9a-f]{64})$")


@dataclass(frozen=True)
class ImageName:
    """The parts of an image's name; empty: not written. `digest` is `sha256:...`."""

    transport: str
    name: str
    registry: str = ""
    tag: str = ""
    digest: str = ""


def parse(text: str, runtime: str) -> ImageName:
    """`text` as `runtime` would read it."""
    if runtime == "slurm-oci":
        return ImageName("oci", text)
    if runtime == "shifter":
        return _shifter(text)
    uri = _URI.fullmatch(text)
    if uri and (uri[1] in _TRANSPORTS) and (uri[2] or runtime in {"apptainer", "charliecloud"}):
        return _of_transport(_TRANSPORTS[uri[1]], uri[3], text)
    if runtime == "apptainer" or _is_path(text):
        return _path(text)
    if runtime == "charliecloud":
        return ImageName("directory", text)
    return _docker(text, "docker")


def _of_transport(transport: str, rest: str, text: str) -> ImageName:
    if transport in {"docker", "oras", "docker-daemon"}:
        return _docker(rest, transport)
    if transport in {"library", "shub"}:
        found = _LIBRARY_DIGEST.search(rest)
        if found:
            return ImageName(transport, rest[: found.start()], digest=f"sha256:{found[1]}")
        return _docker(rest, transport)
    if transport == "oci":
        name, _, tag = rest.partition(":")
        return ImageName(transport, name, tag=tag)
    return ImageName(transport, text if transport == "file" else rest)


def _docker(rest: str, transport: str) -> ImageName:
    rest = rest.replace("#", "/")  # Enroot writes registry#path
    digest = _DIGEST.search(rest)
    if digest:
        rest = rest[: digest.start()]
    first, slash, after = rest.partition("/")
    registry = ""
    if slash and ("." in first or ":" in first or first == "localhost" or first.startswith("$")):
        registry, rest = first.rpartition("@")[2], after  # a login name is nobody's business
    name, _, tag = _last_colon(rest)
    return ImageName(transport, name, registry, tag, digest[1].lower() if digest else "")


def _last_colon(rest: str) -> tuple[str, str, str]:
    """Name and tag: the last colon that is not inside `${TAG:-latest}`."""
    depth = 0
    for at in range(len(rest) - 1, -1, -1):
        depth += (rest[at] == "}") - (rest[at] == "{")
        if rest[at] == "/" and depth == 0:
            break
        if rest[at] == ":" and depth == 0:
            return rest[:at], ":", rest[at + 1 :]
    return rest, "", ""


def _shifter(text: str) -> ImageName:
    kind, colon, rest = text.partition(":")
    if colon and kind == "id":
        return ImageName("docker", rest, digest=f"sha256:{rest}" if re.fullmatch("[0-9a-f]{64}", rest) else "")
    if colon and kind in {"docker", "custom"}:
        return _docker(rest, "docker")
    return _docker(text, "docker")


def _is_path(text: str) -> bool:
    return text.startswith(("/", "./", "../", "~")) or text.lower().endswith(FILES)


def _path(text: str) -> ImageName:
    is_file = text.lower().endswith(FILES) or not text.endswith("/")
    return ImageName("file" if is_file else "directory", text)
