"""Is the rebuilt Python environment the run's? File by file: what RECORD names, hashed on this disk, against what the evidence says.

Left out, as it differs from place to place: byte code, programs (their first line holds a path), the installer's notes (probes.python.record).
Nothing of the rebuilt environment is run to be asked: its packages are a stranger's code.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from auditor import codec
from auditor.model import Evidence, Job
from auditor.world import World
from probes.packages import Package, PythonPackages, look
from probes.python.interpreter import inspect
from probes.python.record import Check
from reports.archive.known import known
from reports.archive.wheels import REPACKED, normal

BYTES = 32 << 30
FILES = 1_000_000
_SEEDED = "pip"
"""Every environment brings its own."""


@dataclass(frozen=True)
class Compared:
    """equal: how many packages are the run's to the byte; differing, unsure: sentences, one a package."""

    equal: int
    differing: tuple[str, ...]
    unsure: tuple[str, ...]

    @property
    def same(self) -> bool | None:
        """None: nothing differs, but not everything could be compared."""
        return False if self.differing else None if self.unsure or not self.equal else True


def of_run(crate: Path) -> PythonPackages | None:
    """What the bundle's evidence says was installed. Raises AuditError for evidence that does not read."""
    job = codec.loads((crate / "job.json").read_bytes(), Job, "job.json")
    evidence = codec.loads((crate / "evidence" / "evidence.json").read_bytes(), tuple[Evidence, ...], "evidence.json")
    return known(job, evidence).packages


def built(python: str, world: World, *, hashed: bool = True) -> PythonPackages:
    """What lies in the environment of this interpreter; its own folder only. hashed: every file, else versions only. Raises OSError."""
    return look(world, inspect(world, python, ""), {}, Check(BYTES, FILES) if hashed else Check(0, 0))


def missing(run: PythonPackages, here: PythonPackages) -> tuple[str, ...]:
    """What of the run's a Python that was here before does not have, by version only."""
    there = {normal(p.name): p.version for p in here.packages}
    wanted = (p for p in run.packages if normal(p.name) != _SEEDED)
    return tuple(_other(p, there.get(normal(p.name), "")) for p in wanted if there.get(normal(p.name)) != p.version)


def _other(was: Package, version: str) -> str:
    return f"{was.name}=={was.version}: {f'{version} is here' if version else 'it is not here'}"


def compare(run: PythonPackages, here: PythonPackages, carried: Iterable[str] = ()) -> Compared:
    """carried: file names of the bundle's wheels; one that was packed from a working tree cannot be compared with anything."""
    repacked = {normal(n.partition("-")[0]) for n in carried if f"-{REPACKED}-" in n}
    before = {
        normal(p.name): p for p in run.packages if normal(p.name) != _SEEDED and p.source != "zipapp"
    }  # comes with the code
    after = {normal(p.name): p for p in here.packages if normal(p.name) != _SEEDED}
    differing, unsure, equal = [], [], 0
    for name, was in before.items():
        now = after.get(name)
        if now is None or now.version != was.version:
            differing.append(_other(was, now.version if now else ""))
        elif name in repacked and was.source == "editable":
            unsure.append(f"{was.name}: packed from its working tree, which nobody hashed when it ran")
        elif why := _incomparable(was, now):
            unsure.append(f"{was.name}: {why}")
        elif _identity(was) != now.content_sha256:
            differing.append(f"{was.name}=={was.version}: other files than the run had")
        else:
            equal += 1
    differing += [f"{p.name}=={p.version}: the run did not have it" for n, p in after.items() if n not in before]
    differing += [f"{os.path.basename(path)}: of no package, and not here" for path in run.unowned]
    return Compared(equal, tuple(differing), tuple(unsure))


def _identity(package: Package) -> str:
    """As the run had it: with edits, where there were any."""
    return package.content_sha256 if package.modified else package.record_sha256


def _incomparable(was: Package, now: Package) -> str:
    if not _identity(was):
        return "its edited files were not all hashed" if was.modified else "it came without a RECORD of its files"
    return "" if now.content_sha256 else "its files could not all be read here"
