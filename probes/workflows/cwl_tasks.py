"""Which jobs did one run of cwltool have? The record names them and their files, the log says how each ended, the plan what was declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo

from probes.records import times
from probes.records.lines import one_line
from probes.workflows import Attempt, Digest, Environment, File, Place, State, Task, Used, cwl_log, cwl_packed, cwl_prov

PROV = "metadata/provenance/primary.cwlprov.json"
ENDS = {"success": State.SUCCEEDED, "permanentFail": State.FAILED, "temporaryFail": State.FAILED}
_REFUSED = "--no-container"
Size = Callable[[str], int | None]
"""sha1 → bytes of the file that the bundle holds."""


@dataclass(frozen=True)
class Known:
    """What the parts of a bundle told, as far as they could be read."""

    log: cwl_log.EngineLog
    log_path: str
    steps: Mapping[str, cwl_packed.Step]
    records: tuple[cwl_prov.Provenance, ...]
    zone: tzinfo | None
    assumed: bool


def at(written: str, known: Known) -> str:
    return times.local(written, known.zone)


def tasks(known: Known, state: State, size: Size) -> Iterator[Task]:
    """Jobs of the record and of the log under the job's name, which cwltool makes unique; then steps that never began."""
    activities = {a.name: (a, n) for n, r in enumerate(known.records) for a in r.activities if not a.of_run and not a.inner}
    makers = {made.id: a.name for a, _ in activities.values() for _, made in a.made}
    begun: dict[str, list[str]] = {}
    jobs = [*activities, *(j for j in known.log.jobs if j not in activities)]
    for name in jobs:
        begun.setdefault(_step_of(name, known.steps), []).append(name)
    for name in jobs:
        step = known.steps.get(_step_of(name, known.steps))
        activity = activities[name][0] if name in activities else None
        job = known.log.jobs.get(name)
        needs = _needs(name, activity, makers, step, begun, known)
        place = Place(known.log_path, f"line {job.line}") if job else Place(PROV, f"activity {activity.id if activity else ''}")
        yield _task(name, step, activity, job, tuple(n for n in dict.fromkeys(needs) if n != name), place, known, size)
    skipped = {name.removeprefix("step ") for _, name in known.log.skipped}
    for step in known.steps.values():
        if step.name not in begun and not step.nested and (step.name in skipped or state is not State.SUCCEEDED):
            needs = [j for s in step.sources for j in begun.get(s, ())]
            yield _declared(Task(step.name, step.called, State.NOT_RUN, needs=tuple(needs), place=Place(cwl_packed.PACKED)), step)


def _task(
    name: str,
    step: cwl_packed.Step | None,
    activity: cwl_prov.Activity | None,
    job: cwl_log.Job | None,
    needs: tuple[str, ...],
    place: Place,
    known: Known,
    size: Size,
) -> Task:
    state = _state(job)
    started = (job.started if job else "") or (at(activity.started, known) if activity else "")
    ended = (job.ended if job else "") or (at(activity.ended, known) if activity else "")
    attempt = Attempt(
        1,
        state,
        started=started,
        ended=ended,
        exit_code=(job.exit_code if job.exit_code is not None else 0 if job.status == "success" else None) if job else None,
        reason=job.reason if job and state is State.FAILED else "",
        place=place,
    )
    task = Task(
        name,
        step.called if step and step.name != "main" else re.sub(r"(\.cwl)?(_\d+)?$", "", name),
        state,
        (attempt,),
        needs,
        (*files(activity.used, "input", size), *files(activity.made, "output", size)) if activity else (),
        used=Used(times.between(started, ended), memory=job.memory if job else None, place=place),
        command=one_line(job.command, cwl_log.MAX_COMMAND) if job else "",
        parameters={port: a.value for port, a in activity.used if a.value is not None} if activity else {},
        place=place,
    )
    return _enacted(_declared(task, step) if step else task, job, known, place)


def _declared(task: Task, step: cwl_packed.Step) -> Task:
    return replace(task, environments=step.environments, asked=step.asked)


def _enacted(task: Task, job: cwl_log.Job | None, known: Known, place: Place) -> Task:
    """With what really ran: the container in the job's command line, or the option that forbids them."""
    engine, image = cwl_log.container(job.command) if job else ("", "")
    refused = Place(known.log_path, "line 1: --no-container") if _REFUSED in known.log.options else None
    kept = [replace(e, refused=refused) if e.kind == "container" and refused else e for e in task.environments]
    if not engine:
        return replace(task, environments=tuple(kept))
    same = [e for e in kept if e.kind == "container" and (e.name == image or _flat(e.name) == _flat(image))]
    used = (
        replace(same[0], enacted=place)
        if same
        else Environment("container", one_line(image or engine), enacted=place, digests=cwl_packed.image_digests(image))
    )
    return replace(task, environments=(*(e for e in kept if e not in same[:1]), used))


def _flat(image: str) -> str:
    """The name under which cwltool keeps an image as a file: `debian:12` as `debian:12.sif`, `a/b:1` as `a_b:1.sif`."""
    last = image.rsplit("/", 1)[-1] if image.endswith((".sif", ".img", ".simg")) else image.replace("/", "_")
    return re.sub(r"\.(sif|img|simg)$", "", last)


def _state(job: cwl_log.Job | None) -> State:
    if job is None:
        return State.UNKNOWN  # the record ends for failed ones as for good ones
    if job.cached and job.status in {"", "success"}:
        return State.CACHED
    return ENDS.get(job.status, State.UNKNOWN)


def _needs(
    name: str,
    activity: cwl_prov.Activity | None,
    makers: Mapping[str, str],
    step: cwl_packed.Step | None,
    begun: Mapping[str, list[str]],
    known: Known,
) -> list[str]:
    """Who made what it used, be it in a nested run; of a step that nothing joins it to (values alone, or --parallel) those beside it."""
    made = [makers[a.id] for _, a in activity.used if a.id in makers] if activity else []
    joined = {_step_of(m, known.steps) for m in made}
    within = known.log.within
    return [
        *made,
        *(j for s in (step.sources if step else ()) if s not in joined for j in _beside(name, begun.get(s, []), within)),
    ]


def _beside(name: str, jobs: list[str], within: Mapping[str, str]) -> list[str]:
    """Those that the same nested workflow started; all, where it started none or that is not known of each."""
    same = [j for j in jobs if within.get(j) == within.get(name)] if all(j in within for j in (name, *jobs)) else []
    return same or jobs


def files(ports: list[tuple[str, cwl_prov.Artefact]], role: str, size: Size) -> Iterator[File]:
    """Files as `entity/name`, the entity by its first digits: in the bundle they lie by content, and outside of it they had no lasting place."""
    for port, artefact in ports:
        if artefact.value is None and artefact.sha1:
            path = f"{artefact.id.removeprefix('id:')[:8]}/{artefact.name or port}"
            yield File(path, role, size(artefact.sha1), (Digest("sha1", artefact.sha1),))


def _step_of(job: str, steps: Mapping[str, cwl_packed.Step]) -> str:
    """`simulate_3` is of step `simulate`, unless there is a step of just that name; a tool run alone is called by its file."""
    if len(steps) == 1 and "main" in steps:
        return "main"
    return job if job in steps else re.sub(r"_\d+$", "", job)
