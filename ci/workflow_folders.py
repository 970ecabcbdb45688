"""Records of large runs of cwltool, Parsl, Pegasus, and a Workflow Run RO-Crate, in the form that those leave, for ci/bench_workflows.py."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGAN = datetime(2026, 11, 23, 21, 0, 0, tzinfo=UTC)
_RUN = "1a315eda-f506-4571-9608-e72ce262b8f5"
Table = dict[str, tuple[str, list[tuple[Any, ...]]]]


def cwltool_folder(folder: Path, steps: int) -> None:
    """A CWLProv bundle: a scatter of `simulate`, each with a file, and one `collect` that reads them all."""
    qualified = lambda name: {"$": name, "type": "prov:QUALIFIED_NAME"}  # noqa: E731
    prov: dict[str, dict[str, Any]] = {k: {} for k in ("agent", "activity", "entity", "hadMember", "used", "wasGeneratedBy")}
    prov |= {k: {} for k in ("wasStartedBy", "wasEndedBy", "specializationOf", "wasAssociatedWith")}
    stamp = f"{BEGAN:%Y-%m-%dT%H:%M:%S}.500000"
    prov["agent"]["id:engine"] = {"prov:type": qualified("wfprov:WorkflowEngine"), "prov:label": "cwltool 3.3"}
    prov["wasStartedBy"]["_:e"] = {"prov:activity": "id:engine", "prov:starter": "id:me", "prov:time": stamp}
    prov["activity"]["id:run"] = {"prov:type": qualified("wfprov:WorkflowRun"), "prov:label": "Run of workflow/packed.cwl#main"}
    log = [f"[{BEGAN:%Y-%m-%dT%H:%M:%S},0.000000Z] [cwltool] cwltool --provenance b w.cwl job.yml"]
    for n in range(1, steps):
        name = "simulate" if n == 1 else f"simulate_{n}"
        sha1 = hashlib.sha1(str(n).encode()).hexdigest()
        prov["activity"][f"id:a{n}"] = {
            "prov:type": qualified("wfprov:ProcessRun"),
            "prov:label": f"Run of workflow/packed.cwl#main/{name}",
        }
        prov["wasStartedBy"][f"_:s{n}"] = {"prov:activity": f"id:a{n}", "prov:starter": "id:run", "prov:time": stamp}
        prov["wasEndedBy"][f"_:x{n}"] = {"prov:activity": f"id:a{n}", "prov:ender": "id:run", "prov:time": stamp}
        prov["wasAssociatedWith"][f"_:p{n}"] = {"prov:activity": f"id:a{n}", "prov:plan": f"wf:main/{name}"}
        prov["entity"][f"id:f{n}"] = [{"prov:type": qualified("wf4ever:File")}, {"cwlprov:basename": f"{n}.txt"}]
        prov["entity"][f"data:{sha1}"] = {"prov:type": qualified("wfprov:Artifact")}
        prov["specializationOf"][f"_:z{n}"] = {"prov:specificEntity": f"id:f{n}", "prov:generalEntity": f"data:{sha1}"}
        prov["wasGeneratedBy"][f"_:g{n}"] = {
            "prov:activity": f"id:a{n}",
            "prov:entity": f"id:f{n}",
            "prov:role": qualified(f"wf:main/{name}/o"),
        }
        prov["hadMember"][f"_:m{n}"] = {"prov:collection": "id:all", "prov:entity": f"id:f{n}"}
        second = f"{BEGAN + timedelta(seconds=n):%Y-%m-%dT%H:%M:%S}"
        log += [f"[{second},1.000000Z] [job {name}] /tmp/{n}$ sh \\", "    -c \\", f"    'echo {n} > {n}.txt'"]
        log.append(f"[{second},900.000000Z] [job {name}] completed success")
    prov["activity"]["id:c"] = {
        "prov:type": qualified("wfprov:ProcessRun"),
        "prov:label": "Run of workflow/packed.cwl#main/collect",
    }
    prov["used"]["_:u"] = {"prov:activity": "id:c", "prov:entity": "id:all", "prov:role": qualified("wf:main/collect/files")}
    prov["entity"]["id:all"] = {"prov:type": qualified("prov:Collection")}
    log.append(f"[{BEGAN + timedelta(seconds=steps):%Y-%m-%dT%H:%M:%S},1.000000Z] Final process status is success")
    tools = [
        {"class": "CommandLineTool", "id": f"#{n}.cwl", "hints": [{"class": "DockerRequirement", "dockerPull": "debian:12"}]}
        for n in "ab"
    ]
    listed = [{"id": "#main/simulate", "run": "#a.cwl", "in": []}, {"id": "#main/collect", "run": "#b.cwl", "in": []}]
    _write(folder / "metadata/provenance/primary.cwlprov.json", json.dumps(prov, indent=1))
    _write(folder / "metadata/logs/engine.1.txt", "\n".join(log) + "\n")
    _write(
        folder / "workflow/packed.cwl", json.dumps({"$graph": [{"class": "Workflow", "id": "#main", "steps": listed}, *tools]})
    )


def parsl_folder(folder: Path, tasks: int) -> None:
    """A monitored run: chains of two apps on one executor, two samples of what each used, and the log of the same."""
    at = lambda n: (BEGAN + timedelta(seconds=n)).strftime("%Y-%m-%d %H:%M:%S.%f")  # noqa: E731
    shown = lambda n: f"<File at 0x7f{n:08x} url={n}.txt scheme=file netloc= path={n}.txt filename={n}.txt>"  # noqa: E731
    rows: Table = {
        "workflow": (
            "run_id, workflow_name, time_began, time_completed, host, user, rundir, tasks_failed_count, tasks_completed_count",
            [(_RUN, "campaign.py", at(0), at(tasks), "login1", "ada", "/home/ada/p/runinfo/000", 0, tasks)],
        ),
        "task": (
            "task_id, run_id, task_depends, task_func_name, task_memoize, task_inputs, task_outputs, task_stdout, task_time_returned",
            [
                (
                    n,
                    _RUN,
                    str(n - 1) if n % 2 else "",
                    "train" if n % 2 else "simulate",
                    "0",
                    f"[{shown(n - 1)}]",
                    f"[{shown(n)}]",
                    "",
                    at(n),
                )
                for n in range(tasks)
            ],
        ),
        "try": (
            "try_id, task_id, run_id, block_id, hostname, task_executor, task_try_time_launched, task_try_time_running,"
            " task_try_time_returned, task_fail_history, task_joins",
            [(0, n, _RUN, "0", "node1", "sim", at(n), at(n + 1), at(n + 3), "", None) for n in range(tasks)],
        ),
        "status": (
            "task_id, task_status_name, timestamp, run_id, try_id",
            [
                (n, s, at(n), _RUN, 0)
                for n in range(tasks)
                for s in ("pending", "launched", "running", "running_ended", "exec_done")
            ],
        ),
        "node": (
            "run_id, hostname, block_id, cpu_count, worker_count, python_v",
            [(_RUN, "node1", "0", 64, 8, "3.11.7")] * tasks,
        ),
        "block": ("run_id, executor_label, block_id, job_id, status", [(_RUN, "sim", "0", "4711", "RUNNING")]),
        "resource": (
            "try_id, task_id, run_id, timestamp, psutil_process_time_user, psutil_process_time_system, psutil_process_memory_resident,"
            " psutil_process_disk_read, psutil_process_disk_write",
            [(0, n, _RUN, at(n), 1.0 + s, 0.5, 1e8, 1e6 * s, 1e5 * s) for n in range(tasks) for s in range(2)],
        ),
    }
    folder.mkdir(parents=True)
    _database(folder / "monitoring.db", rows)
    head = f"{BEGAN.timestamp():.6f} {at(0)[:19]} MainProcess-1 MainThread-1 parsl.dataflow.dflow:1 x"
    lines = [
        f"{head} INFO: Starting",
        "Config(executors=())",
        f"{head} INFO: Parsl version: 2026.10.26",
        f"{head} INFO: Run id is: {_RUN}",
    ]
    for n in range(tasks):
        lines += [
            f"{head} INFO: Task {n} submitted for App simulate, not waiting on any dependency",
            f"{head} DEBUG: Pushing function to queue with args ({n})",
            f"{head} INFO: Parsl task {n} try 0 launched on executor sim with executor id {n}",
            f"{head} INFO: Task {n} changing state from pending to launched",
            f"{head} INFO: Task {n} changing state from launched to exec_done",
        ]
    _write(folder / "000/parsl.log", "\n".join([*lines, f"{head} INFO: Workflow shutdown information: x", ""]))


def pegasus_folder(folder: Path, jobs: int) -> None:
    """A workflow that ended: a chain of compute jobs, a submit file and a state of each, and the first thousand kickstart records."""
    uuid, when = "48f759a4-165f-47d6-8c32-571649ce311b", int(BEGAN.timestamp())
    _write(folder / "braindump.yml", f'wf_uuid: "{uuid}"\nroot_wf_uuid: "{uuid}"\nplanner_version: "5.0.5"\ndag: "w.dag"\n')
    dag, states = [], [f"{when} INTERNAL *** DAGMAN_STARTED 7.0 ***"]
    for n in range(jobs):
        name = f"sim_ID{n:07d}"
        dag += [f"JOB {name} 00/00/{name}.sub", f"RETRY {name} 2"] + ([f"PARENT sim_ID{n - 1:07d} CHILD {name}"] if n else [])
        for s, word in enumerate(("SUBMIT 9.0", "EXECUTE 9.0", "JOB_TERMINATED 9.0", "JOB_SUCCESS 0", "POST_SCRIPT_SUCCESS 0")):
            states.append(f"{when + n + s} {name} {word} pool - {n + 1}")
        _write(
            folder / f"00/00/{name}.sub",
            f'request_memory = 512\n+pegasus_wf_xformation = "sim"\n+pegasus_wf_dax_job_id = "ID{n:07d}"\n',
        )
        if n < 1000:
            _write(folder / f"00/00/{name}.out.000", _KICKSTART)
    _write(folder / "w.dag", "\n".join(dag) + "\n")
    _write(folder / "jobstate.log", "\n".join([*states, f"{when + jobs} INTERNAL *** DAGMAN_FINISHED 0 ***", ""]))


_KICKSTART = """- invocation: True
  start: 2026-11-23T21:00:00.546-08:00
  transformation: "sim"
  hostname: node1
  mainjob:
    duration: 0.003
    usage: {utime: 0.001, stime: 0.001, maxrss: 2696, inblock: 0, outblock: 8}
    status: {raw: 0, regular_exitcode: 0}
    executable: {file_name: /usr/bin/sim, mode: 0o100755}
    argument_vector: ["-z", "/"]
  environment:
""" + "".join(f'    "VARIABLE_{n}": "value {n}"\n' for n in range(60))


def crate_folder(folder: Path, actions: int) -> None:
    """A process crate: a chain of actions, each with a file that it read and one that it made."""
    graph: list[dict[str, Any]] = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset", "name": "large"},
        {"@id": "#tool", "@type": "SoftwareApplication", "name": "tool"},
    ]
    for n in range(actions):
        graph.append({"@id": f"{n}.txt", "@type": "File", "contentSize": "10", "sha256": f"{n:064x}"})
        graph.append(
            {
                "@id": f"#a{n}",
                "@type": "CreateAction",
                "instrument": {"@id": "#tool"},
                "object": {"@id": f"{n - 1}.txt"},
                "result": {"@id": f"{n}.txt"},
                "actionStatus": "http://schema.org/CompletedActionStatus",
                "startTime": BEGAN.isoformat(),
                "endTime": BEGAN.isoformat(),
            }
        )
    _write(folder / "ro-crate-metadata.json", json.dumps({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}))


def _database(path: Path, tables: Table) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, (columns, rows) in tables.items():
            connection.execute(f'create table "{table}" ({columns})')
            connection.executemany(f'insert into "{table}" values ({", ".join("?" * len(columns.split(",")))})', rows)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
