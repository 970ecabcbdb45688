"""Is a bundle whole, unchanged, and does its score follow from its evidence? The verifier that travels inside, and a rescore."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass

from auditor.model import AuditError
from reports.archive import verifier
from reports.archive.rescore import NOT_CHECKED, Rescored, rescore


@dataclass(frozen=True)
class Verification:
    """ok: nothing is wrong. problems: what is, in sentences. id: sha256 of tagmanifest-sha256.txt; bytes: unpacked size.

    score: how scoring the evidence again came out, as in Rescored.state, or `not checked` because the bundle is damaged; rescored: all of it.
    """

    ok: bool
    problems: tuple[str, ...]
    id: str
    files: int
    bytes: int
    run_id: str
    score: str
    rescored: Rescored | None = None


def verify(path: str | os.PathLike[str], *, other_rules: bool = False) -> Verification:
    """Check the bundle at `path` (ZIP or folder). other_rules: score it again even by rules that are not those of its scorecard.

    Raises AuditError for what is not a bundle or not safe to open.
    """
    try:
        with closing(verifier.open_bundle(os.fspath(path))) as bundle:
            result = verifier.check_open(bundle)
            if result.problems:
                return Verification(False, tuple(result.problems), result.id, result.files, result.size, "", NOT_CHECKED)
            job, found, problem = rescore(bundle, others=other_rules)
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror or error}", "check the path and its permissions") from error
    problems = (problem,) if problem else ()
    return Verification(not problems, problems, result.id, result.files, result.size, job.run_id, found.state, found)
