"""How do several processes of this machine share a stream of tasks? Forked, because on five-microsecond system calls threads only wait.

Each worker has one socket; it is given the next tasks when it has answered. A worker that dies loses nothing: its tasks go to another one.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator

Make = Callable[[Callable[[int], None]], Callable[[bytes], bytes]]
"""Makes what answers a worker's tasks, given whom it should tell of bytes read within a large file."""
Done = Callable[[bytes, bytes], None]
"""Is given a task and its answer."""
_HEAD = struct.Struct("<BI")
_TASK, _ANSWER, _BYTES = 1, 2, 3
_AHEAD = 2
_MESSAGE_NAMES = 500
_TRIES = 2


def share(
    make: Make, workers: int, tasks: Iterator[bytes], done: Done, heard: Callable[[int], None], lost: Callable[[bytes], bytes]
) -> None:
    """Every task answered in one of `workers` processes; `done` and `heard` are called in this one, in any order.

    lost: the answer to a task that killed worker after worker.
    """
    pool = _Pool(make, tasks, done, heard, lost)
    try:
        pool.run(workers)
    finally:
        pool.end()


class _Worker:
    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid, self.link = pid, link
        self.out, self.heard = bytearray(), bytearray()
        self.busy: deque[bytes] = deque()
        """Tasks it was given and has not answered, in order."""


class _Pool:
    def __init__(
        self, make: Make, tasks: Iterator[bytes], done: Done, heard: Callable[[int], None], lost: Callable[[bytes], bytes]
    ) -> None:
        self.make, self.tasks, self.done, self.heard, self.lost = make, tasks, done, heard, lost
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
        return task

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
                self.done(worker.busy.popleft(), body)
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
                self.done(raw, self.lost(raw))
            else:
                self.again.append(raw)
        self._start()


def _serve(link: socket.socket, make: Make) -> None:
    def tell(count: int) -> None:
        link.sendall(_HEAD.pack(_BYTES, 8) + count.to_bytes(8, "little"))

    answer = make(tell)
    with link.makefile("rb", buffering=1 << 18) as tasks:
        while head := tasks.read(_HEAD.size):
            _, size = _HEAD.unpack(head)
            raw = answer(tasks.read(size))
            link.sendall(_HEAD.pack(_ANSWER, len(raw)) + raw)
