"""What was proved of why two runs differ? Bisections among the evidence of a run, newest first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from auditor import codec
from auditor.bisection import Bisection
from auditor.model import AuditError, Evidence, Status


def bisections(a: Sequence[Evidence], b: Sequence[Evidence]) -> tuple[Bisection, ...]:
    """Those that are in the evidence of both runs: of exactly this pair, in either direction."""
    ids = {e.id for e in b}
    both = [e for e in a if e.kind == Bisection.__name__ and e.status is Status.OK and e.id in ids]
    return tuple(f for e in sorted(both, key=lambda e: e.taken_at, reverse=True) if (f := _read(e)))


def _read(evidence: Evidence) -> Bisection | None:
    try:
        return codec.build(evidence.data, Bisection, "a bisection")
    except AuditError:  # of another version of ours
        return None


def sentence(found: Bisection) -> str:
    """`certified by 10 runs: A differs from B because of in.csv`, or why it is not certified."""
    state = "certified" if found.certified else "not certified"
    held = f", with {', '.join(found.stabilisers)}" if found.stabilisers else ""
    return f"{state} by {found.runs} runs{held}: {found.reason} (A is {found.a}, B is {found.b})"
