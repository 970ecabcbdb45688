"""How does a package that no index has become a wheel again? From its installed files: built locally, edited, or in a working tree.

The same files give the same bytes. What the installer added (byte code, its notes, programs made of entry points) stays out: it
is made again. The file name's build tag, `0repacked`, says what the wheel is.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.redact import Redactor
from auditor.world import World
from probes.packages import MODIFIED_NAMES, Package
from probes.python import record
from probes.python.distributions import Distribution, installed, normal, read
from reports.archive.cleaned import clean
from reports.archive.wheels import REPACKED, compressed

MAX_BYTES = 256 << 20
MAX_FILES = 20_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SKIPPED = re.compile(r"(?:^|/)(?:__pycache__|\.[^/]*|node_modules|build|dist)(?:/|$)|\.pyc$|\.egg-info(?:/|$)")
_MAPPING = re.compile(r"'([A-Za-z_][\w.]{0,300})'\s*:\s*'(/[^']{1,1000})'")


@dataclass(frozen=True)
class Repacked:
    """A wheel in memory. as_run: its files are proved to be the run's; else they are what lies there now (a working tree)."""

    file: str
    data: bytes
    as_run: bool


def repack(package: Package, world: World, redactor: Redactor | None = None, limit: int = MAX_BYTES) -> Repacked:
    """limit: bytes of its files. redactor: what is nobody else's yet is searched for secrets.

    Raises ValueError with the reason when it cannot be done: gone, changed since the run, too large, a secret, or a form without RECORD.
    """
    one = next(
        (d for d in installed(world, package.location) if (normal(d.name), d.version) == (normal(package.name), package.version)),
        None,
    )
    if one is None:
        raise ValueError(f"{package.name} {package.version} is no longer installed in {package.location}")
    if record.identity(one.rows) != package.record_sha256:
        raise ValueError(f"{package.name} was installed anew since the run")
    edited = package.source == "editable"
    files = dict(_working_tree(world, one, limit) if edited else _installed(world, one, limit))
    if not edited and (now := _identity(files)) != (package.content_sha256 or package.record_sha256):
        raise ValueError(f"files of {package.name} changed since the run{'' if now else ' or are gone'}")
    own = _nobody_elses(package, files)
    secret = next((p for p, d in own.items() if redactor and b"\0" not in d[:4096] and clean(d, redactor)[1]), "")
    if secret:
        raise ValueError(f"{secret} holds what looks like a secret")
    return Repacked(*_zip(one, files), as_run=not edited)


def _nobody_elses(package: Package, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What of these files no index publishes: of an index's package those that were edited, where all of them are named."""
    if package.source != "index" or len(package.modified) >= MODIFIED_NAMES:
        return files
    return {path: data for path, data in files.items() if path in package.modified}


def _installed(world: World, one: Distribution, left: int) -> Iterator[tuple[str, bytes]]:
    """RECORD's files by their path in RECORD; programs that are no entry points too."""
    for path, _, _ in one.rows:
        data = _content(world, one.folder, path, left)
        left -= len(data)
        yield path, data
    made = _entry_points(read(world, f"{one.where}/entry_points.txt", 1 << 20))
    for name in one.scripts:
        if name not in made and "/" not in name:
            yield f"../../../bin/{name}", _content(world, one.folder, f"../../../bin/{name}", left)


def _content(world: World, folder: str, path: str, left: int) -> bytes:
    where = os.path.normpath(os.path.join(folder, path))
    top = os.path.normpath(f"{folder}/../../..")
    if not where.startswith(f"{top}/"):
        raise ValueError(f"RECORD leads out of the environment: {path!r}")
    try:
        if not world.stat(where).is_file:
            raise ValueError(f"{where} is no file")
        return world.read(where, left)
    except OSError as error:
        raise ValueError(f"{where}: {error.strerror or error}") from error


def _entry_points(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?m)^[ \t]*([\w.-]+)[ \t]*=", text))


def _working_tree(world: World, one: Distribution, left: int) -> Iterator[tuple[str, bytes]]:
    """What an editable install makes importable: its finder's mapping, or the packages in the folder its .pth file names."""
    count = 0
    info = os.path.basename(one.where)
    for path, _, _ in one.rows:
        if path.startswith(f"{info}/"):
            yield path, _content(world, one.folder, path, left)
    for name, source in _sources(world, one):
        for path in (source,) if not world.stat(source).is_dir else world.glob(f"{glob.escape(source)}/**"):
            inner = os.path.relpath(path, source) if path != source else ""
            if _SKIPPED.search(inner) or not world.stat(path).is_file:
                continue
            count += 1
            if count > MAX_FILES:
                raise ValueError(f"the working tree of {one.name} has more than {MAX_FILES} files")
            data = _content(world, f"{os.path.dirname(source)}/x/x/x", path, left)
            left -= len(data)
            yield (f"{name}/{inner}" if inner else f"{name}.py"), data


def _sources(world: World, one: Distribution) -> Iterator[tuple[str, str]]:
    """(import name, path) of each top-level package or module."""
    for path, _, _ in one.rows:
        text = read(world, os.path.join(one.folder, path), 1 << 20)
        if re.fullmatch(r"__editable__[^/]*_finder\.py", path):
            yield from ((name.replace(".", "/"), place) for name, place in _MAPPING.findall(text) if world.exists(place))
        elif path.endswith(".pth") and "/" not in path:
            for folder in (line.strip() for line in text.splitlines() if line.startswith("/")):
                yield from _top_level(
                    world, folder, read(world, f"{one.where}/top_level.txt", 1 << 16).split() or [normal(one.name)]
                )


def _top_level(world: World, folder: str, names: list[str]) -> Iterator[tuple[str, str]]:
    there = {os.path.basename(p): p for p in world.glob(f"{glob.escape(folder)}/*")}
    packages = {n: p for n, p in there.items() if world.exists(f"{p}/__init__.py")}
    modules = {n.removesuffix(".py"): p for n, p in there.items() if n.endswith(".py") and n != "setup.py"}
    named = [n.replace("-", "_") for n in names]
    every = {**modules, **packages}
    yield from ((n, every[n]) for n in (sorted(set(named) & every.keys()) or sorted(every)))


def _identity(files: Mapping[str, bytes]) -> str:
    return record.identity(
        (p, hashlib.sha256(d).hexdigest(), len(d)) for p, d in files.items() if not p.startswith("../../../bin/")
    )


def _zip(one: Distribution, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """(file name, bytes) of a wheel whose RECORD, once installed, is the one it was made from."""
    stem = f"{re.sub(r'[-_.]+', '_', one.name)}-{one.version.replace('-', '_')}"
    old = os.path.basename(one.where)
    contents = {_place(p, stem): _program(p, d) for p, d in files.items()}
    contents.setdefault(f"{old}/WHEEL", b"Wheel-Version: 1.0\nGenerator: run-auditor\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    rows = [f"{_quoted(p)},sha256={_digest(d)},{len(d)}" for p, d in sorted(contents.items())]
    contents[f"{old}/RECORD"] = "\n".join((*rows, f"{_quoted(f'{old}/RECORD')},,", "")).encode("utf-8", "surrogateescape")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in sorted(contents.items(), key=lambda item: (item[0].startswith(f"{old}/"), item[0])):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = (0o755 if ".data/scripts/" in path or path.endswith(".so") else 0o644) << 16
            archive.writestr(entry, data)
    return f"{stem}-{REPACKED}-{compressed(list(one.tags))}.whl", buffer.getvalue()


def _place(path: str, stem: str) -> str:
    if path.startswith("../../../bin/"):
        return f"{stem}.data/scripts/{path.removeprefix('../../../bin/')}"
    return f"{stem}.data/data/{path.removeprefix('../../../')}" if path.startswith("../../../") else path


def _program(path: str, data: bytes) -> bytes:
    """Installers write the interpreter's path into a script that begins with `#!python`."""
    return re.sub(rb"\A#![^\n]*python[^\n]*", b"#!python", data) if path.startswith("../../../bin/") else data


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if re.search('[,"\n\r]', path) else path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
