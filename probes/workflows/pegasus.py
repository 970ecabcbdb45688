"""What did Pegasus run? Its submit directory: plan, DAG, states, kickstart records, and the stampede database where the monitor wrote one.

https://pegasus.isi.edu/documentation. A workflow that began and has no end in `jobstate.log` nor in the database has not succeeded; its parts
that are workflows themselves are runs of their own, told with the root's database.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from auditor.world import World
from probes.records import times, yamlfile
from probes.records.inside import there
from probes.records.lines import one_line, why
from probes.workflows import (
    Construct,
    Definition,
    Environment,
    Event,
    Place,
    Reader,
    State,
    Task,
    Unreadable,
    WorkflowRun,
    pegasus_dag,
    pegasus_db,
    pegasus_facts,
    pegasus_folder,
    pegasus_plan,
    pegasus_states,
    pegasus_tasks,
)

RUNNING = 3600.0
"""Seconds since the last record within which a workflow without an end is thought to go on."""
MAX_EVENTS = 1000


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    """The workflow of this folder, then those inside of it; nothing for one that is told with its root."""
    dump = pegasus_folder.braindump(world, folder)
    if dump.get("root_wf_uuid", "") != dump.get("wf_uuid", "") and pegasus_folder.root_is_above(
        world, folder, dump.get("root_wf_uuid", "")
    ):
        return
    gaps: list[str] = []
    rows, database = pegasus_folder.rows(world, folder, gaps)
    own = next((r for r in rows if r.uuid == dump.get("wf_uuid", r.uuid)), None)
    if not dump and own is None:
        raise Unreadable("; ".join(gaps) or "no braindump and no workflow in a database")
    yield _Run(world, folder, "", dump, own, database, gaps).told()
    for row in rows:
        if row is not own:
            where = pegasus_folder.inner(own, row)
            yield _Run(
                world, folder, where, pegasus_folder.braindump(world, f"{folder}/{where}") if where else {}, row, database, []
            ).told()


@dataclass
class _Run:
    """One workflow while its parts are put together. inner: its folder below `folder`, empty for the root."""

    world: World
    folder: str
    inner: str
    dump: Mapping[str, str]
    row: pegasus_db.DbWorkflow | None
    database: str
    gaps: list[str]
    places: list[Place] = field(default_factory=list)

    def told(self) -> WorkflowRun:
        self.gaps += self.row.gaps if self.row else []
        row = self.row or pegasus_db.DbWorkflow(0)
        dag, dag_path = self._dag()
        logged, run = self._states(row)
        state, proof, ended = self._end(run)
        plan, plan_path = self._plan()
        known = pegasus_facts.Known(
            self.world,
            self.folder,
            self.inner,
            row,
            dag,
            dag_path,
            logged,
            self._at("jobstate.log"),
            self.database,
            plan,
            self._containers(),
            state,
        )
        tasks = tuple(pegasus_tasks.tasks(known))
        self.gaps += known.gaps
        if self.database and self.row:
            self.places.append(Place(self.database, f"wf_id {row.number}"))
        planned = times.local(self.dump.get("timestamp", ""), None, "%Y%m%dT%H%M%S%z")
        return WorkflowRun(
            "pegasus",
            self.dump.get("planner_version", "") or row.version,
            self.dump.get("wf_uuid", "") or row.uuid,
            self.folder,
            state,
            proof,
            name=plan.name or self.dump.get("dax_label", "") or row.label,
            command=one_line(
                f"pegasus-plan {(self.dump.get('planner_arguments') or row.arguments).strip().strip(chr(34)).strip()}", 2000
            ),
            user=self.dump.get("user", "") or row.user,
            host=self.dump.get("submit_hostname", "") or row.host,
            started=times.epoch(run.started[0] if run.started else None) or planned,
            ended=ended,
            definitions=tuple(self._definitions(plan_path)),
            environments=tuple({e.name: e for t in tasks for e in t.environments}.values())[:200],
            parameters={**plan.metadata, **row.meta},
            tasks=tasks,
            events=tuple(self._events(tasks, run)),
            constructs=tuple(self._constructs(tasks, dag, dag_path)),
            places=tuple(self.places),
            gaps=tuple(dict.fromkeys(self.gaps)),
        )

    def _at(self, name: str) -> str:
        return os.path.join(self.inner, name)

    def _open(self, name: str) -> str:
        """A file of this workflow as a path to read, noted as read; empty where it is not there."""
        path = there(self.world, self.folder, self._at(name))
        if path:
            self.places.append(Place(self._at(name)))
        return path

    def _dag(self) -> tuple[pegasus_dag.Dag, str]:
        name = os.path.basename(self.dump.get("dag", ""))
        names = [name] if name else [os.path.basename(p) for p in self._glob("*.dag")][:1]
        path = self._open(names[0]) if names else ""
        if not path:
            self.gaps.append("no DAG file: jobs that never began are known from the database only")
            return pegasus_dag.Dag(), ""
        dag = pegasus_dag.read(self.world, path)
        if not dag.whole:
            self.gaps.append(f"{names[0]}: not all of it was read")
        return dag, self._at(names[0])

    def _glob(self, pattern: str) -> tuple[str, ...]:
        return self.world.glob(f"{glob.escape(os.path.join(self.folder, self.inner))}/{pattern}")

    def _states(self, row: pegasus_db.DbWorkflow) -> tuple[dict[str, dict[int, pegasus_states.Submission]], pegasus_states.Ended]:
        path = self._open("jobstate.log")
        if not path:
            if not self.row:
                self.gaps.append("no jobstate.log and no database: what became of the jobs is not known")
            return {}, row.run
        logged, run = pegasus_states.read(self.world, path)
        if not run.whole:
            self.gaps.append("jobstate.log: larger than we read; of its end only how the workflow ended was taken")
        return logged, run if run.started or not row.run.started else row.run

    def _end(self, run: pegasus_states.Ended) -> tuple[State, str, str]:
        began = run.started[-1] if run.started else None
        over = [f for f in run.finished if began is None or f[0] >= began]
        if over:
            when, code = over[-1]
            good = code == 0
            proof = f"{self._at('jobstate.log') if run.last else self.database}: DAGMan finished with {code}"
            return State.SUCCEEDED if good else State.FAILED, proof, times.epoch(when)
        if began is None:
            return State.UNKNOWN, "no record of its beginning", ""
        if run.monitored or there(self.world, self.folder, self._at("monitord.done")):
            return State.KILLED, "it began, the monitor ended, and DAGMan has no end", ""
        silent = self.world.now().timestamp() - (run.last or began)
        if silent < RUNNING:
            return State.RUNNING, f"its last record is {max(0, round(silent))} s old", ""
        return State.UNKNOWN, f"it began and has no end; the last record is of {times.epoch(run.last or began)}", ""

    def _plan(self) -> tuple[pegasus_plan.Abstract, str]:
        """The abstract workflow, as the planner kept it."""
        names = dict.fromkeys(n for n in ("workflow.yml", os.path.basename(self.dump.get("dax", ""))) if n)
        for name in names:
            if path := there(self.world, self.folder, self._at(name)):
                try:
                    plan = pegasus_plan.abstract(yamlfile.read(self.world, path, texts=True))
                    self.places.append(Place(self._at(name)))
                    return plan, self._at(name)
                except (yamlfile.NotYaml, OSError) as error:
                    self.gaps.append(f"{name}: {why(error)}")
        return pegasus_plan.Abstract(), ""

    def _containers(self) -> dict[str, Environment]:
        for name in ("catalogs/transformations.yml", "transformations.yml", "workflow.yml"):
            if path := there(self.world, self.folder, self._at(name)):
                try:
                    document = yamlfile.read(self.world, path, texts=True)
                except (yamlfile.NotYaml, OSError) as error:
                    self.gaps.append(f"{name}: {why(error)}")
                    continue
                embedded = document.get("transformationCatalog") if isinstance(document, dict) else None
                found = pegasus_plan.containers(embedded or document, self._at(name))
                if found:
                    self.places.append(Place(self._at(name)))
                    return found
        return {}

    def _definitions(self, plan_path: str) -> Iterator[Definition]:
        if plan_path:
            yield Definition(plan_path, "workflow", place=Place(plan_path))
        for path in self._glob("catalogs/*.yml")[:20]:
            name = self._at(f"catalogs/{os.path.basename(path)}")
            yield Definition(name, "config", place=Place(name))
        for path in self._glob("pegasus.*.properties")[:5]:  # only its name: it may hold credentials
            yield Definition(self._at(os.path.basename(path)), "config")

    def _events(self, tasks: tuple[Task, ...], run: pegasus_states.Ended) -> Iterator[Event]:
        for when in run.started[1:][:100]:
            yield Event("resumed", "DAGMan was started again", times.epoch(when), place=Place(self._at("jobstate.log")))
        count = 0
        for task in tasks:
            for attempt in task.attempts[1:]:
                count += 1
                if count <= MAX_EVENTS:
                    yield Event("retry", f"try {attempt.number} of {task.id}", attempt.submitted, task.id, attempt.place)

    def _constructs(self, tasks: tuple[Task, ...], dag: pegasus_dag.Dag, dag_path: str) -> Iterator[Construct]:
        again = [j for j in dag.jobs.values() if j.retries]
        if again:
            most = max(j.retries for j in again)
            yield Construct("retries", f"RETRY up to {most} for {len(again)} of {len(dag.jobs)} jobs", Place(dag_path, "RETRY"))
        for category, limit in sorted(dag.limits.items()):
            yield Construct("limit", f"MAXJOBS {category} {limit}", Place(dag_path, "MAXJOBS"))
        staging = [t for t in tasks if t.name in {"stage-in-tx", "stage-out-tx", "inter-site-tx", "stage-worker-tx"}]
        if staging:
            yield Construct("staging", f"{len(staging)} of {len(tasks)} jobs move files", staging[0].place)
        for path in self._glob("*.rescue[0-9][0-9][0-9]")[:100]:
            name = self._at(os.path.basename(path))
            at = there(self.world, self.folder, name)
            if at:
                rescue = pegasus_dag.rescue(self.world, at, name)
                yield Construct("resume", f"rescue DAG: {rescue.done} nodes done, {rescue.failed} failed", Place(name))


READER = Reader("pegasus", (pegasus_folder.BRAINDUMP, "*.stampede.db"), read)
