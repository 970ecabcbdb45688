"""What does each probe see? Probes x world -> evidence; a probe that breaks becomes evidence, never an accident."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auditor.codec import plain
from auditor.model import Absent, Capture, Evidence, Found, Grade, Job, Phase, Probe, Status, Withheld
from auditor.redact import Redactor
from auditor.world import World

MAX_REASON = 2000


def capture(world: World, job: Job, phase: Phase, probes: Iterable[Probe[Any]]) -> Capture:
    """Run the probes of this phase. Never raises for a probe's sake."""
    redactor = Redactor(world.env)
    return Capture(job, phase, tuple(observe(p, world, job, phase, redactor) for p in probes if phase in p.phases))


def observe(probe: Probe[Any], world: World, job: Job, phase: Phase, redactor: Redactor) -> Evidence:
    """One probe's answer as evidence, redacted before anything hashes or stores it."""
    status, reason, data = Status.OK, "", None
    grade, source = probe.grade, probe.source or probe.name
    try:
        answer = probe.collect(world, job)
        if isinstance(answer, Found):
            grade, source, answer = answer.grade, answer.source, answer.value
        if isinstance(answer, Absent):
            status, reason = Status.ABSENT, answer.reason
        elif isinstance(answer, Withheld):
            status, reason = Status.WITHHELD, answer.reason
        else:
            data = redactor.value(plain(answer))
    except Exception as error:  # noqa: BLE001  # isolation is this function's purpose
        status, reason, grade = Status.FAILED, _why(error), Grade.OBSERVED
    return Evidence(
        probe=probe.name,
        version=probe.version,
        kind=probe.kind.__name__,
        phase=phase,
        attempt=job.attempt,
        status=status,
        grade=grade,
        source=redactor.text(source),
        reason=redactor.text(reason)[:MAX_REASON],
        taken_at=world.now().isoformat(timespec="seconds"),
        host=world.host,
        data=data,
    )


def _why(error: Exception) -> str:
    """Type and message; for what is not a plain operating-system answer, where it happened too."""
    head = f"{type(error).__name__}: {error}"
    if isinstance(error, (OSError, LookupError)) and not isinstance(error, KeyError):
        return head
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{head} (in {last.name}, line {last.lineno} of {last.filename.rsplit('/', 1)[-1]})"
