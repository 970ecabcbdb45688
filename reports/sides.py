"""What was one run's environment, as far as two can be compared? Images by what identifies them, software by name and state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.model import Fact, Need, Phase
from probes.containers import ContainerIdentities, ContainerReferences, EngineImages, ImageFacts, SifImages
from probes.dispatch import CpuDispatch
from probes.packages import PythonPackages
from probes.software import Component
from probes.workflow import SystemsUsed
from reports import differences as of
from reports.judging.imagefacts import facts as identifying
from reports.judging.imagesseen import known as told_of
from reports.judging.known import known
from reports.judging.record import Record
from reports.judging.software import choose, components, switches
from reports.judging.software import of as components_of
from reports.judging.traces import called, traces


@dataclass(frozen=True)
class Side:
    """What one run had, name -> state, each with the evidence it rests on."""

    images: Mapping[str, tuple[ImageFacts, str]]
    bare: bool
    """It was looked, and no image is named or ran."""
    parts: Mapping[tuple[str, str], str]
    python: Mapping[str, str]
    interpreter: str
    leading: frozenset[str]
    """Packages that the code imports, or that were asked for by name."""
    dispatch: Mapping[str, str]
    cites: Mapping[str, tuple[str, ...]]
    """By kind of evidence."""
    sources: Mapping[str, frozenset[str]]
    """Ecosystem -> the kinds of evidence that list it."""


def side(seen: Record) -> Side:
    facts = known(seen)
    best = choose(facts)
    python, cpu = best.get(PythonPackages.__name__), best.get(CpuDispatch.__name__)
    used = seen.value(SystemsUsed, Phase.SUBMIT)
    imported = {u.system.lower() for u in used.value.uses if u.how == "import"} if used else set()
    asked = {p.name.lower() for p in python.value.packages if p.requested} if python else set()
    found = {name: state for name, state in of.packages(python.value).items() if name != "Python"} if python else {}
    parts = [p for p in components(facts) if p.ecosystem not in ("pypi", "interpreter")]
    images = _known_images(seen, facts, best)
    return Side(
        images=images,
        bare=not images and seen.look(Need(ContainerReferences, (Phase.SUBMIT,))).absent,
        parts=_states(parts),
        python=found,
        interpreter=f"{python.value.implementation} {python.value.version}" if python else "",
        leading=frozenset(imported | asked),
        dispatch=switches(cpu.value) if cpu else {},
        cites={kind: (fact.evidence_id,) for kind, fact in best.items()},
        sources=_sources(best),
    )


def _sources(best: Mapping[str, Fact[Any]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for kind, fact in best.items():
        for part in components_of(fact.value):
            found.setdefault(part.ecosystem, set()).add(kind)
    return {ecosystem: frozenset(kinds) for ecosystem, kinds in found.items()}


def _states(parts: Iterable[Component]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for p in parts:
        digest = f" {p.digest}" if p.digest else ""
        state = (
            f"{p.version}{digest}{f' {p.detail}' if p.detail and p.ecosystem in ('conda', 'spack') else ''}".strip() or "there"
        )
        if p.ecosystem == "module":
            state = f"{p.name}/{p.version}{digest}" if p.version else f"{p.name}{digest}"
        key = (p.ecosystem, p.name)
        found[key] = f"{found[key]}, {state}" if key in found else state
    return found


def _known_images(seen: Record, facts: Iterable[Fact[Any]], best: dict[str, Fact[Any]]) -> dict[str, tuple[ImageFacts, str]]:
    """By name: what ran, else what was there as the job started, else at submission."""
    found = {called(one): (identifying(one), "") for one, _ in traces(facts)}
    identities = seen.value(ContainerIdentities, Phase.START) or seen.value(ContainerIdentities)
    states = of.identities(identities.value) if identities else {}
    for i in identities.value.images if identities else ():
        found.setdefault(i.reference, (told_of(best, i), states[i.reference]))
    if not found:
        for kind in (SifImages, EngineImages):
            fact = best.get(kind.__name__)
            found |= (
                {identifying(i).reference.rsplit("/", 1)[-1]: (identifying(i), "") for i in fact.value.images} if fact else {}
            )
    return found


def both_looked(a: Side, b: Side, ecosystem: str) -> frozenset[str]:
    """Kinds of evidence that list it and that both runs have; empty: nothing can be said of a piece that only one has."""
    return (a.sources.get(ecosystem, frozenset()) | b.sources.get(ecosystem, frozenset())) & a.cites.keys() & b.cites.keys()


def cited(a: Side, b: Side, *kinds: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for s in (a, b) for kind in kinds for id_ in s.cites.get(kind, ())))
