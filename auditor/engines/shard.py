"""One task of a Slurm array: python -I -S shard.py FOLDER NUMBER. Looks at FOLDER/tasks-NUMBER, appends to FOLDER/answers-NUMBER.

Standard library only. Killed and started again it goes on where it was: what was answered stays answered.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Iterator

LENGTH = struct.Struct("<I")


def main(folder: str, number: str) -> None:
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from probes.manifest.chunk import Looker
    from probes.manifest.content import Content
    from probes.manifest.task import Task
    from probes.manifest.throttle import Throttle

    with open(os.path.join(folder, "wish.json"), encoding="utf-8") as file:
        wish = json.load(file)
    deadline = time.monotonic() + wish["until"] - time.time() if wish["until"] else float("inf")
    looker = Looker(Content(wish["algorithms"], Throttle(wish["rate"]), deadline), wish["sample_above"])
    answers = os.path.join(folder, f"answers-{number}")
    with open(answers, "ab+") as out:
        done = {LENGTH.unpack_from(raw, 4)[0] for raw in frames(answers)}
        out.truncate(whole(answers))
        for raw in frames(os.path.join(folder, f"tasks-{number}")):
            if LENGTH.unpack_from(raw)[0] not in done:  # a task and an answer both begin with the task's number
                answer = looker.look(Task.unpack(raw)).pack()
                out.write(LENGTH.pack(len(answer)) + answer)
                out.flush()


def frames(path: str, start: int = 0) -> Iterator[bytes]:
    """The whole records of a file that may still be written."""
    try:
        file = open(path, "rb")  # noqa: SIM115
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        while len(head := file.read(LENGTH.size)) == LENGTH.size:
            size = LENGTH.unpack(head)[0]
            raw = file.read(size)
            if len(raw) < size:
                return
            yield raw


def whole(path: str) -> int:
    """Bytes of its whole records."""
    return sum(LENGTH.size + len(raw) for raw in frames(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
