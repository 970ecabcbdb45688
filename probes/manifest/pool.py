"""How many processes hash folders, and how do folders come to them? As they are found: who hashes does not wait for who lists."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from probes.manifest.answers import Answer, Batch, unanswered
from probes.manifest.cores import cores, worth
from probes.manifest.hashing import Hasher

if TYPE_CHECKING:
    from auditor.world import World

FILES_WORTH_A_PROCESS = 15_000
_NUMBER = struct.Struct("<I")


class Reading(NamedTuple):
    """How to read. deadline: of time.monotonic(); world: whose memory is used, None: nobody's.

    heard: called with bytes read of large files, before they are done.
    """

    deadline: float
    world: World | None = None
    heard: Callable[[int], None] | None = None


def hash_batches(
    batches: Iterable[Batch], reading: Reading, budget: int, done: Callable[[Batch, bytes], None], workers: int = 0
) -> None:
    """Call `done(batch, records)` once for every batch, in any order. workers 0: as many as it is worth.

    budget: bytes that may be read in all. One process where the caller has threads: a fork would copy their locks.
    """
    source = iter(batches)
    first, files = _some(source, workers or cores())
    workers = min(workers or max(1, min(cores(), files // FILES_WORTH_A_PROCESS)), len(first))
    every = chain(first, source)
    if worth(workers):
        _share(every, workers, reading, budget // workers, done)
        return
    hasher = Hasher(budget, reading.deadline, reading.world, reading.heard)
    try:
        for batch in every:
            done(batch, hasher.batch(batch))
    finally:
        hasher.close()


def _some(source: Iterator[Batch], workers: int) -> tuple[list[Batch], int]:
    """As many as it takes to see what so many processes are worth, and how many files are in them."""
    first: list[Batch] = []
    files = 0
    for batch in source:
        first.append(batch)
        files += len(batch.names)
        if files >= workers * FILES_WORTH_A_PROCESS and len(first) >= workers:
            break
    return first, files


def _share(every: Iterator[Batch], workers: int, reading: Reading, budget: int, done: Callable[[Batch, bytes], None]) -> None:
    from probes.manifest.workers import share  # sockets and selectors: read only where there is something to share

    waiting: dict[bytes, Batch] = {}

    def packed() -> Iterator[bytes]:
        for n, batch in enumerate(every):
            number = _NUMBER.pack(n)
            waiting[number] = batch
            yield number + batch.pack()

    def make(heard: Callable[[int], None]) -> Callable[[bytes], bytes]:
        hasher = Hasher(budget, reading.deadline, reading.world, heard)
        return lambda raw: hasher.batch(Batch.unpack(raw[_NUMBER.size :]))

    def answered(raw: bytes, records: bytes) -> None:
        done(waiting.pop(raw[: _NUMBER.size]), records)

    def lost(raw: bytes) -> bytes:
        return unanswered(waiting[raw[: _NUMBER.size]], Answer.UNREADABLE)

    share(make, workers, packed(), answered, reading.heard or (lambda _: None), lost)
