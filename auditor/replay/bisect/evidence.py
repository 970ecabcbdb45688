"""How does what a bisection found become evidence of both runs? Grade `verified`: it was tried, not said."""

from __future__ import annotations

import os
from dataclasses import replace

from auditor import codec, spool
from auditor.bisection import Bisection
from auditor.home import Home
from auditor.model import AuditError, Capture, Evidence, Grade, Phase, Status
from auditor.redact import Redactor
from auditor.store import Store, ingest_spool
from auditor.world import RealWorld, World

MOST = 200
"""Trials that the evidence holds; all are in the work folder."""


def bisection_evidence(found: Bisection, world: World | None = None) -> Evidence:
    """Of kind Bisection, taken when it ended."""
    world = world or RealWorld()
    short = replace(found, trials=found.trials[:MOST], not_applied=found.not_applied[:MOST])
    return Evidence(
        probe="bisect",
        version=1,
        kind="Bisection",
        phase=Phase.LATER,
        attempt=0,
        status=Status.OK,
        grade=Grade.VERIFIED,
        source=f"bisection of runs {found.a} and {found.b}",
        reason="",
        taken_at=found.ended_at,
        host=world.host,
        data=Redactor(world.env).value(codec.plain(short)),
    )


def remember(store: Store, found: Bisection) -> tuple[str, ...]:
    """Add it to the evidence of each of the two runs that this store knows; which these are."""
    evidence, known = bisection_evidence(found), []
    for run in dict.fromkeys((found.a, found.b)):
        try:
            known.append(Capture(store.job(run), Phase.LATER, (evidence,)))
        except AuditError:
            continue
    home = Home(os.path.dirname(os.path.abspath(store.path)))
    if os.path.basename(home.store) != os.path.basename(store.path):
        store.ingest(known)
    else:  # through the spool, so that a store that is built anew has it too
        for capture in known:
            spool.save(home.spool, capture)
        ingest_spool(store, home)
    return tuple(c.job.run_id for c in known)
