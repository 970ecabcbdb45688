"""A campaign as tests and the bench use it: rounds of an array of simulations, a training that reads them all, a prediction that starts the next round.

Every 7th training ends at its time limit and is submitted again; one simulation in fifty fails. Evidence is that of a recorded machine
(tests/worlds/ml_job), with what differs between runs put in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta

from auditor.model import Capture, Evidence, Job, Phase
from probes.data import DataFile
from probes.tracking import Metric
from probes.tracking.record import Experiments, TrackedSeen
from probes.workflow import SystemsUsed, Use
from probes.workflows import Construct, Definition, Digest, State
from probes.workflows.record import GroupLink, TaskGroup, WorkflowRuns, WorkflowSeen
from tests.factory import accounting, attempt, capture, file, job, manifest, packages, seen, submission
from tests.worlds.write import stored

START = datetime.fromisoformat("2026-11-02T08:00:00+00:00")
LABEL = "surrogate"
SHARED = frozenset(
    "CalledFiles GitState Determinism ContainerReferences ContainerIdentities SifImages ApptainerRuntime LoadedModules Environment Hardware"
    " FileSystems ContainerMarkers SystemPackages Toolchain KernelAccounting".split()
)
"""Kinds that are taken from the recorded machine as they are."""


def when(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat(timespec="seconds")


def machine() -> dict[Phase, list[Evidence]]:
    found: dict[Phase, list[Evidence]] = {phase: [] for phase in Phase}
    for e in stored("ml_job")[1]:
        if e.kind in SHARED:
            found[e.phase].append(e)
    return found


def study(rounds: int = 1, tasks: int = 4, files: int = 3, label: str = LABEL) -> Iterator[Capture]:
    """(tasks + 2) runs a round, and a few submitted again; `files` outputs of each simulation."""
    shared = machine()
    shared[Phase.SUBMIT].append(seen(packages(*(f"package{i}==1.{i}" for i in range(150)))))
    for n in range(rounds):
        base, at = 1000 + 10 * n, 600.0 * n
        reads = [file(f"round-{n}/params.json", content=f"params {n}")]
        array = _job(f"{base}", "simulate.sh", at, label, argv=(f"--array=0-{tasks - 1}%50", "simulate.sh", str(n)))
        yield capture(dataclasses.replace(array, is_array=True), Phase.SUBMIT, *_submit(array, "simulate", shared))
        made: list[DataFile] = []
        for i in range(tasks):
            task = _job(f"{base}_{i}", "simulate.sh", at, label, argv=array.argv)
            broken = (n * tasks + i) % 50 == 49
            out = (
                []
                if broken
                else [file(f"round-{n}/sim-{i}/part-{k}.xtc", "output", f"{n} {i} {k}", size=4 << 20) for k in range(files)]
            )
            made += out[:1]
            yield from _ran(task, shared, at + 5 + i % 7, 40, reads, out, "FAILED" if broken else "COMPLETED", throttle=50)
        model = file(f"round-{n}/model.pt", "output", f"model {n}", size=90 << 20)
        train = _job(f"{base + 1}", "train.sh", at + 60, label, argv=(f"--dependency=afterany:{base}", "train.sh", str(n)))
        inputs = [dataclasses.replace(f, role="input") for f in made]
        yield capture(train, Phase.SUBMIT, *_submit(train, "train", shared))
        if n % 7 == 0:
            yield from _ran(train, shared, at + 75, 120, inputs, [], "TIMEOUT", gpus=1)
            train = _job(f"{base + 2}", "train.sh", at + 200, label, argv=train.argv)
            yield capture(train, Phase.SUBMIT, *_submit(train, "train", shared))
        yield from _ran(train, shared, at + 210, 110, inputs, [model], gpus=1)
        after = file(f"round-{n + 1}/params.json", "output", f"params {n + 1}")
        predict = _job(
            f"{base + 3}", "predict.sh", at + 330, label, argv=(f"--dependency=afterok:{train.job_id}", "predict.sh", str(n))
        )
        yield capture(predict, Phase.SUBMIT, *_submit(predict, "predict", shared))
        yield from _ran(predict, shared, at + 340, 12, [dataclasses.replace(model, role="input")], [after])


def driven(*jobs: str, number: str = "900", label: str = LABEL) -> Iterator[Capture]:
    """The run that held a workflow engine, whose record names these job numbers."""
    of = job(number, script="#!/bin/bash\nsnakemake --jobs 4\n", script_path="/home/ada/study/driver.sh", workdir="/home/ada/study",
             submitted_at=when(-10), label=label)  # fmt: skip
    tried = attempt(0, submitted=when(-10), eligible=when(-10), started=when(-5), ended=when(360))
    record = accounting(number, tried, name="driver", used_seconds=21_900.0, workdir=of.workdir)
    tracked = seen(Experiments((mlflow("a1", "train.py"), mlflow("a2", "notebook")), 2), probe="experiments", taken_at=when(361))
    told = seen(WorkflowRuns((snakemake(*jobs),), 1), probe="workflow-runs", taken_at=when(361))
    yield capture(of, Phase.SUBMIT, seen(submission(of.script, script_path=of.script_path)))
    yield capture(of, Phase.LATER, seen(record, taken_at=when(361)), told, tracked)


def mlflow(id_: str, source: str, relation: str = "inside") -> TrackedSeen:
    """A tracked run with one parameter and one metric."""
    return TrackedSeen(
        "mlflow", id_, "/home/ada/study/mlruns", State.SUCCEEDED, "status FINISHED", source=source, parameters={"lr": "0.1"},
        metrics=(Metric("loss", 0.25, 10),), commit="ab" * 20, relation=relation,
    )  # fmt: skip


def snakemake(*jobs: str, relation: str = "inside", id_: str = "2026-11-02T075501") -> WorkflowSeen:
    """One run of an engine: train, then predict twice; the last log is gone."""
    groups = (
        TaskGroup(
            "train",
            1,
            {"succeeded": 1},
            2,
            1,
            started=when(60),
            ended=when(320),
            seconds=6600.0,
            command="python train.py --round 0",
        ),
        TaskGroup("rule_7", 2, {"succeeded": 2}, 2, 0, seconds=720.0, command="python -c 'print(1)'"),
    )
    return WorkflowSeen(
        "snakemake", "9.3.0", id_, "/home/ada/study", State.SUCCEEDED, "the log says `3 of 3 steps (100%) done`", relation, "Snakefile",
        started=when(-5), ended=when(360), tasks=3, states={"succeeded": 3}, attempts=4, retried=1, groups=groups,
        links=(GroupLink("train", "rule_7", 2, "file"),), width=2, depth=2, concurrent=1, native_ids=jobs,
        definitions=(Definition("Snakefile", "workflow", (Digest("sha256", "ab" * 32),)),), constructs=(Construct("retries", "1"),),
    )  # fmt: skip


def _job(number: str, script: str, at: float, label: str, **changes: object) -> Job:
    return job(number, script=_script(script.removesuffix(".sh")), script_path=f"/home/ada/study/{script}", workdir="/home/ada/study",
               submitted_at=when(at), label=label, **changes)  # fmt: skip


def _script(name: str) -> str:
    program = "gmx mdrun -deffnm md" if name == "simulate" else f"python {name}.py --round $1 --seed 7"
    return f"#!/bin/bash\n#SBATCH --mem=4G\nsrun {program}\n"


def _submit(of: Job, name: str, shared: dict[Phase, list[Evidence]]) -> list[Evidence]:
    phase = {"predict": "infer"}.get(name, name)
    program = "gmx mdrun" if name == "simulate" else f"{name}.py"
    uses = () if name == "simulate" else (Use("pytorch", "framework", "import", f"{name}.py:1"),)
    systems = SystemsUsed(uses, {phase: (f"{name}.sh:3 {program}",)}, (), (), ())
    return [
        *shared[Phase.SUBMIT],
        seen(submission(of.script, *of.argv, cwd=of.workdir, script_path=of.script_path)),
        seen(systems),
    ]


def _ran(
    of: Job,
    shared: dict[Phase, list[Evidence]],
    start: float,
    minutes: float,
    reads: list[DataFile],
    makes: list[DataFile],
    state: str = "COMPLETED",
    gpus: int = 0,
    throttle: int | None = None,
) -> Iterator[Capture]:
    started, ended = when(start), when(start + minutes)
    running = dataclasses.replace(of, started_at=started)
    tried = attempt(0, state, submitted=of.submitted_at, eligible=of.submitted_at, started=started, ended=ended)
    name = of.script_path.rpartition("/")[2].removesuffix(".sh")
    record = accounting(
        of.job_id, tried, name=name, partition="gpu" if gpus else "cpu", asked_gpus=gpus, asked_cpus=4, used_cpus=4, used_seconds=minutes * 60,
        used_cpu_seconds=minutes * 60 * 3.1, used_memory=900 << 20, asked_memory=4 << 30, asked_seconds=7200, array_throttle=throttle,
        workdir=of.workdir,
    )  # fmt: skip
    yield capture(running, Phase.START, *shared[Phase.START], seen(manifest(*reads, root=of.workdir), taken_at=started))
    done = dataclasses.replace(running, ended_at=ended)
    yield capture(done, Phase.END, *shared[Phase.END])
    yield capture(
        done, Phase.LATER, seen(record, taken_at=ended), seen(manifest(*reads, *makes, root=of.workdir), taken_at=ended)
    )
