"""Is what a bisection found kept with both runs, and told where somebody compares them?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from auditor import codec
from auditor.bisection import Bisection, Cause, Trial
from auditor.model import Phase, Status
from auditor.replay.bisect.evidence import bisection_evidence, remember
from auditor.replay.bisect.view import text
from auditor.store import Store
from reports.bisections import bisections, sentence
from tests import factory
from tests.factory import seen

ONE, TWO = factory.job("1"), factory.job("2")
CAUSE = Cause("variable:TZ", "environment", "TZ", "UTC", "CET", "environment variable")
FOUND = Bisection(
    ONE.run_id, TWO.run_id, True, "A differs from B because of TZ", (CAUSE,), (), (Trial("r-0", "control", (), "agrees", 1.0),), (), 3, (),
    ("out.txt",), (), "local", "bubblewrap", "rtol 1e-06, atol 1e-12", 2, 9, 12.0, "2026-11-23T12:00:00+00:00", "2026-11-23T12:01:00+00:00", "1",
)  # fmt: skip


def stored(folder: Path, *found: Bisection) -> tuple[Bisection, ...]:
    """Kept by a store that knows both runs, and read again."""
    with Store.open(str(folder / "home" / "runs.duckdb")) as store:
        store.ingest([factory.capture(job, Phase.SUBMIT, seen(factory.submission())) for job in (ONE, TWO)])
        for one in found:
            assert remember(store, one) == (ONE.run_id, TWO.run_id)
        return bisections(store.evidence(ONE.run_id), store.evidence(TWO.run_id))


def test_it_is_kept_with_both_runs_and_the_newest_is_told_first(tmp_path: Path) -> None:
    older = replace(
        FOUND, certified=False, reason="the budget of 2 runs is used up", ended_at="2026-11-23T11:00:00+00:00", runs=2
    )
    assert stored(tmp_path, older, FOUND) == (FOUND, older)
    assert [sentence(f) for f in (FOUND, older)] == [
        f"certified by 9 runs: A differs from B because of TZ (A is {ONE.run_id}, B is {TWO.run_id})",
        f"not certified by 2 runs: the budget of 2 runs is used up (A is {ONE.run_id}, B is {TWO.run_id})",
    ]


def test_a_bisection_of_another_pair_is_not_told() -> None:
    evidence = bisection_evidence(FOUND)
    assert (bisections([evidence], []), bisections([evidence], [evidence])) == ((), (FOUND,))


def test_evidence_of_another_shape_is_passed_over() -> None:
    other = replace(bisection_evidence(FOUND), data={"a": 1})
    assert bisections([other], [other]) == ()


def test_a_run_that_no_store_knows_is_left_out(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "runs.duckdb")) as store:
        assert remember(store, FOUND) == ()


def test_a_long_search_is_kept_short_as_evidence() -> None:
    many = replace(FOUND, trials=FOUND.trials * 1000)
    evidence = bisection_evidence(many)
    assert (evidence.status, len(codec.build(evidence.data, Bisection).trials)) == (Status.OK, 200)


def test_control_sequences_of_a_stranger_are_not_shown() -> None:
    hostile = replace(CAUSE, name="x\x1b[2Jy\nz", detail=())
    assert "\x1b" not in text(replace(FOUND, causes=(hostile,)))
