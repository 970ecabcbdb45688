"""Does a claim hold? Its content beside the outputs of its run, and beside the replays that compared them. Pure: nothing is looked up here."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.claimed import ClaimChecked, Standing
from auditor.codec import build
from auditor.model import Evidence, Job, Phase, Status
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness
from probes.data import DataFile, DataManifest
from reports.archive.known import known
from reports.claims.read import Claim

SAME = (Sameness.IDENTICAL, Sameness.EQUIVALENT)


@dataclass(frozen=True)
class Made:
    """What is known of a run's outputs. looked: somebody listed them; skipped: place -> why it was not hashed; complete: nothing
    was left out that could matter. verdicts: of its replays, newest first. root: where relative places start."""

    run_id: str
    root: str
    looked: bool
    complete: bool
    outputs: tuple[DataFile, ...]
    skipped: tuple[tuple[str, str], ...]
    verdicts: tuple[ReplayVerdict, ...]


@dataclass(frozen=True)
class Content:
    """The file of the paper that a claim names: its sha256, or why it could not be read."""

    sha256: str = ""
    problem: str = ""


def made(job: Job, evidence: Sequence[Evidence]) -> Made:
    """Raises AuditError for evidence that does not read."""
    facts = known(job, evidence)
    found = [e for e in evidence if e.status is Status.OK and e.data is not None]
    lists = [
        build(e.data, DataManifest, "evidence") for e in found if e.kind == "DataManifest" and e.phase in (Phase.END, Phase.LATER)
    ]
    verdicts = sorted((e for e in found if e.kind == "ReplayVerdict"), key=lambda e: e.taken_at, reverse=True)
    left = {s.path: s.reason for m in lists for s in m.skipped if s.role in ("output", "")}
    return Made(
        run_id=job.run_id,
        root=facts.root,
        looked=bool(lists),
        complete=bool(lists) and all(m.complete for m in lists),
        outputs=facts.outputs,
        skipped=tuple(sorted(left.items())),
        verdicts=tuple(build(e.data, ReplayVerdict, "evidence") for e in verdicts),
    )


def check(claim: Claim, run: Made | None, content: Content) -> ClaimChecked:
    """run: None where no such run is known; content: of the claim's `file`, where it names one."""
    if run is None:
        return _said(claim, "", None, Standing.UNKNOWN, "no such run is known here")
    if content.problem:
        return _said(claim, run.run_id, None, Standing.UNKNOWN, f"the file of the paper could not be read: {content.problem}")
    wanted = {digest for digest in (claim.sha256, content.sha256) if digest}
    if len(wanted) > 1:
        return _said(claim, run.run_id, None, Standing.BROKEN, "the file of the paper is not what `sha256` says")
    if not run.looked:
        return _said(claim, run.run_id, None, Standing.UNKNOWN, "the outputs of the run were never listed")
    digest = next(iter(wanted), "")
    return _placed(claim, run, digest) if claim.output else _found(claim, run, digest)


def _placed(claim: Claim, run: Made, digest: str) -> ClaimChecked:
    """A claim that names a place in the run."""
    places = {
        _place(claim.output),
        _place(os.path.relpath(claim.output, run.root)) if run.root and claim.output[:1] == "/" else "",
    }
    output = next((f for f in run.outputs if _place(f.path) in places), None)
    if output is None:
        why = next((reason for path, reason in run.skipped if _place(path) in places), "")
        if why:
            return _said(claim, run.run_id, None, Standing.UNKNOWN, f"this output was not hashed: {why}")
        if not run.complete:
            return _said(
                claim, run.run_id, None, Standing.UNKNOWN, "it is not among the outputs that are known, which are not all"
            )
        return _said(claim, run.run_id, None, Standing.BROKEN, "the run has no such output")
    if digest and output.sha256 != digest:
        return _said(claim, run.run_id, output, Standing.BROKEN, "the run's output at this place has another content")
    return _replayed(claim, run, output)


def _found(claim: Claim, run: Made, digest: str) -> ClaimChecked:
    """A claim that names a content only."""
    output = next((f for f in run.outputs if f.sha256 == digest), None)
    if output is None and not run.complete:
        return _said(
            claim, run.run_id, None, Standing.UNKNOWN, "none of the outputs that are known has this content; not all are"
        )
    if output is None:
        return _said(claim, run.run_id, None, Standing.BROKEN, "no output of the run has this content")
    return _replayed(claim, run, output)


def _replayed(claim: Claim, run: Made, output: DataFile) -> ClaimChecked:
    """What replays say of this content, the newest first; one that compared another content says nothing of it."""
    told = [(v, o) for v in run.verdicts for o in v.outputs if _judged(o, output)]
    if not told:
        return _said(claim, run.run_id, output, Standing.LINKED, "an output of the run; no replay has compared it")
    verdict, newest = told[0]
    where = "on the same machine" if verdict.same_machine else "on another machine"
    others = {o.sameness for _, o in told[1:]}
    if newest.sameness in SAME:
        more = "; an older replay made something else" if Sameness.DIFFERENT in others else ""
        return _said(claim, run.run_id, output, Standing.REPLAYED, f"{newest.sameness} in a replay {where}{more}")
    more = "; an older replay made it again" if others & set(SAME) else ""
    return _said(claim, run.run_id, output, Standing.CONTRADICTED, f"a replay {where} made something else{more}")


def _judged(verdict: OutputVerdict, output: DataFile) -> bool:
    if verdict.sameness is Sameness.NOT_RUN or _place(verdict.path) != _place(output.path):
        return False
    return verdict.expected_sha256 in ("", output.sha256)


def _place(path: str) -> str:
    return os.path.normpath(path) if path else ""


def _said(claim: Claim, run_id: str, output: DataFile | None, standing: Standing, why: str) -> ClaimChecked:
    return ClaimChecked(
        name=claim.name,
        says=claim.says,
        run=claim.run,
        run_id=run_id,
        output=output.path if output else claim.output,
        sha256=output.sha256 if output else claim.sha256,
        file=claim.file,
        standing=standing,
        why=why,
    )
