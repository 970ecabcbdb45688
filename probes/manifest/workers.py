"""How do several processes of this machine share a stream of tasks? Forked, because on five-microsecond system calls threads only wait.

Each worker has one socket; it is given the next tasks when it has answered. A worker that dies loses nothing: its tasks go to another one.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from probes.manifest.chunk import Looker
from probes.manifest.rows import Skip
from probes.manifest.task import Answer, Task, nothing

Make = Callable[[Callable[[int], None]], Looker]
"""Makes a worker's Looker, given whom it should tell of bytes read within a large file."""
_HEAD = struct.Struct("<BI")
_TASK, _ANSWER, _BYTES = 1, 2, 3
_AHEAD = 2
_MESSAGE_NAMES = 500
_TRIES = 2


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def serial(make: Make, tasks: Iterator[Task], done: Callable[[bytes], None], heard: Callable[[int], None]) -> None:
    """Every task in this process."""
    looker = make(heard)
    try:
        for task in tasks:
            done(looker.look(task).pack())
    finally:
        looker.content.close()


def share(make: Make, workers: int, tasks: Iterator[Task], done: Callable[[bytes], None], heard: Callable[[int], None]) -> None:
    """The same in `workers` processes; `done` and `heard` are called in this one, answers in any order."""
    if workers < 2 or threading.active_count() > 1:  # a fork would copy the locks of other threads
        serial(make, tasks, done, heard)
        return
    pool = _Pool(make, tasks, done, heard)
    try:
        pool.run(workers)
    finally:
        pool.end()


@dataclass
class _Worker:
    pid: int
    link: socket.socket
    out: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)
    busy: deque[bytes] = field(default_factory=deque)
    """Tasks it was given and has not answered, in order."""


class _Pool:
    def __init__(self, make: Make, tasks: Iterator[Task], done: Callable[[bytes], None], heard: Callable[[int], None]) -> None:
        self.make, self.tasks, self.done, self.heard = make, tasks, done, heard
        self.workers: list[_Worker] = []
        self.again: deque[bytes] = deque()
        self.deaths: dict[bytes, int] = {}
        self.selector = selectors.DefaultSelector()
        self.exhausted = False

    def run(self, workers: int) -> None:
        for _ in range(workers):
            self._start()
        while True:
            for worker in self.workers:
                self._feed(worker)
            if not any(w.busy for w in self.workers):
                return
            for key, events in self.selector.select():
                if events & selectors.EVENT_WRITE:
                    self._send(key.data)
                if events & selectors.EVENT_READ:
                    self._receive(key.data)

    def end(self) -> None:
        self.selector.close()
        for worker in self.workers:
            worker.link.close()
            if worker.busy:
                os.kill(worker.pid, signal.SIGKILL)  # only on our way out of an interruption
            os.waitpid(worker.pid, 0)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                ours.close()
                for worker in self.workers:
                    worker.link.close()
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells us as well
                _serve(theirs, self.make)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        ours.setblocking(False)
        worker = _Worker(pid, ours)
        self.workers.append(worker)
        self.selector.register(ours, selectors.EVENT_READ, worker)

    def _feed(self, worker: _Worker) -> None:
        while len(worker.busy) < _AHEAD or sum(map(len, worker.busy)) < 1 << 14:
            raw = self._next()
            if raw is None:
                break
            worker.busy.append(raw)
            worker.out += _HEAD.pack(_TASK, len(raw)) + raw
        if worker.out:
            self._send(worker)

    def _next(self) -> bytes | None:
        if self.again:
            return self.again.popleft()
        task = None if self.exhausted else next(self.tasks, None)
        self.exhausted = task is None
        return task.pack() if task else None

    def _send(self, worker: _Worker) -> None:
        try:
            del worker.out[: worker.link.send(worker.out)]
        except BlockingIOError:
            pass
        except OSError:
            worker.out.clear()  # it is gone; reading from it will tell
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.out else 0)
        self.selector.modify(worker.link, wanted, worker)

    def _receive(self, worker: _Worker) -> None:
        try:
            part = worker.link.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self._bury(worker)
            return
        heard, at = worker.heard, 0
        heard += part
        while len(heard) - at >= _HEAD.size:
            kind, size = _HEAD.unpack_from(heard, at)
            end = at + _HEAD.size + size
            if len(heard) < end:
                break
            body = bytes(memoryview(heard)[at + _HEAD.size : end])
            at = end
            if kind == _BYTES:
                self.heard(int.from_bytes(body, "little"))
            else:
                worker.busy.popleft()
                self.done(body)
        del heard[:at]

    def _bury(self, worker: _Worker) -> None:
        """Its tasks go to others; a task that killed two workers is answered by nobody."""
        self.selector.unregister(worker.link)
        worker.link.close()
        os.waitpid(worker.pid, 0)
        self.workers.remove(worker)
        for n, raw in enumerate(worker.busy):
            deaths = self.deaths[raw] = self.deaths.get(raw, 0) + (n == 0)
            if deaths >= _TRIES:
                self.done(nothing(Task.unpack(raw), Skip.WORKER).pack())
            else:
                self.again.append(raw)
        self._start()


def _serve(link: socket.socket, make: Make) -> None:
    def tell(count: int) -> None:
        link.sendall(_HEAD.pack(_BYTES, 8) + count.to_bytes(8, "little"))

    looker = make(tell)
    with link.makefile("rb", buffering=1 << 18) as tasks:
        while head := tasks.read(_HEAD.size):
            _, size = _HEAD.unpack(head)
            answer: Answer = looker.look(Task.unpack(tasks.read(size)))
            raw = answer.pack()
            link.sendall(_HEAD.pack(_ANSWER, len(raw)) + raw)
