"""What does the runner conclude when evidence is missing, broken, old, or trusted too little?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.model import Check, Evidence, Fact, Grade, Need, Outcome, Phase, Status, Verdict
from auditor.scorecard import Finding
from probes.git import GitState
from probes.hardware import Hardware
from reports.judging.judge import judge
from reports.judging.record import record
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed
from tests.factory import at, git_state, hardware, seen, unseen

SUBMIT, START = (Phase.SUBMIT,), (Phase.START,)


def clean(git: Fact[GitState]) -> Verdict:
    return failed("dirty", "git commit") if git.value.dirty else passed("clean")


def ask(*evidence: Evidence, need: Need | None = None, level: int = 1, judged: object = clean, attempt: int = 0) -> Finding:
    check = Check("tree", level, "Is it clean?", (need or Need(GitState, SUBMIT),), judged, "commit")  # type: ignore[arg-type]
    return judge(check, 8, record(evidence, attempt))


def test_ok_evidence_is_judged_and_cited() -> None:
    evidence = seen(git_state())

    found = ask(evidence)

    assert (found.outcome, found.message, found.grade, found.cites) == (Outcome.PASSED, "clean", Grade.OBSERVED, (evidence.id,))


def test_a_fix_is_given_with_a_fault_only() -> None:
    assert ask(seen(git_state(dirty=True))).fix == "git commit"
    assert ask(seen(git_state())).fix == ""


def test_evidence_that_was_never_captured_is_unknown() -> None:
    assert ask().message == "never captured: git state at submission"
    assert ask().outcome is Outcome.UNKNOWN


def test_a_probe_that_broke_is_unknown_with_its_reason() -> None:
    found = ask(unseen(GitState, "TimeoutError: git took 20 s", status=Status.FAILED))

    assert (found.outcome, found.message) == (
        Outcome.UNKNOWN,
        "could not look: git state at submission: TimeoutError: git took 20 s",
    )


def test_what_is_withheld_is_unknown() -> None:
    assert ask(unseen(GitState, "a secret", status=Status.WITHHELD)).message == "withheld: git state at submission: a secret"


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAILED, Outcome.NOT_APPLICABLE])
def test_absence_means_what_the_check_declared(outcome: Outcome) -> None:
    absent = unseen(GitState, "no repository")

    found = ask(absent, need=Need(GitState, SUBMIT, absent=outcome, fix="git init"))

    assert (found.outcome, found.message, found.cites) == (outcome, "no repository", (absent.id,))
    assert found.fix == ("git init" if outcome is Outcome.FAILED else "")


def test_one_good_look_outweighs_absence_and_failure_of_others() -> None:
    looks = [
        unseen(GitState, "not here", probe="a"),
        unseen(GitState, "broke", probe="b", status=Status.FAILED),
        seen(git_state()),
    ]

    assert ask(*looks).outcome is Outcome.PASSED


def test_the_newest_of_a_moment_speaks() -> None:
    assert ask(seen(git_state(), taken_at=at(0)), seen(git_state(dirty=True), taken_at=at(5))).outcome is Outcome.FAILED


def test_evidence_of_an_older_probe_that_does_not_read_is_unknown_and_says_by_whom() -> None:
    old = replace(seen(git_state()), version=0, data={"sha": "abc"})

    found = ask(old)

    assert found.outcome is Outcome.UNKNOWN
    assert found.message.startswith("captured by git v0, unreadable here: ")


def test_what_an_earlier_moment_showed_may_be_a_fault_and_never_a_virtue() -> None:
    need = Need(GitState, (Phase.SUBMIT, Phase.START))

    assert ask(seen(git_state(dirty=True)), need=need).outcome is Outcome.FAILED
    found = ask(seen(git_state()), need=need)
    assert (found.outcome, found.message) == (
        Outcome.UNKNOWN,
        "seen only at submission of attempt 1, not as the job started of the last one (nothing was captured then); what was seen then: clean",
    )


def test_what_an_earlier_attempt_showed_does_not_speak_for_the_last_one() -> None:
    first = seen(git_state(), phase=Phase.START, attempt=0)

    assert ask(first, need=Need(GitState, START)).outcome is Outcome.PASSED
    assert ask(first, need=Need(GitState, START), attempt=1).outcome is Outcome.UNKNOWN
    assert ask(first, unseen(Hardware, "?", phase=Phase.END, attempt=1), need=Need(GitState, START)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("grade", "level", "outcome"),
    [
        (Grade.DECLARED, 1, Outcome.PASSED),
        (Grade.DECLARED, 2, Outcome.UNKNOWN),
        (Grade.OBSERVED, 2, Outcome.PASSED),
        (Grade.OBSERVED, 3, Outcome.UNKNOWN),
        (Grade.VERIFIED, 3, Outcome.PASSED),
    ],
)
def test_the_grade_of_the_evidence_caps_the_level(grade: Grade, level: int, outcome: Outcome) -> None:
    assert ask(seen(git_state(), grade=grade), level=level).outcome is outcome


def test_a_fault_stands_whatever_its_grade() -> None:
    assert ask(seen(git_state(dirty=True), grade=Grade.DECLARED), level=3).outcome is Outcome.FAILED


def test_a_verdict_is_capped_by_what_it_rests_on_alone() -> None:
    def either(git: Fact[GitState], machine: Fact[Hardware]) -> Verdict:
        return passed("known", machine)

    check = Check("either", 2, "?", (Need(GitState, SUBMIT), Need(Hardware, SUBMIT)), either, "")
    weak, strong = seen(git_state(), grade=Grade.DECLARED), seen(hardware())

    found = judge(check, 1, record([weak, strong], 0))

    assert (found.outcome, found.grade, found.cites) == (Outcome.PASSED, Grade.OBSERVED, (strong.id,))


def test_of_several_unmet_needs_a_sure_fault_comes_first_then_ignorance() -> None:
    absent = unseen(GitState, "no repository")
    check = Check("two", 1, "?", (Need(GitState, SUBMIT, absent=Outcome.FAILED), Need(Hardware, SUBMIT)), clean, "")
    softer = Check("two", 1, "?", (Need(GitState, SUBMIT, absent=Outcome.NOT_APPLICABLE), Need(Hardware, SUBMIT)), clean, "")

    assert judge(check, 1, record([absent], 0)).outcome is Outcome.FAILED
    assert judge(softer, 1, record([absent], 0)).outcome is Outcome.UNKNOWN


def test_an_optional_need_tells_absence_from_ignorance() -> None:
    def which(git: Maybe[GitState]) -> Verdict:
        return not_applicable(type(git).__name__)

    need = Need(GitState, SUBMIT, optional=True)

    assert ask(need=need, judged=which).message == "NoneType"
    assert ask(unseen(GitState, "no repository"), need=need, judged=which).message == "Absent"
    assert ask(unseen(GitState, "?", status=Status.FAILED), need=need, judged=which).message == "NoneType"
    assert ask(seen(git_state()), need=need, judged=which).message == "Fact"


def test_a_gap_in_the_facts_themselves_is_unknown() -> None:
    def unsure(git: Fact[GitState]) -> Verdict:
        raise Unclear("the diff was cut")

    assert (ask(seen(git_state()), judged=unsure).outcome, ask(seen(git_state()), judged=unsure).message) == (
        Outcome.UNKNOWN,
        "the diff was cut",
    )


def test_a_check_that_breaks_is_an_error_that_says_where() -> None:
    def broken(git: Fact[GitState]) -> Verdict:
        return {}[git.value.commit]  # type: ignore[no-any-return]

    found = ask(seen(git_state()), judged=broken)

    assert found.outcome is Outcome.ERROR
    assert found.message.startswith("this check broke: KeyError: 'aaaa")
    assert "(in broken, line " in found.message


def test_doubles_are_one_and_order_does_not_matter() -> None:
    a, b = seen(git_state()), seen(hardware())

    assert record([a, b, a], 0) == record([b, a], 0)
    assert {p.id for p in record([a, b], 0).pieces} == {a.id, b.id}
