"""How much memory does a process use, and which others did it start? From /proc, now."""

from __future__ import annotations

import os


def peak(pid: int) -> int:
    """Bytes: the most this process has used (VmHWM of proc_pid_status(5)); 0 when it is gone."""
    words = _words(f"/proc/{pid}/status")
    return int(words[words.index("VmHWM:") + 1]) * 1024 if "VmHWM:" in words else 0


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, deepest first."""
    found: list[int] = []
    for task in _listed(f"/proc/{pid}/task"):
        for child in _words(f"/proc/{pid}/task/{task}/children"):
            found += [*descendants(int(child)), int(child)]
    return found


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().split()
    except OSError:
        return []
