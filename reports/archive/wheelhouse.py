"""Which wheels of the run's packages can travel with the bundle, so that its environment is rebuilt with no network?"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from auditor.model import AuditError
from auditor.redact import Redactor
from auditor.world import World
from probes.packages import Package, PythonPackages
from probes.python.address import local
from reports.archive import fetch, pipcache
from reports.archive.bag import Item
from reports.archive.repack import MAX_BYTES, repack
from reports.archive.wheels import NAME, Wheel, differs, inside, measure, normal

WORDS = ("carry", "fetch", "pin")
"""carry: what lies on this machine, and packages of no index packed again; fetch: and what the index has; pin: the same, but hashes only."""
_INDEX = ("index", "unknown")
_ARCHIVED = (*_INDEX, "wheel")
"""Sources with an archive somewhere; the others are packed again."""

REPACKED_BYTES = 512 << 20

Project = tuple[str, str]


@dataclass(frozen=True)
class House:
    """Wheels as files of the crate, and as lines of a lock. told: what could not be had, and why."""

    items: tuple[Item, ...]
    wheels: tuple[Wheel, ...]
    told: tuple[str, ...] = ()


def collect(how: str, packages: PythonPackages | None, world: World) -> House:
    """how: a folder of wheels, one of WORDS, or empty for none. Only wheels whose files are the installed ones are taken.

    Raises AuditError when a folder holds none, and what `fetch` raises.
    """
    if not how or packages is None:
        if how and how not in WORDS:
            raise _empty(how, ())
        return House((), ())
    wanted = {
        (normal(p.name), p.version): p
        for p in packages.packages
        if normal(p.name) != "pip" and p.source not in ("conda", "zipapp")
    }
    return _gathered(how, packages, wanted, world) if how in WORDS else _folder(how, wanted, world)


def _folder(folder: str, wanted: Mapping[Project, Package], world: World) -> House:
    found, told = _fitting(world.glob(os.path.join(glob.escape(folder), "*.whl")), wanted, world)
    if not found:
        raise _empty(folder, told)
    return _house({key: (path, measure(world, path)) for key, path in found.items()}, (), told)


def _empty(folder: str, told: Sequence[str]) -> AuditError:
    why = f" ({told[0]})" if told else ""
    return AuditError(
        f"{folder} holds no wheel of a package this run had{why}", "fill it: pip download --no-deps -r requirements.txt -d FOLDER"
    )


def _fitting(paths: Sequence[str], wanted: Mapping[Project, Package], world: World) -> tuple[dict[Project, str], list[str]]:
    """Files by project, as far as name, version and content are the run's."""
    found: dict[Project, str] = {}
    told: list[str] = []
    for path in paths:
        name = os.path.basename(path)
        key = Wheel(name, "", 0).project
        if not NAME.fullmatch(name) or key not in wanted or key in found:
            continue
        if reason := differs(wanted[key], world, path):
            told.append(f"{name}: {reason}")
        else:
            found[key] = path
    return found, told


def _gathered(how: str, packages: PythonPackages, wanted: Mapping[Project, Package], world: World) -> House:
    clean = {k: p for k, p in wanted.items() if p.record_sha256 and not p.modified and p.source in _ARCHIVED}
    found = dict(_lying(world, clean, how))
    told: list[str] = []
    missing = {k: p for k, p in clean.items() if k not in found and p.source in _INDEX and not (how == "pin" and p.wheel_url)}
    if missing and how != "carry":
        fetched, told = _fetched(world, packages.version, missing)
        found |= fetched
    if how == "pin":
        return House((), tuple(replace(w, carried=False) for _, w in found.values()), tuple(told))
    packed, refused = _repacked([p for k, p in wanted.items() if k not in found], world, told_missing=how != "carry")
    return _house(found, packed, [*told, *refused])


Found = dict[Project, tuple[str, Wheel]]


def _lying(world: World, wanted: Mapping[Project, Package], how: str) -> Iterator[tuple[Project, tuple[str, Wheel]]]:
    """What is on this machine: installers' caches, the file a package was installed from, our own shelf."""
    for path, file, key in _cached(world, wanted):
        yield key, (path, _known(measure(world, path, file, url=pipcache.address(world, path, file)), wanted[key]))
    if how != "carry" or world.env.get("HOME") or world.env.get("XDG_CACHE_HOME"):
        files, _ = _fitting(world.glob(os.path.join(glob.escape(fetch.shelf(world)), "*.whl")), wanted, world)
        yield from ((key, (path, _known(measure(world, path), wanted[key]))) for key, path in files.items())


def _fetched(world: World, version: str, missing: Mapping[Project, Package]) -> tuple[Found, list[str]]:
    shelf = fetch.shelf(world)
    trouble = fetch.fetch(world, shelf, version, list(missing.values()))
    files, told = _fitting(world.glob(os.path.join(glob.escape(shelf), "*.whl")), missing, world)
    where = fetch.addresses(world, version, [missing[k] for k in files])
    found = {}
    for key, path in files.items():
        wheel = _known(measure(world, path), missing[key])
        found[key] = path, replace(wheel, url=wheel.url or where.get(wheel.sha256, ""))
    return found, [*([f"pip: {trouble}"] if trouble else []), *told]


def _known(wheel: Wheel, package: Package) -> Wheel:
    """With the address that the evidence has for this very archive."""
    return replace(wheel, url=package.wheel_url) if package.wheel_sha256 == wheel.sha256 and package.wheel_url else wheel


def _cached(world: World, wanted: Mapping[Project, Package]) -> Iterator[tuple[str, str, Project]]:
    """(path, file name, project) of wheels whose RECORD is an installed one's."""
    files = [local(p.reference) for p in wanted.values() if p.source == "wheel" and p.reference.startswith("file:")]
    for path in chain(files, pipcache.candidates(world, world.env)) if wanted else ():
        try:
            wheel = inside(world, path)
        except (ValueError, OSError):
            continue
        key = Wheel(wheel.file, "", 0).project
        if key in wanted and wheel.installed_in(wanted[key].location) == wanted[key].record_sha256:
            yield path, wheel.file, key


def _repacked(missing: Sequence[Package], world: World, *, told_missing: bool) -> tuple[list[Item], list[str]]:
    """Wheels of what no index has, or had no longer; they are made in memory, hence the limit."""
    items, told, left, redactor = [], [], REPACKED_BYTES, Redactor(world.env)
    for package in missing:
        if told_missing and package.source in _INDEX and not package.modified:
            told.append(f"{package.name} {package.version}: the index does not have what was installed")
        try:
            made = repack(package, world, redactor, min(MAX_BYTES, left))
        except (ValueError, OSError) as error:
            told.append(f"{package.name} {package.version} is not carried: {str(error)[:300]}")
            continue
        left -= len(made.data)
        items.append(Item(f"environment/wheels/{made.file}", made.data))
        if not made.as_run:
            told.append(f"{package.name} {package.version} is carried as its working tree is now; nobody hashed it when it ran")
    return items, told


def _house(found: Mapping[Project, tuple[str, Wheel]], packed: Sequence[Item], told: Sequence[str]) -> House:
    items = [Item(f"environment/wheels/{w.file}", source=p, sha256=w.sha256, size=w.size) for p, w in found.values()]
    wheels = [w for _, w in found.values()]
    wheels += [Wheel(i.path.rsplit("/", 1)[-1], hashlib.sha256(i.data).hexdigest(), len(i.data)) for i in packed]
    return House((*items, *packed), tuple(wheels), tuple(told))
