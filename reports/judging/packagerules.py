"""Were the packages the same when the job ran, and do its modules have a version? Judges of tip 7 about software."""

from __future__ import annotations

from datetime import datetime

from auditor.model import Fact, Verdict
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.schedulers import JobAccounting
from reports.judging.amounts import duration, several, some, words
from reports.judging.verdicts import Maybe, Unclear, failed, passed, weak

# nobody upgrades a package between submitting and starting within this time
AT_ONCE = 60.0


def changed_packages(before: Fact[PythonPackages], later: Maybe[PythonPackages], accounting: Maybe[JobAccounting]) -> Verdict:
    waited = _waited(accounting.value) if isinstance(accounting, Fact) else None
    if isinstance(accounting, Fact) and waited is not None and waited <= AT_ONCE:
        return passed(f"the job started {duration(waited)} after submission: no time to change a package", before, accounting)
    if not isinstance(later, Fact):
        raise Unclear(f"the packages after the run are not known{f': {later.reason}' if later else ''}")
    old, new = ({k.name: f"{k.version} {k.record_sha256[:12]}" for k in fact.value.packages} for fact in (before, later))
    if before.value.prefix != later.value.prefix:
        raise Unclear(f"submission saw {before.value.prefix}, and after the run another shell saw {later.value.prefix}")
    if before.value.env_sha256 == later.value.env_sha256:
        return passed(f"the same {several(len(old), 'package')} at submission and after the run", before, later)
    moved = [
        f"{n} {old.get(n, 'not there')} → {new.get(n, 'gone')}"
        for n in sorted(old.keys() | new.keys())
        if old.get(n) != new.get(n)
    ]
    pins = words(f"{k.name}=={k.version}" for k in before.value.packages if old.get(k.name) != new.get(k.name))
    return failed(
        f"changed between submission and the end of the run: {some(moved) or later.value.interpreter}",
        f"{words([before.value.interpreter])} -m venv .venv-run && .venv-run/bin/pip install {pins or '-r requirements.txt'}   # one environment a run",
        before,
        later,
    )


def _waited(a: JobAccounting) -> float | None:
    """Seconds from submission to the last start; None when either is not known."""
    last = a.attempts[-1] if a.attempts else None
    submitted = a.attempts[0].submitted if a.attempts else ""
    if last is None or not last.started or not submitted:
        return None
    return (datetime.fromisoformat(last.started) - datetime.fromisoformat(submitted)).total_seconds()


def unversioned_modules(modules: Fact[LoadedModules]) -> Verdict:
    found = modules.value.modules
    loose = [m for m in found if "/" not in m.name]
    if loose:
        files = [m.path.rsplit("/", 1)[-1].removesuffix(".lua") for m in loose]
        versions = [f if f not in ("", m.name) else "VERSION" for f, m in zip(files, loose, strict=True)]
        fix = "module load " + words(f"{m.name}/{version}" for m, version in zip(loose, versions, strict=True))
        return weak(f"loaded without a version: {some(m.name for m in loose)}", fix)
    unread = [m.name for m in found if not m.sha256]
    if unread:
        return weak(
            f"modulefiles that could not be read: {some(unread)}", f"module show {words(unread[:1])}   # may you read its file?"
        )
    return passed(
        f"{several(len(found), 'module')} loaded, each with version and file digest{': ' if found else ''}{some(m.name for m in found)}"
    )
