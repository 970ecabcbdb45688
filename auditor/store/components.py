"""Which software does evidence list, and how is each different list stored once? Read leniently: another shape is stored, not indexed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import msgspec

from auditor.store.text import escape, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

S = TypeVar("S")
MOST = 50_000
"""Components of one list that are indexed; the evidence itself is stored whole."""
IMAGE_DIGESTS = ("manifest", "index", "config", "file")


class Row(msgspec.Struct, frozen=True):
    """A piece of software in the words of probes.software.Component."""

    ecosystem: str
    name: str
    version: str = ""
    digest: str = ""


class _Listed(msgspec.Struct):
    components: tuple[Row, ...]


class _Package(msgspec.Struct):
    name: str
    version: str
    source: str = ""
    reference: str = ""
    wheel_sha256: str = ""


class _Packages(msgspec.Struct):
    packages: tuple[_Package, ...]
    version: str = ""
    implementation: str = ""


class _Module(msgspec.Struct):
    name: str
    sha256: str = ""


class _Modules(msgspec.Struct):
    modules: tuple[_Module, ...]


class _Hardware(msgspec.Struct):
    kernel: str = ""
    gpu_driver: str = ""
    libc: str = ""


class _Facts(msgspec.Struct):
    """What of probes.containers.ImageFacts finds an image again."""

    reference: str = ""
    manifest: str = ""
    index: str = ""
    config: str = ""
    file: str = ""


class _Identity(msgspec.Struct):
    """What of probes.containers.ImageIdentity finds an image file again."""

    reference: str
    state: str = ""
    sha256: str = ""


class _Identities(msgspec.Struct):
    images: tuple[_Identity, ...]


class _Ran(msgspec.Struct):
    image: _Facts
    typed: str = ""


class _RanImages(msgspec.Struct):
    images: tuple[_Ran, ...]


def key(name: str) -> str:
    """A name as it is sought: `PyYAML` and `pyyaml`, `ruamel.yaml` and `ruamel-yaml` are one (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def rows(kind: str, data: bytes) -> tuple[Row, ...]:
    """The software that a piece of evidence lists, named as `reports.judging.software` names it; of images that
    ran, each digest; of image files that were there, their own."""
    if kind == "PythonPackages":
        return _read(data, _Packages, _python)
    if kind == "LoadedModules":
        return _read(data, _Modules, lambda found: map(_module, found.modules))
    if kind == "Hardware":
        return _read(data, _Hardware, _machine)
    if kind == "ContainerIdentities":
        return _read(data, _Identities, lambda found: (row for one in found.images for row in _there(one)))
    if kind == "RanImages":
        return _read(data, _RanImages, lambda found: (row for ran in found.images for row in _image(ran)))
    return _read(data, _Listed, lambda found: found.components) if b'"components":[{' in data else ()


def _read(data: bytes, type_: type[S], told: Callable[[S], Iterable[Row]]) -> tuple[Row, ...]:
    try:
        return tuple(told(_decoded(data, type_)))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ()


def _decoded(data: bytes, type_: type[S]) -> S:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError:  # text that is not UTF-8, kept by surrogateescape: the slow way reads it
        return msgspec.convert(json.loads(data), type_)


def _python(found: _Packages) -> Iterator[Row]:
    if found.version:
        yield Row("interpreter", found.implementation.lower(), found.version)
    for p in found.packages:
        conda = p.source == "conda"
        hash_, _, digest = p.reference.partition("#")[2].partition("=")
        known = (
            f"sha256:{p.wheel_sha256}" if p.wheel_sha256 else f"{hash_}:{digest}" if digest and hash_ in ("sha256", "md5") else ""
        )
        yield Row("conda" if conda else "pypi", p.name if conda else key(p.name), p.version, known)


def _module(found: _Module) -> Row:
    name, _, version = found.name.rpartition("/") if "/" in found.name else (found.name, "", "")
    return Row("module", name, version, f"sha256:{found.sha256}" if found.sha256 else "")


def _machine(found: _Hardware) -> Iterator[Row]:
    libc, _, version = found.libc.partition(" ")
    for row in (Row("kernel", "linux", found.kernel), Row("driver", "nvidia", found.gpu_driver), Row("libc", libc, version)):
        if row.version:
            yield row


def _image(ran: _Ran) -> Iterator[Row]:
    name = ran.typed or ran.image.reference
    digests = [digest for field in IMAGE_DIGESTS if (digest := getattr(ran.image, field))]
    for digest in digests or [""]:
        yield Row("image", name, "", digest)


def _there(one: _Identity) -> Iterator[Row]:
    """An image file by its content; an engine's image id is no digest that a registry knows, so only the name counts."""
    if one.state == "ok":
        yield Row("image", one.reference, "", f"sha256:{one.sha256}" if one.sha256 else "")


class Lists:
    """The lists of one transaction, each different one once."""

    def __init__(self) -> None:
        self._lines: dict[bytes, list[str]] = {}
        self._of: list[tuple[int, bytes]] = []

    def add(self, content_no: int, kind: str, data: bytes) -> None:
        found = dict.fromkeys(_line(row) for row in rows(kind, data))
        if found:
            lines = sorted(found)[:MOST]
            id_ = hashlib.sha256("\n".join(lines).encode("ascii")).digest()
            self._lines.setdefault(id_, lines)
            self._of.append((content_no, id_))

    def finish(self, con: DuckDBPyConnection, known: Callable[[Iterable[bytes]], dict[bytes, int]]) -> dict[str, list[str]]:
        """Lines for the tables, with numbers for the lists that are new; `known` says which are there."""
        numbers = known(self._lines)
        top = con.execute("select coalesce(max(no) + 1, 0) from component_list").fetchone()
        new = [id_ for id_ in self._lines if id_ not in numbers]
        numbers = {**numbers, **{id_: no for no, id_ in enumerate(new, top[0] if top else 0)}}
        return {
            "component_list": [f"{numbers[id_]}\t{id_.hex()}" for id_ in new],
            "component": [f"{numbers[id_]}\t{line}" for id_ in new for line in self._lines[id_]],
            "content_list": [f"{content}\t{numbers[id_]}" for content, id_ in self._of],
        }


def _line(row: Row) -> str:
    return f"{word(row.ecosystem)}\t{word(row.name)}\t{word(key(row.name))}\t{word(row.version)}\t{escape(row.digest)}"
