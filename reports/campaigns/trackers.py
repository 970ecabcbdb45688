"""What do experiment trackers say of a campaign? Tracked runs counted once, however many runs of the campaign saw them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.campaign import RunSeen, Sign, TrackedCount
from auditor.model import Phase
from probes.tracking.record import Experiments, TrackedSeen
from probes.workflows import State
from reports.judging import phases
from reports.judging.record import Record

MOST = 20_000
"""Tracked runs that are told apart."""


@dataclass
class Trackers:
    """Tracked runs as they come in, run by run."""

    rules: Mapping[str, str]
    """The project's own patterns for phases."""
    runs: dict[tuple[str, str], TrackedSeen] = field(default_factory=dict)
    joined: set[tuple[str, str]] = field(default_factory=set)
    evidence: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    left: int = 0

    def add(self, seen: RunSeen, record: Record) -> tuple[str, ...]:
        """The tracked runs that this run made, `system:id`."""
        fact = record.value(Experiments, Phase.LATER)
        mine = []
        for one in fact.value.runs if fact else ():
            key = (one.system, one.id)
            if key not in self.runs and len(self.runs) >= MOST:
                self.left += 1
                continue
            self.runs.setdefault(key, one)
            if fact and len(self.evidence[one.system]) < 12:
                self.evidence[one.system].setdefault(fact.evidence_id)
            if one.relation in ("task", "inside"):
                self.joined.add(key)
                mine.append(f"{one.system}:{one.id}")
        return tuple(mine[:20])

    def counts(self) -> tuple[TrackedCount, ...]:
        systems = sorted({system for system, _ in self.runs})
        return tuple(self._count(system, [(k, r) for k, r in self.runs.items() if k[0] == system]) for system in systems)

    def _count(self, system: str, runs: list[tuple[tuple[str, str], TrackedSeen]]) -> TrackedCount:
        told = [r for _, r in runs]
        said = [(found, signs) for r in told for found, signs in [self._phase(r)] if found]
        first = {found: signs[0] for found, signs in reversed(said)}
        return TrackedCount(
            system=system,
            runs=len(told),
            succeeded=sum(r.state is State.SUCCEEDED for r in told),
            failed=sum(r.state in (State.FAILED, State.KILLED) for r in told),
            with_parameters=sum(bool(r.parameters) for r in told),
            with_metrics=sum(bool(r.metrics) for r in told),
            with_commit=sum(bool(r.commit) for r in told),
            dirty=sum(r.dirty is True for r in told),
            with_data=sum(bool(r.datasets) for r in told),
            with_model=sum(bool(r.models) for r in told),
            with_seed=sum(bool(r.seeds) for r in told),
            joined=sum(key in self.joined for key, _ in runs),
            phases=dict(sorted(Counter(found for found, _ in said).items())),
            signs=tuple(first[found] for found in sorted(first)),
            evidence=tuple(self.evidence[system]),
        )

    def _phase(self, run: TrackedSeen) -> tuple[str, tuple[Sign, ...]]:
        """By the program that ran, else by what the run or its experiment is called; several phases in one are written as `simulate+train`."""
        read = phases.of_command(run.source)
        named = phases.own(self.rules, run.name, run.experiment, run.source)
        told, signs = phases.decide((*named, *read, *phases.of_task(run.name), *phases.of_task(run.experiment)))
        return "+".join(told), signs
