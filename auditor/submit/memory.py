"""How much memory does a process use, and which others did it start? From /proc, now."""

from __future__ import annotations

import os


def peak(pid: int) -> int:
    """Bytes: the most this process has used (VmHWM of proc_pid_status(5)); 0 when it is gone."""
    words = _words(f"/proc/{pid}/status")
    return int(words[words.index("VmHWM:") + 1]) * 1024 if "VmHWM:" in words else 0


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, deepest first."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for task in _listed(f"/proc/{parent}/task"):
            found += [int(child) for child in _words(f"/proc/{parent}/task/{task}/children")]
    return found[:0:-1]


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
