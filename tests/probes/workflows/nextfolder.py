"""What does a launch folder of Nextflow look like? Built by hand in the forms of its sources and of public logs: the engine cannot be run here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditor.world import RealWorld
from probes.workflows import WorkflowRun
from probes.workflows.nextflow import READER

SESSION = "082c8487-b30a-4649-83c4-fdcc0e480bed"
WORK = "/data/ada/launch/work"

START = f"""Dec-05 09:59:02.123 [main] DEBUG nextflow.cli.Launcher - $> nextflow run main.nf -with-trace --rate 0.1
Dec-05 09:59:02.193 [main] INFO  nextflow.cli.CmdRun - N E X T F L O W  ~  version 25.10.2
Dec-05 09:59:04.100 [main] INFO  nextflow.cli.CmdRun - Launching `main.nf` [irreverent_bernard] DSL2 - revision: d0b3f121ec
Dec-05 09:59:04.989 [main] DEBUG nextflow.Session - Session UUID: {SESSION}
Dec-05 09:59:04.989 [main] DEBUG nextflow.Session - Run name: irreverent_bernard
Dec-05 09:59:05.015 [main] DEBUG nextflow.cli.CmdRun -
  Version: 25.10.2 build 10555
  Process: 470@login1 [10.0.2.100]
  CPUs: 4 - Mem: 15.5 GB (1 GB) - Swap: 2 GB (2 GB)
Dec-05 09:59:05.035 [main] DEBUG nextflow.Session - Work-dir: {WORK} [ext2/ext3]
Dec-05 09:59:05.739 [main] DEBUG nextflow.executor.ExecutorFactory - >> processorType: 'slurm'
Dec-05 09:59:05.758 [main] DEBUG n.processor.TaskPollingMonitor - Creating task monitor for executor 'slurm' > capacity: 12; pollInterval: 5s; dumpInterval: 5m
Dec-05 09:59:05.800 [main] DEBUG nextflow.processor.TaskProcessor - Creating process 'SIMULATE': maxForks=0; fair=false; array=100
"""

SIMULATED = f"""Dec-05 09:59:06.026 [Task submitter] DEBUG nextflow.executor.GridTaskHandler - [SLURM] submitted process SIMULATE (a) > jobId: 14; workDir: {WORK}/d4/783af283d4976d53c5696aea0b997b
Dec-05 09:59:06.030 [Task submitter] INFO  nextflow.Session - [d4/783af2] Submitted process > SIMULATE (a)
Dec-05 09:59:10.778 [Task monitor] DEBUG n.processor.TaskPollingMonitor - Task completed > TaskHandler[jobId: 14; id: 1; name: SIMULATE (a); status: COMPLETED; exit: 0; error: -; workDir: {WORK}/d4/783af283d4976d53c5696aea0b997b started: 1607162350774; exited: 2020-12-05T09:59:07.549659Z; ]
"""  # noqa: E501

FLAKY = f"""Dec-05 09:59:11.000 [Task submitter] INFO  nextflow.Session - [94/b48eac] Submitted process > TRAIN
Dec-05 09:59:12.000 [Task monitor] DEBUG n.processor.TaskPollingMonitor - Task completed > TaskHandler[id: 2; name: TRAIN; status: COMPLETED; exit: 137; error: -; workDir: {WORK}/94/b48eac00000000000000000000000a]
Dec-05 09:59:12.001 [TaskFinalizer-1] INFO  nextflow.processor.TaskProcessor - [94/b48eac] NOTE: Process `TRAIN` terminated with an error exit status (137) -- Execution is retried (1)
Dec-05 09:59:12.500 [Task submitter] INFO  nextflow.Session - [a2/5117de] Re-submitted process > TRAIN
Dec-05 09:59:14.000 [Task monitor] DEBUG n.processor.TaskPollingMonitor - Task completed > TaskHandler[id: 3; name: TRAIN; status: COMPLETED; exit: 0; error: -; workDir: {WORK}/a2/5117de00000000000000000000000a]
"""  # noqa: E501

END = """Dec-05 09:59:15.893 [main] DEBUG nextflow.trace.WorkflowStatsObserver - Workflow completed > WorkflowStats[succeededCount=2; failedCount=1; ignoredCount=0; cachedCount=0; pendingCount=0;
 submittedCount=0; runningCount=0; retriesCount=1; abortedCount=0; succeedDuration=1m 11s; failedDuration=0ms; cachedDuration=0ms;loadCpus=0; loadMemory=0; peakRunning=2; pea
kCpus=4; peakMemory=8 GB; ]
Dec-05 09:59:15.946 [main] DEBUG nextflow.script.ScriptRunner - > Execution complete -- Goodbye
"""  # noqa: E501

GOOD = START + SIMULATED + FLAKY + END


def row(status: str = "OK", name: str = "irreverent_bernard", session: str = SESSION, when: str = "2020-12-05 09:59:02") -> str:
    duration = "-" if status == "-" else "13.8s"
    command = "nextflow run main.nf -with-trace --rate 0.1"
    return f"{when}\t{duration}\t{name}\t{status}\td0b3f121ec5b4cd0a7e2f1a8e9f01234\t{session}\t{command}\n"


def made(folder: Path, log: str = GOOD, history: str | None = None) -> Path:
    (folder / ".nextflow").mkdir(parents=True, exist_ok=True)
    (folder / ".nextflow/history").write_text(row() if history is None else history)
    if log:
        (folder / ".nextflow.log").write_text(log)
    return folder


def task_dir(folder: Path, key: str, **files: str) -> Path:
    """`work/d4/783af2...` with `.command.run` from the word `run`, `.exitcode` from `exitcode`, and so on."""
    at = folder / "work" / f"{key}83d4976d53c5696aea0b997b"
    at.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (at / {"exitcode": ".exitcode"}.get(name, f".command.{name}")).write_text(text)
    return at


def lineage(folder: Path, lid: str, kind: str, **spec: Any) -> None:
    at = folder / ".lineage" / lid
    at.mkdir(parents=True, exist_ok=True)
    (at / ".data.json").write_text(json.dumps({"version": "lineage/v1beta1", "kind": kind, "spec": spec}))


def runs(folder: Path) -> list[WorkflowRun]:
    return list(READER.read(RealWorld({}, str(folder)), str(folder)))


def run(folder: Path) -> WorkflowRun:
    return runs(folder)[0]
