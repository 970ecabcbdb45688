"""What did Parsl run? Its monitoring database where there is one, and always its text log, of each run in one `runinfo` folder.

https://parsl.readthedocs.io. Traps: `tasks_failed_count` leaves out what failed by a dependency; a killed run has no `time_completed`; the job
number of a block on the local machine is a process id; `checkpoint/tasks.pkl` is a pickle and is not opened; `*.key_secret` is not read.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.world import World
from probes.records import sqlite, times
from probes.records.inside import Outside, inside, there
from probes.records.lines import why
from probes.workflows import (
    Definition,
    Place,
    Reader,
    State,
    Task,
    Unreadable,
    WorkflowRun,
    parsl_config,
    parsl_db,
    parsl_log,
    parsl_scripts,
    parsl_setting,
    parsl_tasks,
)

DATABASE = "monitoring.db"
MAX_RUNS = 200
SILENT = 600.0
"""Seconds: Parsl writes to its log every five (`strategy_period`); one that has been still for that long has ended."""


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    """folder: the one with the database or the numbered runs, or the one above it, where it is called `runinfo`."""
    if not there(world, folder, DATABASE) and not _numbered(world, folder) and _is_folder(world, f"{folder}/runinfo"):
        folder = f"{folder}/runinfo"
    seen: set[str] = set()
    found, gaps, database = [], [], ""
    try:
        database = inside(world, folder, DATABASE)
        with sqlite.opened(database) as opened:
            for run in parsl_db.runs(opened):
                number = os.path.basename(run.rundir.rstrip("/"))
                seen.add(number)
                parsl_db.fill(opened, run)
                run.gaps += [opened.stale] if opened.stale else []
                found.append(number)
                yield _Run(world, folder, number, run).told()
    except FileNotFoundError:
        pass
    except (sqlite.Broken, Outside) as error:
        gaps.append(f"{DATABASE}: {why(error)}")
    for number in reversed(_numbered(world, folder)[-MAX_RUNS:]):
        if number not in seen:
            found.append(number)
            yield _Run(world, folder, number, None, gaps).told()
    if not found:
        raise Unreadable("; ".join(gaps) or "no run in it: the database is empty, and there is no log")


def _numbered(world: World, folder: str) -> list[str]:
    """Names of the runs' folders, oldest first; after 999 comes 1000."""
    found = (p.split("/")[-2] for p in world.glob(f"{glob.escape(folder)}/[0-9][0-9][0-9]*/parsl.log"))
    return sorted((n for n in found if n.isdecimal() and len(n) < 10), key=int)


def _is_folder(world: World, path: str) -> bool:
    try:
        return world.stat(path, follow=False).is_dir
    except OSError:
        return False


@dataclass(frozen=True)
class _End:
    state: State
    proof: str
    ended: str


class _Run:
    """One run while its parts are put together: rows of the database (None: there are none), and the log."""

    def __init__(self, world: World, folder: str, number: str, row: parsl_db.DbRun | None, gaps: list[str] | None = None) -> None:
        self.world, self.folder, self.number = world, folder, number
        self.row = row or parsl_db.DbRun("")
        self.has_row = row is not None
        self.gaps = [*self.row.gaps, *(gaps or ())]
        self.log, self.log_path = self._log()
        self.zone = self.log.zone
        self.scripts = tuple(parsl_scripts.read(world, folder, number)) if self.log_path or row else ()

    def told(self) -> WorkflowRun:
        labels = parsl_config.by_label(self.log.configured)
        end = self._end()
        asked = {s.label: s for s in self.scripts}
        told = parsl_tasks.Told(
            self.row,
            self.log,
            f"{self._in()}{self.number}/parsl.log",
            f"{self._in()}{DATABASE}",
            self._home(),
            self.zone,
            end.state is State.KILLED,
            {**self.log.blocks, **self.row.blocks},
            {label: e.scheduler for label, e in labels.items()},
            {label: parsl_setting.asked(e, asked.get(label)) for label, e in labels.items()},
            self.has_row,
        )
        tasks = tuple(parsl_tasks.tasks(told))
        state, proof = self._judged(end, tasks)
        return WorkflowRun(
            "parsl",
            self.log.version,
            self.row.id or self.log.run_id or self.number,
            os.path.dirname(self.folder),
            state,
            proof,
            name=self.row.name or os.path.basename(self.log.script),
            user=self.row.user,
            host=self.row.host,
            started=times.local(self.row.began, self.zone) or times.epoch(self.log.first),
            ended=end.ended,
            zone_assumed=self.zone is None and self.has_row,
            definitions=tuple(self._definitions()),
            environments=tuple(parsl_setting.environments(told, self.scripts, self._in())),
            tasks=tasks,
            events=tuple(parsl_setting.events(tasks)),
            constructs=tuple(parsl_setting.constructs(told, tasks, self._saved())),
            workers=parsl_setting.workers(told),
            places=tuple(self._places()),
            gaps=tuple(dict.fromkeys(self.gaps)),
        )

    def _log(self) -> tuple[parsl_log.ParslLog, str]:
        path = f"{self.number}/parsl.log"
        try:
            log = parsl_log.read(self.world, inside(self.world, self.folder, path))
        except OSError as error:
            self.gaps.append(f"{path}: {why(error)}")
            return parsl_log.ParslLog(), ""
        if not log.whole:
            self.gaps.append(
                f"{path}: not all of it was read (it is larger than {parsl_log.MAX_BYTES >> 20} MiB, or of more tasks than {parsl_log.MAX_TASKS})"
            )
        if self.row.id and log.run_id and log.run_id != self.row.id:
            self.gaps.append(f"{path} is of another run ({log.run_id})")
            return parsl_log.ParslLog(), ""
        if not self.has_row:
            self.gaps.append("no monitoring database for this run: what its tasks used and where they ran is not recorded")
        return log, path

    def _home(self) -> str:
        """The folder that the run was started in, as it was called then: a tree may have been moved since."""
        rundir = self.row.rundir or self.log.rundir
        return os.path.dirname(os.path.dirname(rundir.rstrip("/"))) if rundir.startswith("/") else ""

    def _end(self) -> _End:
        if self.row.ended:
            return _End(State.SUCCEEDED, "table workflow: time_completed is set", times.local(self.row.ended, self.zone))
        if self.log.finished:
            where = f"{self.number}/parsl.log {self.log.finished}"
            return _End(State.SUCCEEDED, f"{where}: Workflow shutdown information", times.epoch(self.log.ended))
        last = times.epoch(self.log.last) or times.local(self.row.latest, self.zone)
        still = times.between(last, self.world.now().isoformat()) if last else None
        if still is not None and still < SILENT:
            return _End(State.RUNNING, f"its last record is {max(0, round(still))} s old", "")
        what = "time_completed is empty" if self.has_row else "the log has no shutdown line"
        return _End(State.KILLED, f"{what}, and nothing was recorded after {last or 'its start'}", "")

    def _judged(self, end: _End, tasks: tuple[Task, ...]) -> tuple[State, str]:
        """A run that came to its end succeeded only if all of its tasks did: the database counts less than what failed."""
        if end.state is not State.SUCCEEDED:
            return end.state, end.proof
        bad = [t for t in tasks if t.state not in {State.SUCCEEDED, State.CACHED}]
        failed = sum(t.state is State.FAILED for t in bad)
        unrun = sum(t.state is State.NOT_RUN for t in bad)
        if failed or unrun:
            return State.FAILED, f"{failed} of {len(tasks)} tasks failed and {unrun} did not run for that"
        if bad or (not tasks and self.row.completed):
            return State.UNKNOWN, f"{end.proof}, but how {len(bad) or self.row.completed} tasks ended is not recorded"
        return State.SUCCEEDED, f"{end.proof}, and all {len(tasks)} tasks have an end that is good"

    def _definitions(self) -> Iterator[Definition]:
        if self.log.script:
            home = self._home()
            inner = self.log.script.removeprefix(f"{home}/") if home else self.log.script
            yield Definition(inner, "workflow", place=Place(f"{self._in()}{self.number}/parsl.log", "Considering candidate"))

    def _in(self) -> str:
        return f"{os.path.basename(self.folder)}/"

    def _saved(self) -> str:
        path = f"{self.number}/checkpoint/tasks.pkl"
        return self._in() + path if there(self.world, self.folder, path) else ""

    def _places(self) -> Iterator[Place]:
        if self.has_row:
            yield Place(self._in() + DATABASE, f"run_id {self.row.id}")
        if self.log_path:
            yield Place(self._in() + self.log_path)
        for script in self.scripts[:50]:
            yield Place(self._in() + script.path)


READER = Reader("parsl", (DATABASE, "[0-9][0-9][0-9]*/parsl.log"), read)
