"""What did a campaign cost, and what came of it? Sums over its runs, its phases, and what passed between those. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from auditor.campaign import EngineRun, Flow, Member, PhaseSum, Tie, Totals
from reports.campaigns.clock import between, most_at_once
from reports.judging.phases import PHASES


def cores(run: Member) -> int | None:
    return run.used_cores if run.used_cores is not None else run.asked_cores


def core_seconds(run: Member) -> float | None:
    """Wall time of all attempts x cores."""
    held = cores(run)
    return None if run.seconds is None or held is None else run.seconds * held


def totals(runs: Sequence[Member], useful: int, results: int) -> Totals:
    """useful, results: see Totals."""
    outcomes = Counter(run.outcome for run in runs)
    work = [w for run in runs if (w := core_seconds(run)) is not None]
    busy = [(r.cpu_seconds, r.last_seconds * c) for r in runs if r.cpu_seconds is not None and r.last_seconds and (c := cores(r))]
    waits = [run.waited for run in runs if run.waited is not None]
    lost = {name: sum((_lost(run) for run in runs if _cause(run) == name), 0.0) for name in ("failed", "timeout", "cancelled")}
    first, last = min((r.submitted for r in runs if r.submitted), default=""), max((r.ended for r in runs if r.ended), default="")
    return Totals(
        runs=len(runs),
        succeeded=outcomes["succeeded"],
        failed=outcomes["failed"],
        timeout=outcomes["timeout"],
        cancelled=outcomes["cancelled"],
        going=outcomes["going"],
        unknown=outcomes["unknown"],
        retried=sum(bool(run.retry_of) or run.attempts > 1 for run in runs),
        seconds=sum(run.seconds or 0.0 for run in runs),
        core_seconds=sum(work),
        core_seconds_of=len(work),
        cpu_seconds=sum(used for used, _ in busy),
        cpu_of_core_seconds=sum(held for _, held in busy),
        gpu_seconds=sum((run.seconds or 0.0) * (run.gpus or 0) for run in runs),
        waited=sum(waits),
        waited_of=len(waits),
        wasted_failed=lost["failed"],
        wasted_timeout=lost["timeout"],
        wasted_cancelled=lost["cancelled"],
        concurrent=most_at_once((run.started, run.ended) for run in runs),
        span=between(first, last),
        useful=useful,
        results=results,
    )


def _cause(run: Member) -> str:
    """What the lost attempts of a run that succeeded in the end were lost to is not told apart: they failed."""
    return run.outcome if run.outcome in ("timeout", "cancelled") else "failed"


def _lost(run: Member) -> float:
    return (run.lost_seconds or 0.0) * (cores(run) or 1)


def phase_sums(runs: Sequence[Member], engines: Iterable[EngineRun]) -> tuple[PhaseSum, ...]:
    """In the order of work; phases that nothing is in are left out."""
    tasks: Counter[str] = Counter()
    for engine in engines:
        for group in engine.groups:
            if len(group.phases) == 1:
                tasks[group.phases[0]] += group.tasks
    every = (_sum(phase, [r for r in runs if phase in r.phases], tasks[phase]) for phase in PHASES)
    return tuple(one for one in every if one.runs or one.mixed or one.engine_tasks)


def _sum(phase: str, runs: Sequence[Member], tasks: int) -> PhaseSum:
    pure = [run for run in runs if len(run.phases) == 1]
    return PhaseSum(
        phase=phase,
        runs=len(pure),
        mixed=len(runs) - len(pure),
        succeeded=sum(run.outcome == "succeeded" for run in pure),
        failed=sum(run.outcome in ("failed", "timeout") for run in pure),
        started=min((run.started for run in runs if run.started), default=""),
        ended=max((run.ended for run in runs if run.ended), default=""),
        core_seconds=sum(core_seconds(run) or 0.0 for run in pure),
        gpu_seconds=sum((run.seconds or 0.0) * (run.gpus or 0) for run in pure),
        waited=sum(run.waited or 0.0 for run in pure),
        partitions=tuple(sorted({run.partition for run in runs if run.partition})),
        engine_tasks=tasks,
    )


def flows(runs: Sequence[Member], ties: Iterable[Tie]) -> tuple[Flow, ...]:
    """Between phases; what joins runs of no or of several phases is left out of it."""
    phase: Mapping[str, str] = {run.run_id: run.phases[0] for run in runs if len(run.phases) == 1}
    found: dict[tuple[str, str, str], list[Tie]] = defaultdict(list)
    for tie in ties:
        if tie.source in phase and tie.target in phase:
            found[phase[tie.source], phase[tie.target], tie.by].append(tie)
    made = (Flow(*key, len(same), sum(t.files for t in same), sum(t.bytes for t in same)) for key, same in found.items())
    return tuple(sorted(made, key=lambda f: (PHASES.index(f.source), PHASES.index(f.target), f.by)))
