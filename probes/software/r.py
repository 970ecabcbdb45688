"""Which R packages will the job find, and are they what its renv.lock says?

Installed packages by the DESCRIPTION files on the library paths, the lock by `renv.lock`; R is not run. Sources: "Writing R
Extensions" section 1.1.1 and `?.libPaths`; renv's article "Lockfiles".
"""

from __future__ import annotations

import hashlib
import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.script.trace import Trace
from probes.software import Component
from probes.software.reading import calls, folders, json_object, listed, location, looked, mapping, program, text, there, word

MAX_PACKAGES = 4000
DESCRIPTION_BYTES = 1 << 20
PROGRAMS = ("Rscript", "R", "r", "littler")
_FIELD = re.compile(r"^([A-Za-z][\w/@.-]*):[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class RPackages:
    """R's packages. components: the installed ones, in the order of the library paths; where none is found, the lock's.

    digest of a component: of the lock's record (`md5:`), where the lock has the same version; origin: repository, or URL@commit.
    differs: `name installed locked` where the installed version is not the lock's, or the package is not there.
    """

    version: str
    libraries: tuple[str, ...]
    lock: str
    lock_sha256: str
    locked: int
    differs: tuple[str, ...]
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[RPackages] | Absent:
    found = looked(world, job)
    workdir = job.workdir or world.cwd
    used = bool(calls(found, *PROGRAMS)) or any(found.variables.get(n) for n in ("R_LIBS", "R_LIBS_USER", "R_HOME"))
    lock = f"{workdir}/renv.lock" if there(world, f"{workdir}/renv.lock") else ""
    if not used and not lock:
        return Absent("the script calls no R, and there is no renv.lock")
    told = text(world, lock)
    locked = {c.name: c for c in parse_lock(told)}
    libraries = tuple(dict.fromkeys(_libraries(world, found, workdir)))
    installed = {c.name: c for folder in reversed(libraries) for c in _installed(world, folder, locked)}
    if not installed and not locked:
        return Absent("no R library is where R would look, and there is no renv.lock")
    version = installed["base"].version if "base" in installed else word(mapping(json_object(told).get("R")).get("Version"))
    seen = RPackages(
        version=version,
        libraries=libraries,
        lock=lock,
        lock_sha256=hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest() if lock else "",
        locked=len(locked),
        differs=tuple(_differences(installed, locked)) if installed else (),
        components=tuple(sorted((installed or locked).values(), key=lambda c: c.name))[:MAX_PACKAGES],
    )
    return Found(seen, ", ".join(libraries) if installed else lock, Grade.OBSERVED if installed and used else Grade.DECLARED)


def _libraries(world: World, found: Trace, workdir: str) -> Iterator[str]:
    """Where R looks, first things first: renv's project library, R_LIBS, R_LIBS_USER, then the installation's own folders."""
    if there(world, f"{workdir}/renv/activate.R"):
        for depth in ("*/*", "*/*/*"):
            yield from (f for f in listed(world, f"{workdir}/renv/library", depth) if listed(world, f, "*/DESCRIPTION"))
    for name in ("R_LIBS", "R_LIBS_USER"):
        yield from (f for f in folders(world, found, name) if "%" not in f and there(world, f))
    if home := found.variables.get("HOME", ""):  # R's own default: ~/R/PLATFORM-library/VERSION
        yield from reversed(listed(world, home, "R/*-library/*"))
    rscript = program(world, found, "Rscript", "R")
    prefix = os.path.dirname(os.path.dirname(rscript)) if rscript else ""
    homes = [found.variables.get("R_HOME", "").rstrip("/")] + [f"{prefix}/{lib}/R" for lib in ("lib", "lib64") if prefix]
    site = ["/usr/local/lib/R/site-library", "/usr/lib/R/site-library"] if prefix == "/usr" else []
    tried = [*site, *(f"{home}/{kind}" for home in homes if home for kind in ("site-library", "library"))]
    yield from (folder for folder in tried if there(world, folder))


def _installed(world: World, folder: str, locked: Mapping[str, Component]) -> Iterator[Component]:
    for path in listed(world, folder, "*/DESCRIPTION")[:MAX_PACKAGES]:
        one = parse_description(text(world, path, DESCRIPTION_BYTES), folder)
        if one:
            same = locked.get(one.name)
            digest = same.digest if same and same.version == one.version else ""
            yield Component(one.ecosystem, one.name, one.version, digest, one.origin, one.detail)


def parse_description(note: str, folder: str = "") -> Component | None:
    """An installed package's DESCRIPTION; a source tree has no `Built:` line and is none."""
    told = {key: " ".join(value.split()) for key, value in _FIELD.findall(note)}
    if not told.get("Package") or not told.get("Built"):
        return None
    sha, url = told.get("RemoteSha", ""), told.get("RemoteUrl", "")
    if told.get("RemoteType") == "github" and told.get("RemoteUsername"):
        url = f"https://github.com/{told['RemoteUsername']}/{told.get('RemoteRepo', '')}"
    remote = f"{location(url)}@{sha}" if url and sha else ""
    base = told.get("Priority", "") == "base" and "part of R"
    detail = "; ".join(filter(None, ("built " + told["Built"]).split("; ")[:2]))  # when it was built says nothing of what it is
    return Component(
        "cran", told["Package"], told.get("Version", ""), "", remote or base or told.get("Repository", "") or folder, detail
    )


def parse_lock(lock: str) -> Iterator[Component]:
    """The packages of a renv.lock. Its `Hash` is an md5 over fields of DESCRIPTION, not of a file."""
    for name, record in mapping(json_object(lock).get("Packages")).items():
        told = mapping(record)
        sha, user, repo = (word(told.get(k)) for k in ("RemoteSha", "RemoteUsername", "RemoteRepo"))
        remote = f"https://github.com/{user}/{repo}@{sha}" if word(told.get("RemoteType")) == "github" and sha else ""
        digest = f"md5:{word(told['Hash'])}" if word(told.get("Hash")) else ""
        origin = remote or word(told.get("Repository")) or word(told.get("Source"))
        yield Component("cran", word(told.get("Package")) or name, word(told.get("Version")), digest, origin, "renv.lock")


def _differences(installed: Mapping[str, Component], locked: Mapping[str, Component]) -> Iterator[str]:
    for name, wanted in sorted(locked.items()):
        have = installed[name].version if name in installed else "missing"
        if have != wanted.version:
            yield f"{name} {have} {wanted.version}"


PROBE = Probe(
    "r",
    RPackages,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    source="DESCRIPTION files on R's library paths, renv.lock",
)
