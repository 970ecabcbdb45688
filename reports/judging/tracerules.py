"""Are the files that a trace saw the files that were declared? Names instead of guesses."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable

from auditor.model import Fact, Verdict
from probes.submission import Submission
from probes.tracing import CODE, FileTrace
from reports.judging.again import again
from reports.judging.amounts import several, some
from reports.judging.verdicts import failed, passed

FEW = 5


def traced_inputs(submission: Fact[Submission], traced: Fact[FileTrace]) -> Verdict:
    told, cwd = submission.value, submission.value.cwd
    read = [p for p in traced.value.inputs if not _code(p, told)]
    if not read:
        return passed(f"a trace ({traced.value.tracer}) saw no data file being read", submission, traced)
    missing = [p for p in read if not declared(p, cwd, told.declared_inputs)]
    how = f"{several(len(read), 'data file')} read ({traced.value.tracer})"
    if not missing:
        return passed(f"{how}, each of them declared: {some(_short(p, cwd) for p in read)}", submission, traced)
    fix = again(told, *(f"--auditor-input={p}" for p in (*told.declared_inputs, *patterns(missing, cwd))))
    return failed(f"{how}, {len(missing)} of them not declared: {some(_short(p, cwd) for p in missing)}", fix, submission, traced)


def declared(path: str, cwd: str, wanted: Iterable[str]) -> bool:
    """By a pattern, or below a folder that is named."""
    whole = [posixpath.normpath(posixpath.join(cwd, pattern)) for pattern in wanted]
    return any(fnmatch.fnmatchcase(path, w) or path.startswith(f"{w}/") for w in whole)


def patterns(paths: Iterable[str], cwd: str) -> list[str]:
    """One word a file; where a folder has more than a few, the folder with the suffix they share."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(posixpath.dirname(path), []).append(path)
    found: list[str] = []
    for folder, files in folders.items():
        suffixes = {posixpath.splitext(f)[1] for f in files}
        if len(files) <= FEW:
            found += files
        else:
            found += [posixpath.join(folder, f"*{suffix}") for suffix in sorted(suffixes)]
    return [_short(f, cwd) for f in found]


def _code(path: str, told: Submission) -> bool:
    return path.lower().endswith(CODE) or path == posixpath.join(told.cwd, told.script_path)


def _short(path: str, cwd: str) -> str:
    return path[len(cwd) :].lstrip("/") if cwd and path.startswith(cwd.rstrip("/") + "/") else path
