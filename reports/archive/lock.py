"""Which lock rebuilds the job's Python environment? requirements.txt for any pip; pylock.toml (PEP 751) when wheels are carried.

The lock pins what was *installed*, nothing is resolved again: install it with `--no-deps`. Evidence knows versions and what
RECORD says was installed, but not the hash of the archive it came from; PEP 751 asks for one, so there is a pylock.toml only
when every package comes with its wheel or its commit. No hash is invented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from probes.packages import Package, PythonPackages

# evidence is text from somewhere: nothing but names and versions may reach a file that pip obeys (PEP 508, PEP 440)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,100}")
_GIT = re.compile(r"(?:git\+)?(?P<url>(?:https|ssh)://[A-Za-z0-9._~:/@%+-]{1,300})@(?P<commit>[0-9a-f]{40})")
_NOT_FROM_INDEX = {"editable": "an editable install", "conda": "a conda package", "directory": "built from a folder"}


def requirements(found: PythonPackages) -> bytes:
    """Lines for `pip install --no-deps -r`; what no index has stands as a comment with the reason."""
    head = [f"# Python {found.version}: what the run had installed; pip install --no-deps -r requirements.txt"]
    return "".join(f"{line}\n" for line in (*head, *(_line(p) for p in _sorted(found)))).encode()


@dataclass(frozen=True)
class Wheel:
    """A wheel that the bundle carries: file name, sha256, bytes."""

    file: str
    sha256: str
    size: int

    @property
    def project(self) -> tuple[str, str]:
        """Normal name and version, from the file's name (binary distribution format: NAME-VERSION-...)."""
        name, _, rest = self.file.partition("-")
        return normal(name), rest.partition("-")[0]


def pylock(found: PythonPackages, wheels: Sequence[Wheel]) -> bytes | None:
    """The same as PEP 751 with `wheels/` beside it; None unless every package of the lock has its wheel or commit."""
    head = ['lock-version = "1.0"', 'created-by = "run-auditor"']
    if match := re.match(r"\d+\.\d+", found.version):
        head.append(f'requires-python = "=={match[0]}.*"')
    blocks = [_block(p, wheels) for p in _sorted(found) if not _why_not(p)]
    if not blocks or "" in blocks:
        return None
    return ("\n".join((*head, *blocks)) + "\n").encode()


def _sorted(found: PythonPackages) -> list[Package]:
    return sorted(found.packages, key=lambda p: (normal(p.name), p.version))


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _why_not(p: Package) -> str:
    if not _NAME.fullmatch(p.name) or not _VERSION.fullmatch(p.version):
        return "not a valid name or version"
    if normal(p.name) == "pip":
        return "every environment brings its own"
    if p.source == "vcs":
        return "" if _GIT.fullmatch(p.reference) else "its repository or commit is not known"
    if p.source in _NOT_FROM_INDEX:
        return f"{_NOT_FROM_INDEX[p.source]}, on no index"
    return "modified after it was installed" if p.modified else ""


def _line(p: Package) -> str:
    if reason := _why_not(p):
        return f"# {re.sub(r'[^A-Za-z0-9.!+_-]', '_', f'{p.name}=={p.version}')[:200].replace('__', '==', 1)}  # {reason}"
    if match := _GIT.fullmatch(p.reference) if p.source == "vcs" else None:
        return f"{p.name} @ git+{match['url']}@{match['commit']}"
    return f"{p.name}=={p.version}"


def _block(p: Package, wheels: Sequence[Wheel]) -> str:
    name = f'\n[[packages]]\nname = "{normal(p.name)}"\n'
    if match := _GIT.fullmatch(p.reference) if p.source == "vcs" else None:
        return f'{name}vcs = {{ type = "git", url = "{match["url"]}", commit-id = "{match["commit"]}" }}'
    mine = [w for w in wheels if w.project == (normal(p.name), p.version)]
    if not mine:
        return ""
    lines = [
        f'[[packages.wheels]]\npath = "wheels/{w.file}"\nsize = {w.size}\nhashes = {{ sha256 = "{w.sha256}" }}' for w in mine
    ]
    return f'{name}version = "{p.version}"\n' + "\n".join(lines)
