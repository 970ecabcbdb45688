"""How does the local executor leave evidence without ever standing in the way? Every accident goes to the home's log."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from auditor import spool
from auditor.capture import capture
from auditor.codec import dumps
from auditor.home import Home
from auditor.model import Job, Phase, Probe
from auditor.redact import Redactor
from auditor.submit.glances import Glances
from auditor.submit.keep import clean, keep
from auditor.submit.waiting import waiting
from auditor.world import RealWorld, RecordedWorld
from probes import kernel
from probes.data.when import BEGAN
from probes.pointers import DataPointers
from probes.schedulers import JobAccounting
from probes.schedulers.local_executor import VARIABLE, ExecutorRecord
from probes.software import libraries as known

Choice = Callable[[Probe[Any]], bool]


def every(probe: Probe[Any]) -> bool:
    return True


def from_outside(probe: Probe[Any]) -> bool:
    """At the end the command's own shell is gone, and what is in ours is not its; content can still be hashed."""
    return probe.guest


def of_a_run(probe: Probe[Any]) -> bool:
    """How it went, the files it touched, and what is only there afterwards; the rest was seen a moment ago, on this very machine."""
    return probe.kind in (JobAccounting, DataPointers) or probe.guest or Phase.SUBMIT not in probe.phases


def of_an_array(probe: Probe[Any]) -> bool:
    """The summary; files are looked at task by task."""
    return probe.kind is JobAccounting


def record_path(home: Home, job_id: str) -> str:
    return os.path.join(home.root, "executor", f"{job_id}.json")


def see(
    home: Home,
    job: Job,
    phase: Phase,
    environ: Mapping[str, str],
    choice: Choice = every,
    began: int = 0,
    counters: Mapping[str, str] | None = None,
    loaded: bytes = b"",
) -> bool:
    """Run the probes of this phase and spool what they saw. False, with a line in the log, when that could not be.

    began: when the command was started, in ns; 0: not known better than `job` says. counters: what the kernel
    had counted for it at its end, and loaded: what `libraries` says; one file tells of both phases.
    """
    with _logged(home, f"{phase} of {job.job_id}") as accidents:
        from auditor.registry import probes

        record = {VARIABLE: record_path(home, job.job_id)} if phase is Phase.LATER else {}
        exact = {BEGAN: str(began)} if began else {}
        with waiting() as tell:
            world = RealWorld({**environ, **record, **exact}, job.workdir, tell if phase is Phase.LATER else None)
            found = capture(world, job, phase, (p for p in probes().values() if choice(p)))
        if counters or loaded:
            counted = capture(_recorded(counters, loaded, world), job, Phase.END, [kernel.PROBE, known.PROBE])
            found = replace(found, evidence=(*found.evidence, *counted.evidence))
        if not found.evidence:
            return True
        redactor = Redactor(environ)
        if phase in (Phase.SUBMIT, Phase.START):
            keep(home.objects, found, world, redactor)
        spool.save(home.spool, replace(found, job=clean(job, redactor)))
    return not accidents


def _recorded(counters: Mapping[str, str] | None, loaded: bytes, world: RealWorld) -> RecordedWorld:
    """What is known of the command, which is gone, under the names by which the probes ask for their own. No cgroup is only its."""
    files = {f"/proc/self/{name}": text.encode("utf-8", "surrogateescape") for name, text in (counters or {}).items()}
    files |= {known.RECORD: loaded} if loaded else {}
    return RecordedWorld({}, files, {}, frozenset({kernel.OWN, known.MAPS}), world.now(), world.host, world.cwd)


def note(home: Home, record: ExecutorRecord, environ: Mapping[str, str]) -> None:
    """Write the executor's record; it stays until the accounting made from it is in the spool."""
    with _logged(home, f"record of {record.job_id}"):
        path = record_path(home, record.job_id)
        redacted = replace(record, command=Redactor(environ).text(record.command))
        spool.write(os.path.dirname(path), os.path.basename(path), dumps(redacted))


def libraries(home: Home, job: Job, seen: Glances | None) -> bytes:
    """What was seen of the libraries while it ran, identified now; empty when nothing was."""
    with _logged(home, f"libraries of {job.job_id}"):
        if seen and (seen.paths or seen.inside):
            return dumps(seen.told())
    return b""


def forget(home: Home, job_id: str) -> None:
    with suppress(OSError):
        os.unlink(record_path(home, job_id))


@contextmanager
def _logged(home: Home, what: str) -> Iterator[list[str]]:
    """Whatever goes wrong inside is written to the log, as far as that can be written."""
    accidents: list[str] = []
    try:
        yield accidents
    except Exception:  # noqa: BLE001  # looking must never change what the command does
        accidents.append(traceback.format_exc())
        with suppress(OSError):
            os.makedirs(home.root, mode=0o700, exist_ok=True)
            with open(home.log, "a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"local executor, {what}: {accidents[0]}\n")
