"""How does a workflow run of any size become evidence of bounded size? Pure: the same run, the same summary."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from statistics import median
from typing import Any

from probes.records.times import between
from probes.workflows import Asked, Attempt, Environment, File, State, Task, WorkflowRun
from probes.workflows.record import (
    MAX_FILES,
    MAX_GROUPS,
    MAX_IDS,
    MAX_LINKS,
    MAX_LISTED,
    FileCount,
    TaskGroup,
    WorkflowSeen,
)
from probes.workflows.taskgraph import MAX_EDGES, graph, links, loops

TEXT = 500
"""Characters of a command or a parameter that are kept."""


def summary(run: WorkflowRun) -> WorkflowSeen:
    found = graph(run.tasks)
    rings = loops(found)
    bound = links(found)
    by_name: dict[str, list[Task]] = defaultdict(list)
    for task in run.tasks:
        by_name[task.name].append(task)
    groups = [_group(name, tasks) for name, tasks in by_name.items()]
    ids = tuple(dict.fromkeys(a.native_id for t in run.tasks for a in t.attempts if a.native_id))
    ends = _ends(run)
    happened = Counter(e.what for e in run.events)
    cut = {
        "groups of tasks": (len(groups), MAX_GROUPS),
        "links between groups": (len(bound), MAX_LINKS),
        "job numbers": (len(ids), MAX_IDS),
        "inputs and final outputs": (len(ends), MAX_FILES),
        **{
            name: (len(getattr(run, name)), MAX_LISTED)
            for name in ("definitions", "environments", "parameters", "metrics", "constructs", "events", "places", "gaps")
        },
    }
    return WorkflowSeen(
        system=run.system,
        version=run.version,
        id=run.id,
        folder=run.folder,
        state=run.state,
        proof=run.proof,
        name=run.name,
        command=run.command[:TEXT],
        started=run.started,
        ended=run.ended,
        zone_assumed=run.zone_assumed,
        tasks=len(run.tasks),
        states=_states(run.tasks),
        attempts=sum(len(t.attempts) for t in run.tasks),
        retried=sum(_retried(t) for t in run.tasks),
        groups=tuple(sorted(groups, key=lambda g: -g.tasks)[:MAX_GROUPS]) if len(groups) > MAX_GROUPS else tuple(groups),
        links=bound[:MAX_LINKS],
        width=found.width,
        depth=found.depth,
        concurrent=concurrent(a for t in run.tasks for a in t.attempts),
        timed=sum(_seconds(t) is not None for t in run.tasks),
        workers=run.workers,
        cyclic=found.cyclic,
        loops=tuple(ring for ring, _ in rings),
        iterations=tuple(rounds or 0 for _, rounds in rings),
        native_ids=ids[:MAX_IDS],
        definitions=run.definitions[:MAX_LISTED],
        environments=run.environments[:MAX_LISTED],
        parameters={k: v[:TEXT] for k, v in list(run.parameters.items())[:MAX_LISTED]},
        metrics=run.metrics[:MAX_LISTED],
        constructs=run.constructs[:MAX_LISTED],
        events=run.events[:MAX_LISTED],
        event_counts=dict(sorted(happened.items())),
        files=ends[:MAX_FILES],
        files_total=len(ends),
        places=run.places[:MAX_LISTED],
        gaps=run.gaps[:MAX_LISTED],
        omitted=(
            *(f"{total - most} of {total} {name}" for name, (total, most) in cut.items() if total > most),
            *(() if found.whole else (f"links between tasks beyond {MAX_EDGES}: width, depth and loops are those of the first",)),
        ),
    )


def concurrent(attempts: Iterable[Attempt]) -> int:
    """Most attempts between start and end at the same moment; one that ends as another begins is not beside it."""
    marks = []
    for a in attempts:
        if a.started and a.ended and a.started != a.ended:
            marks += [(datetime.fromisoformat(a.started), 1), (datetime.fromisoformat(a.ended), -1)]
    now = most = 0
    for _, change in sorted(marks):
        now += change
        most = max(most, now)
    return most


def _group(name: str, tasks: Sequence[Task]) -> TaskGroup:
    attempts = [a for t in tasks for a in t.attempts]
    seconds = [s for t in tasks if (s := _seconds(t)) is not None]
    waits = [w for a in attempts if (w := between(a.submitted, a.started)) is not None and w >= 0]
    cores = [
        (t.asked.cpus * s, t.used.cpu_seconds)
        for t in tasks
        if t.asked.cpus and t.used.cpu_seconds is not None and (s := _seconds(t))
    ]
    return TaskGroup(
        name=name,
        tasks=len(tasks),
        states=_states(tasks),
        attempts=len(attempts),
        retried=sum(_retried(t) for t in tasks),
        place=tasks[0].place,
        started=min((a.started for a in attempts if a.started), default=""),
        ended=max((a.ended for a in attempts if a.ended), default=""),
        concurrent=concurrent(attempts),
        seconds=round(sum(seconds), 3),
        seconds_of=len(seconds),
        median_seconds=round(median(seconds), 3) if seconds else None,
        longest_seconds=max(seconds, default=None),
        waited=round(sum(waits), 3),
        waited_of=len(waits),
        asked=_largest([t.asked for t in tasks]),
        core_seconds_asked=round(sum(asked for asked, _ in cores), 3),
        core_seconds_used=round(sum(used for _, used in cores), 3),
        core_seconds_of=len(cores),
        memory_used=max((t.used.memory for t in tasks if t.used.memory is not None), default=None),
        read=_total(t.used.read for t in tasks),
        written=_total(t.used.written for t in tasks),
        read_calls=_total(t.used.read_calls for t in tasks),
        write_calls=_total(t.used.write_calls for t in tasks),
        gpu_percent=_mean(t.used.gpu_percent for t in tasks),
        inputs=_files(tasks, "input"),
        outputs=_files(tasks, "output"),
        environments=_environments(tasks),
        command=next((t.command[:TEXT] for t in tasks if t.command), ""),
        parameters=tuple(sorted({name for t in tasks for name in t.parameters}))[:MAX_LISTED],
        reasons=tuple(dict.fromkeys(a.reason for a in attempts if a.reason))[:3],
    )


def _seconds(task: Task) -> float | None:
    """Measured, else between the stamps of its last attempt; stamps that run backwards say nothing."""
    if task.used.seconds is not None:
        return task.used.seconds
    took = between(task.attempts[-1].started, task.attempts[-1].ended) if task.attempts else None
    return took if took is None or took >= 0 else None


def _states(tasks: Iterable[Task]) -> dict[str, int]:
    count = Counter(t.state for t in tasks)
    return {state.value: count[state] for state in State if count[state]}


def _retried(task: Task) -> bool:
    return len(task.attempts) > 1 or any(a.number > 1 for a in task.attempts)


def _total(amounts: Iterable[int | None]) -> int | None:
    known = [a for a in amounts if a is not None]
    return sum(known) if known else None


def _mean(shares: Iterable[float | None]) -> float | None:
    known = [s for s in shares if s is not None]
    return round(sum(known) / len(known), 1) if known else None


def _largest(asked: Sequence[Asked]) -> Asked:
    """The largest request of each kind; texts and the rest from the first task."""

    def most(name: str) -> Any:
        return max((v for a in asked if (v := getattr(a, name)) is not None), default=None)

    numbers = {f.name: most(f.name) for f in fields(Asked) if f.name not in ("partition", "other")}
    return replace(asked[0], partition=next((a.partition for a in asked if a.partition), ""), **numbers)


def _files(tasks: Iterable[Task], role: str) -> FileCount:
    """Different paths of a role."""
    known = {f.path: f for t in tasks for f in t.files if f.role == role}.values()
    sizes = [f.size for f in known if f.size is not None]
    return FileCount(len(known), len(sizes), sum(sizes), sum(_content(f) for f in known))


def _content(file: File) -> bool:
    return any(d.scope == "content" for d in file.digests)


def _environments(tasks: Iterable[Task]) -> tuple[Environment, ...]:
    """Different ones by kind and name; where one task enacted it and another did not, both stand."""
    seen = {
        (e.kind, e.name, e.enacted is not None, e.refused is not None): e for t in reversed(list(tasks)) for e in t.environments
    }
    return tuple(seen[key] for key in sorted(seen))[:MAX_LISTED]


def _ends(run: WorkflowRun) -> tuple[File, ...]:
    """What no task made, and what no task read; with those that the engine itself names as the run's."""
    made = {f.path: f for t in run.tasks for f in t.files if f.role == "output"}
    read = {f.path: f for t in run.tasks for f in t.files if f.role == "input"}
    inputs = {f.path: f for f in (*(f for p, f in read.items() if p not in made), *run.inputs)}
    outputs = {f.path: f for f in (*(f for p, f in made.items() if p not in read), *run.outputs)}
    return tuple(sorted((*outputs.values(), *inputs.values()), key=lambda f: (not _content(f), f.role != "output", f.path)))
