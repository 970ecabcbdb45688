"""Which files went into what an engine did in this run, by the engine's own record?"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from auditor.model import Fact
from probes.submission import Submission
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.again import again
from reports.judging.amounts import several, some
from reports.judging.engineruns import mine, told
from reports.judging.tracerules import declared, patterns
from reports.judging.verdicts import Maybe


@dataclass(frozen=True)
class Taken:
    """Files that tasks read and none made, or that the engine names as its run's: absolute paths, or addresses. whole: are these all?"""

    run: WorkflowSeen
    inputs: tuple[str, ...]
    whole: bool

    @property
    def said(self) -> str:
        """`snakemake 9.1 in /home/ada/train names 2 inputs of its 11 tasks: data/a.csv, data/b.csv`."""
        least = "" if self.whole else "at least "
        names = f": {some(self.short(p) for p in self.inputs)}" if self.inputs else ""
        return (
            f"{told(self.run)} names {least}{several(len(self.inputs), 'input')} of its {several(self.run.tasks, 'task')}{names}"
        )

    def short(self, path: str) -> str:
        return path.removeprefix(f"{self.run.folder.rstrip('/')}/")

    def asked(self, submission: Submission) -> str:
        """The submission with those declared that were not."""
        cwd, wanted = submission.cwd, submission.declared_inputs
        left = [p for p in self.inputs if "://" not in p and not declared(p, cwd, wanted)]
        named = (*wanted, *patterns(left, cwd))
        return again(submission, *(f"--auditor-input={p}" for p in named or ("data/*",)))


def taken(engines: Maybe[WorkflowRuns]) -> Taken | None:
    """Of the first run inside of this one whose record tells of files at all; None where none does."""
    runs = [r for r in mine(engines) if r.relation == "inside"] if isinstance(engines, Fact) else []
    telling = [r for r in runs if any(g.inputs.files or g.outputs.files for g in r.groups)]
    found = [_taken(r) for r in telling]
    return next((t for t in found if t.inputs), found[0] if found else None)


def _taken(run: WorkflowSeen) -> Taken:
    code = {_whole(d.path, run) for d in run.definitions}
    inputs = dict.fromkeys(_whole(f.path, run) for f in run.files if f.role == "input")
    return Taken(run, tuple(p for p in inputs if p not in code), len(run.files) >= run.files_total)


def _whole(path: str, run: WorkflowSeen) -> str:
    name = path.removeprefix("file://")
    return name if "://" in name else posixpath.normpath(posixpath.join(run.folder, name))
