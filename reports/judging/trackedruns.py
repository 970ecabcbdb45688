"""Which tracked runs are the audited run's own? From the trackers' records, as far as these tell."""

from __future__ import annotations

from auditor.model import Absent, Fact, Need, Outcome, Phase, Verdict
from probes.tracking.record import Experiments, TrackedSeen
from probes.workflow import SystemsUsed
from reports.judging.amounts import several, some
from reports.judging.verdicts import Maybe, Unclear, not_applicable

TRACKED = Need(Experiments, (Phase.LATER,), absent=Outcome.NOT_APPLICABLE)
MAYBE_TRACKED = Need(Experiments, (Phase.LATER,), optional=True)
LOOK = "auditor sweep, on a machine that sees the tracker's store: records are looked for below the work directory and where the environment points"
OWN = ("task", "inside")


def ours(tracked: Maybe[Experiments]) -> list[TrackedSeen]:
    """Runs that name the job, or that began while it ran; nested ones after those that hold them."""
    if not isinstance(tracked, Fact):
        return []
    return sorted((r for r in tracked.value.runs if r.relation in OWN), key=lambda r: bool(r.parent))


def none_of_ours(tracked: Fact[Experiments]) -> Verdict | None:
    """Not applicable where records are there and each is of another time; raises Unclear where one may be of this run."""
    if ours(tracked):
        return None
    e = tracked.value
    if e.elsewhere:
        raise Unclear(f"a tracker on {e.elsewhere[0]} is named, and servers are not asked")
    if e.unread:
        raise Unclear(f"{several(len(e.unread), 'record')} of trackers could not be read: {e.unread[0]}")
    timeless = [r for r in e.runs if not r.started]
    if timeless or not e.walked_all:
        why = f"{said(timeless[0])} does not say when it began" if timeless else "not all records were read"
        raise Unclear(f"whether a tracked run is of this job cannot be told: {why}")
    listed = some(f"{said(r)} of {r.started}" for r in e.runs)
    return not_applicable(f"none of {several(e.seen, 'tracked run')} is of this job: {listed} began before or after it", tracked)


def named(systems: Fact[SystemsUsed] | None) -> list[str]:
    """Trackers that the scripts name, with the place."""
    return [f"{u.system} ({u.place})" for u in systems.value.uses if u.family == "tracker"] if systems else []


def said(run: TrackedSeen) -> str:
    """`mlflow run 1f2e`: enough to find it again."""
    return f"{run.system} run {run.id[:12]}"


def numbers(run: TrackedSeen) -> str:
    """`val_loss=0.1667, auc=0.9`: the last value of each metric."""
    return some(f"{m.name}={m.last:.4g}" if m.last is not None else m.name for m in run.metrics)


def nothing(tracked: Maybe[Experiments]) -> str:
    """Why no tracked run of ours is known, in words."""
    if isinstance(tracked, Absent):
        return tracked.reason
    return "its record was not looked for" if tracked is None else "no record of this run"
