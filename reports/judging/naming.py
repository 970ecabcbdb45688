"""Which images do the scripts name for something to run in, by the look that knows the run's own variables? Pure.

At submission variables may have other values than in the job: an image that is named by one is known only as the job started.
"""

from __future__ import annotations

from auditor.model import Fact
from probes.containers import ContainerReferences, Reference
from reports.judging.leaks import started
from reports.judging.verdicts import Maybe, Unclear


def best(submit: Maybe[ContainerReferences], start: Maybe[ContainerReferences]) -> Maybe[ContainerReferences]:
    """The job's own look, where there is one; it says nothing new where no variable names an image."""
    return start if isinstance(start, Fact) else submit


def settled(submit: Maybe[ContainerReferences], start: Maybe[ContainerReferences]) -> None:
    """Raises Unclear where the job's look is missing and could show other names: a fault may hide there."""
    if start is None and isinstance(submit, Fact):
        open_ = [r.text for r in submit.value.references if "$" in r.text or "`" in r.text]
        if open_:
            raise Unclear(f"named by variables, and their values as the job ran are not known: {open_[0]}")


def off(named: ContainerReferences) -> tuple[Reference, ...]:
    """Named in a workflow whose switch for containers is off: declared, not enacted."""
    return tuple(r for r in named.references if r.enabled == "no")


def on(named: ContainerReferences) -> tuple[Reference, ...]:
    """All that the job runs, gets or builds."""
    return tuple(r for r in named.references if r.enabled != "no")


def names(references: tuple[Reference, ...]) -> set[str]:
    return {text for r in references for text in (r.text, r.resolved) if text}


def idle(named: ContainerReferences) -> set[str]:
    """Names of images that nothing runs in: fetched only, or switched off."""
    return names(named.references) - names(started(named))
