"""What does a Dask scheduler do while it runs? This file is loaded into it (a preload) and writes JSON lines: by itself Dask leaves nothing.

It runs in the user's own interpreter (3.8 or later): standard library and Dask only, and no accident of ours may reach the scheduler.
https://distributed.dask.org/en/stable/plugins.html. The lines are read by probes/workflows/dask_log.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from typing import Any

MAX_BYTES = 64 << 20
"""Of one log; moves beyond it are only counted."""
MAX_TEXT = 500
MAX_NEEDS = 200
BEAT_SECONDS = 30.0
MAX_SAMPLED = 50
"""Workers whose memory is looked at in each beat."""


def dask_setup(scheduler: Any) -> None:
    """Called by Dask when the scheduler has started."""
    try:
        folder = globals().get("AUDITOR_ATTACH_TO", "")
        if folder:
            scheduler.add_plugin(_plugin(scheduler, _Log(folder)))
    except Exception:  # noqa: BLE001  # the run goes on without a record
        pass


class _Log:
    """A file that only its owner reads, of a bounded size."""

    def __init__(self, folder: str) -> None:
        # one run may start several schedulers, on several nodes
        job, node = os.environ.get("SLURM_JOB_ID", "0"), os.uname().nodename
        path = os.path.join(folder, f"dask-{job}-{node}-{os.getpid()}-{time.time_ns()}.jsonl")
        os.makedirs(folder, 0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self.fd = os.open(path, flags, 0o600)
        self.left, self.dropped = MAX_BYTES, 0
        self.counts: dict[str, int] = {}

    def say(self, what: str, must: bool = False, **facts: Any) -> None:
        """One line, in one write: a killed run keeps all lines. must: also where the log is full."""
        told = {k: v for k, v in facts.items() if v is not None}
        line = json.dumps({"what": what, "t": round(time.time(), 6), **told}, default=_text).encode("utf-8", "replace") + b"\n"
        if self.fd < 0 or (len(line) > self.left and not must):
            self.dropped += 1
            return
        self.left -= len(line)
        try:
            os.write(self.fd, line)
        except OSError:  # a full disk: no further try
            self.close()

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def _plugin(scheduler: Any, log: _Log) -> Any:
    import dask
    import distributed
    from distributed.diagnostics.plugin import SchedulerPlugin
    from tornado.ioloop import PeriodicCallback

    class Auditor(SchedulerPlugin):
        name = "auditor-attach"

        def __init__(self) -> None:
            self.known: set[Any] = set()
            self.heart = PeriodicCallback(self.beat, BEAT_SECONDS * 1000)

        def transition(self, key: Any, start: str, finish: str, *args: Any, stimulus_id: str = "", **kwargs: Any) -> None:
            try:
                self._moved(key, f"{start}>{finish}", stimulus_id, kwargs)
            except Exception:  # noqa: BLE001
                log.dropped += 1

        def _moved(self, key: Any, move: str, stimulus: str, kwargs: dict[str, Any]) -> None:
            log.counts[move] = log.counts.get(move, 0) + 1
            if move.endswith(">forgotten"):  # housekeeping
                self.known.discard(key)
                return
            task, facts = scheduler.tasks.get(key), {}
            if key not in self.known and task is not None:
                self.known.add(key)
                facts = _asked(task)
            if move.startswith("processing>") or move.endswith(">erred"):
                facts.update(_done(kwargs, task))
            elif move.endswith(">processing") and task is not None and task.processing_on is not None:
                facts["worker"] = task.processing_on.address
            log.say("task", key=_key(key), move=move, stimulus=_text(stimulus), **facts)

        def beat(self) -> None:
            """The scheduler is alive, and its workers are so full."""
            try:
                log.say("beat", must=True, workers=len(scheduler.workers))
                self._sample()
            except Exception:  # noqa: BLE001
                log.close()

        def _sample(self) -> None:
            for worker in list(scheduler.workers.values())[:MAX_SAMPLED]:
                log.say("sample", **_worker(worker))

        def add_worker(self, scheduler: Any = None, worker: Any = None, **kwargs: Any) -> None:
            self._happened("worker+", worker)

        def remove_worker(self, scheduler: Any = None, worker: Any = None, **kwargs: Any) -> None:
            self._happened("worker-", worker)

        def _happened(self, what: str, address: Any) -> None:
            try:
                state = scheduler.workers.get(address)
                log.say(what, **(_worker(state) if state is not None else {"worker": _text(address)}))
            except Exception:  # noqa: BLE001
                log.dropped += 1

        def update_graph(self, scheduler: Any = None, **kwargs: Any) -> None:
            try:
                log.say("graph", tasks=len(kwargs.get("tasks") or kwargs.get("keys") or ()), wanted=len(kwargs.get("keys") or ()))
            except Exception:  # noqa: BLE001
                log.dropped += 1

        async def before_close(self) -> None:
            self._end()

        async def close(self) -> None:
            self._end()

        def _end(self) -> None:
            try:
                self.heart.stop()
                if log.fd >= 0:
                    self._sample()
                    log.say("end", must=True, counts=log.counts, dropped=log.dropped)
                log.close()
            except Exception:  # noqa: BLE001
                log.close()

    _begin(log, scheduler, getattr(dask, "__version__", ""), getattr(distributed, "__version__", ""))
    for worker in list(scheduler.workers.values()):
        log.say("worker+", **_worker(worker))
    plugin = Auditor()
    plugin.heart.start()
    return plugin


def _begin(log: _Log, scheduler: Any, dask: str, distributed: str) -> None:
    log.say(
        "begin",
        must=True,
        version=1,
        dask=dask,
        distributed=distributed,
        python=".".join(map(str, sys.version_info[:3])),
        host=os.uname().nodename,
        pid=os.getpid(),
        cwd=os.getcwd(),
        run=os.environ.get("AUDIT_RUN_ID"),
        job=os.environ.get("SLURM_JOB_ID"),
        scheduler=_text(scheduler.id),
        program=_text(sys.argv[0] if sys.argv else ""),
    )


def _asked(task: Any) -> dict[str, Any]:
    needs = [_key(d.key) for d, _ in zip(task.dependencies, range(MAX_NEEDS))]  # noqa: B905  # `strict` is younger than some interpreters
    facts: dict[str, Any] = {"prefix": _text(task.prefix.name) if task.prefix is not None else None, "needs": needs or None}
    if task.resource_restrictions:
        facts["resources"] = {_text(k): float(v) for k, v in task.resource_restrictions.items()}
    if task.retries:
        facts["retries"] = int(task.retries)
    return facts


def _done(kwargs: dict[str, Any], task: Any) -> dict[str, Any]:
    spans = [
        [s.get("action"), round(s.get("start", 0), 6), round(s.get("stop", 0), 6)]
        for s in list(kwargs.get("startstops") or ())[:20]
    ]
    facts = {"worker": kwargs.get("worker"), "nbytes": kwargs.get("nbytes"), "spans": spans or None}
    if task is not None and isinstance(task.type, str):
        facts["type"] = _text(task.type)
    if "exception_text" in kwargs:
        facts["error"] = _text(kwargs["exception_text"])
    return facts


def _worker(state: Any) -> dict[str, Any]:
    metrics = state.metrics or {}
    spilled = metrics.get("spilled_bytes")
    return {
        "worker": state.address,
        "name": _text(state.name),
        "threads": state.nthreads,
        "memory": state.memory_limit,
        "used": metrics.get("memory"),
        "spilled": spilled.get("disk") if isinstance(spilled, dict) else None,
        "resources": {_text(k): v for k, v in dict(state.resources or {}).items()} or None,
    }


def _text(value: Any) -> str:
    return str(value)[:MAX_TEXT]


def _key(key: Any) -> str:
    """A task's key as text; of a long one the beginning, and what tells it from others."""
    text = str(key)
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT - 20]}#{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
