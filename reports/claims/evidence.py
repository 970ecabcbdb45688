"""How does a check of claims become evidence of the runs it is about? One piece a run and file; a person's word says which figure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor import codec
from auditor.claimed import ClaimChecked, ClaimsChecked
from auditor.model import Evidence, Grade, Phase, Status
from auditor.redact import Redactor
from auditor.world import World
from reports.claims.read import Claims


def of_runs(file: str, told: Claims, checked: Sequence[ClaimChecked]) -> Iterator[tuple[str, ClaimsChecked]]:
    """(run id, its claims) for each run that is known."""
    for run_id in dict.fromkeys(claim.run_id for claim in checked if claim.run_id):
        own = tuple(claim for claim in checked if claim.run_id == run_id)
        yield run_id, ClaimsChecked(file, told.title, told.reference, told.authors, own)


def as_evidence(found: ClaimsChecked, world: World) -> Evidence:
    return Evidence(
        probe="claims",
        version=1,
        kind="ClaimsChecked",
        phase=Phase.LATER,
        attempt=0,
        status=Status.OK,
        grade=Grade.DECLARED,
        source=f"claims of {found.file}",
        reason="",
        taken_at=world.now().isoformat(timespec="seconds"),
        host=world.host,
        data=Redactor(world.env).value(codec.plain(found)),
    )


def is_news(new: Evidence, known: Sequence[Evidence]) -> bool:
    """Does it say something else than the last check of the same file?"""
    before = [e for e in known if e.kind == new.kind and e.source == new.source]
    last = max(before, key=lambda e: e.taken_at, default=None)
    return last is None or codec.plain(last.data) != codec.plain(new.data)
