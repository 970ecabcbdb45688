"""Is the content there that DVC, git-annex and git-LFS promise? A pointer without its content is an input that nobody can read."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.model import Fact, Verdict
from probes.pointers import DataPointers, Pointer
from reports.judging.amounts import several, some, words
from reports.judging.verdicts import Maybe, failed, passed, weak

_NAMES = {"dvc": "DVC", "git-annex": "git-annex", "git-lfs": "git-LFS"}


def dangling_pointers(before: Maybe[DataPointers], after: Fact[DataPointers]) -> Verdict:
    """The newest look decides; what was absent when the job was submitted is said as well."""
    bad = _inputs(after.value, "absent")
    if bad:
        return failed(f"only the pointer is there, not the content: {_said(bad)}", fetch(bad), after)
    if other := _inputs(after.value, "different"):
        return failed(f"the content is not what its pointer declares: {_said(other)}", compare(other), after)
    early = _inputs(before.value, "absent") if isinstance(before, Fact) else []
    if early and isinstance(before, Fact):
        return weak(f"the content came only while the job ran: {_said(early)}", fetch(early), before, after)
    loose = [*_inputs(after.value, "present"), *_inputs(after.value, "unreadable")]
    if loose:
        why = f"{loose[0].path}: {loose[0].reason}"
        return weak(f"{several(len(loose), 'content')} not compared with what is declared ({why})", compare(loose), after)
    if not after.value.complete:
        return weak("not every folder was looked into for pointers", "auditor config hash_seconds 600", after)
    counts = [f"{n} of {_NAMES.get(name.split()[0], name)}" for name, n in after.value.found.items() if name.endswith(" equal")]
    return passed(f"every declared content is there and has the declared digest: {some(counts)}", after)


def _inputs(seen: DataPointers, state: str) -> list[Pointer]:
    return [p for p in seen.pointers if p.role == "input" and p.state == state]


def _said(pointers: Sequence[Pointer]) -> str:
    return some(f"{p.path} ({_NAMES.get(p.system, p.system)})" for p in pointers)


def fetch(pointers: Sequence[Pointer]) -> str:
    """What brings the content, once, before the job: a line a system."""
    return "# on the login node, before the job:\n" + _lines(
        pointers, {"dvc": "dvc pull", "git-annex": "git annex get", "git-lfs": "git lfs pull"}
    )


def compare(pointers: Sequence[Pointer]) -> str:
    """What shows the difference, and takes the declared content back."""
    verbs = {"dvc": "dvc status", "git-annex": "git annex fsck", "git-lfs": "git lfs fsck"}
    return _lines(pointers, verbs)


def _lines(pointers: Sequence[Pointer], verbs: dict[str, str]) -> str:
    found: list[str] = []
    for system, verb in verbs.items():
        own = [p for p in pointers if p.system == system]
        if not own:
            continue
        targets = list(dict.fromkeys(p.by for p in own if not p.by.endswith("dvc.lock")))
        if system == "git-lfs":
            found.append(f"{verb} --include={words([','.join(targets[:10])])}" if verb.endswith("pull") else verb)
        else:
            found.append(f"{verb} {words(targets)}".rstrip())
    return "\n".join(found)
