"""What do workflow engines say of a campaign? Each engine run once, by the record that tells most of it, with its groups' phases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from auditor import codec
from auditor.campaign import EngineGroup, EngineRun, Flow, Group, RunSeen
from auditor.model import AuditError, Status
from probes.workflows.record import TaskGroup, WorkflowRuns, WorkflowSeen
from reports.judging import phases
from reports.judging.record import Record

MOST = 100
"""Engine runs that a campaign shows."""


class Engines:
    """Engine runs as they come in, run by run."""

    def __init__(self, group: Group, rules: Mapping[str, str]) -> None:
        self._group, self._rules = group, rules
        self._found: dict[str, tuple[int, WorkflowSeen, tuple[str, ...]]] = {}
        self.left = 0
        self.unread: dict[str, None] = {}

    def add(self, seen: RunSeen, record: Record) -> None:
        for piece in record.pieces:
            e = piece.evidence
            if e.kind == WorkflowRuns.__name__ and e.status is Status.OK and e.data is not None:
                for line in e.data.get("unread", ()):
                    self.unread.setdefault(str(line))
                for told in e.data.get("runs", ()):
                    self._told(told, piece.id)

    def _told(self, told: Mapping[str, Any], evidence: str) -> None:
        key = " ".join(filter(None, (str(told.get(part, "")) for part in ("system", "id", "folder"))))
        if key not in self._group.engines:  # its record lies near, and nothing says that it belongs to these runs
            return
        size = len(str(told.get("states"))) + int(told.get("tasks", 0)) * 1000
        before = self._found.get(key)
        if before and before[0] >= size:
            if evidence not in before[2]:
                self._found[key] = (before[0], before[1], (*before[2], evidence)[:12])
            return
        if before is None and len(self._found) >= MOST:
            self.left += 1
            return
        try:
            seen = codec.build(told, WorkflowSeen, "a record of an engine run")
        except AuditError as error:
            self.unread.setdefault(f"{key}: {error.message}")
            return
        self._found[key] = (size, seen, (evidence, *(before[2] if before else ()))[:12])

    def runs(self) -> tuple[EngineRun, ...]:
        """The oldest first."""
        every = [self._run(key, seen, ids) for key, (_, seen, ids) in self._found.items()]
        return tuple(sorted(every, key=lambda r: (r.started, r.key)))

    def _run(self, key: str, s: WorkflowSeen, evidence: tuple[str, ...]) -> EngineRun:
        driver, members = self._group.engines[key]
        return EngineRun(
            key=key,
            system=s.system,
            version=s.version,
            id=s.id,
            folder=s.folder,
            name=s.name,
            state=s.state,
            proof=s.proof,
            started=s.started,
            ended=s.ended,
            tasks=s.tasks,
            states=s.states,
            attempts=s.attempts,
            retried=s.retried,
            width=s.width,
            depth=s.depth,
            concurrent=s.concurrent,
            workers=s.workers,
            cyclic=s.cyclic,
            loops=s.loops,
            iterations=s.iterations,
            groups=tuple(self._named(g) for g in s.groups),
            flows=tuple(Flow(k.source, k.target, "data" if k.by == "file" else k.by, k.count) for k in s.links),
            definitions=tuple(d.path for d in s.definitions),
            versioned=sum(bool(d.revision or d.digests) for d in s.definitions),
            constructs=tuple(f"{c.what}: {c.text}" for c in s.constructs),
            driver=driver,
            members=members,
            jobs=len(s.native_ids),
            evidence=evidence,
        )

    def _named(self, g: TaskGroup) -> EngineGroup:
        read = phases.of_command(g.command)
        told, signs = phases.decide((*phases.own(self._rules, g.name, *(s.text for s in read)), *read, *phases.of_task(g.name)))
        return EngineGroup(
            name=g.name,
            tasks=g.tasks,
            states=g.states,
            attempts=g.attempts,
            retried=g.retried,
            concurrent=g.concurrent,
            seconds=g.seconds,
            waited=g.waited,
            phases=told,
            signs=signs[:3],
            partition=g.asked.partition,
            gpus=g.asked.gpus,
            cpus=g.asked.cpus,
        )


def engine_of(runs: Iterable[EngineRun]) -> dict[str, str]:
    """Run id -> key of the engine run that started it, or that it held."""
    found: dict[str, str] = {}
    for run in runs:
        found |= dict.fromkeys(run.driver, run.key)
    for run in runs:
        found |= dict.fromkeys(run.members, run.key)
    return found
