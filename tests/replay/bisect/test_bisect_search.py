"""Does the search find exactly the culprits, in few runs, and does the certificate refuse what is not proved? On oracles with a known truth."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.replay.bisect.agree import Agreement, agreement
from auditor.replay.bisect.certificate import check, claims, refusal
from auditor.replay.bisect.factor import Answer, Factor, Layer, prior
from auditor.replay.bisect.memo import Memo
from auditor.replay.bisect.search import drop_one, search
from ci.bench_bisect import Cell, ddmin, measure, one_at_a_time

Set = frozenset[Factor]


def factor(name: str, chance: float = 0.1) -> Factor:
    return Factor(name, Layer.DATA, name, "a", "b", (("input", name),), chance, "by hand")


A, B, C, D = (factor(n, p) for n, p in (("a", 0.4), ("b", 0.3), ("c", 0.2), ("d", 0.1)))
EVERY = frozenset((A, B, C, D))


def truth(culprits: Set) -> Callable[[Set], Answer]:
    return lambda taken: Answer.B if culprits <= taken else Answer.NEITHER if culprits & taken else Answer.A


def memo(oracle: Callable[[Set], Answer], votes: int = 1, every: Set = EVERY) -> Memo:
    """After the controls."""
    return Memo(oracle, votes, {frozenset(): Answer.A, every: Answer.B})


def test_prefixes_of_the_likeliest_are_asked_by_halves() -> None:
    asked: list[str] = []
    found = search(sorted(EVERY, key=lambda f: f.id), memo(noting(asked, frozenset({A}))))
    assert (told(found), asked) == ("a", ["ab", "a"])


def noting(asked: list[str], culprits: Set) -> Callable[[Set], Answer]:
    """The truth, and a list of what was asked."""

    def ask(taken: Set) -> Answer:
        asked.append(told(taken))
        return truth(culprits)(taken)

    return ask


def told(taken: Set) -> str:
    return "".join(sorted(f.id for f in taken))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 24), st.data())
def test_where_answers_are_right_any_set_of_culprits_is_found_exactly(size: int, data: st.DataObject) -> None:
    every = [factor(f"d{n:02}", data.draw(st.floats(0.001, 1))) for n in range(size)]
    culprits = data.draw(st.frozensets(st.sampled_from(every), min_size=1))
    assert search(every, memo(truth(culprits), every=frozenset(every))) == culprits


def test_two_culprits_of_forty_are_found_in_twelve_runs_and_ddmin_needs_more() -> None:
    cell = Cell(40, 2)
    ours, theirs, single = (measure(cell, way, trials=200) for way in (search, ddmin, one_at_a_time))
    assert ours.exact >= 0.95
    assert ours.runs <= 12 < theirs.runs < single.runs
    assert single.exact == 0


@pytest.mark.parametrize(
    ("cell", "exact"),
    [
        (Cell(20, 2, mistaken=True), 1.0),
        (Cell(20, 2, dead=0.1), 0.85),
        (Cell(20, 2, wrong=0.05, votes=3), 0.9),
    ],
)
def test_wrong_priors_dead_hybrids_and_wrong_answers_are_survived(cell: Cell, exact: float) -> None:
    assert measure(cell, search, trials=200).exact >= exact


def test_votes_make_wrong_answers_rarer() -> None:
    one, three = (measure(Cell(20, 2, wrong=0.05, votes=n), search, trials=200).exact for n in (1, 3))
    assert three > one


def test_what_is_not_needed_is_dropped() -> None:
    assert drop_one(EVERY, memo(truth(frozenset({B, D})))) == {B, D}


def test_nothing_is_asked_twice_nor_what_follows() -> None:
    asked: list[str] = []
    known = memo(noting(asked, frozenset({A, B})))
    assert not known.passes(frozenset({A, C}))
    assert not known.passes(frozenset({A}))
    assert not known.passes(frozenset({A, C}))
    assert asked == ["ac"]


def test_where_runs_are_shaky_each_set_speaks_for_itself() -> None:
    asked: list[str] = []
    known = memo(noting(asked, frozenset({A, B})), votes=3)
    assert (known.passes(frozenset({A, C})), known.passes(frozenset({A}))) == (False, False)
    assert asked == ["ac", "ac", "a", "a"]


def test_of_three_votes_two_alike_are_enough() -> None:
    answers = iter((Answer.B, Answer.A, Answer.B, Answer.NEITHER))
    assert Memo(lambda _: next(answers), 3).ask(EVERY) is Answer.B
    assert next(answers) is Answer.NEITHER


def test_a_hybrid_that_does_not_start_is_gone_round() -> None:
    def oracle(taken: Set) -> Answer:
        return Answer.UNRESOLVED if taken == {A, B} else truth(frozenset({C}))(taken)

    assert search(sorted(EVERY, key=lambda f: f.id), memo(oracle)) == {C}


def test_a_certificate_rests_on_fresh_runs_that_prove_three_things() -> None:
    checked = check(claims(frozenset({A, B}), EVERY), memo(truth(frozenset({A, B}))))
    assert [(c.claim.text, c.answer.value, c.claim.fresh) for c in checked] == [
        ("A with it comes out as B (sufficient)", "as-b", True),
        ("A with it, but without a, does not come out as B (needed)", "neither", True),
        ("A with it, but without b, does not come out as B (needed)", "neither", True),
        ("B without it comes out as A (counterfactual)", "as-a", True),
    ]
    assert refusal(checked) == ""


def test_two_causes_of_which_each_is_enough_are_not_certified() -> None:
    """Without the one that was found, B still comes out as B."""
    either = memo(lambda s: Answer.B if A in s or B in s else Answer.A)
    checked = check(claims(search(sorted(EVERY, key=lambda f: f.id), either), EVERY), either)
    assert refusal(checked) == "it was not shown that B without it comes out as A (counterfactual): it came out as B"


def test_a_finding_that_a_fresh_run_contradicts_is_not_certified() -> None:
    checked = check(claims(frozenset({A}), EVERY), memo(lambda _: Answer.NEITHER))
    assert refusal(checked) == "it was not shown that A with it comes out as B (sufficient): it came out as neither"


def test_what_is_left_out_and_does_not_start_proves_nothing() -> None:
    oracle = memo(lambda s: Answer.UNRESOLVED if s == {A} else truth(frozenset({A, B}))(s))
    told = refusal(check(claims(frozenset({A, B}), EVERY), oracle))
    assert told == "it was not shown that A with it, but without b, does not come out as B (needed): that hybrid does not start"


@pytest.mark.parametrize(
    ("runs", "expected", "steady", "usable"),
    [
        ("aa", Agreement(2, 2, 0), True, True),
        ("abbbb", Agreement(5, 4, 1), False, True),
        ("aabbb", Agreement(5, 3, 2), False, False),
        ("abcde", Agreement(5, 1, 0), False, False),
    ],
)
def test_runs_agree_are_shaky_or_do_not_agree(runs: str, expected: Agreement, steady: bool, usable: bool) -> None:
    found = agreement(runs, lambda x, y: x == y)
    assert (found, found.steady, found.usable) == (expected, steady, usable)


def test_a_seed_is_likelier_than_a_job_number() -> None:
    names = ("SEED", "OPENBLAS_NUM_THREADS", "LC_ALL", "TZ", "MKL_VERBOSE", "SLURM_JOB_ID")
    assert sorted(names, key=lambda n: -prior(("variable", n))) == list(names)
