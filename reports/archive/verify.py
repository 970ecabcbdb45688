"""Is a bundle whole, unchanged, and does its score follow from its evidence? The verifier that travels inside, and a rescore."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass

from auditor import codec
from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Scorecard
from reports.archive import verifier
from reports.judging.ruleset import ruleset

SCORE_EQUAL = "equal"
SCORE_OTHER_RULES = "other rules"


@dataclass(frozen=True)
class Verification:
    """ok: nothing is wrong. problems: what is, in sentences. id: sha256 of tagmanifest-sha256.txt; bytes: unpacked size.

    score: `equal` when scoring the evidence again gave the same scorecard, `other rules` when it was made by a rule set that is
    not installed here (then it was not recomputed), `different`, or `not checked` because the bundle is damaged.
    """

    ok: bool
    problems: tuple[str, ...]
    id: str
    files: int
    bytes: int
    run_id: str
    score: str


def verify(path: str | os.PathLike[str]) -> Verification:
    """Check the bundle at `path` (ZIP or folder). Raises AuditError for what is not a bundle or not safe to open."""
    try:
        with closing(verifier.open_bundle(os.fspath(path))) as bundle:
            result = verifier.check_open(bundle)
            if result.problems:
                return Verification(False, tuple(result.problems), result.id, result.files, result.size, "", "not checked")
            job, score, problems = _rescore(bundle)
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror or error}", "check the path and its permissions") from error
    return Verification(not problems, problems, result.id, result.files, result.size, job.run_id, score)


def _rescore(bundle: verifier.Folder | verifier.Zip) -> tuple[Job, str, tuple[str, ...]]:
    """Score the evidence again with the rules that are here, when they are the same rules."""
    from reports.score import score

    job = codec.loads(verifier.read(bundle, "data/job.json"), Job, "job.json")
    stored = codec.loads(verifier.read(bundle, "data/scorecard.json"), Scorecard, "scorecard.json")
    if stored.run.id != job.run_id:
        return job, "different", (f"the scorecard is of run {stored.run.id[:40]}, the bundle of run {job.run_id}",)
    if stored.ruleset != ruleset():
        return job, SCORE_OTHER_RULES, ()
    evidence = codec.loads(verifier.read(bundle, "data/evidence/evidence.json"), tuple[Evidence, ...], "evidence.json")
    again = score(job, evidence)
    if _claims(again, stored.auditor) != _claims(stored, again.auditor):
        return job, "different", ("the scorecard does not follow from the evidence: scored again it comes out otherwise",)
    return job, SCORE_EQUAL, ()


def _claims(card: Scorecard, other: str) -> bytes:
    """What must come out again: all of it by the same release; by another one, whatever the rules decide."""
    whole = (card.run, card.story, card.evidence) if card.auditor == other else ()
    return codec.dumps([card.low, card.high, card.coverage, card.verifiable, card.integrity, card.rungs, card.tips, whole])
