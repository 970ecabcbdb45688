"""How do several processes share the hashing? Processes, not threads: on five-microsecond system calls the interpreter's lock only
costs.

The list of batches lies in memory from before the fork; the next batch's number is read from one file whose offset all workers
share. Each worker answers through its own pipe. Nothing survives the call, whatever happens in it.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from probes.manifest.answers import Answer, Batch, unanswered
from probes.manifest.hashing import Hasher, serial

if TYPE_CHECKING:
    from auditor.world import World

FILES_WORTH_A_PROCESS = 30_000
_NUMBER = struct.Struct("<I")
_HEAD = struct.Struct("<II")
_COUNT = 0xFFFFFFFF
"""In the place of a batch's number: what follows are bytes read."""
_NUMBER64 = struct.Struct("<Q")
Done = Callable[[int, bytes], None]


class Reading(NamedTuple):
    """How to read. deadline: of time.monotonic(); world: whose memory is used, None: nobody's.

    heard: called with bytes read of large files, before they are done.
    """

    deadline: float
    world: World | None = None
    heard: Callable[[int], None] | None = None


def hash_batches(batches: Sequence[Batch], reading: Reading, budget: int, done: Done, workers: int = 0) -> None:
    """Call `done(index, records)` once for every batch, in any order. workers 0: as many as it is worth.

    budget: bytes that may be read in all. One process where the caller has threads: a fork would copy their locks.
    """
    files = sum(len(b.names) for b in batches)
    workers = workers or min(cores(), max(1, files // (FILES_WORTH_A_PROCESS // 2)))
    if workers < 2 or len(batches) < 2 or threading.active_count() > 1 or not hasattr(os, "memfd_create"):
        serial(batches, Hasher(budget, reading.deadline, reading.world, reading.heard), reading.deadline, done)
        return
    _Pool(batches, reading, done).run(min(workers, len(batches)), budget)


def cores() -> int:
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


class _Pool:
    def __init__(self, batches: Sequence[Batch], reading: Reading, done: Done) -> None:
        self.batches, self.reading, self.done = batches, reading, done
        self.children: list[int] = []
        self.answered: set[int] = set()

    def run(self, workers: int, budget: int) -> None:
        with open(os.memfd_create("batches"), "w+b", buffering=0) as queue:
            queue.write(b"".join(_NUMBER.pack(n) for n in range(len(self.batches))))
            queue.seek(0)
            pipes: list[int] = []
            try:
                for _ in range(workers):
                    pipes.append(self._start(queue.fileno(), budget // workers, pipes))
                self._listen(pipes)
            finally:
                self._end(pipes)
        for index in set(range(len(self.batches))) - self.answered:  # a worker that was killed took these along
            self.done(index, unanswered(self.batches[index], Answer.UNREADABLE))

    def _start(self, queue: int, budget: int, others: Sequence[int]) -> int:
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            self.children.append(child)
            return reading
        status = 1
        try:
            for fd in (reading, *others):
                os.close(fd)
            hasher = Hasher(budget, self.reading.deadline, self.reading.world, lambda count: _say(writing, count))
            _work(self.batches, queue, writing, hasher)
            status = 0
        finally:
            os._exit(status)

    def _listen(self, pipes: Sequence[int]) -> None:
        with selectors.DefaultSelector() as selector:
            waiting = {fd: bytearray() for fd in pipes}
            for fd in pipes:
                selector.register(fd, selectors.EVENT_READ)
            while waiting:
                for key, _ in selector.select():
                    part = os.read(key.fd, 1 << 20)
                    if part:
                        waiting[key.fd] += part
                        self._take(waiting[key.fd])
                    else:
                        selector.unregister(key.fd)
                        del waiting[key.fd]

    def _take(self, heard: bytearray) -> None:
        at = 0
        while len(heard) - at >= _HEAD.size:
            index, size = _HEAD.unpack_from(heard, at)
            if len(heard) - at - _HEAD.size < size:
                break
            at += _HEAD.size
            if index == _COUNT:
                if self.reading.heard:
                    self.reading.heard(_NUMBER64.unpack_from(heard, at)[0])
            elif index not in self.answered:
                self.answered.add(index)
                self.done(index, bytes(heard[at : at + size]))
            at += size
        del heard[:at]

    def _end(self, pipes: Sequence[int]) -> None:
        for fd in pipes:
            os.close(fd)
        for child in self.children:
            if os.waitpid(child, os.WNOHANG) == (0, 0):
                os.kill(child, signal.SIGKILL)  # only on our way out of an interruption
                os.waitpid(child, 0)


def _say(out: int, count: int) -> None:
    os.write(out, _HEAD.pack(_COUNT, _NUMBER64.size) + _NUMBER64.pack(count))  # less than PIPE_BUF: whole or not at all


def _next(queue: int) -> bytes:
    """The next number, to one worker only: the kernel does not guard a memory file's shared offset as it does a disk file's."""
    fcntl.lockf(queue, fcntl.LOCK_EX)
    try:
        return os.read(queue, _NUMBER.size)
    finally:
        fcntl.lockf(queue, fcntl.LOCK_UN)


def _work(batches: Sequence[Batch], queue: int, out: int, hasher: Hasher) -> None:
    while number := _next(queue):
        index = _NUMBER.unpack(number)[0]
        late = time.monotonic() > hasher.deadline
        answer = unanswered(batches[index], Answer.TIME) if late else hasher.batch(batches[index])
        rest = memoryview(_HEAD.pack(index, len(answer)) + answer)
        while rest:
            rest = rest[os.write(out, rest) :]
