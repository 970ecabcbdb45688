"""Tip 9 by example: is the loop written down, counted and bounded?"""

from __future__ import annotations

from auditor.campaign import Campaign, Sibling
from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.workflow import SystemsUsed
from tests.factory import at, seen, submission
from tests.reports.ask import (
    FAILED,
    IDENTICAL,
    NO_ENGINE,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    declared,
    later,
    replayed,
    said,
)

TYPED = seen(submission())
NO_LOOP = (
    "no loop in the scripts and no data path back through 0 other runs of the campaign; "
    "no workflow engine left a record below the work directory"
)


def scripts(*loops: str) -> Evidence:
    return declared(SystemsUsed((), {}, loops, (), ()))


def campaign(*cycle: str, iterations: int = 0, runs: tuple[Sibling, ...] = ()) -> Evidence:
    return later(Campaign("me", ("data",), runs, (), 0, 0, iterations, cycle, ()))


def run(name: str, state: str = "COMPLETED") -> Sibling:
    return Sibling(name, name, "train", state, "s", "train.sh #", at(0), at(1), at(2))


def test_a_script_that_submits_itself_hides_the_loop() -> None:
    hidden = scripts("run.sh:9 sbatch run.sh $((i + 1))")

    assert said("self-submission", hidden, campaign(), TYPED) == (
        FAILED,
        "the script submits the next round itself: run.sh:9 sbatch run.sh $((i + 1))",
    )
    assert "--dependency=afterok:$jid} train.sh $i)" in advised("self-submission", hidden, campaign(), TYPED)[1]


def test_a_loop_in_the_data_or_in_one_script_is_explicit() -> None:
    assert said("self-submission", scripts(), campaign("a", "b", iterations=2), TYPED) == (
        PASSED,
        "the loop shows in the data: 2 runs on it",
    )
    assert said("self-submission", scripts("run.sh:2 for i in 1 2 3; do train"), campaign(), TYPED)[0] == PASSED


def test_no_loop_needs_both_looks_before_it_is_believed() -> None:
    assert said("self-submission", scripts(), campaign(), TYPED, NO_ENGINE) == (NOT_APPLICABLE, NO_LOOP)
    assert said("self-submission", scripts(), campaign(), TYPED)[0] == UNKNOWN
    assert said("self-submission", scripts(), TYPED) == (UNKNOWN, "never captured: campaign after the run")


def test_a_loop_without_an_end_has_no_stop_rule() -> None:
    endless = scripts("run.sh:2 while true; do")

    assert said("endless-loop", endless, seen(submission("while true; do\n  train\ndone\n"))) == (
        FAILED,
        "no stop rule: run.sh:2 while true; do",
    )
    assert said("endless-loop", endless, seen(submission("while true; do\n  train || break\ndone\n")))[0] == PASSED
    assert said("endless-loop", scripts("run.sh:9 sbatch run.sh"), TYPED)[0] == FAILED
    assert said("endless-loop", scripts("run.sh:9 [ $i -lt 5 ] && sbatch run.sh"), TYPED)[0] == PASSED


def test_a_bounded_loop_passes_and_no_loop_needs_no_rule() -> None:
    assert said("endless-loop", scripts("run.sh:2 for i in $(seq 5); do"), TYPED) == (
        PASSED,
        "bounded: run.sh:2 for i in $(seq 5); do",
    )
    assert said("endless-loop", scripts(), TYPED)[0] == NOT_APPLICABLE
    assert said("endless-loop", TYPED)[0] == UNKNOWN


def test_iterations_are_counted_in_the_data() -> None:
    assert said("uncounted-iterations", scripts(), campaign("a", "b", iterations=2), TYPED) == (
        PASSED,
        "2 iterations seen in the data, 2 runs on the loop",
    )
    assert said("uncounted-iterations", scripts("run.sh:2 for i in 1 2"), campaign(), TYPED) == (
        FAILED,
        "a loop stands in the scripts, and the recorded data shows no second round",
    )
    assert said("uncounted-iterations", scripts(), campaign(), TYPED, NO_ENGINE) == (NOT_APPLICABLE, NO_LOOP)
    assert said("uncounted-iterations", campaign(), TYPED)[0] == UNKNOWN


def test_a_loop_that_went_on_over_a_failure_is_weak() -> None:
    good, bad = (run("a"), run("b")), (run("a"), run("b", "TIMEOUT"))

    assert said("built-on-failure", scripts(), campaign("a", "b", runs=good), TYPED) == (
        PASSED,
        "all 2 other runs on the loop ended well",
    )
    assert said("built-on-failure", scripts(), campaign("a", "b", runs=bad), TYPED) == (WEAK, "the loop went on over b (TIMEOUT)")
    assert said("built-on-failure", scripts(), campaign("a", "b"), TYPED) == (
        UNKNOWN,
        "the rounds of the loop are not known as runs",
    )
    assert said("built-on-failure", scripts(), campaign(), TYPED, NO_ENGINE)[0] == NOT_APPLICABLE


def test_a_round_run_again_proves_the_loop() -> None:
    loop = campaign("a", "b", iterations=2)

    assert said("unrepeated-iteration", scripts(), loop, replayed()) == (PASSED, f"one round again: {IDENTICAL}")
    assert said("unrepeated-iteration", scripts(), loop, replayed(Sameness.DIFFERENT))[0] == FAILED
    assert said("unrepeated-iteration", scripts(), loop) == (UNKNOWN, "no round of the loop was ever replayed")
    assert said("unrepeated-iteration", scripts(), campaign(), NO_ENGINE) == (NOT_APPLICABLE, NO_LOOP)
