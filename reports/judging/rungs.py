"""On which steps of the reproducibility ladder does the run stand? Each is earned by proof only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from auditor.model import Fact, Phase
from auditor.scorecard import Rung
from auditor.verdict import ReplayVerdict
from probes.called import CalledFiles
from probes.containers import ContainerIdentities, ContainerReferences, Level, RanImages, SifImages
from probes.data import DataManifest
from probes.folder import FolderState
from probes.git import GitState
from probes.packages import PythonPackages
from probes.schedulers import JobAccounting
from probes.submission import Submission
from reports.judging import naming
from reports.judging.amounts import several
from reports.judging.imagefacts import facts
from reports.judging.known import known
from reports.judging.leaks import started
from reports.judging.proofs import REPLAY, same, step, summary, unequal
from reports.judging.ranking import ways
from reports.judging.record import Record
from reports.judging.sightings import digests, held, unmoved
from reports.judging.strays import strays
from reports.judging.traces import called, content, traces

REBUILT = ("rebuilt-from-lock", "bare-python", "image-by-digest", "image-rebuilt")
MATCHED = (Level.BYTE_SAME, Level.SAME_IMAGE, Level.SAME_LAYERS, Level.SAME_FILES)
"""Rungs of the identity ladder on which an image that was had again holds the same files."""

Proof = tuple[str, Fact[Any] | None]
"""What is still missing (empty: nothing), and the fact that says so."""


def rungs(seen: Record) -> tuple[Rung, ...]:
    """Lowest first. Each stands on its own proof; a page shows how far one comes without a gap."""
    return (_captured(seen), _pinned(seen), *_replayed(seen))


def _captured(seen: Record) -> Rung:
    proofs = (
        _have(seen, Submission, Phase.SUBMIT, "the batch script", lambda s: bool(s.script_sha256)),
        _have(seen, CalledFiles, Phase.START, "the called files as the job started", lambda _: True),
        _have(seen, JobAccounting, Phase.LATER, "the scheduler's final record", lambda a: a.final),
        _have(seen, DataManifest, Phase.LATER, "the list of outputs", lambda _: True),
    )
    return _rung("captured", proofs, "submission, start, accounting and outputs were all seen")


def _pinned(seen: Record) -> Rung:
    return _rung(
        "pinned", (_code(seen), _environment(seen), _data(seen)), "code, environment and inputs are identified by digest"
    )


def _replayed(seen: Record) -> tuple[Rung, Rung, Rung]:
    replays = [a.fact for a in seen.every(REPLAY) if a.fact and not a.stale]
    best = ways(known(seen))[0]
    way = f"the best way to have the environment again: {best.name.replace('-', ' ')}, {best.state}"
    if not replays:
        return (
            Rung("rebuildable", False, f"never replayed; {way}", best.cites),
            Rung("repeatable", False, "never replayed"),
            Rung("replayed-elsewhere", False, "never replayed"),
        )
    told = [_proved(fact, way) for fact in replays]
    one, two, three = (_best([rungs[n] for rungs in told]) for n in range(3))
    return one, two, three


def _best(rungs: list[Rung]) -> Rung:
    """What one replay proved stands; that the newest showed something else is said beside it."""
    best, newest = next((r for r in rungs if r.reached), rungs[0]), rungs[0]
    return (
        best
        if best is newest
        else replace(best, reason=f"{best.reason}; but {newest.reason}", cites=(*best.cites, *newest.cites))
    )


def _proved(fact: Fact[ReplayVerdict], way: str) -> tuple[Rung, Rung, Rung]:
    """What one replay shows by itself."""
    verdict, cites = fact.value, (fact.evidence_id,)
    state, detail = step(verdict, "environment")
    alike = all(i.level in MATCHED for i in verdict.images)
    gap = unequal(verdict)
    rebuilt = verdict.environment in REBUILT and state == "done" and alike and not gap
    how = f"environment: {verdict.environment or 'not known'}, {state}" + (f" ({detail})" if detail else "")
    if not alike:
        how += f"; {', '.join(f'{i.reference}: {i.level}'.replace('-', ' ') for i in verdict.images if i.level not in MATCHED)}"
    how += f"; {gap}" if gap else ""
    how += "" if rebuilt else f"; {way}"
    elsewhere = same(verdict) and not verdict.same_machine
    return (
        Rung("rebuildable", rebuilt, how, cites),
        Rung("repeatable", same(verdict), summary(verdict), cites),
        Rung("replayed-elsewhere", elsewhere, summary(verdict), cites),
    )


def _rung(name: str, proofs: tuple[Proof, ...], reached: str) -> Rung:
    missing = [why for why, _ in proofs if why]
    cites = tuple(fact.evidence_id for _, fact in proofs if fact)
    return Rung(name, not missing, "; ".join(missing) or reached, cites)


def _have(seen: Record, kind: type, phase: Phase, what: str, good: Callable[[Any], bool]) -> Proof:
    fact = seen.value(kind, phase)
    return ("" if fact and good(fact.value) else f"{what}: not known", fact)


def _code(seen: Record) -> Proof:
    git, called = seen.value(GitState, Phase.SUBMIT), seen.value(CalledFiles, Phase.START)
    if called is None:
        return "code: what was called as the job started is not known", None
    lost = [f.path for f in called.value.files if f.state != "ok"]
    if lost:
        return f"code: {several(len(lost), 'called file')} without a digest, first {lost[0]}", called
    if git and (not git.value.dirty or not git.value.diff_cut):
        return "", git
    folder = seen.value(FolderState, Phase.SUBMIT)
    if folder and not folder.value.skipped:
        return "", folder
    return "code: neither a commit nor a complete folder is known by digest", git or folder or called


def _environment(seen: Record) -> Proof:
    """By what ran, where that was seen; else by what was there as the job started; else by the packages."""
    looks = [fact for phase in (Phase.START, Phase.LATER) if (fact := seen.value(RanImages, phase))]
    for one, cite in traces(looks):
        if not content(facts(one)):
            fact = next(f for f in looks if f.evidence_id == cite)
            return f"environment: no digest of {called(one)}, which ran", fact
    images, packages = seen.value(ContainerIdentities, Phase.START), seen.value(PythonPackages, Phase.SUBMIT)
    named = seen.value(ContainerReferences, Phase.START) or seen.value(ContainerReferences, Phase.SUBMIT)
    unused = naming.idle(named.value) if named else set()
    if images and named is None and not looks and images.value.images:
        return f"environment: whether the job ran in {images.value.images[0].reference} is not known", images
    if images and any(i.reference not in unused for i in images.value.images):
        files = seen.value(SifImages, Phase.SUBMIT)
        ran = {one.typed for one, _ in traces(looks)} | unused
        told = digests(images.value, files.value if files else None)
        loose = [name for name, sha in told.items() if not sha and name not in ran]
        return (f"environment: no digest of {loose[0]}" if loose else "", images)
    if looks:
        return "", looks[0]
    if named and started(named.value):
        return "environment: an image is named and was not identified as the job started", None
    if packages and packages.value.env_sha256:
        if packages.value.leaks:
            return f"environment: {packages.value.leaks[0]} reaches in from outside", packages
        stray = strays(packages.value)
        return (f"environment: {stray[0]}: of no package, so no digest is known" if stray else "", packages)
    return "environment: neither an image nor the packages are known", packages


def _data(seen: Record) -> Proof:
    fact = seen.value(DataManifest, Phase.START)
    if fact is None:
        return "data: the inputs were not hashed as the job started", None
    known = {f.path for f in fact.value.files if f.role == "input" and f.sha256} | held(fact.value) | _same_before(seen, fact)
    left = sorted(s.path for s in fact.value.skipped if s.role == "input" and s.path not in known)
    left += [d.path for d in fact.value.datasets if d.state == "partly" and d.path not in known]
    if left:
        return f"data: {several(len(left), 'input')} without a digest, first {left[0]}", fact
    return ("" if known else "data: no input is declared", fact)


def _same_before(seen: Record, start: Fact[DataManifest]) -> set[str]:
    """Inputs too large for the job's own budget, hashed at submission and by size and time the same as the job started."""
    submit = seen.value(DataManifest, Phase.SUBMIT)
    return unmoved(submit.value, start.value) if submit else set()
