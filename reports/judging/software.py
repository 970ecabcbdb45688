"""Which pieces of software was a run made of? One list of one shape from all that the probes saw, each piece once.

A `Component` is the same for every ecosystem: the list of parts, the comparison of two runs and the query for a package stand on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from auditor.model import Fact, Phase
from probes.dispatch import CpuDispatch
from probes.hardware import Hardware
from probes.modules import LoadedModules
from probes.packages import Package, PythonPackages
from probes.python.distributions import normal
from probes.software import Component
from probes.software.conda import CondaPackages
from probes.software.final_modules import FinalModules, component
from probes.software.guix import GuixProfile
from probes.software.julia import JuliaPackages
from probes.software.libraries import LoadedLibraries
from probes.software.node import NodeSystem
from probes.software.r import RPackages
from probes.software.spack import SpackSpecs
from probes.software.system_packages import SystemPackages
from probes.software.toolchain import Toolchain

ORDER = (Phase.END, Phase.START, Phase.LATER, Phase.SUBMIT)
"""Which look at the same kind of thing counts: what was seen in the job comes before what was seen around it."""

LISTS = (
    CondaPackages,
    FinalModules,
    GuixProfile,
    JuliaPackages,
    LoadedLibraries,
    NodeSystem,
    RPackages,
    SpackSpecs,
    SystemPackages,
    Toolchain,
)
"""Kinds of evidence that carry their components themselves."""

Key = tuple[str, str, str]
"""Ecosystem, name and version: one piece of software."""
HOW = {"sampled": 2, "resolved": 1}
"""Of libraries: what a job happens to leave behind says less than what its programs' headers ask for."""
AROUND = ("Hardware", "Toolchain")
"""Kinds whose C library may be another machine's than the job's node."""


def components(facts: Iterable[Fact[Any]]) -> tuple[Component, ...]:
    """All components, sorted by ecosystem, name and version, each once. Of each kind of evidence the best look counts.

    facts: any; those that tell of no software are passed over.
    """
    facts = tuple(facts)
    best = _own(choose(facts))
    hashed = _modulefiles(facts)
    found: dict[Key, Component] = {}
    # an environment's lock, and what modules put on the paths later, are both of the run
    spack = [f for f in facts if isinstance(f.value, SpackSpecs)]
    last = max((f.attempt for f in spack), default=0)
    both = (("SpackSpecs", f) for f in spack if f.attempt == last or f.phase is Phase.SUBMIT)
    for kind, fact in (*best.items(), *both):
        for told in of(fact.value):
            if told.ecosystem == "libc" and kind in AROUND and "NodeSystem" in best:
                continue  # the submitting machine's
            one = replace(told, digest=hashed.get(told.origin, "")) if kind == "FinalModules" else told
            found[key(one)] = max(one, found.get(key(one), one), key=_told)
    return tuple(found[name] for name in sorted(found))


def key(part: Component) -> Key:
    return part.ecosystem, part.name, part.version


def choose(facts: Iterable[Fact[Any]]) -> dict[str, Fact[Any]]:
    """The last attempt's best look by kind."""
    best: dict[str, Fact[Any]] = {}
    facts = tuple(facts)
    for fact in facts:
        kind = type(fact.value).__name__
        if kind not in best or _rank(fact) > _rank(best[kind]):
            best[kind] = fact
    if cpu := best.get("CpuDispatch"):
        best["CpuDispatch"] = _dispatch(cpu, facts)
    return best


def _dispatch(cpu: Fact[CpuDispatch], facts: Iterable[Fact[Any]]) -> Fact[CpuDispatch]:
    """What one look leaves out: the end does not look at the processor again, the start does not know what the script will set."""
    looks = [f for f in facts if isinstance(f.value, CpuDispatch)]
    value = cpu.value
    start = next((f.value for f in looks if f.phase is Phase.START and f.attempt == cpu.attempt), None)
    if start and not value.level:
        value = replace(value, level=start.level, features=start.features)
    if cpu.phase is Phase.START:
        own = [s for f in looks if f.phase is Phase.SUBMIT for s in f.value.switches if s.where == "script"]
        named = {s.name for s in own}
        value = replace(value, switches=(*(s for s in value.switches if s.name not in named), *own))
    return replace(cpu, value=value)


def _modulefiles(facts: Iterable[Fact[Any]]) -> dict[str, str]:
    """Digests by path, from every look at modules: at the end of a job nothing is hashed."""
    seen = (f.value for f in facts if isinstance(f.value, LoadedModules))
    return {m.path: f"sha256:{m.sha256}" for modules in seen for m in modules.modules if m.sha256}


def switches(seen: CpuDispatch) -> dict[str, str]:
    """For comparing two runs: each switch that is set, and the level of the processor."""
    told = {s.name: s.value for s in seen.switches}
    return {**told, "processor level": seen.level} if seen.level else told


def _own(best: dict[str, Fact[Any]]) -> dict[str, Fact[Any]]:
    """Without what is known to be another machine's: packages where the node has other ones."""
    node, packages = (best[k].value if k in best else None for k in ("NodeSystem", "SystemPackages"))
    if isinstance(node, NodeSystem) and isinstance(packages, SystemPackages) and not same_system(node, packages):
        best = {kind: fact for kind, fact in best.items() if kind != "SystemPackages"}
    return best


def same_system(node: NodeSystem, packages: SystemPackages) -> bool:
    """Does nothing speak against the node having these packages? By the database where both know it, else by the release."""
    if node.database_sha256 and packages.database_sha256:
        return node.database_sha256 == packages.database_sha256
    return (node.release, node.manager) == (packages.release, packages.manager)


def of(value: object) -> Iterator[Component]:
    """The components that one piece of evidence names; none for evidence about anything else."""
    if isinstance(value, PythonPackages):
        yield from _python(value)
    elif isinstance(value, LoadedModules):
        yield from _modules(value)
    elif isinstance(value, Hardware):
        yield from _machine(value)
    elif isinstance(value, LISTS):
        yield from value.components


def _rank(fact: Fact[Any]) -> tuple[int, int, int]:
    how = HOW.get(fact.value.how, 0) if isinstance(fact.value, LoadedLibraries) else 0
    return how, fact.attempt, -ORDER.index(fact.phase)


def _told(one: Component) -> tuple[bool, int, str]:
    """The one of two that says more; by its text where both say as much, so that the order of evidence does not matter."""
    words = (one.digest, one.origin, one.detail)
    return bool(one.digest), sum(map(bool, words)), "\0".join(words)


def _python(seen: PythonPackages) -> Iterator[Component]:
    name = seen.implementation.lower()
    yield Component("interpreter", name, seen.version, origin=seen.interpreter)
    for package in seen.packages:
        if package.source == "conda":  # conda installs more than Python's packages: its names are its own
            yield Component("conda", package.name, package.version, _hash(package), package.reference.partition("#")[0])
        else:
            record = f"record {package.record_sha256}" if package.record_sha256 else ""
            origin = package.reference.partition("#")[0] or package.location
            yield Component("pypi", normal(package.name), package.version, _hash(package), origin, record)


def _hash(package: Package) -> str:
    """Of the archive that it was installed from; `sha256=<hex>` or `md5=<hex>` after `#` in the reference is what the installer was given."""
    if package.wheel_sha256:
        return f"sha256:{package.wheel_sha256}"
    name, _, digest = package.reference.partition("#")[2].partition("=")
    return f"{name}:{digest}" if digest and name in ("sha256", "md5") else ""


def _modules(seen: LoadedModules) -> Iterator[Component]:
    for module in seen.modules:
        yield component(module.name, module.path, f"sha256:{module.sha256}" if module.sha256 else "", seen.system)


def _machine(seen: Hardware) -> Iterator[Component]:
    if seen.kernel:
        yield Component("kernel", "linux", seen.kernel, detail=seen.architecture)
    if seen.gpu_driver:
        yield Component("driver", "nvidia", seen.gpu_driver)
    if seen.amd_driver:
        yield Component("driver", "amdgpu", seen.amd_driver)
    name, _, version = seen.libc.partition(" ")
    if version:
        yield Component("libc", name, version)
