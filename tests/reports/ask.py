"""How do the tip tests ask one check? Literal evidence in, the runner's finding out."""

from __future__ import annotations

from auditor import registry
from auditor.model import Check, Evidence, Grade, Outcome, Phase
from auditor.scorecard import Finding
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness, Step
from probes.tracking.record import Experiments
from probes.workflows.record import WorkflowRuns
from reports.judging.judge import judge
from reports.judging.record import record
from tests.factory import at, seen, sha, unseen

PASSED, WEAK, FAILED = Outcome.PASSED, Outcome.WEAK, Outcome.FAILED
UNKNOWN, NOT_APPLICABLE = Outcome.UNKNOWN, Outcome.NOT_APPLICABLE


def check(name: str) -> tuple[int, Check]:
    (found,) = [(n, c) for n, tip in registry.tips().items() for c in tip.checks if c.id == name]
    return found


def ask(name: str, *evidence: Evidence, attempt: int = 0) -> Finding:
    """What this check says of a run with this evidence."""
    number, one = check(name)
    return judge(one, number, record(evidence, attempt))


def said(name: str, *evidence: Evidence, attempt: int = 0) -> tuple[Outcome, str]:
    found = ask(name, *evidence, attempt=attempt)
    return found.outcome, found.message


def advised(name: str, *evidence: Evidence) -> tuple[Outcome, str]:
    found = ask(name, *evidence)
    return found.outcome, found.fix


def later(value: object) -> Evidence:
    return seen(value, phase=Phase.LATER, taken_at=at(60))


def start(value: object) -> Evidence:
    return seen(value, phase=Phase.START, taken_at=at(1))


def end(value: object) -> Evidence:
    return seen(value, phase=Phase.END, taken_at=at(11))


def declared(value: object) -> Evidence:
    return seen(value, grade=Grade.DECLARED)


def replayed(
    sameness: Sameness = Sameness.IDENTICAL,
    *,
    stopped_at: str = "",
    same_machine: bool = False,
    environment: str = "image-by-digest",
    environment_equal: bool | None = None,
) -> Evidence:
    """A replay's verdict over one output, `model.pt`; `stopped_at` names the stage that failed."""
    names = ("unpack", "inputs", "environment", "run", "compare")
    ran = names[: names.index(stopped_at)] if stopped_at else names
    steps = (
        *(Step(n, "done", f"{n} went well") for n in ran),
        *((Step(stopped_at, "failed", "it stopped here"),) if stopped_at else ()),
    )
    again = "" if sameness is Sameness.NOT_RUN else sha("model") if sameness is Sameness.IDENTICAL else sha("another model")
    outputs = () if sameness is Sameness.NOT_RUN else (OutputVerdict("model.pt", sameness, "bytes", "", sha("model"), again),)
    verdict = ReplayVerdict(
        sha("bundle"), "0123456789abcdef", sameness, "it stopped" if stopped_at else "", outputs, steps, "local", same_machine, "none", environment,
        at(100), at(110), "0.1", environment_equal=environment_equal,
    )  # fmt: skip
    return seen(verdict, phase=Phase.LATER, probe="replay", grade=Grade.VERIFIED, taken_at=at(110))


NO_ENGINE = unseen(
    WorkflowRuns, "no workflow engine left a record below the work directory", phase=Phase.LATER, probe="workflow-runs"
)
NO_TRACKER = unseen(Experiments, "no tracker left a record below the work directory", phase=Phase.LATER, probe="experiments")

ANOTHER = "a replay on another machine (local)"
IDENTICAL = f"1 output identical in {ANOTHER}"
DIFFERENT = f"{ANOTHER} gave something else: model.pt"
NEVER = "never captured: replay verdict after the run"
