"""How does a verdict become evidence of the run it is about? Grade `verified`: it was recomputed, not said."""

from __future__ import annotations

import os

from auditor import codec, spool
from auditor.home import Home
from auditor.model import AuditError, Capture, Evidence, Grade, Phase, Status
from auditor.redact import Redactor
from auditor.replay.levels import includes
from auditor.store import Store, ingest_spool
from auditor.verdict import Level, ReplayVerdict
from auditor.world import RealWorld, World


def verdict_evidence(
    verdict: ReplayVerdict, world: World | None = None, *, grade: Grade = Grade.VERIFIED, source: str = ""
) -> Evidence:
    """The verdict as evidence of kind ReplayVerdict, taken when the replay ended. source: who says so, when it was not this machine."""
    world = world or RealWorld()
    redactor = Redactor(world.env)
    return Evidence(
        probe="replay",
        version=1,
        kind="ReplayVerdict",
        phase=Phase.LATER,
        attempt=0,
        status=Status.OK,
        grade=grade,
        source=redactor.text(source) or f"replay of bundle {verdict.bundle}",
        reason="",
        taken_at=verdict.ended_at,
        host=world.host,
        data=redactor.value(codec.plain(verdict)),
    )


def counts(verdict: ReplayVerdict) -> bool:
    """Does it say anything that a run's report may show? Less than a full run proves nothing of the outputs, and disproves nothing."""
    return includes(verdict.level, Level.FULL)


def remember(store: Store, verdict: ReplayVerdict) -> bool:
    """Add the verdict to the run's evidence, where this store knows the run; did it?"""
    return keep(store, verdict.run_id, verdict_evidence(verdict))


def keep(store: Store, run_id: str, evidence: Evidence) -> bool:
    """The same for a verdict that is evidence already."""
    try:
        job = store.job(run_id)
    except AuditError:
        return False
    capture = Capture(job, Phase.LATER, (evidence,))
    home = Home(os.path.dirname(os.path.abspath(store.path)))
    if os.path.basename(home.store) != os.path.basename(store.path):
        store.ingest([capture])
        return True
    spool.save(home.spool, capture)  # through the spool, so that a store that is built anew has it too
    ingest_spool(store, home)
    return True
