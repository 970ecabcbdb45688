"""Which package URL names a piece of software? Types of the purl specification; `generic` where an ecosystem has none.

Spack, EasyBuild and Lmod modules, and Guix have no type of their own (package-url/purl-spec, types): their ecosystem is the namespace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from probes.software import Component

TYPED = frozenset(("pypi", "conda", "cran", "julia", "deb", "rpm"))
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HUB = "docker.io"


def purl(part: Component, release: str = "") -> str:
    """`pkg:pypi/numpy@2.3.0`, `pkg:generic/spack/openblas@0.3.27`. release: of the operating system, `debian 12`; empty: not known."""
    vendor, _, number = release.partition(" ")
    kind = part.ecosystem
    if kind in ("deb", "rpm"):
        distribution = {"arch": part.detail, "distro": f"{vendor}-{number}" if number else ""}
        epoch, colon, rest = part.version.partition(":") if kind == "rpm" else ("", "", "")
        return _written(
            kind, vendor, part.name, rest if colon else part.version, {**distribution, "epoch": epoch if colon else ""}
        )
    if kind == "pypi":
        return _written(kind, "", part.name.lower().replace("_", "-"), part.version, {})
    if kind == "conda":
        return _written(kind, "", part.name, part.version, {"build": part.detail, **_channel(part.origin)})
    if kind == "julia" and (uuid := _UUID.search(f"{part.detail} {part.origin}")):
        return _written(kind, "", part.name, part.version, {"uuid": uuid[0]})
    if kind == "cran":
        return _written(kind, "", part.name, part.version, {})
    folder, slash, name = part.name.rpartition("/")
    return _written("generic", f"{kind}{slash}{folder}", name, part.version, {})


def image(name: str, digest: str) -> str:
    """`pkg:oci/debian@sha256%3A...?repository_url=docker.io/library/debian&tag=12`, by what a registry knows; empty without a digest."""
    plain = name.rpartition("://")[2].split("@")[0]
    path, colon, tag = plain.rpartition(":")
    path, tag = (path, tag) if colon and "/" not in tag else (plain, "")
    if not digest or not path:
        return ""
    host = path.split("/")[0]
    where = path if "." in host or ":" in host else f"{_HUB}/{path if '/' in path else f'library/{path}'}"
    return _written("oci", "", path.rsplit("/", 1)[-1].lower(), digest, {"repository_url": where, "tag": tag})


def _channel(origin: str) -> dict[str, str]:
    """Channel and platform of `https://conda.anaconda.org/conda-forge/linux-64/numpy-2.3.0-py312.conda`."""
    words = origin.split("/")
    if "://" not in origin or len(words) < 6:
        return {}
    file = words[-1].rpartition(".")
    kind = "tar.bz2" if words[-1].endswith(".tar.bz2") else file[2]
    return {"channel": "/".join(words[3:-2]), "subdir": words[-2], "type": kind}


def _written(kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    """The canonical form: parts percent-encoded, qualifiers sorted, empty ones left out (purl specification, section 5)."""
    space = "".join(f"{_quoted(word)}/" for word in namespace.split("/") if word)
    told = "&".join(f"{key}={quote(value, safe='/:')}" for key, value in sorted(qualifiers.items()) if value)
    at = f"@{_quoted(version)}" if version else ""
    return f"pkg:{kind}/{space}{_quoted(name)}{at}{f'?{told}' if told else ''}"


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "backslashreplace"), safe="")
