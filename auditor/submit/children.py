"""How do commands run as our children without anybody noticing us? Signals pass through, limits hold, the kernel counts.

Signals are blocked here and taken one at a time with sigtimedwait(2): nothing is lost between looking and sleeping, and what
the terminal sent to us and the command alike (si_code says so) is not sent on a second time.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from auditor.submit.memory import descendants, peak

FORWARDED = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2})
ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
KILL_WAIT = 5.0
"""Seconds between TERM and KILL at the time limit."""
SLACK = 1 << 18


@dataclass(frozen=True)
class Ended:
    """How a command ended. signal 0: none; cpu_seconds: of all it waited for.

    max_rss: bytes of its largest process, None: it did not start. The kernel's figure begins at *our* size, because a process is
    ours until it has called exec: up to `floor` it only says that the command used no more.
    """

    exit_code: int
    signal: int
    timed_out: bool
    max_rss: int | None
    cpu_seconds: float
    wall_seconds: float
    floor: int = 0
    counters: Mapping[str, str] = field(default_factory=dict)
    """Its `/proc/PID/io` and `/proc/PID/stat` as they were when it had ended, its waited-for children's included."""

    @property
    def status(self) -> int:
        """As a shell tells it: 128 + signal."""
        return 128 + self.signal if self.signal else self.exit_code


@dataclass
class _Running:
    key: int
    began: float
    deadline: float | None
    floor: int
    """Our own peak when it was started, in bytes."""
    timed_out: bool = False


@dataclass
class _Crew:
    """The children that run now."""

    own_group: bool
    members: dict[int, _Running] = field(default_factory=dict)
    stopping: bool = False


def in_foreground() -> bool:
    """Are we at a terminal whose Ctrl-C reaches us? Then our children must stay in our process group to use it."""
    for fd in range(3):
        try:
            if os.isatty(fd):
                return os.tcgetpgrp(fd) == os.getpgrp()
        except OSError:
            continue
    return False


def run_all(
    keys: Sequence[int],
    width: int,
    seconds: int | None,
    start: Callable[[int, bool], int | Ended],
    end: Callable[[int, Ended], None],
    look: Callable[[Mapping[int, int]], float] | None = None,
) -> None:
    """Run one command a key, `width` at a time, each at most `seconds`. After a signal that ends things no more are started.

    start(key, own_group) -> process id, or how it failed to start; end(key, how) is called for each. look(key by process id) may
    look at those that run, and says after how many seconds it wants to look again.
    """
    waiting = list(keys)
    crew = _Crew(own_group=not in_foreground())
    with _blocked():
        while crew.members or (waiting and not crew.stopping):
            while waiting and not crew.stopping and len(crew.members) < width:
                key = waiting.pop(0)
                pid = start(key, crew.own_group)
                if isinstance(pid, Ended):
                    end(key, pid)
                    continue
                now = time.monotonic()
                crew.members[pid] = _Running(key, now, now + seconds if seconds else None, peak(os.getpid()))
            for key, how in _reap(crew):
                end(key, how)
                break
            else:
                _attend(crew, look({pid: c.key for pid, c in crew.members.items()}) if look and crew.members else None)


@contextmanager
def _blocked() -> Iterator[None]:
    child = signal.signal(
        signal.SIGCHLD, signal.SIG_DFL
    )  # whoever started us may have it ignored: then nothing could be waited for
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED | {signal.SIGCHLD})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, child)


def _reap(crew: _Crew) -> Iterator[tuple[int, Ended]]:
    """Those that have ended, with the kernel's account of each."""
    for pid in list(crew.members):
        if not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            continue
        counters = _counters(pid)  # readable until it is waited for
        done, status, usage = os.wait4(pid, 0)
        if done:
            child = crew.members.pop(pid)
            if child.timed_out and crew.own_group:
                _kill(-pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(status)
            yield (
                child.key,
                Ended(
                    exit_code=max(code, 0),
                    signal=max(-code, 0),
                    timed_out=child.timed_out,
                    max_rss=usage.ru_maxrss * 1024,  # getrusage(2): kilobytes
                    floor=child.floor + SLACK,
                    cpu_seconds=round(usage.ru_utime + usage.ru_stime, 3),
                    wall_seconds=round(time.monotonic() - child.began, 3),
                    counters=counters,
                ),
            )


def _counters(pid: int) -> dict[str, str]:
    found = {}
    for name in ("io", "stat"):
        with suppress(OSError), open(f"/proc/{pid}/{name}", encoding="utf-8", errors="surrogateescape") as file:
            found[name] = file.read(4096)
    return found


def _attend(crew: _Crew, pause: float | None) -> None:
    """Sleep until a signal comes or a limit is reached, and act on it; at most `pause` seconds."""
    if not crew.members:
        return
    now = time.monotonic()
    limits = [c.deadline - now for c in crew.members.values() if c.deadline is not None]
    limits += [] if pause is None else [pause]
    watched = FORWARDED | {signal.SIGCHLD}
    wait = max(0.0, min(limits)) if limits else None
    info = signal.sigwaitinfo(watched) if wait is None else signal.sigtimedwait(watched, wait)
    if info is None:
        _enforce(crew)
    elif info.si_signo != signal.SIGCHLD:
        crew.stopping |= info.si_signo in ENDING
        if crew.own_group or info.si_code <= 0:  # above: the terminal's own, and our children had it too
            for pid in crew.members:
                _kill(pid, info.si_signo)


def _enforce(crew: _Crew) -> None:
    now = time.monotonic()
    for pid, child in crew.members.items():
        if child.deadline is not None and child.deadline <= now:
            how = signal.SIGKILL if child.timed_out else signal.SIGTERM
            for target in [-pid] if crew.own_group else [*descendants(pid), pid]:
                _kill(target, how)
            child.timed_out = True
            child.deadline = now + KILL_WAIT


def _kill(pid: int, number: int) -> None:
    """Gone already, or another user's by now (sudo): there is nothing more we could do."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
