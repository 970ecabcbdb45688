"""Which Python packages can the job's interpreter import?"""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.python import record, zipapps
from probes.python.archives import archives
from probes.python.condameta import conda
from probes.python.distributions import Archive, Distribution, installed, normal
from probes.python.eggs import eggs
from probes.python.interpreter import Interpreter, inspect
from probes.python.paths import MAX_NAMES, around, leaks, overwritten, shadows, startup, unowned
from probes.python.record import Check, Now
from probes.script.interpreter import Choice, choose
from probes.script.trace import trace

HASH_BYTES = 256 << 20
HASH_FILES = 40_000
MODIFIED_NAMES = 50


@dataclass(frozen=True)
class Package:
    """An installed distribution. source: `index`, `wheel`, `vcs`, `editable`, `directory`, `conda`, `system`, `zipapp`, `unknown`;
    reference: URL@commit or path.

    record_sha256: over the RECORD file's hash lines (what was installed); modified: files whose content differs from RECORD (the first ones).
    """

    name: str
    version: str
    location: str
    source: str
    reference: str
    installer: str
    record_sha256: str
    modified: tuple[str, ...] = ()
    content_sha256: str = ""
    """The same digest over what lies on the disk; equal to record_sha256 when nothing was edited, empty when not every file was read."""
    requested: bool | None = None
    """Asked for by name; False: somebody's dependency; None: the installer does not say."""
    tags: tuple[str, ...] = ()
    """The wheel's, `cp311-cp311-manylinux_2_17_x86_64`."""
    wheel_sha256: str = ""
    """Of the archive it was installed from, as `wheel_source` knows it; empty: nobody does."""
    wheel_source: str = ""
    """`direct_url.json`, `provenance_url.json`, `uv cache`, or the name of a lock file beside the project (then it is declared)."""
    wheel_file: str = ""
    wheel_url: str = ""
    """Where anybody can have it; empty for local and private places."""
    wheel_proved: bool = False
    """The archive's own RECORD was seen to be the installed one."""


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
    files_checked: int = 0
    """Files whose hash was recomputed."""
    files_skipped: int = 0
    """Files left out because the budget was spent, or because RECORD leads out of the environment."""
    maker: str = ""
    """What made the environment: `venv`, `virtualenv 20.1`, `uv 0.9`, `conda`; empty: an installation of its own."""
    shadowed: tuple[str, ...] = ()
    """What is there twice: distributions that hide others, programs that two of them wrote."""
    startup: tuple[str, ...] = ()
    """Files with code that runs at every start (.pth, sitecustomize), and in brackets whose they are."""
    unowned: tuple[str, ...] = ()
    """Modules and packages at the top of its site-packages that no distribution wrote: no lock brings them back (the first ones)."""


def collect(world: World, job: Job) -> Found[PythonPackages] | Absent:
    found = trace(world, job)
    apps = tuple(dict.fromkeys(c.path for c in found.calls if c.path.endswith(zipapps.ENDINGS)))
    choice = choose(world, job, found) or _of_app(world, apps, found.variables)
    if choice is None:
        return Absent("nothing in the script or its environment speaks of Python")
    if choice.inside:
        return Absent(f"Python runs inside the container image {choice.inside}")
    if not choice.interpreter or not world.exists(choice.interpreter):
        return Absent(f"{choice.interpreter or 'an interpreter'} ({choice.by}) is not there")
    interpreter = inspect(world, choice.interpreter, job.workdir)
    check = Check(HASH_BYTES, HASH_FILES)
    seen = look(world, interpreter, found.variables, check, job.workdir, apps)
    complete = choice.sure and check.skipped == 0 and check.checked > 0
    grade = Grade.VERIFIED if complete else Grade.OBSERVED if choice.sure else Grade.DECLARED
    return Found(replace(seen, chosen_by=choice.by), f"{interpreter.prefix}: dist-info read, RECORD recomputed", grade)


def _of_app(world: World, apps: Sequence[str], variables: Mapping[str, str]) -> Choice | None:
    """A zipapp that is started by its own name says itself which Python runs it."""
    found = ((app, zipapps.interpreter(world, app, variables)) for app in apps)
    return next((Choice(python, f"#! of {os.path.basename(app)}") for app, python in found if python), None)


def look(
    world: World, own: Interpreter, variables: Mapping[str, str], check: Check, workdir: str = "", apps: Sequence[str] = ()
) -> PythonPackages:
    """The packages in the order Python looks for them: zipapps, PYTHONPATH, the environment, the user's site, the base's."""
    before, after = around(world, own, variables, workdir)
    folders = (*before, *own.sites, *after)
    found = [(normal(d.name), d) for app in apps for d in zipapps.carried(world, app)]
    found += [(normal(d.name), d) for folder in folders for d in (*installed(world, folder), *eggs(world, folder))]
    first: dict[str, Distribution] = {}
    for name, one in found:
        first.setdefault(name, one)
    known = archives(world, first, variables, (workdir, os.path.dirname(own.prefix)))
    packages = {name: _package(d, _now(world, d, check), known.get(name)) for name, d in first.items()}
    for one in conda(world, own.prefix):
        name = normal(one.name)
        packages[name] = _of_conda(packages[name], one) if name in packages else _package(one, Now())
    ordered = tuple(sorted(packages.values(), key=lambda p: (normal(p.name), p.version)))
    lines = "".join(f"{normal(p.name)}=={p.version} {p.record_sha256}\n" for p in ordered)
    return PythonPackages(
        interpreter=own.path,
        version=own.version,
        implementation=own.implementation,
        prefix=own.prefix,
        base_prefix=own.base_prefix,
        chosen_by="",
        packages=ordered,
        env_sha256=hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(),
        leaks=tuple(leaks(world, own, variables, before, after)),
        files_checked=check.checked,
        files_skipped=check.skipped,
        maker=own.maker,
        shadowed=(*shadows(found), *overwritten([d for _, d in found]))[:MAX_NAMES],
        unowned=tuple(unowned(world, own.sites, [d for _, d in found]))[:MAX_NAMES],
        startup=startup(world, folders, [d for _, d in found]),
    )


def _now(world: World, one: Distribution, check: Check) -> Now:
    # not to be read in place; and a Linux distribution strips and moves files after RECORD was written, its own database knows them
    if one.source in (zipapps.SOURCE, "system"):
        return Now()
    return record.recompute(world, one.folder, one.rows, one.recorded_ns, check)


def _package(one: Distribution, now: Now, archive: Archive | None = None) -> Package:
    made = Package(
        one.name, one.version, one.folder, one.source, one.reference, one.installer, record.identity(one.rows),
        now.modified[:MODIFIED_NAMES], now.content, one.requested, one.tags,
    )  # fmt: skip
    if archive is None:
        return made
    return replace(
        made,
        wheel_sha256=archive.sha256,
        wheel_source=archive.source,
        wheel_file=archive.file,
        wheel_url=archive.url,
        wheel_proved=archive.proved,
    )


def _of_conda(package: Package, one: Distribution) -> Package:
    """What conda brought has its Python half in dist-info and its archive in conda-meta."""
    return replace(package, reference=one.reference) if package.source == "conda" and not package.reference else package


PROBE = Probe(
    "packages",
    PythonPackages,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    version=2,
    source="dist-info of the job's Python environment",
)
