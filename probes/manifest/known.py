"""What does an earlier answer still say about a task whose names, or some of whose files, are no longer the same?"""

from __future__ import annotations

import json
from collections.abc import Iterator

from probes.manifest.rows import unescaped
from probes.manifest.task import KEY, NO_KEY, Answer, Tally, Task


def aligned(task: Task, old: Answer) -> bytes:
    """The KEY of each of the task's names, as far as the old answer knows it."""
    keys = dict(_keys(old))
    return b"".join([keys.get(name, NO_KEY) for name in task.names])


def merged(task: Task, answer: Answer, old: Answer) -> Answer:
    """The answer with the lines filled in that it left empty because nothing changed."""
    if answer.unchanged == task.files:
        answer = answer._replace(lines=b"\n" * task.files, keys=task.known)
    before = dict(_lines(old))
    put_off = {one.line for one in answer.large}
    lines = answer.lines.splitlines(keepends=True)
    tally = Tally()
    tally.add(answer.tally)
    for n, name in enumerate(task.names):
        if lines[n] == b"\n" and n not in put_off:
            lines[n] = before[name]
            tally.files += 1
            tally.bytes += json.loads(lines[n])["size"]
    return answer._replace(lines=b"".join(lines), tally=tally)


def _keys(old: Answer) -> Iterator[tuple[str, bytes]]:
    """Of files that were looked into: a file that was put off has no line, and no KEY."""
    keys = (old.keys[at : at + KEY.size] for at in range(0, len(old.keys), KEY.size))
    for key, line in zip(keys, old.lines.splitlines(), strict=True):
        if key != NO_KEY and line:
            yield _name(line), key


def _lines(old: Answer) -> Iterator[tuple[str, bytes]]:
    for line in old.lines.splitlines(keepends=True):
        if line != b"\n":
            yield _name(line), line


def _name(line: bytes) -> str:
    return unescaped(json.loads(line)["path"])
