"""What did cwltool run? Its provenance bundle (`--provenance DIR`, CWLProv), or at least the summary of its outputs (`--write-summary FILE`).

https://w3id.org/cwl/prov/0.6.0, https://cwltool.readthedocs.io. How a job ended stands in the engine log only; the PROV record has an end for
failed ones, too, and no steps at all of a run with `--parallel`. The log is in UTC and the record in local time: one tells the other's zone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from auditor.world import World
from probes.records import times
from probes.records.inside import inside, there
from probes.records.lines import one_line, why
from probes.workflows import (
    Attempt,
    Construct,
    Definition,
    Digest,
    Environment,
    Event,
    File,
    Place,
    Reader,
    State,
    Task,
    Unreadable,
    Used,
    WorkflowRun,
    cwl_log,
    cwl_packed,
    cwl_prov,
    cwl_summary,
)

PROV = "metadata/provenance/primary.cwlprov.json"
_BAG = ("workflow/packed.cwl", "metadata/manifest.json")
MAX_NESTED = 500
MAX_EVENTS = 1000
_REFUSED = ("--no-container",)
_ENDS = {"success": State.SUCCEEDED, "permanentFail": State.FAILED, "temporaryFail": State.FAILED}


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    if any(there(world, folder, name) for name in (PROV, *_BAG)):
        yield _Bundle(world, folder).run()
    else:
        yield from cwl_summary.runs(world, folder)


@dataclass(frozen=True)
class _Known:
    """What the parts of a bundle told, as far as they could be read."""

    log: cwl_log.EngineLog
    log_path: str
    steps: Mapping[str, cwl_packed.Step]
    records: tuple[cwl_prov.Provenance, ...]
    zone: tzinfo | None
    assumed: bool


class _Bundle:
    """One bundle while it is read: what could not be is in `gaps`."""

    def __init__(self, world: World, folder: str) -> None:
        self.world, self.folder = world, folder
        self.gaps: list[str] = []
        self.places: list[Place] = []

    def run(self) -> WorkflowRun:
        manifest = self._json("metadata/manifest.json")
        log, log_path = self._log()
        steps = self._steps()
        records = self._records()
        if not (records or log_path or steps):
            raise Unreadable("; ".join(self.gaps) or "a CWLProv bundle without a record in it")
        known = _Known(log, log_path, steps, records, *_zone(log, records))
        state, proof = _end(known)
        tasks = tuple(_tasks(known, state, self._size))
        main = next((a for r in records[:1] for a in r.activities if a.of_run), None)
        created = manifest.get("createdBy") if isinstance(manifest.get("createdBy"), dict) else {}
        made = (records[0].engine if records else "") or one_line(str((created or {}).get("name", "")))
        author = manifest.get("authoredBy")
        return WorkflowRun(
            "cwltool",
            made.removeprefix("cwltool").strip(),
            main.id.removeprefix("id:") if main else self._bag_id(),
            self.folder,
            state,
            proof,
            name=_name(log),
            command=one_line(log.command, 2000),
            user=one_line(str(author.get("name", ""))) if isinstance(author, dict) else (records[0].person if records else ""),
            started=(_at(main.started, known) if main else "") or log.started,
            ended=(_at(main.ended, known) if main else "") or log.ended,
            zone_assumed=known.assumed,
            definitions=tuple(self._definitions()),
            parameters=self._parameters(),
            tasks=tasks,
            inputs=tuple(_files(main.used, "input", self._size)) if main else (),
            outputs=tuple(_files(main.made, "output", self._size)) if main else self._outputs(),
            events=tuple(_events(known)),
            constructs=tuple(_constructs(known)),
            workers=1 if log.command and "--parallel" not in log.options else None,
            places=tuple(self.places),
            gaps=tuple(self.gaps),
        )

    def _log(self) -> tuple[cwl_log.EngineLog, str]:
        """The engine log; of several (a bundle that was written twice) the last by its times."""
        found: list[tuple[str, cwl_log.EngineLog, str]] = []
        for path in self.world.glob(f"{_escaped(self.folder)}/metadata/logs/engine.*.txt")[:10]:
            name = f"metadata/logs/{path.rsplit('/', 1)[-1]}"
            try:
                log = cwl_log.read(self.world, inside(self.world, self.folder, name))
                found.append((log.ended, log, name))
            except OSError as error:
                self.gaps.append(f"{name}: {why(error)}")
        if not found:
            self.gaps.append("no engine log: how the jobs ended is not recorded anywhere else")
            return cwl_log.EngineLog(), ""
        _, log, name = max(found, key=lambda f: f[0])
        self.places.append(Place(name))
        if not log.whole:
            self.gaps.append(
                f"{name}: not all of it was read (it is larger than we read, or of more jobs than {cwl_log.MAX_JOBS})"
            )
        return log, name

    def _steps(self) -> Mapping[str, cwl_packed.Step]:
        try:
            steps = cwl_packed.read(self.world, inside(self.world, self.folder, cwl_packed.PACKED))
        except (Unreadable, OSError) as error:
            self.gaps.append(why(error))
            return {}
        self.places.append(Place(cwl_packed.PACKED))
        return steps

    def _records(self) -> tuple[cwl_prov.Provenance, ...]:
        """The run's record, then those of nested runs."""
        found: list[cwl_prov.Provenance] = []
        waiting, seen = [PROV.rsplit("/", 1)[-1]], set[str]()
        while waiting and len(seen) < MAX_NESTED:
            name = waiting.pop(0)
            if name in seen or "/" in name:
                continue
            seen.add(name)
            path = f"metadata/provenance/{name}"
            try:
                found.append(cwl_prov.read(self.world, inside(self.world, self.folder, path)))
                self.places.append(Place(path))
                waiting += cwl_prov.nested(found[-1])
            except (Unreadable, OSError) as error:
                self.gaps.append(f"{path}: {why(error)}")
        return tuple(found)

    def _definitions(self) -> Iterator[Definition]:
        sums = self._sums()
        snapshots = [f"snapshot/{p.rsplit('/', 1)[-1]}" for p in self.world.glob(f"{_escaped(self.folder)}/snapshot/*")[:200]]
        for path in (cwl_packed.PACKED, *snapshots):
            if there(self.world, self.folder, path):
                yield Definition(path, "workflow", sums.get(path, ()), place=Place(path))
        if there(self.world, self.folder, "workflow/primary-job.json"):
            yield Definition("workflow/primary-job.json", "config", sums.get("workflow/primary-job.json", ()))

    def _sums(self) -> dict[str, tuple[Digest, ...]]:
        """What the bag's tag manifest says of its parts: declared, and not checked here."""
        found: dict[str, tuple[Digest, ...]] = {}
        path = there(self.world, self.folder, "tagmanifest-sha256.txt")
        text = self.world.text(path, 4 << 20) if path and self.world.stat(path).size <= 4 << 20 else ""
        for line in text.splitlines():
            digest, _, name = line.partition(" ")
            if re.fullmatch("[0-9a-f]{64}", digest):
                found[name.strip()] = (Digest("sha256", digest),)
        return found

    def _parameters(self) -> dict[str, str]:
        job = self._json("workflow/primary-job.json")
        plain = {k: v for k, v in job.items() if not k.startswith("@") and not _holds_file(v)}
        return {one_line(k): one_line(v if isinstance(v, str) else json.dumps(v)) for k, v in list(plain.items())[:1000]}

    def _outputs(self) -> tuple[File, ...]:
        return cwl_summary.outputs(self._json("workflow/primary-output.json"))

    def _json(self, name: str) -> dict[str, Any]:
        path = there(self.world, self.folder, name)
        if not path:
            return {}
        try:
            read = json.loads(self.world.text(path))
        except (ValueError, RecursionError, OSError) as error:
            self.gaps.append(f"{name}: {why(error)}")
            return {}
        return read if isinstance(read, dict) else {}

    def _bag_id(self) -> str:
        path = there(self.world, self.folder, "bag-info.txt")
        text = self.world.span(path, 0, 65536).decode("utf-8", "replace") if path else ""
        found = re.search(r"arcp://uuid,([0-9a-f-]{36})", text)
        return found[1] if found else ""

    def _size(self, sha1: str) -> int | None:
        """Of a file that the bundle holds."""
        if not re.fullmatch("[0-9a-f]{40}", sha1):
            return None
        try:
            seen = self.world.stat(f"{self.folder}/data/{sha1[:2]}/{sha1}", follow=False)
        except OSError:
            return None
        return seen.size if seen.is_file else None


def _zone(log: cwl_log.EngineLog, records: tuple[cwl_prov.Provenance, ...]) -> tuple[tzinfo | None, bool]:
    """The record's zone, from the engine's start in both: the log has it in UTC. Zones differ by quarters of an hour."""
    written = records[0].engine_started if records else ""
    if not written:
        return None, False
    try:
        away = (datetime.fromisoformat(f"{written[:26]}+00:00") - datetime.fromisoformat(log.started)).total_seconds()
    except (ValueError, TypeError):
        return None, True
    quarters = round(away / 900)
    return (None, True) if abs(away - quarters * 900) > 300 or abs(quarters) > 60 else (times.offset(quarters / 4), False)


def _line(number: int) -> str:
    return f"line {number}" if number else "its last lines"


def _at(written: str, known: _Known) -> str:
    return times.local(written, known.zone)


def _end(known: _Known) -> tuple[State, str]:
    log = known.log
    if log.final:
        return _ENDS.get(
            log.final, State.UNKNOWN
        ), f"{known.log_path} {_line(log.final_line)}: Final process status is {one_line(log.final)}"
    if log.error:
        return State.FAILED, f"{known.log_path} {_line(log.error_line)}: {log.error}"
    return State.UNKNOWN, "no line of the engine log says how it ended" if known.log_path else "the bundle has no engine log"


def _tasks(known: _Known, state: State, size: Any) -> Iterator[Task]:
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
        needs = _needs(activity, makers) if activity else [j for s in (step.sources if step else ()) for j in begun.get(s, ())]
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
    known: _Known,
    size: Any,
) -> Task:
    state = _state(job)
    started = (job.started if job else "") or (_at(activity.started, known) if activity else "")
    ended = (job.ended if job else "") or (_at(activity.ended, known) if activity else "")
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
        (*_files(activity.used, "input", size), *_files(activity.made, "output", size)) if activity else (),
        used=Used(times.between(started, ended), memory=job.memory if job else None, place=place),
        command=one_line(job.command, cwl_log.MAX_COMMAND) if job else "",
        parameters={port: a.value for port, a in activity.used if a.value is not None} if activity else {},
        place=place,
    )
    return _enacted(_declared(task, step) if step else task, job, known, place)


def _declared(task: Task, step: cwl_packed.Step) -> Task:
    return replace(task, environments=step.environments, asked=step.asked)


def _enacted(task: Task, job: cwl_log.Job | None, known: _Known, place: Place) -> Task:
    """With what really ran: the container in the job's command line, or the option that forbids them."""
    engine, image = cwl_log.container(job.command) if job else ("", "")
    refused = Place(known.log_path, "line 1: --no-container") if set(_REFUSED) & set(known.log.options) else None
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
    return _ENDS.get(job.status, State.UNKNOWN)


def _needs(activity: cwl_prov.Activity, makers: Mapping[str, str]) -> list[str]:
    """Who made what it used, be it in a nested run."""
    return [makers[a.id] for _, a in activity.used if a.id in makers]


def _files(ports: list[tuple[str, cwl_prov.Artefact]], role: str, size: Any) -> Iterator[File]:
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


def _events(known: _Known) -> Iterator[Event]:
    for line, step, turn, when in known.log.iterations[:MAX_EVENTS]:
        yield Event(
            "loop", f"iteration {turn} of step {one_line(step)}", when, one_line(step), Place(known.log_path, f"line {line}")
        )


def _constructs(known: _Known) -> Iterator[Construct]:
    for step in known.steps.values():
        if step.loop:
            yield Construct("loop", f"step {step.name}: {step.loop}", Place(cwl_packed.PACKED, f"step {step.name}"))
    first = Place(known.log_path, "line 1")
    options = known.log.options
    if known.log.command and "--parallel" not in options:
        yield Construct("limit", "one job at a time: no --parallel", first)
    for option in options:
        if option.split("=", 1)[0] == "--cachedir":
            yield Construct("cache", "--cachedir", first)


def _name(log: cwl_log.EngineLog) -> str:
    """The workflow's file, which is the first word of the command line that ends as one."""
    words = [w for w in log.options[1:] if not w.startswith("-") and w.split("#")[0].endswith((".cwl", ".yml", ".yaml", ".json"))]
    return one_line(next((w for w in words if w.split("#")[0].endswith(".cwl")), words[0] if words else "").rsplit("/", 1)[-1])


def _holds_file(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_file(v) for v in value[:100])
    return isinstance(value, dict) and value.get("class") in {"File", "Directory"}


def _escaped(path: str) -> str:
    import glob

    return glob.escape(path)


READER = Reader("cwltool", (PROV, *_BAG, "*summary*.json"), read)
