"""How does a Dask cluster make a manifest? Tasks as futures, a bounded number at a time; Dask gives a dead worker's to another one.

Without a scheduler's address a cluster is started for this one manifest, on this machine or as Slurm jobs, with a certificate of its
own: a scheduler without one runs whatever anybody on the machine sends it. Needs the extra `dask`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from itertools import islice
from typing import Any

from auditor.home import find
from auditor.model import AuditError
from probes.manifest.chunk import Looker
from probes.manifest.content import Content
from probes.manifest.look import Engine, Wish
from probes.manifest.rows import Skip
from probes.manifest.task import Task, nothing
from probes.manifest.throttle import Throttle

NAMES = 4000
"""In one future; one of fewer takes longer to be told than to be done."""
AHEAD = 4
CONNECT = "20s"
PATIENCE = 60.0


def engine(scheduler: str, slurm: bool, workers: int, options: Sequence[str]) -> Engine:
    """scheduler: its address, or "" for a cluster of our own of `workers`, on Slurm with these sbatch options. Raises AuditError."""
    dask, names = _module("dask.config"), ("distributed", "cryptography", *(["dask_jobqueue"] if slurm else []))
    for name in names:
        _module(name)
    if scheduler and slurm:
        raise AuditError("--scheduler names a cluster, --slurm starts one", "give one of them")

    def run(
        wish: Wish, seconds: float, tasks: Iterator[Task], done: Callable[[bytes], None], heard: Callable[[int], None]
    ) -> None:
        first = next(tasks, None)
        if first is None:
            return
        with ExitStack() as stack, dask.set({"distributed.comm.timeouts.connect": CONNECT}):
            client = _client(stack, scheduler, slurm, workers, options)
            _drive(client, wish, seconds, _chain(first, tasks), done)

    return run


def _module(name: str) -> Any:
    """An optional package, untyped. Raises AuditError."""
    try:
        return import_module(name)
    except ImportError as error:
        raise AuditError(f"{name.partition('.')[0]} is not here: {error}", "pip install 'run-auditor[dask]'") from error


def _client(stack: ExitStack, scheduler: str, slurm: bool, workers: int, options: Sequence[str]) -> Any:
    Client = _module("distributed").Client
    try:
        address = scheduler or stack.enter_context(_slurm(stack, workers, options) if slurm else _local(workers))
        client = stack.enter_context(Client(address, set_as_default=False))
        client.wait_for_workers(1, timeout=PATIENCE * (10 if slurm else 1))
    except (OSError, TimeoutError, ValueError) as error:
        hint = "is the address right, and does it have workers?" if scheduler else "see the log of its workers"
        raise AuditError(f"no Dask cluster to work with: {error or type(error).__name__}", hint) from error
    return client


def _local(workers: int) -> Any:
    distributed = _module("distributed")
    security = distributed.Security.temporary()
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None, security=security,
        protocol="tls://", silence_logs=50,
    )  # fmt: skip


def _slurm(stack: ExitStack, workers: int, options: Sequence[str]) -> Any:
    """The workers find its certificate in a folder that the nodes share with us."""
    own = find()
    if own is None:
        raise AuditError("there is no folder that the nodes share with us", "export AUDITOR_HOME=/a/shared/folder")
    os.makedirs(own.hashes, mode=0o700, exist_ok=True)
    shared = stack.enter_context(tempfile.TemporaryDirectory(prefix="dask-", dir=own.hashes))
    security = _module("distributed").Security.temporary()
    cluster = _module("dask_jobqueue").SLURMCluster(
        cores=1, processes=1, memory="1GB", job_extra_directives=list(options), security=security, protocol="tls://",
        shared_temp_directory=shared, log_directory=shared, scheduler_options={"dashboard_address": None}, silence_logs="critical",
    )  # fmt: skip
    stack.callback(_close_certificates, cluster)
    cluster.scale(jobs=workers)
    return cluster


def _close_certificates(cluster: Any) -> None:
    """The files that dask-jobqueue would remove when the program ends: then their folder is gone, and each says so with a traceback."""
    for name in ("ca_file", "cert", "key"):
        if file := getattr(cluster, f"_job_{name}", None):
            file.close()


def _drive(client: Any, wish: Wish, seconds: float, tasks: Iterator[Task], done: Callable[[bytes], None]) -> None:
    end = time.monotonic() + seconds
    batches = _batches(tasks)
    given: dict[str, list[bytes]] = {}

    def give(raws: list[bytes]) -> Any:
        share = wish.rate / max(1, len(client.ncores()))
        left = max(0.0, end - time.monotonic())
        future = client.submit(look, raws, wish.algorithms, share, left, wish.sample_above, pure=False, retries=2)
        given[future.key] = raws
        return future

    cores = max(1, sum(client.ncores().values()))
    waiting = _module("distributed").as_completed([give(raws) for raws in islice(batches, AHEAD * cores)], loop=client.loop)
    for future in waiting:
        raws = given.pop(future.key)
        for answer in _answers(future, raws):
            done(answer)
        if (more := next(batches, None)) is not None:
            waiting.add(give(more))


def _answers(future: Any, raws: list[bytes]) -> list[bytes]:
    """What came back; of a task that killed worker after worker, that nobody answered."""
    error = future.exception()
    if error is None:
        found: list[bytes] = future.result()
        return found
    if isinstance(error, _module("distributed").KilledWorker):
        return [nothing(Task.unpack(raw), Skip.WORKER).pack() for raw in raws]
    if isinstance(error, ImportError):
        raise AuditError(f"the workers have no auditor: {error}", "install run-auditor in their environment, too")
    raise error


def look(raws: list[bytes], algorithms: tuple[str, ...], rate: float, seconds: float, sample_above: int) -> list[bytes]:
    """On a worker: one answer a task."""
    throttle = Throttle(rate)
    content = Content(algorithms, throttle, time.monotonic() + seconds)
    looker = Looker(content, sample_above)
    try:
        return [looker.look(Task.unpack(raw)).pack() for raw in raws]
    finally:
        content.close()
        throttle.close()


def _batches(tasks: Iterator[Task]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    names = 0
    for task in tasks:
        some.append(task.pack())
        names += task.files
        if names >= NAMES or len(some) >= 500:
            yield some
            some, names = [], 0
    if some:
        yield some


def _chain(first: Task, rest: Iterator[Task]) -> Iterator[Task]:
    yield first
    yield from rest
