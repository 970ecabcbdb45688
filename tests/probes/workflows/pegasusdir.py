"""How does a test write a Pegasus submit directory down? Built from the documented formats, in the shape of the public samples of Pegasus 5.0.5.

https://github.com/pegasus-isi/pegasus, packages/pegasus-common/test/client/analyzer_samples_dir; the server side cannot be run here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from parslrun import Row, database

UUID = "48f759a4-165f-47d6-8c32-571649ce311b"
INNER = "160be601-bda4-45fb-86cd-9cf7a269bb22"
HOME = "/home/ada/submit/ada/pegasus/demo/run0001"
BRAINDUMP = f"""\
user: "ada"
grid_dn: null
submit_hostname: "login1"
root_wf_uuid: "{UUID}"
wf_uuid: "{UUID}"
dax: "/home/ada/workflow.yml"
dax_label: "demo"
timestamp: "20230304T010100-0800"
submit_dir: "{HOME}"
planner_version: "5.0.5"
planner_arguments: "\\"--sites condorpool --output-site local workflow.yml \\""
dag: "demo-0.dag"
type: "dag"
"""
WORKFLOW = """\
x-pegasus: {apiLang: python}
pegasus: 5.0.4
name: demo
metadata: {campaign: two turns}
jobs:
- type: job
  namespace: ml
  name: train
  version: '1.0'
  id: ID0000001
  arguments: [-o, model.h5]
  uses:
  - {lfn: data.csv, type: input}
  - {lfn: model.h5, type: output, stageOut: true}
  profiles:
    pegasus: {cores: '4', memory: '2048', runtime: '600', gpus: '1', nodes: '2', ppn: '8'}
  metadata: {epochs: '10'}
- type: job
  name: predict
  id: ID0000002
  uses:
  - {lfn: model.h5, type: input}
  - {lfn: next.txt, type: output}
"""
TRANSFORMATIONS = """\
pegasus: '5.0'
transformations:
- namespace: ml
  name: train
  version: '1.0'
  sites:
  - {name: condorpool, pfn: /usr/bin/train, type: installed, container: torch}
containers:
- name: torch
  type: singularity
  image: docker:///pytorch/pytorch:2.1
  checksum: {sha256: dd78aaa88e1c6a8bf31c052eacfa03fba616ebfd903d7b2eb1b0ed6853b48713}
"""
DAG = """\
# PEGASUS WMS GENERATED DAG FILE
MAXJOBS stagein 10
JOB stage_in_local_0 00/00/stage_in_local_0.sub
RETRY stage_in_local_0 1
JOB train_ID0000001 00/00/train_ID0000001.sub
SCRIPT POST train_ID0000001 /usr/bin/pegasus-exitcode -r $RETURN
RETRY train_ID0000001 2
JOB predict_ID0000002 00/00/predict_ID0000002.sub
PARENT stage_in_local_0 CHILD train_ID0000001
PARENT train_ID0000001 CHILD predict_ID0000002
"""
STAGED = """\
1677913788 INTERNAL *** DAGMAN_STARTED 7.0 ***
1677913789 stage_in_local_0 SUBMIT 8.0 local - 1
1677913793 stage_in_local_0 EXECUTE 8.0 local - 1
1677913796 stage_in_local_0 JOB_TERMINATED 8.0 local - 1
1677913799 stage_in_local_0 JOB_SUCCESS 0 local - 1
1677913804 stage_in_local_0 POST_SCRIPT_SUCCESS 0 local - 1
"""
FLAKY = """\
1677913809 train_ID0000001 SUBMIT 9.0 condorpool - 2
1677913859 train_ID0000001 EXECUTE 9.0 condorpool - 2
1677913860 train_ID0000001 JOB_TERMINATED 9.0 condorpool - 2
1677913864 train_ID0000001 JOB_FAILURE 2 condorpool - 2
1677913864 train_ID0000001 POST_SCRIPT_STARTED 9.0 condorpool - 2
1677913869 train_ID0000001 POST_SCRIPT_FAILURE 1 condorpool - 2
1677913874 train_ID0000001 SUBMIT 10.0 condorpool - 3
1677913875 train_ID0000001 EXECUTE 10.0 condorpool - 3
1677913879 train_ID0000001 JOB_TERMINATED 10.0 condorpool - 3
1677913880 train_ID0000001 JOB_SUCCESS 0 condorpool - 3
1677913884 train_ID0000001 POST_SCRIPT_SUCCESS 0 condorpool - 3
"""
PREDICTED = """\
1677913890 predict_ID0000002 SUBMIT 11.0 condorpool - 4
1677913891 predict_ID0000002 EXECUTE 11.0 condorpool - 4
1677913895 predict_ID0000002 JOB_SUCCESS 0 condorpool - 4
1677913896 predict_ID0000002 POST_SCRIPT_SUCCESS 0 condorpool - 4
"""
END = "1677913900 INTERNAL *** DAGMAN_FINISHED {} ***\n1677913901 INTERNAL *** MONITORD_FINISHED 0 ***\n"
SUB = """\
# PEGASUS WMS GENERATED SUBMIT FILE
executable = /home/ada/train_ID0000001.sh
request_memory = 4096
request_cpus = ifthenelse(isundefined(DAGNodeRetry), 1, 2)
+pegasus_wf_xformation = "ml::train:1.0"
+pegasus_wf_dax_job_id = "ID0000001"
+pegasus_site = "condorpool"
+pegasus_cores = 1
+pegasus_gpus = 1
queue
"""


def kickstart(code: int = 0, extra: str = "") -> str:
    """One invocation, as pegasus-kickstart 5.0.5 writes it."""
    return f"""\
- invocation: True
  version: 3.0
  start: 2023-03-03T23:11:00.546-08:00
  duration: 0.102
  transformation: "ml::train:1.0"
  derivation: "ID0000001"
  hostname: node7
  umask: 0o0022
  mainjob:
    start: 2023-03-03T23:11:00.645-08:00
    duration: 2.500
    usage:
      utime: 1.250
      stime: 0.250
      maxrss: 2696
      inblock: 10
      outblock: 8
    status:
      raw: {code * 256}
      regular_exitcode: {code}
    executable:
      file_name: /usr/bin/train
      mode: 0o100755
    argument_vector:
      - "-o"
      - "model.h5"
    procs:
  files:
    model.h5:
      lfn: "model.h5"
      size: 42
      output: True
      sha256: {"e" * 64}
    stderr:
      size: 74
      data: |
        no such option: -z
  environment:
    "SLURM_JOB_ID": "4711"
    "SECRET_TOKEN": "hunter2hunter2"
{extra}"""


def submit_dir(folder: Path, states: str | None = STAGED + FLAKY + PREDICTED + END.format(0), **changes: str | None) -> Path:
    """A whole submit directory; changes: file name (dots and slashes as they are) → text, None leaves it out."""
    texts: dict[str, str | None] = {
        "braindump.yml": BRAINDUMP,
        "workflow.yml": WORKFLOW,
        "catalogs/transformations.yml": TRANSFORMATIONS,
        "catalogs/sites.yml": "pegasus: 5.0.4\n",
        "demo-0.dag": DAG,
        "jobstate.log": states,
        "00/00/train_ID0000001.sub": SUB,
        "00/00/train_ID0000001.out.000": kickstart(2),
        "00/00/train_ID0000001.out.001": "Lmod loaded\n"
        + kickstart()
        + "---------------pegasus-multipart\n- integrity_summary:\n",
        "00/00/train_ID0000001.err.001": "2023-03-04: PegasusLite\n[Container] Launching user task\n",
        **changes,
    }
    for name, text in texts.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folder


TABLES: dict[str, tuple[str, ...]] = {
    "dbversion": ("version_number",),
    "workflow": tuple(
        "wf_id wf_uuid timestamp submit_hostname submit_dir planner_arguments user planner_version dax_label dax_file parent_wf_id root_wf_id".split()
    ),
    "workflowstate": ("wf_id", "state", "timestamp", "restart_count", "status"),
    "workflow_meta": ("wf_id", "key", "value"),
    "host": ("host_id", "wf_id", "hostname"),
    "job": ("job_id", "wf_id", "exec_job_id", "type_desc", "clustered", "max_retries", "task_count"),
    "job_edge": ("wf_id", "parent_exec_job_id", "child_exec_job_id"),
    "job_instance": (
        "job_instance_id",
        "job_id",
        "host_id",
        "job_submit_seq",
        "sched_id",
        "site",
        "subwf_id",
        "multiplier_factor",
        "exitcode",
    ),
    "jobstate": ("job_instance_id", "state", "timestamp", "jobstate_submit_seq", "reason"),
    "task": ("task_id", "wf_id", "job_id", "abs_task_id", "transformation", "argv", "type_desc"),
    "invocation": tuple(
        "wf_id job_instance_id task_submit_seq start_time remote_duration remote_cpu_time exitcode transformation maxrss avg_cpu".split()
    ),
    "rc_lfn": ("lfn_id", "lfn"),
    "rc_meta": ("lfn_id", "key", "value"),
}


def stampede(path: Path, rows: Mapping[str, Sequence[Row]], tables: Mapping[str, tuple[str, ...]] = TABLES) -> Path:
    return database(path, {"dbversion": [{"version_number": 14}], "workflow": [row()], **rows}, tables)


def row(**changes: object) -> Row:
    base = {"wf_id": 1, "wf_uuid": UUID, "timestamp": 1677913774, "submit_dir": HOME, "user": "ada", "planner_version": "5.0.5"}
    return {**base, "dax_label": "demo", "root_wf_id": 1, **changes}


def ended(status: int, wf_id: int = 1) -> list[Row]:
    return [
        {"wf_id": wf_id, "state": "WORKFLOW_STARTED", "timestamp": 1677913788, "status": None},
        {"wf_id": wf_id, "state": "WORKFLOW_TERMINATED", "timestamp": 1677913884, "status": status},
    ]


JOBS = {
    "job": [
        {"job_id": 1, "wf_id": 1, "exec_job_id": "train_ID0000001", "type_desc": "compute", "clustered": 0, "max_retries": 2},
        {"job_id": 2, "wf_id": 1, "exec_job_id": "stage_out_0", "type_desc": "stage-out-tx", "clustered": 0, "max_retries": 1},
    ],
    "job_edge": [{"wf_id": 1, "parent_exec_job_id": "train_ID0000001", "child_exec_job_id": "stage_out_0"}],
    "task": [
        {
            "task_id": 1,
            "wf_id": 1,
            "job_id": 1,
            "abs_task_id": "ID0000001",
            "transformation": "ml::train:1.0",
            "argv": "-o model.h5",
        }
    ],
    "host": [{"host_id": 1, "wf_id": 1, "hostname": "node7"}],
    "job_instance": [
        {
            "job_instance_id": 1,
            "job_id": 1,
            "host_id": 1,
            "job_submit_seq": 1,
            "sched_id": "9.0",
            "site": "pool",
            "exitcode": 256,
        },
        {"job_instance_id": 2, "job_id": 1, "host_id": 1, "job_submit_seq": 2, "sched_id": "10.0", "site": "pool", "exitcode": 0},
    ],
    "jobstate": [
        {"job_instance_id": 1, "state": s, "timestamp": 1677913800 + n, "jobstate_submit_seq": n}
        for n, s in enumerate(("SUBMIT", "EXECUTE", "JOB_FAILURE", "POST_SCRIPT_FAILURE"))
    ]
    + [
        {"job_instance_id": 2, "state": s, "timestamp": 1677913810 + n, "jobstate_submit_seq": 10 + n}
        for n, s in enumerate(("SUBMIT", "EXECUTE", "JOB_SUCCESS", "POST_SCRIPT_SUCCESS"))
    ],
    "invocation": [
        {
            "wf_id": 1,
            "job_instance_id": 1,
            "task_submit_seq": 1,
            "start_time": 1677913801,
            "remote_duration": 0.5,
            "exitcode": 512,
        },
        {
            "wf_id": 1,
            "job_instance_id": 1,
            "task_submit_seq": -2,
            "start_time": 1677913804,
            "remote_duration": 9,
            "exitcode": 256,
        },
        {
            "wf_id": 1,
            "job_instance_id": 2,
            "task_submit_seq": 1,
            "start_time": 1677913811,
            "remote_duration": 2.5,
            "remote_cpu_time": 1.5,
            "exitcode": 0,
            "maxrss": 2696,
        },
        {"wf_id": 1, "job_instance_id": 2, "task_submit_seq": -2, "start_time": 1677913815, "remote_duration": 99, "exitcode": 0},
    ],
}
