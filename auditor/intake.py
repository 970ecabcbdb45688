"""How does a spool file become a capture? JSON is one already; a hook's record is a world that the probes look at now, at home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from auditor import codec, rawfile
from auditor.capture import capture
from auditor.model import AuditError, Capture, Evidence, Grade, Phase, Probe, Status
from auditor.registry import probes
from auditor.spool import MAX_FILE


def read(path: str) -> Capture:
    """One finished spool file. Raises AuditError when it is broken, with the reason; OSError when it cannot be read."""
    with open(path, "rb") as file:
        raw = file.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise AuditError(f"{path} has more than {MAX_FILE} bytes", "no job writes that much; was it put there by something else?")
    if path.endswith(".json"):
        return codec.loads(raw, Capture, path)
    return observed(raw, path)


def observed(raw: bytes, what: str = "record") -> Capture:
    """A hook's record through the probes of its phase, with what the guests saw in the job itself."""
    try:
        record = rawfile.parse(raw)
    except ValueError as error:
        raise AuditError(f"{what}: {error}", "was it cut short, or is it another kind of file?") from error
    found = capture(record.world, record.job, record.phase, (p for p in probes().values() if not p.guest))
    return replace(found, evidence=(*found.evidence, *_guests(record, what), *_unseen_end(record)))


def _guests(record: rawfile.Record, what: str) -> Iterator[Evidence]:
    """The guests' evidence; where a guest of this phase left none, that is evidence too."""
    told = [codec.build(e, Evidence, what) for e in record.evidence or ()]
    yield from told
    names = {e.probe for e in told}
    for probe in probes().values():
        if probe.guest and record.phase in probe.phases and probe.name not in names:
            yield _gap(probe, record, record.phase, "it did not run in the job: no interpreter there, switched off, or too slow")


UNSEEN = {
    "own": "the script sets an EXIT trap of its own, which stays the only one",
    "visible": "the script makes bash show what it does, so a second trap would be seen in its output",
}
"""Why the hook arranged no look at the end; accounting completes what it can."""


def _unseen_end(record: rawfile.Record) -> Iterator[Evidence]:
    """Where no look at the end was arranged, that is known from the start on."""
    why = UNSEEN.get(record.ending) if record.phase is Phase.START else None
    for probe in probes().values() if why else ():
        if Phase.END in probe.phases:
            yield _gap(probe, record, Phase.END, f"the end was not looked at: {why}")


def _gap(probe: Probe[Any], record: rawfile.Record, phase: Phase, reason: str) -> Evidence:
    """We could not look, and why."""
    return Evidence(
        probe=probe.name,
        version=probe.version,
        kind=probe.kind.__name__,
        phase=phase,
        attempt=record.job.attempt,
        status=Status.FAILED,
        grade=Grade.OBSERVED,
        source=probe.source or probe.name,
        reason=reason,
        taken_at=record.world.now().isoformat(timespec="seconds"),
        host=record.world.host,
    )
