"""Does a script copy its inputs to node-local scratch before it reads them? Read from its text, so no more than declared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from reports.judging.amounts import line as plain

COPIES = frozenset({"cp", "rsync", "sbcast", "dcp", "mcp", "install", "rclone", "scp"})
UNPACKS = {"tar": ("-C", "--directory"), "unzip": ("-d",), "unsquashfs": ("-d", "-dest"), "7z": ("-o",), "bsdtar": ("-C",)}
_LOCAL = re.compile(
    r"^['\"]?(\$\{?(TMPDIR|SLURM_TMPDIR|LOCAL_?SCRATCH|SCRATCH_LOCAL|LOCALTMP|JOBFS|PBS_JOBFS|LOCAL_JOB_DIR|TMP_LOCAL)\b|/dev/shm\b|/tmp\b)"
)
_STARTS = frozenset({"srun", "time", "exec", "nice", "numactl", "mpirun", "timeout"})


def staged(script: str, scratch: str) -> tuple[int, str] | None:
    """The first line (number from 1, text) that copies or unpacks something to node-local scratch. scratch: its path here."""
    here = False
    for number, line in enumerate(script.splitlines(), 1):
        for words in _commands(line):
            if words[0] == "cd" and len(words) > 1:
                here = _local(words[1], scratch)
            elif _brings(words, scratch, here):
                return number, plain(line, 160)
    return None


def _commands(line: str) -> Iterator[list[str]]:
    for part in re.split(r"&&|\|\||[;|&]", line):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # a quotation that goes on: not this line's business
            continue
        while words and (words[0] in _STARTS or words[0].startswith("-") or re.match(r"\w+=", words[0])):
            words = words[1:]
        if words:
            yield words


def _brings(words: list[str], scratch: str, here: bool) -> bool:
    name, targets = words[0].rsplit("/", 1)[-1], words[1:]
    if name in COPIES:
        plain = [w for w in targets if not w.startswith("-")]
        return len(plain) > 1 and not _local(plain[0], scratch) and _lands(plain[-1], scratch, here)
    if name not in UNPACKS or (name.endswith("tar") and not re.search(r"x|--extract", targets[0] if targets else "")):
        return False
    for n, word in enumerate(targets):
        for option in UNPACKS[name]:
            value = targets[n + 1] if word == option and n + 1 < len(targets) else word.removeprefix(option).lstrip("=")
            if word.startswith(option) and _local(value, scratch):
                return True
    return here and not any(word.startswith(UNPACKS[name]) for word in targets)


def _lands(target: str, scratch: str, here: bool) -> bool:
    return _local(target, scratch) or (here and not target.startswith(("/", "$", "~", "..")))


def _local(path: str, scratch: str) -> bool:
    below = bool(scratch) and (path == scratch or path.startswith(f"{scratch.rstrip('/')}/"))
    return below or _LOCAL.match(path) is not None
