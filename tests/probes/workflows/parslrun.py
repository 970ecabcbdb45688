"""How does a test write a Parsl run down? The tables of `monitoring.db` (2026.10) and the lines of `parsl.log`, with what this test changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

RUN = "1a315eda-f506-4571-9608-e72ce262b8f5"
TABLES: dict[str, tuple[str, ...]] = {
    "workflow": tuple(
        "run_id workflow_name workflow_version time_began time_completed host user rundir tasks_failed_count tasks_completed_count".split()
    ),
    "task": tuple(
        """task_id run_id task_depends task_func_name task_memoize task_hashsum task_inputs task_outputs task_stdin task_stdout task_stderr
        task_time_invoked task_time_returned task_fail_count task_fail_cost""".split()
    ),
    "try": tuple(
        """try_id task_id run_id block_id hostname task_executor task_try_time_launched task_try_time_running task_try_time_returned
        task_fail_history task_joins""".split()
    ),
    "status": ("task_id", "task_status_name", "timestamp", "run_id", "try_id"),
    "node": ("run_id", "hostname", "block_id", "cpu_count", "total_memory", "active", "worker_count", "python_v"),
    "block": ("run_id", "executor_label", "block_id", "job_id", "timestamp", "status"),
    "resource": tuple(
        """try_id task_id run_id timestamp psutil_process_time_user psutil_process_time_system psutil_process_memory_resident
        psutil_process_disk_read psutil_process_disk_write""".split()
    ),
}
Row = Mapping[str, Any]


def at(second: float) -> str:
    """A clock reading of the run's machine, which is one hour before UTC."""
    return f"2026-11-23 22:29:{second:09.6f}"


def workflow(**changes: Any) -> Row:
    base = {
        "run_id": RUN,
        "workflow_name": "campaign.py",
        "time_began": at(0),
        "time_completed": at(30),
        "host": "login1",
        "user": "ada",
    }
    return {**base, "rundir": "/home/ada/project/runinfo/000", "tasks_failed_count": 0, "tasks_completed_count": 1, **changes}


def task(number: int, name: str, **changes: Any) -> Row:
    return {
        "task_id": number,
        "run_id": RUN,
        "task_func_name": name,
        "task_depends": "",
        "task_memoize": "0",
        "task_stdout": "",
        **changes,
    }


def tried(number: int, attempt: int = 0, **changes: Any) -> Row:
    base = {"try_id": attempt, "task_id": number, "run_id": RUN, "block_id": "0", "hostname": "node1", "task_executor": "sim"}
    times = {"task_try_time_launched": at(1), "task_try_time_running": at(2), "task_try_time_returned": at(4.5)}
    return {**base, **times, "task_fail_history": "", "task_joins": None, **changes}


def status(number: int, *names: str, attempt: int = 0) -> list[Row]:
    return [
        {"task_id": number, "task_status_name": n, "timestamp": at(1 + i), "run_id": RUN, "try_id": attempt}
        for i, n in enumerate(names)
    ]


def sample(number: int, cpu: float, memory: float, read: float, written: float, attempt: int = 0) -> Row:
    counters = {"psutil_process_time_user": cpu, "psutil_process_time_system": 0.5, "psutil_process_memory_resident": memory}
    return {
        "try_id": attempt,
        "task_id": number,
        "run_id": RUN,
        "timestamp": at(3),
        **counters,
        "psutil_process_disk_read": read,
        "psutil_process_disk_write": written,
    }


def database(path: Path, rows: Mapping[str, Sequence[Row]], tables: Mapping[str, tuple[str, ...]] = TABLES) -> Path:
    """A database with these rows, of which each table has the columns of `tables`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, columns in tables.items():
            connection.execute(f'create table "{table}" ({", ".join(columns)})')
            for row in rows.get(table, ()):
                names = [c for c in columns if c in row]
                marks = ", ".join("?" * len(names))
                connection.execute(f'insert into "{table}" ({", ".join(names)}) values ({marks})', [row[n] for n in names])
    return path


def file(path: str, scheme: str = "file", extra: str = "") -> str:
    """The repr of a Parsl File."""
    url = path if scheme == "file" else f"{scheme}://host{path}"
    name = path.rsplit("/", 1)[-1]
    return f"<File at 0x7fec90563690 url={url} scheme={scheme} netloc= path={path} filename={name}{extra}>"


CONFIG = """\
Config(
    dependency_resolver=None,
    executors=(HighThroughputExecutor(
        available_accelerators=['0', '1'],
        block_error_handler=<function simple_error_handler at 0x7fec906647c0>,
        cores_per_worker=4.0,
        label='sim',
        launch_cmd='process_worker_pool.py {debug} -a {addresses} (x, y=1)',
        max_workers_per_node=2,
        mem_per_worker=1.5,
        provider=SlurmProvider(
            cmd_timeout=30,
            launcher=SrunLauncher(debug=True, overrides=''),
            max_blocks=3,
            nodes_per_block=2,
            partition='gpu',
            worker_init='module load cuda/12.1\\nsource /home/ada/venv/bin/activate'
        ),
        remote_monitoring_radio=HTEXRadio()
    ), ThreadPoolExecutor(
        label='train',
        max_threads=5
    )),
    memoizer=<parsl.dataflow.memoization.BasicMemoizer object at 0x7fec909622d0>,
    monitoring=MonitoringHub(
        resource_monitoring_interval=1
    ),
    retries=2,
    run_dir='runinfo'
)
""".replace(",\n", ", \n")  # as Parsl has it


def line(second: float, text: str, level: str = "INFO") -> str:
    """A line of the log: the epoch, and the clock of a zone one hour before UTC."""
    return f"{1795469340 + second:.6f} {at(second)[:19]} MainProcess-1 MainThread-2 parsl.dataflow.dflow:1 x {level}: {text}\n"


def log(*lines: str, config: str = CONFIG, end: bool = True) -> str:
    head = (
        line(0, "Starting DataFlowKernel with config")
        + config
        + line(0, "Parsl version: 2026.10.26")
        + line(0, f"Run id is: {RUN}")
    )
    script = line(0, "Considering candidate for workflow name: /home/ada/project/campaign.py", "DEBUG")
    info = line(0, "Workflow startup information: {'rundir': '/home/ada/project/runinfo/000', 'user': 'ada'}")
    return head + script + info + "".join(lines) + (line(30, "Workflow shutdown information: {}") if end else "")
