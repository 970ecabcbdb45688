"""Which jobs did Pegasus plan, how do they hang together, and what does each ask for? The `.dag`, its rescue files, and the `.sub` files.

https://htcondor.readthedocs.io/en/latest/automated-workflows/dagman-file.html; https://pegasus.isi.edu/documentation/reference-guide/configuration.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.world import World
from probes.records.lines import lines, one_line
from probes.workflows import Asked

MAX_JOBS = 100_000
MAX_EDGES = 1_000_000
_MIB = 1 << 20


@dataclass
class DagJob:
    """submit: its submit file, relative to the DAG; retries: how often it is tried again; after: names of jobs that come before."""

    name: str
    submit: str = ""
    retries: int = 0
    nested: bool = False
    line: int = 0
    after: list[str] = field(default_factory=list)


@dataclass
class Dag:
    jobs: dict[str, DagJob] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True)
class Rescue:
    """done: names of the nodes that need not run again; failed: their number."""

    path: str
    done: int
    failed: int


def read(world: World, path: str) -> Dag:
    """Raises OSError."""
    return parse(lines(world, path))


def parse(numbered: Iterator[tuple[int, str]]) -> Dag:
    dag, edges = Dag(), 0
    for number, line in numbered:
        words = line.split()
        kind = words[0].upper() if words else ""
        if kind in {"JOB", "SUBDAG", "FINAL"} and len(words) >= 3:
            at = 2 if kind == "SUBDAG" else 1  # SUBDAG EXTERNAL name file
            if len(dag.jobs) >= MAX_JOBS:
                dag.whole = False
            elif len(words) > at + 1:
                dag.jobs[words[at]] = DagJob(words[at], words[at + 1], nested=kind == "SUBDAG", line=number)
        elif kind == "RETRY" and len(words) >= 3 and words[1] in dag.jobs and words[2].isdecimal():
            dag.jobs[words[1]].retries = int(words[2][:9])
        elif kind == "MAXJOBS" and len(words) >= 3 and words[2].isdecimal() and len(dag.limits) < 100:
            dag.limits[one_line(words[1], 60)] = int(words[2][:9])
        elif kind == "PARENT" and "CHILD" in words:
            cut = words.index("CHILD")
            for child in words[cut + 1 :]:
                if child in dag.jobs and edges < MAX_EDGES:
                    edges += cut - 1
                    dag.jobs[child].after += words[1:cut]
    dag.whole = dag.whole and edges < MAX_EDGES
    return dag


def rescue(world: World, path: str, name: str) -> Rescue:
    """Raises OSError."""
    done = failed = 0
    for _, line in lines(world, path):
        done += line.startswith("DONE ")
        if found := re.match(r"# Nodes that failed: (\d{1,9})", line):
            failed = int(found[1])
    return Rescue(name, done, failed)


@dataclass(frozen=True)
class Submit:
    """Of a `.sub` file. transformation: `namespace::name:version`, task: the abstract job's id, both empty for jobs that Pegasus added."""

    asked: Asked
    transformation: str = ""
    task: str = ""
    site: str = ""
    executable: str = ""


def submit(text: str) -> Submit:
    """`+pegasus_cores` and `+pegasus_gpus` are 1 for every job, asked for or not: only `request_*` and batch attributes count."""
    found = {}
    for line in text.splitlines()[:2000]:
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key.strip().lower()] = value.strip().strip('"')
    memory, disk = _number(found.get("request_memory", "")), _number(found.get("request_disk", ""))
    wall = _number(found.get("+batchwalltime", ""))
    task = found.get("+pegasus_wf_dax_job_id", "")
    return Submit(
        Asked(
            cpus=_number(found.get("request_cpus", "")),
            gpus=_number(found.get("request_gpus", "")),
            memory=int(memory * _MIB) if memory is not None else None,
            disk=int(disk * 1024) if disk is not None else None,
            seconds=wall,
            partition=one_line(found.get("+remote_queue", "") or found.get("batch_queue", ""), 100),
            other={k: one_line(v, 200) for k, v in found.items() if k.startswith("request_") and _number(v) is None},
        ),
        one_line(found.get("+pegasus_wf_xformation", ""), 200),
        "" if task == "null" else one_line(task, 200),
        one_line(found.get("+pegasus_site", ""), 100),
        one_line(found.get("executable", ""), 1000),
    )


def _number(text: str) -> float | None:
    """Of a plain number; an expression is none."""
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,6})?", text) else None
