"""How does a verdict become evidence of the run it is about? Grade `verified`: it was recomputed, not said."""

from __future__ import annotations

from auditor import codec
from auditor.model import AuditError, Capture, Evidence, Grade, Phase, Status
from auditor.redact import Redactor
from auditor.store import Store
from auditor.verdict import ReplayVerdict
from auditor.world import RealWorld, World


def verdict_evidence(verdict: ReplayVerdict, world: World | None = None) -> Evidence:
    """The verdict as evidence of kind ReplayVerdict, taken when the replay ended."""
    world = world or RealWorld()
    redactor = Redactor(world.env)
    return Evidence(
        probe="replay",
        version=1,
        kind="ReplayVerdict",
        phase=Phase.LATER,
        attempt=0,
        status=Status.OK,
        grade=Grade.VERIFIED,
        source=f"replay of bundle {verdict.bundle}",
        reason="",
        taken_at=verdict.ended_at,
        host=world.host,
        data=redactor.value(codec.plain(verdict)),
    )


def remember(store: Store, verdict: ReplayVerdict) -> bool:
    """Add the verdict to the run's evidence, where this store knows the run; did it?"""
    try:
        job = store.job(verdict.run_id)
    except AuditError:
        return False
    store.ingest([Capture(job, Phase.LATER, (verdict_evidence(verdict),))])
    return True
