"""Which Python packages can the job's interpreter import?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """An installed distribution. source: `index`, `wheel`, `vcs`, `editable`, `conda`, `unknown`; reference: URL@commit or path.

    record_sha256: over the RECORD file's hash lines (what was installed); modified: files whose content differs from RECORD.
    """

    name: str
    version: str
    location: str
    source: str
    reference: str
    installer: str
    record_sha256: str
    modified: tuple[str, ...] = ()


@dataclass(frozen=True)
class PythonPackages:
    """The environment of the interpreter that the *job* uses, not ours. env_sha256 over sorted `name==version record` lines.

    chosen_by: how we know it is the job's (`VIRTUAL_ENV`, `PATH`, `#!`, `script line N`).
    leaks: entries that reach in from outside the environment (PYTHONPATH, user site), as written.
    """

    interpreter: str
    version: str
    implementation: str
    prefix: str
    base_prefix: str
    chosen_by: str
    packages: tuple[Package, ...]
    env_sha256: str
    leaks: tuple[str, ...]
