"""Which libraries do the processes of a Slurm job load while it runs? A watcher beside the job, only where it was asked for.

    python -I -S watch.py SHELL-PID OUT

snapshot.sh starts it with the job's shell as SHELL-PID, and takes OUT into the end record; where no end was looked at (the job was
killed, or its script has an EXIT trap of its own) the watcher hands in what it saw itself. Nothing in the job's own environment or
processes is touched: it looks at /proc from the side, at the lowest priority, and ends when the shell does. Nobody waits for it: it is
not the shell's child. It sees this node only.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from auditor.submit.glances import Glances
    from probes.software.identify import Library

IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM)
"""What a job is sent is not for us; the end of its shell is."""
TICK = 1.0
"""Seconds between two looks at the shell where the kernel has no pidfd (before Linux 5.3)."""


def main(argv: list[str]) -> None:
    shell, out = int(argv[0]), argv[1]
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.nice(19)
    os.umask(0o077)
    end = _Shell(shell)
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from auditor.submit.glances import first, of_job

    seen = first(time.monotonic())
    known: dict[str, Library | None] = {}
    job, mine = os.environ["SLURM_JOB_ID"], frozenset({shell, os.getpid()})
    if not end.within(0):
        write(out, seen, known)
    while not end.within(seen.due - time.monotonic()):
        seen.look(of_job(job, mine), time.monotonic())
        write(out, seen, known)
    if os.path.exists(out):
        if seen.paths or seen.inside:
            hand_in(out, seen, known)
        os.unlink(out)


def write(out: str, seen: Glances, known: dict[str, Library | None]) -> None:
    """All that was seen, whole at any time; not after the end record has taken the file."""
    from auditor.codec import dumps

    data = dumps(seen.told(known))
    if seen.looks and not os.path.exists(out):
        return
    try:
        with open(f"{out}.new", "wb") as file:
            file.write(data)
        os.rename(f"{out}.new", out)
    except OSError:  # a full disk, a file size limit of the job's
        os.unlink(f"{out}.new")
        raise


def hand_in(out: str, seen: Glances, known: dict[str, Library | None]) -> None:
    """A capture of the end with this one piece of evidence; the name of OUT says which run it is."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from auditor import spool
    from auditor.capture import observe
    from auditor.model import Capture, Found, Job, Phase
    from auditor.redact import Redactor
    from auditor.world import RealWorld
    from probes.software.libraries import PROBE, SAMPLED

    job_id, attempt, submission = (*os.path.basename(out).removeprefix(".libraries-").split("-"), "")[:3]
    cluster, now = os.environ.get("SLURM_CLUSTER_NAME", ""), datetime.now(UTC).isoformat(timespec="seconds")
    job = Job("slurm", job_id, cluster, submission, attempt=int(attempt), ended_at=now, hook="installed")
    probe = replace(PROBE, collect=lambda _world, _job: Found(seen.told(known), SAMPLED))
    evidence = observe(probe, RealWorld(cwd="/"), job, Phase.END, Redactor(os.environ))
    spool.save(os.path.dirname(out), Capture(job, Phase.END, (evidence,)))


class _Shell:
    """The job's shell, to wait for its end without being its parent."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.gone = select.poll()
        self.fd = -1
        try:
            self.fd = os.pidfd_open(pid)
            self.gone.register(self.fd, select.POLLIN)
        except ProcessLookupError:
            self.pid = 0
        except OSError:  # an older kernel
            pass

    def within(self, seconds: float) -> bool:
        """Has it ended, now or in that time?"""
        if self.fd >= 0:
            return bool(self.gone.poll(max(0.0, seconds) * 1000))
        until = time.monotonic() + seconds
        while self._runs() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
        return not self._runs()

    def _runs(self) -> bool:
        return self.pid > 0 and os.path.exists(f"/proc/{self.pid}")


if __name__ == "__main__":
    main(sys.argv[1:])
