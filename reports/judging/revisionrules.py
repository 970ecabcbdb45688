"""Was the image built from the commit that the run is of? A judge of tip 7 about labels."""

from __future__ import annotations

import re

from auditor.model import Verdict
from probes.containers import EngineImages, SifImages
from probes.git import GitState
from reports.judging.amounts import some, words
from reports.judging.imagelabels import LABEL, all_looked, labels, sealed
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak


def foreign_revision(sif: Maybe[SifImages], engine: Maybe[EngineImages], git: Maybe[GitState]) -> Verdict:
    """A label may be the base image's, which every image built on it inherits: it counts where it names the run's own repository."""
    every = dict(labels(sif, engine))
    told = [
        (name, own[f"{LABEL}revision"], own.get(f"{LABEL}source", ""))
        for name, own in every.items()
        if own.get(f"{LABEL}revision")
    ]
    state = known(git)
    sources = [f for f in (known(sif), known(engine), state) if f]
    if told and state:
        own = [
            (name, revision, source)
            for name, revision, source in told
            if not source or _repository(source) == _repository(state.value.remote)
        ]
        for name, revision, source in own:
            if not _same_commit(revision, state.value.commit):
                said = f"{name} says that it was built from {revision[:12]}, and the run's code is {state.value.commit[:12]}"
                fix = f'docker build --label {LABEL}revision="$(git rev-parse HEAD)" -t {words([name])} .   # build it again from this commit'
                return (failed if source else weak)(said, fix, *sources)
        all_looked(sif, engine)
        if own:
            return passed(
                f"built from the run's own commit {state.value.commit[:12]}: {some(name for name, _, _ in own)}", *sources
            )
        return not_applicable(f"the labels name other repositories: {some(source for _, _, source in told)}", *sources)
    all_looked(sif, engine)
    if told:
        raise Unclear(f"{told[0][0]} says {told[0][1][:12]}, and the run's own commit is not known")
    if dark := sorted(name for name in sealed(sif) if not every.get(name)):
        raise Unclear(f"{some(dark)} is encrypted: its labels cannot be read")
    return not_applicable("no image states a revision", *sources)


def _same_commit(label: str, commit: str) -> bool:
    return len(label) >= 7 and bool(commit) and (commit.startswith(label) or label.startswith(commit))


def _repository(url: str) -> str:
    """`git@host:group/name.git` and `https://host/group/name` are one."""
    return re.sub(r"^(?:[a-z+]+://)?(?:[^@/]+@)?", "", url).replace(":", "/").removesuffix("/").removesuffix(".git").lower()
