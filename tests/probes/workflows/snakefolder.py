"""What does a folder look like in which Snakemake ran? Logs as version 9.27.1 and 7.32.4 wrote them, records as their persistence did."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from auditor.world import RealWorld
from probes.workflows import WorkflowRun
from probes.workflows.snakemake import READER

NAME = "2026-11-23T212335.813269.snakemake.log"

HEADER = """Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: 2026-11-23 21:23:35
  Workflow ID: e4dee6da-71d0-4c58-a1d1-9ebe85f17011
  Platform: Linux-6.1.0-x86_64-with-glibc2.36
  Host: login1
  User: ada
  Snakemake version: 9.27.1
  Python version: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
  Command: /opt/bin/snakemake --cores 2
  Snakefile: /home/ada/run/Snakefile
  Base directory: /home/ada/run
  Run directory: /home/ada/run
  Working directory: /home/ada/run
  Config file(s): ['config.yaml']
  Config MD5: d41d8cd98f00b204e9800998ecf8427e

Building DAG of jobs...
Using shell: /usr/bin/bash
Provided cores: 2
"""

STATS = """Job stats:
job         count
--------  -------
simulate        1
train           1
total           2

Select jobs to execute...
"""

SIMULATE = """[Mon Nov 23 21:23:35 2026]
localrule simulate:
    input: design.txt
    output: out.txt
    jobid: 1
    reason: Missing output files: out.txt
    wildcards: n=0, member=b
    resources: tmpdir=/tmp
"""

SIMULATED = """[Mon Nov 23 21:23:36 2026]
Finished jobid: 1 (Rule: simulate)
1 of 2 steps (50%) done
"""

TRAIN = """[Mon Nov 23 21:23:36 2026]
localrule train:
    input: out.txt
    output: model.txt, loss.txt
    log: train.log
    jobid: 0
    benchmark: train.tsv
    reason: Missing output files: model.txt
    threads: 2
    resources: tmpdir=/tmp, runtime=2, mem_mb=50, mem=50 MB, mem_mib=48, gpu=1
"""

TRAIN_FAILED = """RuleException:
CalledProcessError in file "/home/ada/run/Snakefile", line 65:
Command 'set -euo pipefail;  ./train' returned non-zero exit status 1.
[Mon Nov 23 21:23:37 2026]
Error in rule train:
    message: None
    jobid: 0
    input: out.txt
    output: model.txt, loss.txt
    shell:
        ./train
        (command exited with non-zero exit code)
"""

RESTARTED = """Trying to restart job 0.
Select jobs to execute...
Execute 1 jobs...
"""

TRAINED = """[Mon Nov 23 21:23:39 2026]
Finished jobid: 0 (Rule: train)
2 of 2 steps (100%) done
"""

CLOSED = f"""Complete log(s): /home/ada/run/.snakemake/log/{NAME}
Elapsed time: 0:00:04.265183
"""

GAVE_UP = f"""Shutting down, this might take some time.
Exiting because a job execution failed. Look above for error messages
Complete log(s): /home/ada/run/.snakemake/log/{NAME}
Elapsed time: 0:00:00.143035
WorkflowError:
At least one job did not complete successfully.
"""

GOOD = HEADER + STATS + SIMULATE + SIMULATED + TRAIN + TRAINED + CLOSED

START = 1795469015.0  # 2026-11-23T21:23:35 UTC


def record(rule: str, **more: Any) -> dict[str, Any]:
    return {
        "rule": rule, "input": [], "log": [], "shellcmd": f"./{rule}", "params": [], "code": f"./{rule}", "record_format_version": 6,
        "conda_env": None, "container_img_url": None, "software_stack_hash": "d41d8cd98f00b204e9800998ecf8427e", "job_hash": 1,
        "starttime": START, "endtime": START + 1, "incomplete": False, "external_jobid": None, "input_checksums": {}, **more,
    }  # fmt: skip


def made(folder: Path, log: str = GOOD, records: dict[str, dict[str, Any]] | None = None, name: str = NAME) -> Path:
    """The folder, with one more log and the records of these outputs."""
    for sub in ("log", "metadata", "incomplete", "locks"):
        (folder / ".snakemake" / sub).mkdir(parents=True, exist_ok=True)
    (folder / ".snakemake/log" / name).write_text(log)
    for target, content in (records or {}).items():
        (folder / ".snakemake/metadata" / encoded(target)).write_text(json.dumps(content))
    return folder


def encoded(target: str) -> str:
    return base64.b64encode(target.encode(), altchars=b"-_").decode()


def runs(folder: Path, env: dict[str, str] | None = None) -> list[WorkflowRun]:
    return list(READER.read(RealWorld(env or {}, str(folder)), str(folder)))


def run(folder: Path) -> WorkflowRun:
    return runs(folder)[0]


def line(log: str, start: str) -> str:
    """Where the first line that begins so stands: `line 23`."""
    return f"line {next(n for n, text in enumerate(log.splitlines(), 1) if text.startswith(start))}"
