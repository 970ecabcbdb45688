"""What does a replay's verdict prove? The words and tests that every tip's third level shares."""

from __future__ import annotations

from auditor.model import Evidence, Need, Phase
from auditor.verdict import ReplayVerdict, Sameness
from reports.judging.amounts import several, some

REPLAY = Need(ReplayVerdict, (Phase.LATER,))
SETTLES = "auditor bundle, then auditor replay BUNDLE: its verdict is the proof"
SAME = (Sameness.IDENTICAL, Sameness.EQUIVALENT)


def same(verdict: ReplayVerdict) -> bool:
    """Every output came out identical or within tolerance, and there was one."""
    return verdict.sameness in SAME and any(o.sameness in SAME for o in verdict.outputs)


def summary(verdict: ReplayVerdict) -> str:
    """`3 outputs identical in a replay on another machine (local)`, or what went wrong."""
    place = f"a replay on {'the same' if verdict.same_machine else 'another'} machine ({verdict.where})"
    if verdict.sameness is Sameness.NOT_RUN:
        return f"{place} did not run: {verdict.reason}"
    if verdict.sameness is Sameness.DIFFERENT:
        return f"{place} gave something else: {some(differing(verdict)) or verdict.reason}"
    if not same(verdict):
        return f"{place} compared no output: {verdict.reason or 'none is known'}"
    told = f"{several(len(verdict.outputs), 'output')} {verdict.sameness} in {place}"
    if verdict.rounds and verdict.reached:
        told += f"; its {len(verdict.rounds)} runs agree with each other"
        told += f", apart from {several(len(verdict.rules), 'field')} by rule" if verdict.rules else ""
    return told


def differing(verdict: ReplayVerdict) -> list[str]:
    """Paths that came out differently, or not at all."""
    return [o.path for o in verdict.outputs if o.sameness not in SAME]


def step(verdict: ReplayVerdict, name: str) -> tuple[str, str]:
    """State and detail of a stage; `missing` when the replay never came to it."""
    return next(((s.state, s.detail) for s in verdict.steps if s.name == name), ("missing", "the replay never came to it"))


def unequal(verdict: ReplayVerdict) -> str:
    """Why an environment that was built from a lock is not known to be the run's; empty where it is, or where none was built so."""
    if verdict.environment != "rebuilt-from-lock" or verdict.environment_equal:
        return ""
    if verdict.environment_equal is None:
        return "not every package of it could be compared with the run's, file by file"
    return "some of its packages are not the run's, file by file"


def idle(evidence: Evidence) -> bool:
    """A replay that did not run: who lacks the data or the software disproves nothing that another replay has shown."""
    return evidence.kind == ReplayVerdict.__name__ and (evidence.data or {}).get("sameness") in (
        Sameness.NOT_RUN,
        Sameness.NOT_COMPARED,
    )
