#!/usr/bin/env python3
"""How fast is the record of a workflow of 10,000 jobs read, in how much memory? Prints rows: what, target, ours, yardstick; rivals take turns.

ci/bench_workflows.py [--jobs N]      the folders are made in the form of Snakemake 9.27 and Nextflow 25.10; a real test compares it with a real run's
(cwltool 3.3 with a fifth of the jobs, Parsl 2026.10, Pegasus 5.0.5 and a Workflow Run RO-Crate: ci/workflow_folders.py)

The yardstick reads the same bytes, parses the JSON and fetches the rows, and knows nothing of what they mean.
"""

from __future__ import annotations

import argparse
import base64
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from workflow_folders import crate_folder, cwltool_folder, parsl_folder, pegasus_folder

ROUNDS = 3
BEGAN = datetime(2026, 11, 23, 21, 0, 0, tzinfo=UTC)


def snakemake_folder(folder: Path, jobs: int) -> None:
    """A finished run: a fan of `simulate`, one `collect`; a log, a record and a file for each output."""
    for sub in ("log", "metadata"):
        (folder / ".snakemake" / sub).mkdir(parents=True)
    (folder / "out").mkdir()
    name = "2026-11-23T210000.000000.snakemake.log"
    with (folder / ".snakemake/log" / name).open("w") as log:
        log.write(_snakemake_head(folder, jobs))
        for job in range(1, jobs):
            begun = BEGAN + timedelta(seconds=job)
            wildcards = {"n": job // 100, "member": job % 100}
            output = f"out/{wildcards['n']}_{wildcards['member']}.txt"
            log.write(_snakemake_job(job, jobs, begun, wildcards, output))
            _snakemake_record(folder, output, begun.timestamp(), f"echo {job} > {output}")
            (folder / output).write_text(f"{job}\n")
        log.write(f"Complete log(s): {folder}/.snakemake/log/{name}\nElapsed time: 3:00:00.265183\n")


def _snakemake_head(folder: Path, jobs: int) -> str:
    return f"""Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: {BEGAN:%Y-%m-%d %H:%M:%S}
  Workflow ID: e4dee6da-71d0-4c58-a1d1-9ebe85f17011
  Platform: Linux-6.1.0-x86_64-with-glibc2.36
  Host: login1
  User: ada
  Snakemake version: 9.27.1
  Python version: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
  Command: /opt/bin/snakemake --cores 2
  Snakefile: {folder}/Snakefile
  Base directory: {folder}
  Run directory: {folder}
  Working directory: {folder}
  Config file(s): ['config.yaml']
  Config MD5: 4228bd56b5c8646f326c5fc91593d6c3

Building DAG of jobs...
Using shell: /usr/bin/bash
Provided cores: 2
Rules claiming more threads will be scaled down.
Job stats:
job         count
--------  -------
simulate    {jobs - 1}
total       {jobs - 1}

"""


def _snakemake_job(job: int, jobs: int, begun: datetime, wildcards: dict[str, int], output: str) -> str:
    text = ", ".join(f"{k}={v}" for k, v in wildcards.items())
    source = "design/0.txt"
    return f"""Select jobs to execute...
Execute 1 jobs...
[{begun:%a %b %e %H:%M:%S %Y}]
localrule simulate:
    input: {source}
    output: {output}
    jobid: {job}
    reason: Missing output files: {output}
    wildcards: {text}
    resources: tmpdir=/tmp
[{begun + timedelta(seconds=1):%a %b %e %H:%M:%S %Y}]
Finished jobid: {job} (Rule: simulate)
{job} of {jobs - 1} steps ({100 * job // (jobs - 1)}%) done
"""


def _snakemake_record(folder: Path, output: str, begun: float, command: str) -> None:
    record = {
        "rule": "simulate", "input": ["design/0.txt"], "log": [], "shellcmd": command, "params": [], "code": "echo {n} > {output}",
        "record_format_version": 6, "conda_env": None, "container_img_url": "docker://example.org/simulator:1.0",
        "software_stack_hash": "d41d8cd98f00b204e9800998ecf8427e", "job_hash": 8786557512117, "starttime": begun, "endtime": begun + 1,
        "incomplete": False, "external_jobid": None, "input_checksums": {"design/0.txt": "sha256:" + "0a" * 32},
    }  # fmt: skip
    (folder / ".snakemake/metadata" / base64.b64encode(output.encode(), altchars=b"-_").decode()).write_text(json.dumps(record))


def nextflow_folder(folder: Path, tasks: int) -> None:
    """A finished run by its history, its log and a trace of the default columns."""
    (folder / ".nextflow").mkdir(parents=True)
    session = "082c8487-b30a-4649-83c4-fdcc0e480bed"
    (folder / ".nextflow/history").write_text(
        f"2026-11-23 21:00:00\t3h\tgreat_run\tOK\td0b3f121ec\t{session}\tnextflow run main.nf -with-trace\n"
    )
    columns = "task_id hash native_id name status exit submit duration realtime %cpu peak_rss peak_vmem rchar wchar".split()
    with (folder / ".nextflow.log").open("w") as log, (folder / "trace-20261123-1.txt").open("w") as trace:
        log.write(f"Nov-23 21:00:00.000 [main] DEBUG nextflow.Session - Session UUID: {session}\n")
        log.write("Nov-23 21:00:00.000 [main] DEBUG nextflow.Session - Run name: great_run\n")
        trace.write("\t".join(columns) + "\n")
        for task in range(1, tasks + 1):
            key, when = f"{task % 256:02x}/{task:06x}", BEGAN + timedelta(seconds=task)
            stamp = f"{when:%b-%d %H:%M:%S}.000"
            log.write(f"{stamp} [Task submitter] INFO  nextflow.Session - [{key}] Submitted process > SIMULATE ({task})\n")
            log.write(
                f"{stamp} [Task monitor] DEBUG n.processor.TaskPollingMonitor - Task completed > TaskHandler[jobId: {task}; id: {task}; "
                f"name: SIMULATE ({task}); status: COMPLETED; exit: 0; error: -; workDir: /work/{key}{'0' * 24} "
                f"started: {int(when.timestamp() * 1000)}; exited: {when:%Y-%m-%dT%H:%M:%S}Z; ]\n"
            )
            trace.write(
                f"{task}\t{key}\t{task}\tSIMULATE ({task})\tCOMPLETED\t0\t{when:%Y-%m-%d %H:%M:%S}.000\t5s\t1.2s\t98.5%\t11.7 MB\t20 MB\t2 GB\t1 KB\n"
            )


def _read(system: str, folder: str) -> int:
    """Tasks found; run in a process of its own, whose memory is the reader's."""
    from importlib import import_module

    from auditor.world import RealWorld

    reader = import_module(f"probes.workflows.{system}").READER
    return sum(len(run.tasks) for run in reader.read(RealWorld(), folder))


def _bytes(system: str, folder: str) -> int:
    count = 0
    for path in Path(folder).rglob("*"):
        if path.is_file() and path.parent.name != "out":
            content = path.read_bytes()
            if content.startswith(b"{"):
                json.loads(content)
            elif content.startswith(b"SQLite format 3"):
                _rows(path)
            count += 1
    return count


def _rows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            connection.execute(f'select * from "{table}"').fetchall()


def _measured(what: str, system: str, folder: Path) -> tuple[float, float, int]:
    """(seconds, MB at the peak, answer), in a process of its own."""
    ran = subprocess.run(
        [sys.executable, __file__, "--one", what, system, str(folder)], capture_output=True, text=True, check=True
    ).stdout.split()
    return float(ran[0]), float(ran[1]), int(ran[2])


def _one(what: str, system: str, folder: str) -> None:
    began = time.perf_counter()
    answer = (_read if what == "ours" else _bytes)(system, folder)
    print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, answer)


def _row(system: str, make: Callable[[Path, int], None], jobs: int) -> str:
    with tempfile.TemporaryDirectory() as place:
        make(Path(place) / "run", jobs)
        folder = Path(place) / "run"
        pairs = [(_measured("ours", system, folder), _measured("bytes", system, folder)) for _ in range(ROUNDS)]
    seconds, memory, found = (median(p[0][n] for p in pairs) for n in range(3))
    plain = median(p[1][0] for p in pairs)
    assert found >= jobs - 1, found
    what = f"{system}: {jobs} jobs read"
    return f"| {what} | <= 10 s, <= 500 MB | {seconds:.1f} s, {memory:.0f} MB | {seconds / plain:.1f} x reading the same bytes |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--one", nargs=3)
    asked = parser.parse_args()
    if asked.one:
        _one(*asked.one)
        return
    print(_row("snakemake", snakemake_folder, asked.jobs))
    print(_row("nextflow", nextflow_folder, asked.jobs))
    print(_row("cwltool", cwltool_folder, asked.jobs // 5))
    print(_row("parsl", parsl_folder, asked.jobs))
    print(_row("pegasus", pegasus_folder, asked.jobs))
    print(_row("wrroc", crate_folder, asked.jobs))


if __name__ == "__main__":
    main()
