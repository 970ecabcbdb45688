"""May a verdict from somebody else stand in the report of this run? It must name the run's bundle, and it is taken for no more than it shows.

A verdict file is a ReplayVerdict, or a ChainVerdict, as JSON. Its signature, where there is one, lies beside it: FILE.sig.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from auditor import codec
from auditor.model import AuditError, Evidence, Grade, Job
from auditor.replay.evidence import counts, verdict_evidence
from auditor.sign import check, keygen, sshsig
from auditor.sign.check import Signed, Trust
from auditor.verdict import ChainVerdict, ReplayVerdict
from reports.archive import verifier

LARGEST = 64 << 20
KIND = "Hardware"


@dataclass(frozen=True)
class Attached:
    """verdict: as it counts here. evidence: for the run. signed: None: there is no signature. notes: what was changed, and why."""

    verdict: ReplayVerdict
    evidence: Evidence
    signed: Signed | None
    notes: tuple[str, ...]


def read(path: Path) -> tuple[tuple[ReplayVerdict, ...], bytes]:
    """The verdicts of a file, and its bytes. Raises AuditError."""
    try:
        if path.stat().st_size > LARGEST:
            raise AuditError(f"{path} is too large for a verdict", "give the file that `auditor replay -o` wrote")
        raw = path.read_bytes()
    except OSError as error:
        raise AuditError(
            f"{path} cannot be read: {error.strerror or error}", "give the file that `auditor replay -o` wrote"
        ) from error
    if b'"verdicts"' in raw:
        return codec.loads(raw, ChainVerdict, str(path)).verdicts, raw
    return (codec.loads(raw, ReplayVerdict, str(path)),), raw


def signature(path: Path, raw: bytes, allowed: str = "") -> Signed | None:
    """Who vouches for the file; None when nobody does. Raises AuditError for a signature that is not good, or not of who is allowed."""
    beside = path.with_name(f"{path.name}.sig")
    try:
        armored = beside.read_bytes()[: sshsig.MAX_ARMOR]
    except FileNotFoundError:
        if allowed:
            raise AuditError(f"{path} is not signed", f"its signature belongs into {beside}") from None
        return None
    except OSError as error:
        raise AuditError(f"{beside} cannot be read: {error.strerror or error}", "mend its permissions") from error
    found = check.look(raw, armored, sshsig.STATEMENT, allowed=allowed)
    if found.trust is Trust.REFUSED or (allowed and found.trust is not Trust.KNOWN):
        raise AuditError(f"{path} was not added: {found.said}", "ask its author for the file as it was signed")
    return found


def sign(path: Path, key: str) -> Path:
    """Vouch for a verdict file; the signature's path. Raises AuditError."""
    beside = path.with_name(f"{path.name}.sig")
    try:
        beside.write_bytes(keygen.sign(path.read_bytes(), key, sshsig.STATEMENT))
    except OSError as error:
        raise AuditError(f"{beside} cannot be written: {error.strerror or error}", "choose another folder") from error
    return beside


def attach(
    verdict: ReplayVerdict, run_id: str, known: Collection[str], evidence: Sequence[Evidence], signed: Signed | None, name: str
) -> Attached:
    """The verdict as evidence of this run. known: ids of the run's bundles. evidence: of the run, for the machine it ran on.

    Raises AuditError for a verdict on another run or bundle, and for one that proves nothing of the outputs.
    """
    if verdict.run_id != run_id:
        raise AuditError(f"{name} is about run {ascii(verdict.run_id)[:40]}, not {run_id}", "name the run that it is about")
    if verdict.bundle not in known:
        hint = "--bundle names the bundle that was replayed" if not known else "it must be the bundle that you gave away"
        raise AuditError(f"{name} is about bundle {ascii(verdict.bundle)[:20]}, which is none of this run's", hint)
    if not counts(verdict):
        raise AuditError(f"{name} is of level {verdict.level}: it proves nothing of the outputs", "ask for a full run")
    notes: list[str] = []
    if not verdict.same_machine and (why := _same(verdict, evidence)):
        verdict = replace(verdict, same_machine=True)
        notes.append(f"it counts as a replay on the same machine: {why}")
    vouched = signed is not None and signed.trust is Trust.KNOWN
    source = f"verdict file {name}, {signed.said if signed else 'not signed'}"
    grade = Grade.VERIFIED if vouched else Grade.OBSERVED
    return Attached(verdict, verdict_evidence(verdict, grade=grade, source=source), signed, tuple(notes))


def _same(verdict: ReplayVerdict, evidence: Sequence[Evidence]) -> str:
    """Why `another machine` is not believed: a rung must not be earned by ignorance."""
    prints = {str((e.data or {}).get("fingerprint", "")) for e in evidence if e.kind == KIND} - {""}
    if verdict.where.startswith("slurm:"):
        clusters = {str((e.data or {}).get("cluster", "")) for e in evidence if e.kind == "JobAccounting"} - {""}
        return "the cluster has the same name" if verdict.where.partition(":")[2] in clusters else ""
    if not verdict.machine or not prints:
        return "the fingerprint of one of the machines is not known"
    return "the fingerprints are equal" if verdict.machine in prints else ""


def of_bundle(path: Path) -> tuple[str, Job, tuple[Evidence, ...]]:
    """A bundle's id, job and evidence. Raises AuditError for one that is not whole."""
    try:
        with closing(verifier.open_bundle(str(path))) as bundle:
            result = verifier.check_open(bundle)
            if result.problems:
                raise AuditError(f"{path} is not whole: {result.problems[0]}", "fetch it again")
            job = codec.loads(verifier.read(bundle, "data/job.json"), Job, "job.json")
            rows = verifier.read(bundle, "data/evidence/evidence.json")
            return result.id, job, codec.loads(rows, tuple[Evidence, ...], "evidence.json")
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused
